// SPDX-License-Identifier: MIT
// loop.sock_*: at once or on readiness, cancelled, connected, accepted.
#include "asyncio/base_events.h"
#include "asyncio/connection_options.h"
#include "asyncio/gather.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/sweep.h"
#include "asyncio/timeouts.h"
#include "asyncio/wait_for.h"
#include "os/resolver.h"
#include "support/peers.h"
#include "support/resolver.h"

#include <array>
#include <string>

using namespace asyncio;
using namespace std::chrono_literals;
using support::fill;
using support::Peer;
using support::turns;

namespace {

Socket bound(int type = SOCK_STREAM) {
    Socket socket(AF_INET, type);
    socket.bind(*Address::from_literal("127.0.0.1", 0));
    if (type == SOCK_STREAM) socket.listen(8);
    return socket;
}

} // namespace

CO_TEST("SEM-SOC-01: sock_recv and sock_sendall end at once if they can, else on readiness") {
    const auto [one, other] = Socket::pair();
    EventLoop& loop = testing::loop();
    const testing::Turns count;
    co_await loop.sock_sendall(one, "abc");
    CHECK_EQ(co_await loop.sock_recv(other, 2), "ab");
    CHECK_EQ(co_await loop.sock_recv(other, 100), "c");
    CHECK_EQ(count.count(), 0);
    const auto reading = create_task(loop.sock_recv(other, 100));
    co_await turns();
    CHECK(!reading.done());
    co_await loop.sock_sendall(one, "later");
    CHECK_EQ(co_await reading, "later");
    one.shutdown(SHUT_WR);
    CHECK_EQ(co_await loop.sock_recv(other, 100), "");
}

CO_TEST("SEM-SOC-01: sock_recv_into fills a buffer") {
    const auto [one, other] = Socket::pair();
    EventLoop& loop = testing::loop();
    std::array<std::byte, 4> into{};
    const auto reading = create_task(loop.sock_recv_into(other, into));
    co_await turns();
    co_await loop.sock_sendall(one, "abcdef");
    CHECK_EQ(co_await reading, std::size_t{4});
    CHECK_EQ(static_cast<char>(into[3]), 'd');
    CHECK_EQ(co_await loop.sock_recv_into(other, into), std::size_t{2});
}

CO_TEST("SEM-SOC-01: datagrams with their senders, and accepted sockets that do not block") {
    EventLoop& loop = testing::loop();
    const Socket one = bound(SOCK_DGRAM);
    const Socket other = bound(SOCK_DGRAM);
    const auto waiting = create_task(loop.sock_recvfrom(other, 100));
    co_await turns();
    CHECK_EQ(co_await loop.sock_sendto(one, "hello", other.getsockname()), std::size_t{5});
    const auto got = co_await waiting;
    CHECK_EQ(got.first, "hello");
    CHECK(got.second == one.getsockname());
    co_await loop.sock_sendto(one, "", other.getsockname());
    CHECK_EQ((co_await loop.sock_recvfrom(other, 100)).first, "");

    const Socket server = bound();
    const Socket client(AF_INET);
    co_await loop.sock_connect(client, server.getsockname());
    const auto accepted = co_await loop.sock_accept(server);
    CHECK(!accepted.first.getblocking());
    CHECK(accepted.second == client.getsockname());
}

CO_TEST("SEM-SOC-02: a megabyte goes there and back at the same time") {
    const auto pair = Socket::pair();
    const Socket& one = pair.first;
    const Socket& other = pair.second;
    EventLoop& loop = testing::loop();
    std::string data(1'000'000, '\0');
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 31 % 251);
    const auto echo = create_task([](const Socket* socket) -> Coro<> {
        // LIFETIME: the case awaits this.
        for (;;) {
            std::string some = co_await testing::loop().sock_recv(*socket, 65536);
            if (some.empty()) co_return;
            co_await testing::loop().sock_sendall(*socket, std::move(some));
        }
    }(&other));
    const auto sending = create_task(loop.sock_sendall(one, data));
    std::string got;
    while (got.size() < data.size()) got += co_await loop.sock_recv(one, 65536);
    CHECK(got == data);
    co_await sending;
    one.shutdown(SHUT_WR);
    co_await echo;
}

CO_TEST("SEM-SOC-03: after a cancelled sock_recv a new one gets the data") {
    const auto [one, other] = Socket::pair();
    EventLoop& loop = testing::loop();
    const auto cancelled = create_task(loop.sock_recv(other, 100));
    co_await turns();
    cancelled.cancel();
    const auto next = create_task(loop.sock_recv(other, 100));
    co_await turns();
    CHECK((co_await outcome(cancelled)).cancelled());
    co_await loop.sock_sendall(one, "for the second");
    CHECK_EQ(co_await next, "for the second");
}

CO_SWEEP("SEM-SOC-03: sock_recv that is cancelled at whatever suspension loses nothing") {
    const auto pair = Socket::pair();
    EventLoop& loop = testing::loop();
    const auto victim = sweep.victim(loop.sock_recv(pair.second, 100));
    co_await turns();
    co_await loop.sock_sendall(pair.first, "data");
    auto end = co_await outcome(victim);
    if (end.has_value()) {
        CHECK_EQ(end.value(), "data");
    } else {
        CHECK_EQ(co_await loop.sock_recv(pair.second, 100), "data");
    }
}

CO_TEST("SEM-SOC-04: after a cancelled sock_sendall a new one goes through") {
    const auto pair = Socket::pair();
    EventLoop& loop = testing::loop();
    const std::size_t before = fill(pair.first);
    const auto cancelled = create_task(loop.sock_sendall(pair.first, "never"));
    co_await turns();
    cancelled.cancel();
    CHECK((co_await outcome(cancelled)).cancelled());
    const auto next = create_task(loop.sock_sendall(pair.first, "tail"));
    std::string got;
    while (got.size() < before + 4) got += co_await loop.sock_recv(pair.second, 1 << 20);
    co_await next;
    CHECK_EQ(got.substr(before), "tail");
}

CO_TEST("SEM-SOC-04: a cancelled sock_connect may be awaited anew") {
    const support::KeepSystemCalls keep;
    static int attempts = 0;
    attempts = 0;
    os::system_calls.connect = [](int fd, const sockaddr* address, socklen_t size) {
        static_cast<void>(::connect(fd, address, size));
        errno = ++attempts == 1 ? EINPROGRESS : EALREADY;
        return -1;
    };
    const Socket server = bound();
    const Socket client(AF_INET);
    EventLoop& loop = testing::loop();
    const auto cancelled = create_task(loop.sock_connect(client, server.getsockname()));
    co_await yield_now();
    cancelled.cancel();
    CHECK((co_await outcome(cancelled)).cancelled());
    co_await loop.sock_connect(client, server.getsockname());
    CHECK(client.getpeername() == server.getsockname());
}

CO_TEST("SEM-SOC-05: sock_connect to a closed port is a ConnectionRefusedError with the address") {
    const Address nobody = bound().getsockname();
    const Socket client(AF_INET);
    CHECK_THROWS_MSG(co_await testing::loop().sock_connect(client, nobody), ConnectionRefusedError,
                     to_string(nobody));
}

CO_TEST("SEM-SOC-06: a sock_accept that timed out leaves the listener to itself") {
    EventLoop& loop = testing::loop();
    Address address;
    {
        const Socket server = bound();
        address = server.getsockname();
        CHECK_THROWS_AS(co_await wait_for(loop.sock_accept(server), 1s), TimeoutError);
        CHECK(!loop.remove_reader(server.fileno()));
        const Socket client(AF_INET);
        co_await loop.sock_connect(client, address);
        CHECK((co_await loop.sock_accept(server)).second == client.getsockname());
    }
    const Socket late(AF_INET);
    CHECK_THROWS_AS(co_await loop.sock_connect(late, address), ConnectionRefusedError);
}

CO_TEST("SEM-SOC-07: sock_recvfrom_into refuses more than the buffer holds, and takes nothing") {
    EventLoop& loop = testing::loop();
    const Socket one = bound(SOCK_DGRAM);
    const Socket other = bound(SOCK_DGRAM);
    co_await loop.sock_sendto(one, "hello", other.getsockname());
    std::array<std::byte, 4> into{};
    CHECK_THROWS_AS(co_await loop.sock_recvfrom_into(other, into, 5), ValueError);
    const auto got = co_await loop.sock_recvfrom_into(other, into, 2);
    CHECK_EQ(got.first, std::size_t{2});
    CHECK(got.second == one.getsockname());
}

CO_TEST("SEM-SOC-08: sock_connect resolves names for the socket's own family, type and protocol") {
    support::FakeResolver resolver;
    resolver.know("host", {"::1", "127.0.0.1"});
    const Socket server = bound();
    const Socket client(AF_INET);
    EventLoop& loop = testing::loop();
    co_await loop.sock_connect(client, "host", server.getsockname().port());
    CHECK(client.getpeername() == server.getsockname());
    const Socket datagram(AF_INET, SOCK_DGRAM);
    co_await loop.sock_connect(datagram, "host", 9);
    CHECK_EQ(to_string(datagram.getpeername()), "127.0.0.1:9");
}

CO_TEST("SEM-DBG-07: in debug mode a socket that blocks is a ValueError") {
    const auto [one, other] = Socket::pair();
    EventLoop& loop = testing::loop();
    loop.set_debug(true);
    one.setblocking(true);
    CHECK_THROWS_AS(co_await loop.sock_recv(one, 1), ValueError);
    CHECK_THROWS_AS(co_await loop.sock_sendall(one, "x"), ValueError);
    CHECK_THROWS_AS(co_await loop.sock_accept(one), ValueError);
    CHECK_THROWS_AS(co_await loop.sock_connect(one, Address()), ValueError);
    CHECK_THROWS_AS(co_await loop.sock_sendfile(one, 0), ValueError);
    loop.set_debug(false);
}

CO_TEST("a second reader of a socket is refused, and the first goes on") {
    const auto [one, other] = Socket::pair();
    EventLoop& loop = testing::loop();
    const auto first = create_task(loop.sock_recv(other, 100));
    co_await turns();
    CHECK_THROWS_AS(co_await loop.sock_recv(other, 100), RuntimeError);
    co_await loop.sock_sendall(one, "x");
    CHECK_EQ(co_await first, "x");
}

CO_TEST("errors name the call") {
    const auto [one, other] = Socket::pair();
    const Socket none;
    CHECK_THROWS_MSG(co_await testing::loop().sock_recv(none, 1), OSError, "(recv)");
    CHECK_THROWS_MSG(co_await testing::loop().sock_accept(one), OSError, "(accept)");
}
