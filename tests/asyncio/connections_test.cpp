// SPDX-License-Identifier: MIT
// create_connection: addresses in order, staggered, failing; sockets that were connected before.
#include "asyncio/connections.h"

#include "asyncio/base_events.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/sweep.h"
#include "asyncio/timeouts.h"
#include "asyncio/wait_for.h"
#include "support/hanging_hosts.h"
#include "support/peers.h"
#include "support/reports.h"
#include "support/resolver.h"

#include <netinet/in.h>
#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::FakeResolver;
using support::HangingHosts;
using support::Recorder;
using support::turns;
using Texts = std::vector<std::string>;

namespace {

std::shared_ptr<Recorder> new_recorder() { return std::make_shared<Recorder>(); }

Socket listener(const char* host = "127.0.0.1", std::uint16_t port = 0) {
    Socket socket(AF_INET);
    socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
    socket.bind(*Address::from_literal(host, port));
    socket.listen(8);
    return socket;
}

std::uint16_t port_of(const Socket& socket) { return socket.getsockname().port(); }

/// A port on which nobody listens.
std::uint16_t closed_port() { return port_of(listener()); }

template <class P>
Coro<> finish(const Connected<P>* made) {
    // LIFETIME: the case awaits this.
    made->transport->abort();
    co_await made->protocol->lost.wait();
}

} // namespace

// ---- what is asked for --------------------------------------------------------------------------

CO_TEST("SEM-CON-01: a socket and an address, neither, no stream socket: ValueError") {
    EventLoop& loop = testing::loop();
    auto both = ConnectOptions().sock(Socket(AF_INET));
    CHECK_THROWS_AS(co_await loop.create_connection(new_recorder, "127.0.0.1", 80, both),
                    ValueError);
    CHECK_THROWS_AS(co_await loop.create_connection(new_recorder, ConnectOptions()), ValueError);
    auto datagram = ConnectOptions().sock(Socket(AF_INET, SOCK_DGRAM));
    CHECK_THROWS_AS(co_await loop.create_connection(new_recorder, datagram), ValueError);
}

CO_TEST("SEM-SOC-09: create_connection adopts a socket that is connected") {
    auto pair = Socket::pair();
    pair.first.setblocking(true);
    auto options = ConnectOptions().sock(std::move(pair.first));
    auto made = co_await testing::loop().create_connection(new_recorder, std::move(options));
    made.transport->write("hello");
    CHECK_EQ(support::Peer(std::move(pair.second)).receive(), "hello");
    co_await finish(&made);
}

CO_TEST("a factory that throws leaves no socket") {
    const Socket server = listener();
    CHECK_THROWS_AS(co_await testing::loop().create_connection(
                        []() -> std::shared_ptr<Recorder> { throw ValueError("no"); }, "127.0.0.1",
                        port_of(server)),
                    ValueError);
    CHECK_THROWS_AS(
        co_await testing::loop().create_connection(
            []() -> std::shared_ptr<Recorder> { return nullptr; }, "127.0.0.1", port_of(server)),
        TypeError);
}

// ---- several addresses --------------------------------------------------------------------------

CO_TEST("SEM-CON-02: addresses are tried in order until one connects") {
    FakeResolver resolver;
    resolver.know("host", {"127.0.0.2", "127.0.0.3", "127.0.0.1"});
    const Socket server = listener();
    auto made = co_await testing::loop().create_connection(new_recorder, "host", port_of(server));
    const auto name = made.transport->get_extra_info(extra::peername).value();
    CHECK(name == server.getsockname());
    co_await finish(&made);
}

CO_TEST("SEM-CON-03: one failure comes as it is, with the address") {
    const auto port = closed_port();
    CHECK_THROWS_MSG(co_await testing::loop().create_connection(new_recorder, "127.0.0.1", port),
                     ConnectionRefusedError, "127.0.0.1:" + std::to_string(port));
}

CO_TEST("SEM-CON-03: several failures come as one OSError that tells all, or as a group") {
    FakeResolver resolver;
    resolver.know("host", {"127.0.0.1", "127.0.0.2"});
    const auto port = closed_port();
    EventLoop& loop = testing::loop();
    try {
        co_await loop.create_connection(new_recorder, "host", port);
        FAIL("it did not throw");
    } catch (const OSError& error) {
        const std::string text = error.what();
        CHECK(text.find("Multiple exceptions: ") != std::string::npos);
        CHECK(text.find("127.0.0.1:") != std::string::npos);
        CHECK(text.find("127.0.0.2:") != std::string::npos);
    }
    try {
        co_await loop.create_connection(new_recorder, "host", port,
                                        ConnectOptions().all_errors(true));
        FAIL("it did not throw");
    } catch (const ExceptionGroup& group) {
        CHECK_EQ(group.message(), "create_connection failed");
        CHECK_EQ(group.exceptions().size(), std::size_t{2});
        CHECK(is_exception<ConnectionRefusedError>(group.exceptions()[1]));
    }
}

CO_TEST("SEM-CON-03: failures with the same text come as the first of them") {
    FakeResolver resolver;
    resolver.know("host", {"127.0.0.1", "127.0.0.1"});
    CHECK_THROWS_AS(co_await testing::loop().create_connection(new_recorder, "host", closed_port()),
                    ConnectionRefusedError);
}

CO_TEST("SEM-CON-04: a name without addresses is an OSError") {
    FakeResolver resolver;
    resolver.know("host", {});
    CHECK_THROWS_MSG(co_await testing::loop().create_connection(new_recorder, "host", 80), OSError,
                     "getaddrinfo() returned empty list");
    CHECK_THROWS_AS(co_await testing::loop().create_connection(new_recorder, "unknown", 80),
                    os::GaiError);
}

CO_TEST("SEM-CON-04: an error that is not the system's ends the attempts at once") {
    FakeResolver resolver;
    resolver.know("host", {"127.0.0.1", "127.0.0.2"});
    static int attempts = 0;
    attempts = 0;
    const support::KeepSystemCalls keep;
    os::system_calls.socket = [](int, int, int) -> int {
        ++attempts;
        throw ValueError("not the system's");
    };
    CHECK_THROWS_AS(co_await testing::loop().create_connection(new_recorder, "host", 80),
                    ValueError);
    CHECK_EQ(attempts, 1);
}

CO_TEST("SEM-CON-05: local addresses of another family are passed over") {
    FakeResolver resolver;
    resolver.know("here", {"::1", "127.0.0.5"});
    const Socket server = listener();
    auto options = ConnectOptions().local_addr("here", 0);
    auto made = co_await testing::loop().create_connection(new_recorder, "127.0.0.1",
                                                           port_of(server), options);
    CHECK_EQ(made.transport->get_extra_info(extra::sockname).value().host(), "127.0.0.5");
    co_await finish(&made);
}

CO_TEST("SEM-CON-05: a local address that cannot be bound is named; none that fits is an OSError") {
    const Socket server = listener();
    const Socket taken = listener("127.0.0.6");
    auto in_use = ConnectOptions().local_addr("127.0.0.6", port_of(taken));
    EventLoop& loop = testing::loop();
    CHECK_THROWS_MSG(
        co_await loop.create_connection(new_recorder, "127.0.0.1", port_of(server), in_use),
        OSError, "local address 127.0.0.6:");
    auto other_family = ConnectOptions().local_addr("::1", 0);
    CHECK_THROWS_MSG(
        co_await loop.create_connection(new_recorder, "127.0.0.1", port_of(server), other_family),
        OSError, "no matching local address");
}

CO_TEST("SEM-CON-07: numeric hosts need no look-up; zones and names of services do") {
    FakeResolver resolver;
    const Socket server = listener();
    EventLoop& loop = testing::loop();
    auto made = co_await loop.create_connection(new_recorder, "127.0.0.1", port_of(server));
    co_await finish(&made);
    CHECK_EQ(resolver.asked.load(), 0);
    CHECK_THROWS_AS(co_await loop.create_connection(new_recorder, "fe80::1%lo", 80), os::GaiError);
    CHECK_EQ(resolver.asked.load(), 1);
    CHECK_THROWS_AS(co_await loop.create_connection(new_recorder, "127.0.0.1", "http"),
                    os::GaiError);
    CHECK_EQ(resolver.asked.load(), 2);
}

// ---- happy eyeballs -----------------------------------------------------------------------------

namespace {

Coro<Texts> order_of_attempts(ConnectOptions options) {
    HangingHosts none({});
    const auto failed = co_await outcome(
        testing::loop().create_connection(new_recorder, "host", closed_port(), std::move(options)));
    CHECK(!failed.has_value());
    co_return HangingHosts::tried;
}

} // namespace

CO_TEST("SEM-CON-08: interleave alternates between families, after a head start of the first") {
    FakeResolver resolver;
    resolver.know("host", {"127.0.0.1", "127.0.0.2", "127.0.0.3", "::1", "127.0.0.4", "::1"});
    using O = ConnectOptions;
    CHECK_EQ(co_await order_of_attempts(O()),
             (Texts{"127.0.0.1", "127.0.0.2", "127.0.0.3", "::1", "127.0.0.4", "::1"}));
    CHECK_EQ(co_await order_of_attempts(O().interleave(1)),
             (Texts{"127.0.0.1", "::1", "127.0.0.2", "::1", "127.0.0.3", "127.0.0.4"}));
    CHECK_EQ(co_await order_of_attempts(O().interleave(3)),
             (Texts{"127.0.0.1", "127.0.0.2", "127.0.0.3", "::1", "127.0.0.4", "::1"}));
    CHECK_EQ(co_await order_of_attempts(O().interleave(2)),
             (Texts{"127.0.0.1", "127.0.0.2", "::1", "127.0.0.3", "::1", "127.0.0.4"}));
    CHECK_EQ(co_await order_of_attempts(O().happy_eyeballs_delay(10s)),
             (Texts{"127.0.0.1", "::1", "127.0.0.2", "::1", "127.0.0.3", "127.0.0.4"}));
}

CO_TEST("FLT-NET-03: three addresses that hang and one that lives: one socket, after the delays") {
    FakeResolver resolver;
    resolver.know("host", {"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.1"});
    const Socket server = listener();
    HangingHosts hanging({"127.0.0.2", "127.0.0.3", "127.0.0.4"});
    EventLoop& loop = testing::loop();
    co_await loop.getaddrinfo("host", 1); // the resolver's thread: time stands still meanwhile
    const TimePoint began = loop.time();
    auto options = ConnectOptions().happy_eyeballs_delay(250ms);
    auto made =
        co_await loop.create_connection(new_recorder, "host", port_of(server), std::move(options));
    CHECK_EQ(Duration(loop.time() - began), Duration(750ms));
    co_await finish(&made);
}

CO_TEST("FLT-NET-03: refused, unreachable, timed out: the error lists every attempt") {
    FakeResolver resolver;
    resolver.know("host", {"127.0.0.1", "127.0.0.2", "127.0.0.3"});
    const support::KeepSystemCalls keep;
    os::system_calls.connect = [](int, const sockaddr* address, socklen_t size) {
        const std::string host = Address(address, size).host();
        errno = host == "127.0.0.1" ? ECONNREFUSED : host == "127.0.0.2" ? EHOSTUNREACH : ETIMEDOUT;
        return -1;
    };
    for (const bool staggered : {false, true}) {
        auto options = ConnectOptions().all_errors(true);
        if (staggered) options.happy_eyeballs_delay(1s);
        try {
            co_await testing::loop().create_connection(new_recorder, "host", 80, options);
            FAIL("it did not throw");
        } catch (const ExceptionGroup& group) {
            REQUIRE(group.exceptions().size() == 3);
            CHECK(is_exception<ConnectionRefusedError>(group.exceptions()[0]));
            CHECK(message_of(group.exceptions()[1]).find("127.0.0.2:80") != std::string::npos);
            CHECK(is_exception<TimeoutError>(group.exceptions()[2]));
        }
    }
}

CO_TEST("FLT-NET-03: two that connect in the same turn: one is taken, the other closed") {
    FakeResolver resolver;
    resolver.know("host", {"127.0.0.1", "127.0.0.2"});
    const Socket server = listener();
    const Socket other = listener("127.0.0.2", port_of(server));
    auto options = ConnectOptions().happy_eyeballs_delay(0s);
    auto made = co_await testing::loop().create_connection(new_recorder, "host", port_of(server),
                                                           std::move(options));
    made.transport->write("x");
    co_await finish(&made); // that no descriptor is left is looked at after the case
}

// ---- cancelling ---------------------------------------------------------------------------------

CO_TEST("SEM-CON-09: a connection that is not made in time leaves no socket") {
    HangingHosts hanging({"127.0.0.1"});
    EventLoop& loop = testing::loop();
    CHECK_THROWS_AS(co_await wait_for(loop.create_connection(new_recorder, "127.0.0.1", 80), 10s),
                    TimeoutError);
    CHECK_EQ(Duration(loop.time() - TimePoint()), Duration(10s));
}

CO_SWEEP(
    "SEM-CON-09: create_connection that is cancelled at whatever suspension leaves no socket") {
    const Socket server = listener();
    const auto protocol = new_recorder();
    auto factory = [protocol] { return protocol; };
    const auto victim =
        sweep.victim(testing::loop().create_connection(factory, "127.0.0.1", port_of(server)));
    auto end = co_await outcome(victim);
    if (end.has_value()) {
        end.value().transport->abort();
        co_await protocol->lost.wait();
    }
    co_await turns();
    CHECK_EQ(protocol->count("made"), protocol->count("lost"));
    protocol->transport = TransportRef();
    // The server is as it was.
    auto made =
        co_await testing::loop().create_connection(new_recorder, "127.0.0.1", port_of(server));
    co_await finish(&made);
}

// ---- accepted elsewhere -------------------------------------------------------------------------

CO_TEST("SEM-CON-10: connect_accepted_socket takes over a socket that was accepted elsewhere") {
    const Socket server = listener();
    const Socket client(AF_INET);
    static_cast<void>(os::connect_now(client.fileno(), server.getsockname()));
    Address peer;
    Socket accepted{os::Descriptor(os::accept_now(server.fileno(), peer))};
    auto made = co_await testing::loop().connect_accepted_socket(new_recorder, std::move(accepted));
    made.transport->write("hello");
    CHECK_EQ(support::Peer(client.dup()).receive(), "hello");
    CHECK(made.transport->get_extra_info(extra::peername).value() == client.getsockname());
    co_await finish(&made);
    CHECK_THROWS_AS(
        co_await testing::loop().connect_accepted_socket(new_recorder, Socket(AF_INET, SOCK_DGRAM)),
        ValueError);
}

CO_TEST("SEM-CON-11: a connection that fails while it is made closes its transport first") {
    const Socket server = listener();
    const auto protocol = new_recorder();
    auto factory = [protocol] { return protocol; };
    const auto connecting =
        create_task(testing::loop().create_connection(factory, "127.0.0.1", port_of(server)));
    while (protocol->calls.empty()) co_await yield_now();
    CHECK(!connecting.done()); // made, but the creator has not run
    connecting.cancel();
    CHECK((co_await outcome(connecting)).cancelled());
    CHECK(protocol->transport->is_closing());
    co_await protocol->lost.wait();
    protocol->transport = TransportRef();
}
