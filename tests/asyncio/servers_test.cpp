// SPDX-License-Identifier: MIT
// Servers: serving, accepting, shortages, and all the ways in which they end.
#include "asyncio/servers.h"

#include "asyncio/base_events.h"
#include "asyncio/server_states.h"
#include "asyncio/streams.h"
#include "asyncio/testing/sweep.h"
#include "asyncio/testing/system_call_faults.h"
#include "asyncio/wait_for.h"
#include "support/peers.h"
#include "support/reports.h"
#include "support/system_calls.h"

#include <algorithm>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <sys/resource.h>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::Peer;
using support::Recorder;
using support::turns;
using Texts = std::vector<std::string>;

namespace {

/// The protocols of a server's connections, in the order in which they came.
struct Clients {
    auto factory() {
        return [this] { return all.emplace_back(std::make_shared<Recorder>()); };
    }
    std::vector<std::shared_ptr<Recorder>> all;
};

Coro<Server> serve(Clients* clients, ServerOptions options = ServerOptions()) {
    // LIFETIME: the case awaits this.
    auto factory = clients->factory();
    co_return co_await testing::loop().create_server(factory, "127.0.0.1", 0, std::move(options));
}

Address address_of(const Server& server) { return server.sockets().at(0).getsockname(); }

Peer connect_to(const Address& address) {
    Socket socket(AF_INET);
    const int begun = os::connect_now(socket.fileno(), address);
    CHECK(begun == 0 || begun == -EINPROGRESS);
    return Peer(std::move(socket));
}

/// How a connect to it ends.
int connect_result(const Address& address) {
    const Socket socket(AF_INET);
    socket.setblocking(true);
    return os::connect_now(socket.fileno(), address);
}

Coro<> wait_for_clients(Clients* clients, std::size_t count) {
    // LIFETIME: the case awaits this.
    while (clients->all.size() < count || clients->all.back()->calls.empty()) {
        co_await yield_now();
    }
}

Coro<> end(Server server) {
    server.close();
    server.abort_clients();
    co_await server.wait_closed();
}

} // namespace

// ---- serving ------------------------------------------------------------------------------------

CO_TEST("SEM-SRV-01: start_serving(false) waits for start_serving(), which is idempotent") {
    Clients clients;
    const Server server = co_await serve(&clients, ServerOptions().start_serving(false));
    CHECK(!server.is_serving());
    const Address address = address_of(server);
    CHECK_EQ(connect_result(address), -ECONNREFUSED);
    co_await server.start_serving();
    CHECK(server.is_serving());
    co_await server.start_serving();
    const Peer peer = connect_to(address);
    co_await wait_for_clients(&clients, 1);
    CHECK(&server.get_loop() == &testing::loop());
    co_await end(server);
    CHECK(!server.is_serving());
    CHECK_THROWS_AS(co_await server.start_serving(), RuntimeError);
}

CO_TEST("SEM-SRV-01: serve_forever() starts to serve") {
    Clients clients;
    const Server server = co_await serve(&clients, ServerOptions().start_serving(false));
    const auto serving = create_task(server.serve_forever());
    co_await turns();
    CHECK(server.is_serving());
    serving.cancel();
    CHECK((co_await outcome(serving)).cancelled());
}

CO_TEST("SEM-SRV-02: cancelling serve_forever() closes the server, and goes on") {
    Clients clients;
    const Server server = co_await serve(&clients);
    const Address address = address_of(server);
    const Peer peer = connect_to(address);
    co_await wait_for_clients(&clients, 1);
    const auto serving = create_task(server.serve_forever());
    co_await turns();
    CHECK_THROWS_MSG(co_await server.serve_forever(), RuntimeError, "already being awaited");
    serving.cancel("enough");
    co_await turns();
    CHECK(!serving.done()); // a connection is left
    CHECK_EQ(connect_result(address), -ECONNREFUSED);
    clients.all[0]->transport->close();
    const auto ended = co_await outcome(serving);
    CHECK(ended.cancelled());
    CHECK_EQ(message_of(ended.exception()), "enough");
    CHECK_THROWS_MSG(co_await server.serve_forever(), RuntimeError, "closed");
}

CO_TEST(
    "SEM-SRV-02: closing the server ends serve_forever(), and a second cancel waits no longer") {
    Clients clients;
    const Server server = co_await serve(&clients);
    const Peer peer = connect_to(address_of(server));
    co_await wait_for_clients(&clients, 1);
    const auto serving = create_task(server.serve_forever());
    co_await turns();
    server.close();
    co_await turns();
    CHECK(!serving.done());
    serving.cancel();
    CHECK((co_await outcome(serving)).cancelled());
    co_await end(server);
}

CO_TEST("SEM-SRV-03: close() refuses new connections at once, and old ones live on") {
    Clients clients;
    const Server server = co_await serve(&clients);
    const Address address = address_of(server);
    const Peer peer = connect_to(address);
    co_await wait_for_clients(&clients, 1);
    server.close();
    server.close();
    CHECK(server.sockets().empty());
    CHECK_EQ(connect_result(address), -ECONNREFUSED);
    peer.send("still here");
    co_await clients.all[0]->got_data.wait();
    CHECK_EQ(clients.all[0]->data, "still here");
    co_await end(server);
}

CO_TEST(
    "SEM-SRV-04: wait_closed() waits for close() and for the last connection, in either order") {
    for (const bool close_first : {true, false}) {
        Clients clients;
        const Server server = co_await serve(&clients);
        const Peer peer = connect_to(address_of(server));
        co_await wait_for_clients(&clients, 1);
        const auto waiting = create_task(server.wait_closed());
        co_await turns();
        close_first ? server.close() : clients.all[0]->transport->close();
        co_await turns();
        CHECK(!waiting.done());
        close_first ? clients.all[0]->transport->close() : server.close();
        co_await waiting;
        co_await server.wait_closed();
    }
}

CO_TEST("SEM-SRV-05: close_clients() ends all connections in good order") {
    Clients clients;
    const Server server = co_await serve(&clients);
    const Peer one = connect_to(address_of(server));
    const Peer two = connect_to(address_of(server));
    co_await wait_for_clients(&clients, 2);
    clients.all[0]->transport->write("last words");
    server.close();
    server.close_clients();
    co_await server.wait_closed();
    CHECK_EQ(one.receive(), "last words");
    for (const auto& client : clients.all) CHECK_EQ(client->calls.back(), "lost");
    CHECK(two.at_end());
}

CO_TEST("SEM-SRV-05: abort_clients() ends connections whose peers take nothing") {
    Clients clients;
    const Server server = co_await serve(&clients);
    const Peer peer = connect_to(address_of(server));
    co_await wait_for_clients(&clients, 1);
    support::fill(*clients.all[0]->transport);
    server.close();
    server.close_clients();
    co_await turns(5);
    CHECK_EQ(clients.all[0]->count("lost"), 0);
    server.abort_clients();
    co_await server.wait_closed();
    CHECK(clients.all[0]->loss == nullptr);
}

CO_TEST("SEM-SRV-06: leaving the server's scope closes it and waits") {
    Clients clients;
    const Server server = co_await serve(&clients);
    std::optional<Peer> peer;
    const int result = co_await server.with([&]() -> Coro<int> {
        peer = connect_to(address_of(server));
        co_await wait_for_clients(&clients, 1);
        testing::loop().call_later(1s, [&] { clients.all[0]->transport->close(); });
        co_return 7;
    });
    CHECK_EQ(result, 7);
    CHECK(!server.is_serving());
    CHECK_EQ(clients.all[0]->calls.back(), "lost");
    CHECK_THROWS_AS(co_await server.with([]() -> Coro<> {
        throw ValueError("out of the body");
        co_return;
    }),
                    ValueError);
}

CO_TEST("shutdown: waits as long as it is told, then aborts what is left") {
    Clients clients;
    const Server server = co_await serve(&clients);
    const Peer stays = connect_to(address_of(server));
    const Peer leaves = connect_to(address_of(server));
    co_await wait_for_clients(&clients, 2);
    testing::loop().call_later(2s, [&] { clients.all[1]->transport->close(); });
    const TimePoint began = testing::loop().time();
    co_await server.shutdown(10s);
    CHECK_EQ(Duration(testing::loop().time() - began), Duration(10s));
    CHECK(clients.all[0]->lost.is_set() && clients.all[1]->lost.is_set());

    Clients none;
    const Server idle = co_await serve(&none);
    const TimePoint then = testing::loop().time();
    co_await idle.shutdown(10s);
    CHECK_EQ(Duration(testing::loop().time() - then), Duration(0s));
}

CO_SWEEP("shutdown() that is cancelled at whatever suspension leaves no connection") {
    Clients clients;
    const Server server = co_await serve(&clients);
    const Peer peer = connect_to(address_of(server));
    co_await wait_for_clients(&clients, 1);
    const auto victim = sweep.victim(server.shutdown(10s));
    static_cast<void>(co_await outcome(victim));
    if (server.is_serving()) co_await end(server); // it had not begun
    co_await server.wait_closed();
    CHECK(clients.all[0]->lost.is_set());
}

CO_TEST(
    "serve_forever(grace): cancelled, it waits as long as it is told, then aborts what is left") {
    Clients clients;
    const Server server = co_await serve(&clients);
    const Peer stays = connect_to(address_of(server));
    const Peer leaves = connect_to(address_of(server));
    co_await wait_for_clients(&clients, 2);
    const auto serving = create_task(server.serve_forever(10s));
    co_await turns();
    testing::loop().call_later(2s, [&] { clients.all[1]->transport->close(); });
    const TimePoint began = testing::loop().time();
    serving.cancel("enough");
    const auto ended = co_await outcome(serving);
    CHECK_EQ(message_of(ended.exception()), "enough");
    CHECK_EQ(Duration(testing::loop().time() - began), Duration(10s));
    CHECK(clients.all[0]->lost.is_set() && clients.all[1]->lost.is_set());
}

CO_TEST("serve_forever(grace): the second cancel aborts at once") {
    Clients clients;
    const Server server = co_await serve(&clients);
    const Peer peer = connect_to(address_of(server));
    co_await wait_for_clients(&clients, 1);
    const auto serving = create_task(server.serve_forever(10s));
    co_await turns();
    const TimePoint began = testing::loop().time();
    serving.cancel();
    co_await turns();
    CHECK(!clients.all[0]->lost.is_set());
    serving.cancel();
    CHECK((co_await outcome(serving)).cancelled());
    co_await server.wait_closed();
    CHECK_EQ(Duration(testing::loop().time() - began), Duration(0s));
    CHECK(clients.all[0]->lost.is_set());
}

CO_TEST("a server goes on when its last handle goes, and ends with its loop") {
    Clients clients;
    Address address;
    {
        const Server server = co_await serve(&clients);
        address = address_of(server);
    }
    const Peer peer = connect_to(address);
    co_await wait_for_clients(&clients, 1);
    for (const auto& client : clients.all) client->transport = TransportRef();
}

CO_TEST("a server that never served closes its sockets when its last handle goes") {
    Clients clients;
    const Server server = co_await serve(&clients, ServerOptions().start_serving(false));
    co_return;
}

TEST("a server's handle may outlive its loop, whether it served or not") {
    for (const bool serving : {true, false}) {
        std::vector<Server> kept;
        {
            EventLoop loop;
            kept.push_back(loop.run_until_complete([](bool serve_now) -> Coro<Server> {
                auto factory = [] { return std::make_shared<Recorder>(); };
                co_return co_await get_running_loop().create_server(
                    factory, "127.0.0.1", 0, ServerOptions().start_serving(serve_now));
            }(serving)));
        }
        CHECK(!kept[0].is_serving());
        CHECK_EQ(kept[0].sockets().size(), std::size_t{serving ? 0U : 1U});
        kept.clear();
    }
}

// ---- binding ------------------------------------------------------------------------------------

CO_TEST("SEM-SRV-07: several hosts, each bound once") {
    Clients clients;
    const std::vector<std::string> hosts{"127.0.0.1", "127.0.0.2", "127.0.0.1"};
    auto factory = clients.factory();
    const Server server = co_await testing::loop().create_server(factory, hosts, 0);
    std::vector<std::string> bound;
    for (const TransportSocket& socket : server.sockets()) {
        bound.push_back(socket.getsockname().host());
    }
    CHECK_EQ(bound, (Texts{"127.0.0.1", "127.0.0.2"}));
    co_await end(server);
}

CO_TEST_REAL_TIME(
    "SEM-SRV-07: no host binds every interface, each family with a socket of its own") {
    for (const bool empty_name : {true, false}) {
        Clients clients;
        Hosts hosts;
        if (empty_name) hosts = Hosts("");
        auto factory = clients.factory();
        const Server server = co_await testing::loop().create_server(factory, hosts, 0);
        for (const TransportSocket& socket : server.sockets()) {
            const Address address = socket.getsockname();
            CHECK_EQ(address.host(), address.family() == AF_INET ? "0.0.0.0" : "::");
            if (address.family() == AF_INET6) {
                CHECK_EQ(socket.getsockopt(IPPROTO_IPV6, IPV6_V6ONLY), 1);
            }
        }
        CHECK(!server.sockets().empty());
        const auto port = server.sockets()[0].getsockname().port();
        const Peer peer = connect_to(*Address::from_literal("127.0.0.1", port));
        co_await end(server);
    }
}

CO_TEST("SEM-SRV-08: a bind that fails undoes the others and names the address") {
    Clients clients;
    const Server first = co_await serve(&clients);
    const auto port = address_of(first).port();
    const std::vector<std::string> hosts{"127.0.0.2", "127.0.0.1"};
    auto factory = clients.factory();
    try {
        co_await testing::loop().create_server(factory, hosts, port);
        FAIL("it did not throw");
    } catch (const OSError& error) {
        CHECK_EQ(error.errnum(), EADDRINUSE);
        CHECK_EQ(error.object(), "127.0.0.1:" + std::to_string(port));
    }
    // 127.0.0.2 is free again.
    const Server second = co_await testing::loop().create_server(factory, "127.0.0.2", port);
    co_await end(second);
    co_await end(first);
}

CO_TEST("SEM-SRV-08: an address that the machine does not have is passed over if others work") {
    Clients clients;
    auto factory = clients.factory();
    const std::vector<std::string> hosts{"192.0.2.1", "127.0.0.1"};
    const Server server = co_await testing::loop().create_server(factory, hosts, 0);
    CHECK_EQ(server.sockets().size(), std::size_t{1});
    co_await end(server);
    CHECK_THROWS_MSG(co_await testing::loop().create_server(factory, "192.0.2.1", 0), OSError,
                     "could not bind on any address out of 192.0.2.1:0");
}

CO_TEST("FLT-NET-09: in use, not allowed, no such family: each names the address, nothing stays "
        "bound") {
    const support::KeepSystemCalls keep;
    Clients clients;
    auto factory = clients.factory();
    os::system_calls.bind = [](int, const sockaddr*, socklen_t) {
        errno = EACCES;
        return -1;
    };
    CHECK_THROWS_MSG(co_await testing::loop().create_server(factory, "127.0.0.1", 80),
                     PermissionError, "127.0.0.1:80");
    os::system_calls = keep.before;
    os::system_calls.socket = [](int, int, int) {
        errno = EAFNOSUPPORT;
        return -1;
    };
    CHECK_THROWS_AS(co_await testing::loop().create_server(factory, "127.0.0.1", 0), OSError);
    os::system_calls.socket = [](int, int, int) {
        errno = EMFILE;
        return -1;
    };
    CHECK_THROWS_MSG(co_await testing::loop().create_server(factory, "127.0.0.1", 0), OSError,
                     "Too many open files");
}

CO_TEST("SEM-SRV-09: reuse_address is on, reuse_port and keep_alive are off, and all can be asked "
        "for") {
    Clients clients;
    const Server plain = co_await serve(&clients);
    const TransportSocket socket = plain.sockets().at(0);
    CHECK_EQ(socket.getsockopt(SOL_SOCKET, SO_REUSEADDR), 1);
    CHECK_EQ(socket.getsockopt(SOL_SOCKET, SO_REUSEPORT), 0);
    CHECK_EQ(socket.getsockopt(SOL_SOCKET, SO_KEEPALIVE), 0);
    co_await end(plain);

    const Server other = co_await serve(
        &clients, ServerOptions().reuse_address(false).reuse_port(true).keep_alive(true));
    CHECK_EQ(other.sockets().at(0).getsockopt(SOL_SOCKET, SO_REUSEADDR), 0);
    CHECK_EQ(other.sockets().at(0).getsockopt(SOL_SOCKET, SO_REUSEPORT), 1);
    CHECK_EQ(other.sockets().at(0).getsockopt(SOL_SOCKET, SO_KEEPALIVE), 1);
    auto factory = clients.factory();
    const Server same = co_await testing::loop().create_server(
        factory, "127.0.0.1", address_of(other).port(), ServerOptions().reuse_port(true));
    co_await end(same);
    co_await end(other);
}

CO_TEST("SEM-SRV-13: a socket and an address, neither, no stream socket: ValueError") {
    Clients clients;
    auto factory = clients.factory();
    EventLoop& loop = testing::loop();
    auto both = ServerOptions().sock(Socket(AF_INET));
    CHECK_THROWS_AS(co_await loop.create_server(factory, "127.0.0.1", 0, both), ValueError);
    CHECK_THROWS_AS(co_await loop.create_server(factory, ServerOptions()), ValueError);
    auto datagram = ServerOptions().sock(Socket(AF_INET, SOCK_DGRAM));
    CHECK_THROWS_AS(co_await loop.create_server(factory, datagram), ValueError);
}

CO_TEST("a server on a socket that was bound before") {
    Clients clients;
    auto factory = clients.factory();
    Socket socket(AF_INET);
    socket.setblocking(true);
    socket.bind(*Address::from_literal("127.0.0.1", 0));
    auto options = ServerOptions().sock(std::move(socket));
    const Server server = co_await testing::loop().create_server(factory, std::move(options));
    const Peer peer = connect_to(address_of(server));
    co_await wait_for_clients(&clients, 1);
    co_await end(server);
}

// ---- accepting ----------------------------------------------------------------------------------

namespace {

struct AcceptCalls {
    static inline int calls = 0;
    static inline int error = 0;
    static inline int errors_left = 0;

    AcceptCalls() {
        calls = error = errors_left = 0;
        os::system_calls.accept4 = [](int fd, sockaddr* address, socklen_t* size, int flags) {
            ++calls;
            if (errors_left > 0) {
                --errors_left;
                errno = error;
                return -1;
            }
            return ::accept4(fd, address, size, flags);
        };
    }
    support::KeepSystemCalls keep;
};

} // namespace

CO_TEST("SEM-SRV-10: at most backlog + 1 connections are accepted an event") {
    AcceptCalls accepts;
    Clients clients;
    const Server server = co_await serve(&clients, ServerOptions().backlog(3));
    std::vector<Peer> peers;
    std::size_t most = 0;
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < 4; ++i) peers.push_back(connect_to(address_of(server)));
        const int before = AcceptCalls::calls;
        co_await yield_now(); // polls
        co_await yield_now();
        most = std::max(most, static_cast<std::size_t>(AcceptCalls::calls - before));
        co_await turns(8);
    }
    CHECK_EQ(clients.all.size(), std::size_t{40});
    CHECK(most <= 4);
    co_await end(server);
}

CO_TEST("SEM-SRV-10: connections that were aborted in between are passed over") {
    AcceptCalls accepts;
    Clients clients;
    const Server server = co_await serve(&clients);
    AcceptCalls::error = ECONNABORTED;
    AcceptCalls::errors_left = 3;
    const Peer peer = connect_to(address_of(server));
    co_await wait_for_clients(&clients, 1);
    CHECK_EQ(clients.all.size(), std::size_t{1});
    co_await end(server);
}

CO_TEST("SEM-SRV-11: a shortage at accept() is reported, and accepting pauses for a second") {
    for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
        AcceptCalls accepts;
        support::Reports reports;
        Clients clients;
        const Server server = co_await serve(&clients);
        AcceptCalls::error = error;
        AcceptCalls::errors_left = 1;
        const Peer peer = connect_to(address_of(server));
        co_await turns(5);
        CHECK_EQ(reports.messages(), Texts{"socket.accept() out of system resource"});
        CHECK_EQ(AcceptCalls::calls, 1);
        co_await sleep(900ms);
        CHECK_EQ(AcceptCalls::calls, 1);
        CHECK(server.is_serving());
        co_await sleep(200ms);
        co_await wait_for_clients(&clients, 1);
        co_await end(server);
    }
}

CO_TEST("SEM-SRV-11: a server that is closed while accepting pauses is closed") {
    AcceptCalls accepts;
    support::Reports reports;
    Clients clients;
    const Server server = co_await serve(&clients);
    AcceptCalls::error = EMFILE;
    AcceptCalls::errors_left = 1;
    const Peer peer = connect_to(address_of(server));
    co_await turns(5);
    server.close();
    co_await server.wait_closed();
    CHECK_EQ(testing::loop().timer_count(), std::size_t{0});
}

CO_TEST("FLT-NET-07: without descriptors a server neither spins nor dies, and recovers") {
    support::Reports reports;
    const testing::SystemCallFaults counts; // none; it counts
    Clients clients;
    const Server server = co_await serve(&clients);
    const Peer served = connect_to(address_of(server));
    co_await wait_for_clients(&clients, 1);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    Peer waits = connect_to(address_of(server));
    const rlimit none{static_cast<rlim_t>(waits.socket.fileno() + 1), before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const std::size_t tried = counts.calls(testing::Call::accept4);
    co_await turns(50);
    CHECK_EQ(counts.calls(testing::Call::accept4) - tried, std::size_t{1});
    co_await sleep(2500ms); // it tries again, once a second
    CHECK_EQ(counts.calls(testing::Call::accept4) - tried, std::size_t{3});
    CHECK_EQ(clients.all.size(), std::size_t{1});
    served.send("x");
    co_await clients.all[0]->got_data.wait(); // served connections go on
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    co_await sleep(501ms);
    co_await turns();
    CHECK_EQ(clients.all.size(), std::size_t{2});
    CHECK_EQ(reports.messages(), Texts(3, "socket.accept() out of system resource"));
    co_await end(server);
}

CO_TEST(
    "SEM-SRV-12: a failing factory never stops the server, and is reported in debug mode only") {
    support::Reports reports;
    int made = 0;
    const Server server = co_await testing::loop().create_server(
        [&made]() -> std::shared_ptr<Recorder> {
            ++made;
            throw ValueError("no protocol today");
        },
        "127.0.0.1", 0);
    const Peer one = connect_to(address_of(server));
    while (made < 1) co_await yield_now();
    CHECK_EQ(reports.messages(), Texts{});
    testing::loop().set_debug(true);
    const Peer two = connect_to(address_of(server));
    while (made < 2) co_await yield_now();
    CHECK_EQ(reports.messages(), Texts{"Error on transport creation for incoming connection"});
    testing::loop().set_debug(false);
    CHECK(server.is_serving());
    CHECK(one.at_end() && two.at_end());
    co_await end(server);
}

CO_TEST(
    "FLT-NET-08: closing with idle, active and just-queued clients accepts nothing afterwards") {
    Clients clients;
    const Server server = co_await serve(&clients);
    const Address address = address_of(server);
    const Peer idle = connect_to(address);
    const Peer active = connect_to(address);
    co_await wait_for_clients(&clients, 2);
    active.send("x");
    const Peer queued = connect_to(address); // in the kernel's line
    server.close();
    const auto waiting = create_task(server.wait_closed());
    co_await turns(5);
    CHECK_EQ(clients.all.size(), std::size_t{2});
    CHECK(!waiting.done());
    CHECK_EQ(clients.all[1]->data, "x");
    server.close_clients();
    co_await waiting;
    for (const auto& client : clients.all) CHECK(client->lost.is_set());
}
