// SPDX-License-Identifier: MIT
// Datagrams without a network: delayed, lost, doubled and overtaken as the test says.
#pragma once

#include "asyncio/datagram_sockets.h"
#include "asyncio/transports.h"

#include <cstdint>
#include <memory>

namespace asyncio::testing {

/// How datagrams in memory travel. Which of them are lost, doubled or late depends on the seed
/// alone.
class DatagramWeather {
public:
    DatagramWeather() noexcept {}
    /// How long each is under way; on a virtual clock this costs nothing.
    DatagramWeather& latency(Duration time) {
        latency_ = time;
        return *this;
    }
    /// How much longer some are, at most: then they overtake each other.
    DatagramWeather& jitter(Duration most) {
        jitter_ = most;
        return *this;
    }
    /// The part of them that gets lost, from 0 to 1.
    DatagramWeather& loss(double part) {
        loss_ = part;
        return *this;
    }
    /// The part of them that arrives twice, from 0 to 1.
    DatagramWeather& doubling(double part) {
        doubling_ = part;
        return *this;
    }
    DatagramWeather& seed(std::uint64_t number) {
        seed_ = number;
        return *this;
    }

    Duration latency() const noexcept { return latency_; }
    Duration jitter() const noexcept { return jitter_; }
    double loss() const noexcept { return loss_; }
    double doubling() const noexcept { return doubling_; }
    std::uint64_t seed() const noexcept { return seed_; }

private:
    Duration latency_;
    Duration jitter_;
    double loss_ = 0;
    double doubling_ = 0;
    std::uint64_t seed_ = 1;
};

/// A network of datagrams in memory, for any number of endpoints.
///
///     testing::MemoryDatagrams network(DatagramWeather().latency(50ms).loss(0.1));
///     const DatagramSocket server = network.socket(here);
///     const DatagramSocket client = network.socket(there, here);
///
/// They behave as transports of UDP do: what nobody is there for is a ConnectionRefusedError for a
/// sender that has a peer, and nothing for others; who has a peer gets from it alone; more than an
/// IP packet holds is an OSError with EMSGSIZE. What comes while reading is paused is kept, up to
/// `inbox_bytes`; the rest is lost. When this goes, its endpoints are aborted, and what is under
/// way is lost.
///
/// Thread    the loop's own.
class MemoryDatagrams {
public:
    static constexpr std::size_t datagram_bytes_max = 65'507;
    static constexpr std::size_t inbox_bytes = 212'992; // what Linux keeps for a socket

    /// Throws    RuntimeError: no loop runs. ValueError: a part that is not from 0 to 1.
    explicit MemoryDatagrams(const DatagramWeather& weather = DatagramWeather());
    MemoryDatagrams(const MemoryDatagrams&) = delete;
    MemoryDatagrams& operator=(const MemoryDatagrams&) = delete;
    ~MemoryDatagrams();

    /// Adds an endpoint; connection_made() is called in the next turn.
    ///
    /// here      its address: any, of whatever family
    /// peer      as remote_addr of create_datagram_endpoint; none: anybody
    /// Throws    OSError: EADDRINUSE. TypeError: no DatagramProtocol.
    TransportRef endpoint(std::shared_ptr<BaseProtocol> protocol, const Address& here,
                          const Address& peer = Address());
    /// The same, for tasks.
    DatagramSocket socket(const Address& here, const Address& peer = Address(),
                          std::size_t limit_bytes = 64 * 1024);

    /// Other weather from now on, also for none lost any more.
    /// Throws    ValueError: as the constructor.
    void change(const DatagramWeather& weather);

private:
    class Net;
    class Endpoint;
    std::shared_ptr<Net> net_;
};

} // namespace asyncio::testing
