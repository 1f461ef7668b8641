// SPDX-License-Identifier: MIT
// Socket: its life, options and names; the calls that move bytes and never wait.
#include "os/sockets.h"

#include "os/errors.h"

#include "asyncio/testing/testing.h"
#include "support/system_calls.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

using namespace asyncio::os;

namespace {

Address loopback(std::uint16_t port = 0) { return *Address::from_literal("127.0.0.1", port); }

Socket listener() {
    Socket socket(AF_INET);
    socket.bind(loopback());
    socket.listen(8);
    return socket;
}

// A port that nobody can listen on: it is taken, but not served.
Socket not_listening() {
    Socket socket(AF_INET);
    socket.bind(loopback());
    return socket;
}

} // namespace

TEST("Socket: does not block, is closed on exec, and knows what it is") {
    const Socket socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    CHECK(!socket.getblocking());
    CHECK((::fcntl(socket.fileno(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK_EQ(socket.family(), AF_INET);
    CHECK_EQ(socket.type(), SOCK_STREAM);
    CHECK_EQ(socket.protocol(), IPPROTO_TCP);
    socket.setblocking(true);
    CHECK(socket.getblocking());
}

TEST("Socket: takes over a descriptor and asks it what it is") {
    Socket socket(AF_INET6, SOCK_DGRAM);
    const int fd = socket.fileno();
    const Socket adopted(socket.detach());
    CHECK(!socket);
    CHECK_EQ(adopted.fileno(), fd);
    CHECK_EQ(adopted.family(), AF_INET6);
    CHECK_EQ(adopted.type(), SOCK_DGRAM);
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    const Descriptor other(pipe[1]);
    CHECK_THROWS_AS(Socket(Descriptor(pipe[0])), OSError);
}

TEST("Socket: names both ends of a connection") {
    const Socket server = listener();
    const Socket client(AF_INET);
    const int begun = connect_now(client.fileno(), server.getsockname());
    CHECK(begun == 0 || begun == -EINPROGRESS);
    Address peer;
    const Socket accepted{Descriptor(accept_now(server.fileno(), peer))};
    CHECK(!accepted.getblocking());
    CHECK(peer == client.getsockname());
    CHECK(accepted.getpeername() == client.getsockname());
    CHECK(client.getpeername() == server.getsockname());
    CHECK_EQ(accept_now(server.fileno(), peer), -EAGAIN);
}

TEST("Socket: a refused bind and a refused connect name the address") {
    const Socket server = listener();
    const Socket second(AF_INET);
    CHECK_THROWS_MSG(second.bind(server.getsockname()), OSError, to_string(server.getsockname()));
    const Socket client(AF_INET);
    client.setblocking(true);
    const Socket taken = not_listening();
    const Address nobody = taken.getsockname();
    CHECK_THROWS_MSG(client.connect(nobody), ConnectionRefusedError, to_string(nobody));
}

TEST("Socket: a copy of the descriptor is the same socket") {
    auto [one, other] = Socket::pair();
    const Socket copy = one.dup();
    one.close();
    CHECK_EQ(send(copy.fileno(), "x", 1), 1);
    char byte = 0;
    CHECK_EQ(receive(other.fileno(), &byte, 1), 1);
    CHECK_EQ(byte, 'x');
}

TEST("receive and send: bytes, nothing yet, the end, a broken pipe without a signal") {
    auto [one, other] = Socket::pair();
    std::array<char, 8> into{};
    CHECK_EQ(receive(one.fileno(), into.data(), into.size()), -EAGAIN);
    CHECK_EQ(send(other.fileno(), "abc", 3), 3);
    CHECK_EQ(receive(one.fileno(), into.data(), into.size()), 3);
    CHECK_EQ(shut_down_writing(other.fileno()), 0);
    CHECK_EQ(receive(one.fileno(), into.data(), into.size()), 0);
    other.close();
    CHECK_EQ(send(one.fileno(), "x", 1), -EPIPE);
}

TEST("send_pieces: all pieces in order in one call") {
    auto [one, other] = Socket::pair();
    const std::array<std::string_view, 4> pieces{"ab", "", "cde", ""};
    CHECK_EQ(send_pieces(one.fileno(), pieces), 5);
    std::array<char, 8> into{};
    CHECK_EQ(receive(other.fileno(), into.data(), into.size()), 5);
    CHECK_EQ(std::string_view(into.data(), 5), "abcde");
}

TEST("send_pieces: of very many pieces the first ones, of none nothing") {
    auto [one, other] = Socket::pair();
    const std::vector<std::string_view> pieces(pieces_max + 10, "x");
    CHECK_EQ(send_pieces(one.fileno(), pieces), static_cast<ssize_t>(pieces_max));
    CHECK_EQ(send_pieces(one.fileno(), {}), 0);
    other.close();
    CHECK_EQ(send_pieces(one.fileno(), pieces), -EPIPE);
}

TEST("send_to and receive_from: one datagram and who sent it") {
    const Socket one(AF_INET, SOCK_DGRAM);
    const Socket other(AF_INET, SOCK_DGRAM);
    one.bind(loopback());
    other.bind(loopback());
    CHECK_EQ(send_to(one.fileno(), "abc", 3, other.getsockname()), 3);
    std::array<char, 8> into{};
    Address sender;
    CHECK_EQ(receive_from(other.fileno(), into.data(), into.size(), sender), 3);
    CHECK(sender == one.getsockname());
    CHECK_EQ(send_to(one.fileno(), "0123456789", 10, other.getsockname()), 10);
    CHECK_EQ(receive_from(other.fileno(), into.data(), into.size(), sender), 8); // the rest is lost
    CHECK_EQ(receive_from(other.fileno(), into.data(), into.size(), sender), -EAGAIN);
}

TEST("send_file: a part of a file, whose position stays") {
    std::FILE* file = std::tmpfile();
    REQUIRE(file != nullptr);
    CHECK_EQ(std::fwrite("0123456789", 1, 10, file), std::size_t{10});
    std::fflush(file);
    CHECK_EQ(regular_file_size(::fileno(file)).value_or(0), std::uint64_t{10});
    auto [one, other] = Socket::pair();
    CHECK_EQ(send_file(one.fileno(), ::fileno(file), 2, 4), 4);
    std::array<char, 8> into{};
    CHECK_EQ(receive(other.fileno(), into.data(), into.size()), 4);
    CHECK_EQ(std::string_view(into.data(), 4), "2345");
    CHECK(!regular_file_size(one.fileno()).has_value());
    CHECK(!regular_file_size(-1).has_value());
    std::fclose(file);
}

TEST("read_at: reads where it is told, and leaves the file's position alone") {
    std::FILE* file = std::tmpfile();
    REQUIRE(file != nullptr);
    CHECK_EQ(std::fwrite("0123456789", 1, 10, file), std::size_t{10});
    std::fflush(file);
    const int fd = ::fileno(file);
    set_position(fd, 3);
    std::array<char, 8> into{};
    CHECK_EQ(read_at(fd, into.data(), 4, 6), 4);
    CHECK_EQ(std::string_view(into.data(), 4), "6789");
    CHECK_EQ(read_at(fd, into.data(), 4, 10), 0);
    CHECK_EQ(::lseek(fd, 0, SEEK_CUR), off_t{3});
    CHECK_EQ(read_at(-1, into.data(), 4, 0), -EBADF);
    std::fclose(file);
}

TEST("read_at: what has no position is read on") {
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    const Descriptor in(pipe[0]);
    const Descriptor out(pipe[1]);
    CHECK_EQ(::write(out.get(), "abcdef", 6), 6);
    set_position(in.get(), 100); // without effect
    std::array<char, 8> into{};
    CHECK_EQ(read_at(in.get(), into.data(), 3, 100), 3);
    CHECK_EQ(read_at(in.get(), into.data(), 8, 0), 3);
    CHECK_EQ(std::string_view(into.data(), 3), "def");
}

TEST("Socket: options are set and asked for; a refused one is an error that names the socket") {
    const Socket socket(AF_INET);
    socket.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
    CHECK_EQ(socket.getsockopt(SOL_SOCKET, SO_KEEPALIVE), 1);
    const timeval patience{2, 0};
    socket.setsockopt(SOL_SOCKET, SO_RCVTIMEO,
                      {reinterpret_cast<const char*>(&patience), sizeof patience});
    CHECK_EQ(socket.getsockopt(SOL_SOCKET, SO_RCVTIMEO), 2); // the first word of it
    CHECK_THROWS_MSG(socket.setsockopt(SOL_SOCKET, 9999, 1), OSError,
                     "fd " + std::to_string(socket.fileno()));
    CHECK_THROWS_AS(socket.getsockopt(SOL_SOCKET, 9999), OSError);
}

TEST("set_nodelay: sets it for TCP, and leaves all others alone") {
    const Socket tcp(AF_INET);
    set_nodelay(tcp);
    CHECK(tcp.getsockopt(IPPROTO_TCP, TCP_NODELAY) != 0);
    const Socket tcp6(AF_INET6, SOCK_STREAM, IPPROTO_TCP);
    set_nodelay(tcp6);
    CHECK(tcp6.getsockopt(IPPROTO_TCP, TCP_NODELAY) != 0);
    const auto pair = Socket::pair();
    set_nodelay(pair.first);
    set_nodelay(Socket(AF_INET, SOCK_DGRAM));
    set_nodelay(Socket());
}

// Is there an IPv4 socket on the port of an IPv6 one that leaves IPv4 alone?
bool shares_its_port() {
    const Socket six(AF_INET6);
    set_v6only(six);
    CHECK_EQ(six.getsockopt(IPPROTO_IPV6, IPV6_V6ONLY), 1);
    six.bind(*Address::from_literal("::", 0));
    six.listen(1);
    const Socket four(AF_INET);
    set_v6only(four); // nothing to do
    try {
        four.bind(*Address::from_literal("0.0.0.0", six.getsockname().port()));
        return true;
    } catch (const OSError& error) {
        CHECK_EQ(error.errnum(), EADDRINUSE); // somebody else's connection goes out from there
        return false;
    }
}

TEST("set_v6only: IPv4 may then have the same port") {
    bool shared = false;
    for (int attempt = 0; attempt < 20 && !shared; ++attempt) shared = shares_its_port();
    CHECK(shared);
}

TEST("Socket: what it is told to shut down ends for the other side") {
    auto [one, other] = Socket::pair();
    one.shutdown(SHUT_RDWR);
    char byte = 0;
    CHECK_EQ(receive(other.fileno(), &byte, 1), 0);
    CHECK_EQ(send(other.fileno(), "x", 1), -EPIPE);
    CHECK_THROWS_AS(Socket(AF_INET).shutdown(SHUT_WR), OSError); // it is not connected
    CHECK_EQ(shut_down_writing(Socket(AF_INET).fileno()), -ENOTCONN);
}

TEST("Socket: closed, detached or moved from, it is none, and every call fails") {
    auto [one, other] = Socket::pair();
    const Socket taken = std::move(one);
    CHECK(!one);
    CHECK_EQ(one.fileno(), -1);
    CHECK(static_cast<bool>(taken));
    other.close();
    other.close();
    CHECK(!other);
    CHECK_THROWS_AS(other.getsockname(), OSError);
    CHECK_THROWS_AS(other.getblocking(), OSError);
    CHECK_THROWS_AS(other.setblocking(true), OSError);
    CHECK_THROWS_AS(other.dup(), OSError);
    CHECK_THROWS_AS(other.listen(1), OSError);
}

TEST("take_socket_error: gives the pending error once") {
    const Socket client(AF_INET);
    const Socket taken = not_listening();
    const int begun = connect_now(client.fileno(), taken.getsockname());
    CHECK(begun == -EINPROGRESS || begun == -ECONNREFUSED);
    if (begun == -EINPROGRESS) {
        CHECK_EQ(take_socket_error(client.fileno()), ECONNREFUSED);
        CHECK_EQ(take_socket_error(client.fileno()), 0);
    }
    CHECK_EQ(take_socket_error(-1), EBADF);
}

TEST("an interrupted call is made again; an interrupted connect goes on by itself") {
    const support::KeepSystemCalls keep;
    static int interrupts = 0;
    interrupts = 3;
    system_calls.recv = [](int, void*, std::size_t, int) -> ssize_t {
        errno = EINTR;
        return interrupts-- > 0 ? -1 : 5;
    };
    char byte = 0;
    CHECK_EQ(receive(0, &byte, 1), 5);
    CHECK_EQ(interrupts, -1);
    system_calls.connect = [](int, const sockaddr*, socklen_t) {
        errno = EINTR;
        return -1;
    };
    CHECK_EQ(connect_now(0, loopback()), -EINPROGRESS);
}

TEST("peer_credentials: who is at the other end of a Unix socket, and no other kind") {
    const auto [one, other] = Socket::pair();
    const PeerCredentials peer = peer_credentials(one.fileno());
    CHECK_EQ(peer.process, static_cast<long>(::getpid()));
    CHECK_EQ(peer.user, ::geteuid());
    CHECK_EQ(peer.group, ::getegid());
    const Socket tcp(AF_INET);
    CHECK_THROWS_AS(peer_credentials(tcp.fileno()), OSError);
    CHECK_THROWS_AS(peer_credentials(-1), OSError);
}

TEST("sockets: who waits for one is told when there is nothing to wait for any more") {
    const auto [one, other] = asyncio::os::Socket::pair();
    const auto [watched, its_peer] = asyncio::os::Socket::pair();
    CHECK(asyncio::os::wait_writable(one.fileno(), watched.fileno()));
    CHECK_EQ(asyncio::os::send(its_peer.fileno(), "x", 1), 1);
    CHECK(!asyncio::os::wait_readable(one.fileno(), watched.fileno()));
    CHECK_EQ(asyncio::os::send(other.fileno(), "x", 1), 1);
    CHECK(asyncio::os::wait_readable(one.fileno(), watched.fileno())); // its own comes first
}
