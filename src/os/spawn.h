// SPDX-License-Identifier: MIT
// Child processes: started in one step, held by a pidfd, reaped once.
#pragma once

#include "os/descriptor.h"

#include <array>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace asyncio::os {

/// What a program is started with; by default as its parent, with its own three streams. No text
/// may have a NUL in it: what is behind it would be lost.
struct SpawnRequest {
    SpawnRequest() {}

    std::vector<std::string> arguments; // the first is the program's name
    std::string executable; // what is really executed; empty: the name, looked for in PATH
    std::optional<std::vector<std::pair<std::string, std::string>>> env; // none: the parent's
    std::string cwd; // empty: the parent's
    std::array<int, 3> stdio{-1, -1, -1}; // what becomes its descriptor 0, 1, 2; -1: the parent's
    std::vector<int> pass_fds; // what it gets besides, under the same numbers
    bool close_fds = true; // nothing but these
    bool restore_signals = true; // SIGPIPE and SIGXFSZ are not ignored, no signal is held back
    bool start_new_session = false; // its own, without a terminal
    std::optional<pid_t> process_group; // 0: a new one, its own
    std::optional<mode_t> umask; // each none: the parent's
    std::optional<uid_t> user; // real, effective and saved
    std::optional<gid_t> group; // the same
    std::optional<std::vector<gid_t>> extra_groups; // an empty list: none
};

/// How a process has ended.
struct ExitStatus {
    int returncode; // as Python's: the exit code; -n: killed by signal n
    bool is_known = true; // false: somebody else has reaped it, and the code is lost
};

/// A child process, held by its pidfd: no other process can take its place.
///
/// Thread    any, one at a time.
/// Lifetime  whoever has it reaps it; else it stays a zombie until this program ends.
class ChildProcess {
public:
    ChildProcess() noexcept = default; // none
    ChildProcess(pid_t pid, Descriptor pidfd) noexcept : pid_(pid), pidfd_(std::move(pidfd)) {}

    pid_t pid() const noexcept { return pid_; } // 0: none
    int fileno() const noexcept { return pidfd_.get(); } // readable when it has ended

    /// Takes its status, if it has ended; then it is no process any more. A process that is stopped
    /// has not ended.
    std::optional<ExitStatus> reap() noexcept;
    /// Waits until it has ended, at most so long.
    std::optional<ExitStatus> reap_within(int limit_ms) noexcept;
    /// Throws    ProcessLookupError: it was reaped. PermissionError: it runs as somebody else.
    ///           OSError: no such signal.
    void send_signal(int number) const;

private:
    pid_t pid_ = 0;
    Descriptor pidfd_;
};

/// Starts a program. When this returns, it has begun; the parent's thread stands still for as long
/// as that takes, and pays nothing for the memory that it has.
///
/// It gets the three streams, `pass_fds`, and no other descriptor. Its signals are at their
/// defaults, but for those that the parent ignores.
///
/// Throws    OSError: as the kernel says it of the program, which is named (FileNotFoundError,
///           PermissionError, ENOEXEC, E2BIG), of `cwd`, which is named then, or of the process
///           itself (EAGAIN, ENOMEM, EMFILE). Nothing is left then.
/// Cost      a vfork; a fork if user or groups change, for a process without its parent's rights
///           must not share its memory.
ChildProcess spawn(const SpawnRequest& request);

/// The number of a user's, or a group's, name.
/// Returns   nothing: there is none of this name.
/// Throws    OSError: the accounts cannot be read.
/// Cost      reads files, and may ask a server: it may block.
std::optional<uid_t> user_id(const std::string& name);
std::optional<gid_t> group_id(const std::string& name);

} // namespace asyncio::os
