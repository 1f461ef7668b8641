// SPDX-License-Identifier: MIT
// Descriptor: closes once, moves, lets go.
#include "os/descriptor.h"

#include "asyncio/testing/testing.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

using asyncio::os::Descriptor;

namespace {

int open_null() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

} // namespace

TEST("Descriptor: closes what it owns when it goes") {
    int fd = -1;
    {
        const Descriptor owner(open_null());
        fd = owner.get();
        CHECK(static_cast<bool>(owner));
        CHECK(is_open(fd));
    }
    CHECK(!is_open(fd));
}

TEST("Descriptor: -1 is none, and closing none does nothing") {
    Descriptor none;
    CHECK(!none);
    CHECK_EQ(none.get(), -1);
    errno = 0;
    none.reset();
    CHECK_EQ(errno, 0);
}

TEST("Descriptor: moving hands over; the old owner has none") {
    Descriptor first(open_null());
    const int fd = first.get();
    Descriptor second(std::move(first));
    CHECK(!first); // NOLINT(bugprone-use-after-move): that is the question
    CHECK_EQ(second.get(), fd);
    Descriptor third;
    third = std::move(second);
    CHECK_EQ(third.get(), fd);
    CHECK(is_open(fd));
    third.reset();
    CHECK(!is_open(fd));
}

TEST("Descriptor: an assignment closes what was there before, at the latest with the source") {
    Descriptor first(open_null());
    const int before = first.get();
    {
        Descriptor second(open_null());
        first = std::move(second);
    }
    CHECK(!is_open(before));
    CHECK(is_open(first.get()));
}

TEST("Descriptor: release lets go without closing") {
    Descriptor owner(open_null());
    const int fd = owner.release();
    CHECK(!owner);
    CHECK(is_open(fd));
    ::close(fd);
}

TEST("Descriptor: reset keeps errno and closes once") {
    Descriptor owner(open_null());
    const int fd = owner.get();
    errno = ENOENT;
    owner.reset();
    CHECK_EQ(errno, ENOENT);
    const int next = open_null(); // the lowest free number is given again
    CHECK_EQ(next, fd);
    owner.reset();
    CHECK(is_open(next));
    ::close(next);
}

TEST("open_descriptors_count: counts what is open, and not the look at it") {
    const std::size_t before = asyncio::os::open_descriptors_count();
    CHECK_EQ(asyncio::os::open_descriptors_count(), before);
    {
        const Descriptor one(open_null());
        const Descriptor two(open_null());
        CHECK_EQ(asyncio::os::open_descriptors_count(), before + 2);
    }
    CHECK_EQ(asyncio::os::open_descriptors_count(), before);
}

TEST("descriptor: close_on_exec keeps it from other programs") {
    const asyncio::os::Descriptor open_to_all(::dup(STDOUT_FILENO));
    CHECK_EQ(::fcntl(open_to_all.get(), F_GETFD), 0);
    asyncio::os::close_on_exec(open_to_all.get());
    CHECK_EQ(::fcntl(open_to_all.get(), F_GETFD), FD_CLOEXEC);
}
