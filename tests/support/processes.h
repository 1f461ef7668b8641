// SPDX-License-Identifier: MIT
// Child processes in tests: usual options, and what may not be left of them.
#pragma once

#include "asyncio/subprocess.h"

#include "asyncio/testing/checks.h"

#include <csignal>
#include <string>
#include <sys/wait.h>
#include <utility>

namespace support {

/// All three streams are pipes.
inline asyncio::ProcessOptions piped() {
    using asyncio::subprocess::PIPE;
    return asyncio::ProcessOptions().stdin_(PIPE).stdout_(PIPE).stderr_(PIPE);
}

/// Does this program have a child, be it a zombie?
inline bool has_children() {
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/// Waits until a child has ended, and leaves it a zombie. Blocks.
inline void wait_for_zombie(pid_t child) {
    siginfo_t info{};
    CHECK_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
}

/// Waits until a child is stopped. Blocks.
inline void wait_for_stop(pid_t child) {
    siginfo_t info{};
    CHECK_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WSTOPPED | WNOWAIT), 0);
}

} // namespace support
