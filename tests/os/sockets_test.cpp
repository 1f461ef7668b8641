// SPDX-License-Identifier: MIT
// Socket: its life, options and names; the calls that move bytes and never wait.
#include "os/sockets.h"

#include "os/errors.h"

#include "asyncio/testing/testing.h"
#include "support/system_calls.h"

#include <array>
#include <cstdio>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/uio.h>
#include <unistd.h>

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
    char first[] = "ab";
    char second[] = "cde";
    const std::array<iovec, 2> pieces{iovec{first, 2}, iovec{second, 3}};
    CHECK_EQ(send_pieces(one.fileno(), pieces), 5);
    std::array<char, 8> into{};
    CHECK_EQ(receive(other.fileno(), into.data(), into.size()), 5);
    CHECK_EQ(std::string_view(into.data(), 5), "abcde");
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
