// SPDX-License-Identifier: MIT
// One worker, as its pool has it: started, called, ended.
#pragma once

#include "multiprocessing/frames.h"
#include "os/sockets.h"
#include "os/spawn.h"

#include <optional>
#include <string>
#include <string_view>

namespace multiprocessing {

/// How a worker has ended: "exit code 3", "signal 9 (SIGKILL)".
std::string to_string(const asyncio::os::ExitStatus& status);

/// A process of this program that waits for calls.
///
/// Thread    one, which waits in here as long as a call takes; but signal() is for any.
class WorkerProcess {
public:
    WorkerProcess() noexcept = default; // none
    /// Starts one. It has not begun yet: the first message tells.
    /// start     what it is to begin with: an initializer's call, or nothing
    /// Throws    OSError: there can be no process.
    explicit WorkerProcess(std::string_view start);

    int pid() const noexcept { return process_.pid(); } // 0: none

    /// Sends it a message. False: it has ended; has_taken_all() and end() say how.
    bool send(FrameKind kind, std::string_view payload);
    /// Waits for its next message; nothing: it has ended.
    std::optional<Frame> receive();
    /// Had a worker that has ended read all that it was sent? If not, it has run nothing of it.
    bool has_taken_all() const noexcept { return has_taken_all_; }

    /// Waits until it has ended, and takes its status. If it only has no connection any more, it is
    /// ended.
    asyncio::os::ExitStatus end_of_lost() noexcept;
    /// Tells it that there is no more, and waits until it has ended.
    void finish() noexcept;
    /// Sends a signal, if it has not ended.
    void signal(int number) const noexcept;

private:
    bool send_all(std::string_view bytes);

    asyncio::os::Socket connection_;
    asyncio::os::ChildProcess process_;
    FrameReader reader_;
    bool has_taken_all_ = true;
};

} // namespace multiprocessing
