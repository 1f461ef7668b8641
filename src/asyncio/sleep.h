// SPDX-License-Identifier: MIT
// sleep: wait for time to pass.
#pragma once

#include "asyncio/durations.h"
#include "asyncio/tasks.h"

namespace asyncio {

namespace detail {

/// Waits for a deadline; of zero or less, for the loop's next turn.
class [[nodiscard]] SleepAwaiter : public TimedWaiter {
public:
    explicit SleepAwaiter(std::int64_t delay_ns) noexcept {
        when = delay_ns; // until it is queued
    }

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame,
                       std::source_location where = std::source_location::current()) {
        static_assert(is_frame<Promise>, "co_await this in an asyncio coroutine");
        LoopCore& loop = *here.loop;
        if (when <= 0) {
            // One turn, and a cancel that is waiting stays for the resumption.
            wake(suspend_task(this, frame.promise(), where));
            return;
        }
        const std::int64_t now = loop.now_ns();
        loop.timers.push(this, deadline_after(now, Duration::from_ns(when)), now);
        suspended(suspend_task(this, frame.promise(), where));
    }
    void await_resume() {
        if (take_cancel()) [[unlikely]]
            throw_cancelled();
    }
    Outcome<void> await_outcome() {
        if (!take_cancel()) return Outcome<void>::with_value();
        return Outcome<void>::with_cancellation(take_cancel_message(here.task));
    }

    void fired() noexcept final { queue_due(loop_of(task)->ready); }
    void abandon() noexcept final {
        if (armed()) loop_of(task)->timers.remove(this); // else it is due, and stays queued
    }
    const char* label() const noexcept final { return "sleep"; }
};

/// Waits for the loop's next turn and for nothing else.
class [[nodiscard]] YieldAwaiter final : public Waiter {
public:
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame,
                       std::source_location where = std::source_location::current()) noexcept {
        static_assert(is_frame<Promise>, "co_await this in an asyncio coroutine");
        // A cancel that is waiting stays for the resumption.
        wake(suspend_task(this, frame.promise(), where));
    }
    void await_resume() {
        if (take_cancel()) [[unlikely]]
            throw_cancelled();
    }
    Outcome<void> await_outcome() {
        if (!take_cancel()) return Outcome<void>::with_value();
        return Outcome<void>::with_cancellation(take_cancel_message(here.task));
    }

    void fired() noexcept override {}   // it is queued from the start,
    void abandon() noexcept override {} // and never waits
    const char* label() const noexcept override { return "sleep"; }
};

template <class T>
class [[nodiscard]] SleepWithResult : public SleepAwaiter {
public:
    SleepWithResult(std::int64_t delay_ns, T result)
        : SleepAwaiter(delay_ns), result_(std::move(result)) {}
    T await_resume() {
        SleepAwaiter::await_resume();
        return std::move(result_);
    }
    Outcome<T> await_outcome() {
        if (!take_cancel()) return Outcome<T>::with_value(std::move(result_));
        return Outcome<T>::with_cancellation(take_cancel_message(here.task));
    }

private:
    T result_;
};

} // namespace detail

/// The operation sleep(delay).
class [[nodiscard("co_await it")]] Sleep {
public:
    explicit Sleep(Duration delay) noexcept : delay_(delay) {}
    detail::SleepAwaiter operator co_await() const noexcept {
        return detail::SleepAwaiter(delay_.ns());
    }

private:
    Duration delay_;
};

/// The operation sleep(delay, result).
template <class T>
class [[nodiscard("co_await it")]] SleepFor {
public:
    SleepFor(Duration delay, T result) : delay_(delay), result_(std::move(result)) {}
    detail::SleepWithResult<T> operator co_await() && {
        return detail::SleepWithResult<T>(delay_.ns(), std::move(result_));
    }
    detail::SleepWithResult<T> operator co_await() & {
        return detail::SleepWithResult<T>(delay_.ns(), std::move(result_));
    }

private:
    Duration delay_;
    T result_;
};

/// Suspends the task for `delay`, counted from the await.
///
/// Zero or less: for exactly one turn of the loop, so that what is ready runs first.
///
/// delay     a duration. Below `using namespace asyncio`, `sleep(0)` is POSIX's sleep(), which
///           gives a number that nobody can await: write `sleep(0s)` or `asyncio::sleep`.
/// Throws    ValueError: a NaN (when the duration is made). std::bad_alloc.
/// Cancel    the timer goes at once.
/// Cost      O(log n) in the armed timers; nothing is allocated.
/// Source    CPython 3.14 asyncio.sleep.
inline Sleep sleep(Duration delay) noexcept { return Sleep(delay); }
/// The same, and the awaiting frame is smaller by the Duration that it need not keep.
/// Cancel    as above.
template <class Rep, class Period>
Sleep sleep(const std::chrono::duration<Rep, Period>& delay) {
    return Sleep(Duration(delay));
}

/// The same; the await gives `result`.
/// Cancel    the timer and the result go at once.
template <class T>
SleepFor<std::decay_t<T>> sleep(Duration delay, T&& result) {
    return SleepFor<std::decay_t<T>>(delay, std::forward<T>(result));
}

/// The operation yield_now().
class [[nodiscard("co_await it")]] Yield {
public:
    detail::YieldAwaiter operator co_await() const noexcept { return {}; }
};

/// Lets everything that is ready run once: sleep(0), with less to remember.
/// Cancel    as sleep.
inline Yield yield_now() noexcept { return {}; }

} // namespace asyncio
