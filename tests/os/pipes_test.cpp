// SPDX-License-Identifier: MIT
// What kind of file a descriptor is, and writing without SIGPIPE.
#include "os/pipes.h"

#include "asyncio/testing/testing.h"
#include "os/sockets.h"
#include "support/pipes.h"

#include <array>
#include <csignal>
#include <fcntl.h>

using namespace asyncio::os;
using support::Pipe;

TEST("kind_of_file: pipes, sockets, devices, other files, and what is not open") {
    const Pipe pipe;
    CHECK(kind_of_file(pipe.in()) == FileKind::pipe);
    CHECK(kind_of_file(pipe.out()) == FileKind::pipe);
    CHECK(kind_of_file(Socket(AF_UNIX).fileno()) == FileKind::socket);
    CHECK(kind_of_file(Descriptor(::open("/dev/null", O_RDONLY)).get()) ==
          FileKind::character_device);
    CHECK(kind_of_file(Descriptor(::open("/", O_RDONLY)).get()) == FileKind::other);
    CHECK(kind_of_file(-1) == FileKind::none);
}

TEST("set_nonblocking: a read says -EAGAIN instead of waiting") {
    int fds[2];
    REQUIRE(::pipe(fds) == 0);
    const Descriptor in(fds[0]);
    const Descriptor out(fds[1]);
    set_nonblocking(in.get());
    char byte = 0;
    CHECK_EQ(read_pipe(in.get(), &byte, 1), -EAGAIN);
    CHECK_THROWS_AS(set_nonblocking(-1), asyncio::OSError);
}

TEST("write_pipe, write_pieces and read_pipe move bytes, to the end") {
    Pipe pipe;
    const std::array<std::string_view, 3> pieces{"one ", "", "two"};
    CHECK_EQ(write_pieces(pipe.out(), pieces), ssize_t{7});
    CHECK_EQ(write_pipe(pipe.out(), "!", 1), ssize_t{1});
    std::array<char, 20> into{};
    CHECK_EQ(read_pipe(pipe.in(), into.data(), into.size()), ssize_t{8});
    CHECK_EQ(std::string(into.data(), 8), "one two!");
    CHECK_EQ(read_pipe(pipe.in(), into.data(), into.size()), -EAGAIN);
    pipe.write_end.reset();
    CHECK_EQ(read_pipe(pipe.in(), into.data(), into.size()), ssize_t{0});
}

TEST("write_pipe: a reader that is gone is -EPIPE, and no SIGPIPE is left behind") {
    Pipe pipe;
    pipe.read_end.reset();
    const std::string_view piece = "x";
    CHECK_EQ(write_pipe(pipe.out(), "x", 1), -EPIPE); // the default action would end this program
    CHECK_EQ(write_pieces(pipe.out(), {&piece, 1}), -EPIPE);
    sigset_t pending;
    CHECK_EQ(::sigpending(&pending), 0);
    CHECK_EQ(::sigismember(&pending, SIGPIPE), 0);
    sigset_t blocked;
    CHECK_EQ(::pthread_sigmask(SIG_SETMASK, nullptr, &blocked), 0);
    CHECK_EQ(::sigismember(&blocked, SIGPIPE), 0);
}

TEST("write_pipe: who holds SIGPIPE back already finds it pending") {
    Pipe pipe;
    pipe.read_end.reset();
    sigset_t broken;
    sigset_t before;
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    CHECK_EQ(::pthread_sigmask(SIG_BLOCK, &broken, &before), 0);
    CHECK_EQ(write_pipe(pipe.out(), "x", 1), -EPIPE);
    constexpr timespec at_once{};
    CHECK_EQ(::sigtimedwait(&broken, nullptr, &at_once), SIGPIPE);
    CHECK_EQ(::pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
}
