// SPDX-License-Identifier: MIT
// Workers of a pool that are held up, and processes that are looked at.
#pragma once

#include "multiprocessing/process_pool.h"
#include "support/scratch.h"
#include "support/threads.h"

#include <csignal>
#include <fstream>
#include <string>
#include <unistd.h>

namespace support {

/// Is there such a process? A zombie counts.
inline bool is_alive(int pid) { return ::kill(pid, 0) == 0; }

/// Waits until a file is there.
inline void wait_for_file(const std::string& path) {
    while (::access(path.c_str(), F_OK) != 0) take_time(std::chrono::milliseconds(1));
}

/// In a worker: writes its pid to the file `begun`, and waits for the file `go`.
inline int pid_after(const std::string& begun, const std::string& go) {
    std::ofstream(begun + ".new") << ::getpid();
    ::rename((begun + ".new").c_str(), begun.c_str());
    wait_for_file(go);
    ::unlink(go.c_str());
    ::unlink(begun.c_str());
    return ::getpid();
}
inline const multiprocessing::Registration held_workers[] = {{"pid_after", pid_after}};

/// A worker that is held up until it is let go, at the latest when this goes.
class HeldWorker {
public:
    explicit HeldWorker(multiprocessing::ProcessPoolExecutor& pool)
        : future_(pool.submit(pid_after, scratch_.path("begun"), scratch_.path("go"))) {}
    HeldWorker(const HeldWorker&) = delete;
    HeldWorker& operator=(const HeldWorker&) = delete;
    ~HeldWorker() { // the worker looks into the folder until then
        let_go();
        future_.wait();
    }

    /// Waits until it has begun.
    int pid() const {
        wait_for_file(scratch_.path("begun"));
        return std::stoi(scratch_.get("begun"));
    }
    void let_go() const { scratch_.put("go", "x"); }
    const asyncio::ConcurrentFuture<int>& future() const { return future_; }

private:
    Scratch scratch_;
    asyncio::ConcurrentFuture<int> future_;
};

} // namespace support
