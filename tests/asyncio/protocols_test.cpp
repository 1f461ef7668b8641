// SPDX-License-Identifier: MIT
// Protocols: what they do that override nothing, and how long they live.
#include "asyncio/protocols.h"

#include "asyncio/sleep.h"
#include "support/peers.h"
#include "support/transports.h"

#include <array>
#include <string>

using namespace asyncio;
using support::connect_pair;
using support::turns;

namespace {

/// Names a buffer, and else does what its base does.
class PlainBuffered : public BufferedProtocol {
public:
    std::span<std::byte> get_buffer(std::ptrdiff_t size_hint) override {
        hint = size_hint;
        return buffer;
    }
    void buffer_updated(std::size_t bytes) override {
        received.append(reinterpret_cast<const char*>(buffer.data()), bytes);
    }

    std::array<std::byte, 4> buffer{};
    std::string received;
    std::ptrdiff_t hint = 0;
};

/// Looks in connection_lost() for the one that its transport keeps.
class Mortal final : public support::Recorder {
public:
    explicit Mortal(int& alive) : alive_(alive) { ++alive_; }
    ~Mortal() override { --alive_; }
    void connection_lost(std::exception_ptr error) override {
        kept = transport->get_protocol().get() == this;
        Recorder::connection_lost(std::move(error));
    }
    bool kept = false;

private:
    int& alive_;
};

} // namespace

CO_TEST("Protocol: one that overrides nothing reads on, and closes when the peer ends") {
    auto end = co_await connect_pair(std::make_shared<Protocol>());
    end.peer.send("nobody looks at this");
    co_await turns();
    CHECK(!end.transport->is_closing());
    CHECK(end.transport->is_reading());
    CHECK_EQ(os::shut_down_writing(end.peer.socket.fileno()), 0);
    co_await turns();
    CHECK(end.transport->is_closing());
    CHECK(end.transport->get_protocol() == nullptr);
    CHECK(end.peer.at_end());
}

CO_TEST("Protocol: one that overrides nothing may be paused and resumed") {
    auto end = co_await connect_pair(std::make_shared<Protocol>());
    const std::size_t written = support::fill(*end.transport);
    std::size_t received = 0;
    while (received < written) {
        received += end.peer.receive().size();
        co_await turns(1);
    }
    CHECK_EQ(end.transport->get_write_buffer_size(), std::size_t{0});
    end.transport->close();
    co_await turns();
    CHECK(end.transport->get_protocol() == nullptr);
}

CO_TEST("BufferedProtocol: is told how much of its buffer was filled, and closes at the end") {
    auto end = co_await connect_pair(std::make_shared<PlainBuffered>());
    end.peer.send("0123456789");
    co_await turns(6);
    CHECK_EQ(end.protocol->received, "0123456789");
    CHECK_EQ(end.protocol->hint, std::ptrdiff_t{-1}); // any size is welcome
    CHECK_EQ(os::shut_down_writing(end.peer.socket.fileno()), 0);
    co_await turns();
    CHECK(end.transport->is_closing());
}

CO_TEST("a protocol of neither kind is a TypeError, and its socket is closed") {
    auto pair = Socket::pair();
    const support::Peer peer(std::move(pair.second));
    const auto factory = [] { return std::make_shared<BaseProtocol>(); };
    CHECK_THROWS_AS(
        co_await testing::loop().connect_accepted_socket(factory, std::move(pair.first)),
        TypeError);
    CHECK(peer.at_end());
}

CO_TEST("a protocol lives until connection_lost has returned, if nobody else keeps it") {
    int alive = 0;
    auto pair = Socket::pair();
    const auto factory = [&alive] { return std::make_shared<Mortal>(alive); };
    auto made = co_await testing::loop().connect_accepted_socket(factory, std::move(pair.first));
    auto protocol = std::move(made.protocol);
    made.transport->close();
    co_await protocol->lost.wait();
    CHECK(protocol->kept);
    CHECK(made.transport->get_protocol() == nullptr);
    protocol->transport = TransportRef();
    CHECK_EQ(alive, 1);
    protocol.reset();
    CHECK_EQ(alive, 0);
}
