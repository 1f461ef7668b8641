// SPDX-License-Identifier: MIT
// File calls: what they give, and -errno when the kernel refuses.
#include "os/files.h"

#include "asyncio/testing/testing.h"
#include "support/scratch.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

using namespace asyncio::os;
using support::Scratch;

namespace {

Descriptor opened(const std::string& path, int flags) {
    const int fd = open_file(path, flags, 0600);
    REQUIRE(fd >= 0);
    return Descriptor(fd);
}

} // namespace

TEST("open_file: closed on exec, with the permissions asked for, or -errno") {
    const Scratch scratch;
    const Descriptor file = opened(scratch.path("a"), OpenFlags::write | OpenFlags::create);
    CHECK((::fcntl(file.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK_EQ(open_file(scratch.path("none"), OpenFlags::read, 0), -ENOENT);
    CHECK_EQ(open_file(scratch.path("a"),
                       OpenFlags::write | OpenFlags::create | OpenFlags::exclusive, 0600),
             -EEXIST);
}

TEST("read_some and read_to_end: a piece, and what is left, of files and pipes") {
    const Scratch scratch;
    const std::string text(100'000, 'x');
    const Descriptor file = opened(scratch.put("a", "abc" + text), OpenFlags::read);
    char three[3];
    CHECK_EQ(read_some(file.get(), three, sizeof three), 3);
    std::string rest = "=";
    CHECK_EQ(read_to_end(file.get(), rest), 0);
    CHECK_EQ(rest, "=" + text);
    CHECK_EQ(read_some(file.get(), three, sizeof three), 0);
    int fds[2];
    REQUIRE(::pipe(fds) == 0);
    const Descriptor in(fds[0]);
    std::thread writer([fd = fds[1], &text] {
        std::size_t written = 0;
        CHECK_EQ(write_all(fd, text, written), 0);
        ::close(fd);
    });
    std::string piped;
    CHECK_EQ(read_to_end(in.get(), piped), 0);
    writer.join();
    CHECK_EQ(piped, text);
    CHECK_EQ(read_to_end(-1, piped), -EBADF);
    CHECK_EQ(piped, text);
}

TEST("write_all: tells how much was written in front of an error") {
    const Scratch scratch;
    const Descriptor file = opened(scratch.path("a"), OpenFlags::write | OpenFlags::create);
    std::size_t written = 7;
    CHECK_EQ(write_all(file.get(), "text", written), 0);
    CHECK_EQ(written, 4U);
    CHECK_EQ(scratch.get("a"), "text");
    const Descriptor full = opened("/dev/full", OpenFlags::write);
    CHECK_EQ(write_all(full.get(), "text", written), -ENOSPC);
    CHECK_EQ(written, 0U);
}

TEST("seek_file and truncate_file: positions and sizes; a pipe has none") {
    const Scratch scratch;
    const Descriptor file = opened(scratch.put("a", "0123456789"), OpenFlags::read_write);
    CHECK_EQ(seek_file(file.get(), -3, SEEK_END), 7);
    CHECK_EQ(seek_file(file.get(), -100, SEEK_CUR), -EINVAL);
    CHECK_EQ(truncate_file(file.get(), 4), 0);
    CHECK_EQ(scratch.get("a"), "0123");
    int fds[2];
    REQUIRE(::pipe(fds) == 0);
    const Descriptor in(fds[0]);
    const Descriptor out(fds[1]);
    CHECK_EQ(seek_file(in.get(), 0, SEEK_CUR), -ESPIPE);
}

TEST("close_file: closes once; what is none is no error") {
    const Scratch scratch;
    Descriptor file = opened(scratch.put("a", ""), OpenFlags::read);
    const int fd = file.get();
    CHECK_EQ(close_file(file), 0);
    CHECK(!file);
    CHECK(::fcntl(fd, F_GETFD) < 0);
    CHECK_EQ(close_file(file), 0);
    Descriptor wrong(fd);
    CHECK_EQ(close_file(wrong), -EBADF);
}

TEST("is_terminal and is_folder: what is behind a descriptor") {
    const Scratch scratch;
    const Descriptor file = opened(scratch.put("a", ""), OpenFlags::read);
    const Descriptor folder = opened(scratch.folder(), OpenFlags::read);
    CHECK(!is_terminal(file.get()) && !is_folder(file.get()));
    CHECK(is_folder(folder.get()));
    CHECK(!is_terminal(-1) && !is_folder(-1));
    const Descriptor terminal(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (terminal) CHECK(is_terminal(terminal.get()));
}

TEST("an interrupted read is made again") {
    struct sigaction action{};
    action.sa_handler = [](int) {}; // without SA_RESTART
    struct sigaction before{};
    REQUIRE(::sigaction(SIGUSR1, &action, &before) == 0);
    int fds[2];
    REQUIRE(::pipe(fds) == 0);
    const Descriptor in(fds[0]);
    const Descriptor out(fds[1]);
    const pthread_t reader = ::pthread_self();
    std::thread other([&] {
        for (int i = 0; i < 100; ++i) ::pthread_kill(reader, SIGUSR1);
        CHECK(::write(out.get(), "x", 1) == 1);
    });
    char byte = 0;
    CHECK_EQ(read_some(in.get(), &byte, 1), 1);
    other.join();
    CHECK_EQ(byte, 'x');
    ::sigaction(SIGUSR1, &before, nullptr);
}

TEST("a call that is interrupted is made again, and a close is not") {
    const Scratch scratch;
    const FileCalls before = file_calls;
    static int interruptions = 0;
    interruptions = 2;
    file_calls.write = [](int fd, const void* bytes, std::size_t size) -> ssize_t {
        if (interruptions == 0) return ::write(fd, bytes, size);
        --interruptions;
        errno = EINTR;
        return -1;
    };
    file_calls.close = [](int fd) {
        ::close(fd);
        errno = EINTR;
        return -1;
    };
    Descriptor file(open_file(scratch.path("a"), OpenFlags::write | OpenFlags::create, 0600));
    std::size_t written = 0;
    CHECK_EQ(write_all(file.get(), "text", written), 0);
    CHECK_EQ(written, 4U);
    CHECK_EQ(close_file(file), 0); // on Linux it is closed then
    file_calls = before;
    CHECK_EQ(scratch.get("a"), "text");
}
