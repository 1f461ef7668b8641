// SPDX-License-Identifier: MIT
// wait_for: awaits one thing, but no longer than so long.
#pragma once

#include "asyncio/timeouts.h"

namespace asyncio {

namespace detail {

/// Cancels a future that is not done, and waits until it is.
/// Cancel    does not wait any longer; the future goes on ending.
Coro<> cancel_and_wait(AnyFuture future);

/// The result of a done future; moved out if nobody else is going to look at it.
template <class R, class F>
R take_result(const F& future) {
    if constexpr (std::is_void_v<R>) {
        rethrow_failure(future.state());
    } else if constexpr (std::is_reference_v<R>) {
        return future.result();
    } else {
        if constexpr (std::is_copy_constructible_v<R>) {
            if (future.state()->refs > 1) return R(future.result());
        }
        return R(std::move(const_cast<R&>(future.result())));
    }
}

/// wait_for without time: only what is done already gives its value.
template <class A>
Coro<task_result_t<A>> give_up_at_once(A work) {
    using Value = task_result_t<A>;
    auto future = ensure_future(std::move(work));
    if (!future.done()) {
        co_await cancel_and_wait(AnyFuture(future));
        if (future.cancelled()) throw TimeoutError();
    }
    if constexpr (std::is_void_v<Value>) {
        take_result<void>(future);
    } else {
        co_return take_result<Value>(future);
    }
}

/// Awaits under a timeout, in the calling task; or, if there is no time, as give_up_at_once.
template <class A>
class [[nodiscard]] WaitForAwaiter {
    using Value = task_result_t<A>;

public:
    WaitForAwaiter(A& work, std::optional<Duration> limit) {
        if (limit && *limit <= Duration()) {
            at_once_.emplace(give_up_at_once<A>(std::move(work)).release());
        } else {
            in_time_.emplace(deadline_from(limit), work);
        }
    }
    WaitForAwaiter(const WaitForAwaiter&) = delete; // what it awaits holds its address
    WaitForAwaiter& operator=(const WaitForAwaiter&) = delete;

    bool await_ready(std::source_location where = std::source_location::current()) {
        return in_time_ ? in_time_->await_ready(where) : at_once_->await_ready(where);
    }
    template <class Promise>
    auto await_suspend(std::coroutine_handle<Promise> frame,
                       std::source_location where = std::source_location::current()) {
        using Result = decltype(in_time_->await_suspend(frame, where));
        if (in_time_) return in_time_->await_suspend(frame, where);
        at_once_->await_suspend(frame, where);
        if constexpr (std::is_same_v<Result, bool>) {
            return true;
        } else {
            return Result(std::noop_coroutine());
        }
    }
    Value await_resume() { return in_time_ ? in_time_->await_resume() : at_once_->await_resume(); }
    Outcome<Value> await_outcome() {
        return in_time_ ? in_time_->await_outcome() : at_once_->await_outcome();
    }

private:
    std::optional<OwnTimeoutAwaiter<A>> in_time_;
    std::optional<CoroAwaiter<Value>> at_once_;
};

/// The operation wait_for(work, limit).
template <class A>
class [[nodiscard("co_await it")]] WaitFor {
public:
    template <class Given>
    WaitFor(Given&& work, std::optional<Duration> limit)
        : work_(std::forward<Given>(work)), limit_(limit) {}
    WaitForAwaiter<A> operator co_await() { return WaitForAwaiter<A>(work_, limit_); }

private:
    A work_;
    std::optional<Duration> limit_;
};

} // namespace detail

/// Awaits `work`, but no longer than `limit`.
///
/// When the time is up, `work` is cancelled and awaited until it has ended; only then does the
/// timeout surface. A coroutine or operation runs in the calling task. To leave a task running,
/// wait for shield(task).
///
/// limit     counted from the await. Zero or less: only what is done already gives its value; a
///           coroutine is not begun, a task is cancelled. Nothing: waits without limit.
/// Returns   what `work` gives; also if it answers its cancellation with a value.
/// Throws    TimeoutError: the time was up first. Else what `work` throws, unchanged.
/// Cancel    cancels `work` too, and ends when it has ended; if there was no time at all, `work`
///           has been cancelled before, and is left to end by itself.
/// Cost      as timeout: one timer, no coroutine frame, no task (but for a limit of zero).
/// Source    CPython 3.14 asyncio.wait_for.
template <class A>
    requires Awaitable<std::decay_t<A>>
detail::WaitFor<std::decay_t<A>> wait_for(A&& work, std::optional<Duration> limit) {
    return {std::forward<A>(work), limit};
}

} // namespace asyncio
