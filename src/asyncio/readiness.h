// SPDX-License-Identifier: MIT
// Readiness: a task waits until a descriptor can be read or written.
#pragma once

#include "asyncio/coroutines.h"

#include <coroutine>
#include <source_location>

namespace asyncio {

class EventLoop;

namespace detail {

/// Waits for one direction of a descriptor, by a reader or writer of its own.
struct ReadinessAwaiter final : LinkedWaiter {
    ReadinessAwaiter(EventLoop& event_loop, int descriptor, bool to_write) noexcept
        : loop(event_loop), fd(descriptor), write(to_write) {}
    ~ReadinessAwaiter() = default;

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame,
                       std::source_location where = std::source_location::current()) {
        watch(); // may throw; the task goes on then
        suspended(suspend_task(this, frame.promise(), where));
    }
    void await_resume() {
        if (take_cancel()) [[unlikely]]
            throw_cancelled();
    }
    void fired() noexcept override;
    void abandon() noexcept override;
    const char* label() const noexcept override { return write ? "writable" : "readable"; }

    EventLoop& loop;
    int fd;
    bool write;

private:
    void watch();
};

/// The operation readable() or writable().
class [[nodiscard("co_await it")]] Readiness {
public:
    Readiness(EventLoop& loop, int fd, bool write) noexcept
        : loop_(&loop), fd_(fd), write_(write) {}
    ReadinessAwaiter operator co_await() const noexcept {
        return ReadinessAwaiter(*loop_, fd_, write_);
    }

private:
    EventLoop* loop_;
    int fd_;
    bool write_;
};

} // namespace detail

} // namespace asyncio
