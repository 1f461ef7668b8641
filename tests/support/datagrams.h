// SPDX-License-Identifier: MIT
// A protocol that notes its datagrams, and endpoints of it.
#pragma once

#include "asyncio/datagrams.h"
#include "asyncio/locks.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/testing.h"

#include <memory>
#include <string>
#include <vector>

namespace support {

class DatagramRecorder : public asyncio::DatagramProtocol {
public:
    void connection_made(asyncio::DatagramTransport& made) override {
        calls.emplace_back("made");
        transport = asyncio::TransportRef(made);
    }
    void connection_lost(std::exception_ptr error) override {
        calls.emplace_back(error ? "lost " + asyncio::type_name(error) : "lost");
        lost.set();
    }
    void datagram_received(std::string_view data, const asyncio::Address& from) override {
        received.emplace_back(data);
        senders.push_back(from);
        arrived.set();
    }
    void error_received(std::exception_ptr error) override {
        errors.push_back(error);
        arrived.set();
    }
    void pause_writing() override { calls.emplace_back("pause"); }
    void resume_writing() override { calls.emplace_back("resume"); }

    int count(std::string_view call) const {
        int times = 0;
        for (const std::string& made : calls) times += made == call ? 1 : 0;
        return times;
    }

    std::vector<std::string> calls;
    std::vector<std::string> received;
    std::vector<asyncio::Address> senders;
    std::vector<std::exception_ptr> errors;
    asyncio::TransportRef transport;
    asyncio::Event arrived;
    asyncio::Event lost;
};

/// An endpoint, its protocol, and its end.
struct Endpoint {
    asyncio::DatagramTransport& transport() const { return *protocol->transport; }
    asyncio::Address sockname() const {
        return transport().get_extra_info(asyncio::extra::sockname).value();
    }
    std::shared_ptr<DatagramRecorder> protocol = std::make_shared<DatagramRecorder>();
};

inline asyncio::Coro<Endpoint> open_endpoint(asyncio::DatagramOptions options) {
    Endpoint end;
    auto factory = [protocol = end.protocol] { return protocol; };
    co_await asyncio::testing::loop().create_datagram_endpoint(factory, std::move(options));
    co_return end;
}

/// On the loopback interface, at any port.
inline asyncio::DatagramOptions local() {
    return asyncio::DatagramOptions().local_addr("127.0.0.1", 0);
}
/// With a peer there.
inline asyncio::DatagramOptions towards(const asyncio::Address& peer) {
    return asyncio::DatagramOptions().remote_addr(peer.host(), peer.port());
}

inline asyncio::Coro<> close_endpoint(Endpoint end) {
    end.transport().abort();
    co_await end.protocol->lost.wait();
    end.protocol->transport = asyncio::TransportRef();
}

/// Until it has so many datagrams and errors together.
inline asyncio::Coro<> wait_for_arrivals(Endpoint end, std::size_t count) {
    while (end.protocol->received.size() + end.protocol->errors.size() < count) {
        end.protocol->arrived.clear();
        co_await end.protocol->arrived.wait();
    }
}

} // namespace support
