// SPDX-License-Identifier: MIT
// A part of a test that runs in a process of its own: for what belongs to the whole process.
#pragma once

#include "asyncio/testing/checks.h"
#include "base/sanitizers.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <new>
#include <sys/wait.h>
#include <unistd.h>

namespace support {

/// How a child process ended.
struct ChildEnd {
    int status = 0;

    bool exited(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
    bool killed_by(int number) const { return WIFSIGNALED(status) && WTERMSIG(status) == number; }
};

inline ChildEnd wait_for_child(pid_t child) {
    ChildEnd end;
    while (::waitpid(child, &end.status, 0) < 0 && errno == EINTR) {
    }
    return end;
}

/// Runs `body` in a forked child. The child exits with the number of its failed checks, 100 if the
/// body threw; a child that is held up is ended after 60 s.
template <class F>
ChildEnd in_child(F body) {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child != 0) return wait_for_child(child);
    ::alarm(60);
    const int before = asyncio::testing::failures();
    int code = 0;
    try {
        body();
        code = asyncio::testing::failures() - before;
    } catch (...) {
        code = 100;
    }
    asyncio::testing::print_failures(); // nobody else will see them
    ::_exit(code);
}

/// Skips a case that starts threads in the child of a process with threads, where that cannot be.
inline void needs_threads_after_fork() {
    if (!asyncio::base::threads_are_watched) return;
    asyncio::testing::skip("the thread sanitizer knows no threads behind such a fork");
}

/// How many checks fail in `body`, which runs in a forked child and is not heard; -1 if it ended
/// in any other way. For tests of checks.
template <class F>
int failed_checks(F body) {
    const ChildEnd end = in_child([&body] {
        if (std::freopen("/dev/null", "w", stdout) == nullptr) throw std::bad_alloc();
        body();
    });
    const bool counted = WIFEXITED(end.status) && WEXITSTATUS(end.status) < 100;
    return counted ? WEXITSTATUS(end.status) : -1;
}

} // namespace support
