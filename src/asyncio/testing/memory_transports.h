// SPDX-License-Identifier: MIT
// Connections without a network: two transports that are each other's peer, on the loop's clock.
#pragma once

#include "asyncio/streams.h"
#include "asyncio/transports.h"

#include <memory>
#include <utility>

namespace asyncio::testing {

/// How a connection in memory behaves.
class MemoryOptions {
public:
    MemoryOptions() noexcept {}
    /// How much is under way before a writer has to keep the rest; 64 KiB. As a socket's buffers.
    MemoryOptions& capacity(std::size_t bytes) {
        capacity_ = bytes;
        return *this;
    }
    /// How long bytes, and the end of them, are under way; on a virtual clock this costs nothing.
    MemoryOptions& latency(Duration time) {
        latency_ = time;
        return *this;
    }
    /// A protocol is given at most so many bytes at a time; 0: as they come.
    MemoryOptions& piece(std::size_t bytes_max) {
        piece_ = bytes_max;
        return *this;
    }

    std::size_t capacity() const noexcept { return capacity_; }
    Duration latency() const noexcept { return latency_; }
    std::size_t piece() const noexcept { return piece_; }

private:
    std::size_t capacity_ = 64 * 1024;
    Duration latency_;
    std::size_t piece_ = 0;
};

/// Two ends of a connection in memory. connection_made() of both is called in the next turn.
///
/// They behave as transports of sockets do: order of calls, flow control, half-closing, the end.
/// When this goes, both ends are aborted.
class MemoryConnection {
public:
    /// Throws    RuntimeError: no loop runs. TypeError: as Transport::set_protocol.
    MemoryConnection(std::shared_ptr<BaseProtocol> first, std::shared_ptr<BaseProtocol> second,
                     const MemoryOptions& options = MemoryOptions());
    MemoryConnection(const MemoryConnection&) = delete;
    MemoryConnection& operator=(const MemoryConnection&) = delete;
    ~MemoryConnection();

    /// The two ends. A TransportRef keeps one longer than this, aborted.
    Transport& first() const noexcept { return *first_; }
    Transport& second() const noexcept { return *second_; }

    /// The network fails: both ends lose the connection with a ConnectionResetError.
    void reset();

private:
    TransportRef first_;
    TransportRef second_;
};

/// Two streams that are each other's peer.
///
/// limit     as of StreamReader
/// Throws    RuntimeError: no loop runs.
std::pair<Stream, Stream> memory_streams(const MemoryOptions& options = MemoryOptions(),
                                         std::size_t limit_bytes = 64 * 1024);

} // namespace asyncio::testing
