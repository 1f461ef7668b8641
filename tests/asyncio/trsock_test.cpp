// SPDX-License-Identifier: MIT
// TransportSocket: what it shows of a socket that somebody else owns, and for how long.
#include "asyncio/trsock.h"

#include "asyncio/connections.h"
#include "asyncio/servers.h"
#include "support/peers.h"

#include <cerrno>
#include <optional>
#include <utility>

using namespace asyncio;
using support::connect_pair;
using support::connect_tcp;

CO_TEST("SEM-TRN-21: the socket that is shown can be looked at and set, but not made to block") {
    auto end = co_await connect_tcp();
    const TransportSocket socket = end.transport->get_extra_info(extra::socket).value();
    CHECK(socket.fileno() >= 0);
    CHECK_EQ(socket.family(), AF_INET);
    CHECK_EQ(socket.type(), SOCK_STREAM);
    socket.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
    CHECK_EQ(socket.getsockopt(SOL_SOCKET, SO_KEEPALIVE), 1);
    CHECK(socket.getpeername() == end.peer.socket.getsockname());
    const Socket copy = socket.dup();
    CHECK(copy.fileno() != socket.fileno());
    socket.setblocking(false);
    socket.settimeout(0);
    CHECK_THROWS_AS(socket.setblocking(true), ValueError);
    CHECK_THROWS_AS(socket.settimeout(1), ValueError);
    end.transport->close();
    co_await end.protocol->lost.wait();
    CHECK_EQ(socket.fileno(), -1);
    CHECK_THROWS_AS(socket.getsockname(), OSError);
}

CO_TEST("TransportSocket: an option that is a struct is set from its bytes") {
    auto end = co_await connect_tcp();
    const TransportSocket socket = end.transport->get_extra_info(extra::socket).value();
    const linger at_once{1, 0};
    socket.setsockopt(SOL_SOCKET, SO_LINGER,
                      {reinterpret_cast<const char*>(&at_once), sizeof at_once});
    end.transport->abort();
    co_await end.protocol->lost.wait();
    char byte = 0;
    CHECK_EQ(os::receive(end.peer.socket.fileno(), &byte, 1), -ECONNRESET); // it did linger no more
}

CO_TEST("TransportSocket: a refused option is an OSError, and the connection goes on") {
    auto end = co_await connect_pair();
    const TransportSocket socket = end.transport->get_extra_info(extra::socket).value();
    CHECK_EQ(socket.family(), AF_UNIX);
    CHECK_EQ(socket.protocol(), 0);
    CHECK_THROWS_AS(socket.setsockopt(SOL_SOCKET, 9999, 1), OSError);
    CHECK_THROWS_AS(socket.getsockopt(SOL_SOCKET, 9999), OSError);
    end.transport->write("still here");
    CHECK_EQ(end.peer.receive(), "still here");
    end.transport->close();
    co_await end.protocol->lost.wait();
}

CO_TEST("TransportSocket: looking at it never closes it; its copy outlives the transport") {
    auto end = co_await connect_pair();
    std::optional<TransportSocket> shown = end.transport->get_extra_info(extra::socket);
    const int fd = shown->fileno();
    TransportSocket other = *shown;
    other = *shown;
    shown.reset();
    CHECK_EQ(other.fileno(), fd);
    const Socket copy = other.dup();
    end.transport->close();
    co_await end.protocol->lost.wait();
    CHECK_EQ(os::send(copy.fileno(), "after", 5), 5);
    CHECK_EQ(end.peer.receive(), "after");
    CHECK(!end.peer.at_end()); // the copy keeps the connection open
}

CO_TEST("TransportSocket: of a closed transport every call is EBADF, by whichever handle") {
    auto end = co_await connect_pair();
    const TransportSocket socket = end.transport->get_extra_info(extra::socket).value();
    end.transport->abort();
    co_await end.protocol->lost.wait();
    end.transport = TransportRef();
    end.protocol->transport = TransportRef();
    CHECK_EQ(socket.fileno(), -1); // the object is still there
    const auto error_of = [](auto call) {
        try {
            call();
        } catch (const OSError& error) {
            return error.errnum();
        }
        return 0;
    };
    CHECK_EQ(error_of([&] { socket.family(); }), EBADF);
    CHECK_EQ(error_of([&] { socket.type(); }), EBADF);
    CHECK_EQ(error_of([&] { socket.protocol(); }), EBADF);
    CHECK_EQ(error_of([&] { socket.getsockopt(SOL_SOCKET, SO_TYPE); }), EBADF);
    CHECK_EQ(error_of([&] { socket.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1); }), EBADF);
    CHECK_EQ(error_of([&] { socket.getpeername(); }), EBADF);
    CHECK_EQ(error_of([&] { socket.dup(); }), EBADF);
}

CO_TEST("TransportSocket: shows the sockets of a server while it listens") {
    const auto factory = [] { return std::make_shared<support::Recorder>(); };
    const Server server = co_await testing::loop().create_server(factory, "127.0.0.1", 0);
    const auto sockets = server.sockets();
    REQUIRE(sockets.size() == 1);
    CHECK_EQ(sockets[0].getsockopt(SOL_SOCKET, SO_ACCEPTCONN), 1);
    CHECK_EQ(sockets[0].getsockname().host(), "127.0.0.1");
    server.close();
    co_await server.wait_closed();
    CHECK_EQ(sockets[0].fileno(), -1);
    CHECK_THROWS_AS(sockets[0].getsockname(), OSError);
}
