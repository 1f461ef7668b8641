// SPDX-License-Identifier: MIT
// The table of system calls: whole, and really in use.
#include "os/system_calls.h"

#include "os/epoll.h"
#include "os/errors.h"
#include "os/sockets.h"

#include "asyncio/testing/testing.h"
#include "support/system_calls.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

using namespace asyncio::os;

TEST("system_calls: no entry is empty") {
    static_assert(sizeof(SystemCalls) % sizeof(void*) == 0);
    std::array<void*, sizeof(SystemCalls) / sizeof(void*)> entries{};
    std::memcpy(entries.data(), &system_calls, sizeof system_calls);
    for (const void* entry : entries) CHECK(entry != nullptr);
}

TEST("system_calls: who replaces an entry is asked instead of the kernel") {
    std::optional<support::KeepSystemCalls> keep(std::in_place);
    system_calls.socket = [](int, int, int) {
        errno = EMFILE;
        return -1;
    };
    system_calls.epoll_ctl = [](int, int, int, epoll_event*) {
        errno = ENOSPC;
        return -1;
    };
    CHECK_THROWS_MSG(Socket(AF_INET), OSError, "Too many open files");
    Epoll epoll;
    CHECK_THROWS_MSG(epoll.add(0, Epoll::readable, 0), OSError, "No space left");
    keep.reset();
    CHECK(static_cast<bool>(Socket(AF_INET)));
}
