// SPDX-License-Identifier: MIT
// Threads and the loop: blocking functions beside it, and calls into it from outside.
#pragma once

#include "asyncio/outside_work.h"
#include "asyncio/task_bridge.h"

namespace asyncio {

// ---- blocking functions beside the loop ---------------------------------------------------------

/// As wrap_future(), for a future that an executor works for: a virtual clock waits for it.
template <class T>
Future<T> wrap_job(ConcurrentFuture<T> future, EventLoop& loop) {
    if (loop.is_closed()) throw RuntimeError("Event loop is closed");
    return Future<T>(detail::wrap(std::move(future), loop, true));
}
template <class T>
Future<T> wrap_job(ConcurrentFuture<T> future) {
    return wrap_job(std::move(future), get_running_loop());
}

/// Runs `f(args...)` on a thread of `executor`; null: of the loop's default one, which is made at
/// first use. Callable and decayed arguments are kept until it has run. Context variables do not go
/// along: to_thread() takes them.
///
/// A callable that takes a std::stop_token first is given one: stop is requested when the future is
/// cancelled while it runs.
///
/// Returns   a future of the loop, with the result or exception.
/// Throws    RuntimeError: the loop is closed; the executor is shut down ("Executor shutdown has
///           been called": the default one). BrokenThreadPool.
/// Cancel    cancelling the future ends the wait at once. Work that has not begun is dropped; work
///           that runs goes on, what it gives is destroyed, what it throws goes to the loop's
///           exception handler. It may end after the loop: then both are destroyed on its thread.
/// Thread    the loop's own.
/// Source    CPython 3.14 loop.run_in_executor.  Differs: the stop token.
template <class F, class... Args>
auto EventLoop::run_in_executor(ThreadPoolExecutor* executor, F&& f, Args&&... args) {
    check_call("run_in_executor");
    ThreadPoolExecutor& pool = executor != nullptr ? *executor : default_executor();
    return Future<detail::job_result_t<F, Args...>>(
        detail::start_job(*this, pool, nullptr, std::forward<F>(f), std::forward<Args>(args)...));
}

/// Submits `f(args...)` to an executor that is not made of threads: `executor->submit(f, args...)`
/// gives a ConcurrentFuture.
///
/// Returns   a future of the loop, with the result or exception.
/// Throws    RuntimeError: the loop is closed. What submit() throws.
/// Cancel    cancelling the future cancels the executor's, if its work has not begun.
/// Thread    the loop's own.
/// Source    CPython 3.14 loop.run_in_executor.
template <class Executor, class F, class... Args>
auto EventLoop::run_in_executor(Executor* executor, F&& f, Args&&... args) {
    check_call("run_in_executor");
    return wrap_job(executor->submit(std::forward<F>(f), std::forward<Args>(args)...), *this);
}

/// The operation to_thread(f, args...).
template <class F, class... Args>
class [[nodiscard("co_await it")]] ToThread {
    using Result = detail::job_result_t<F, Args...>;
    using Awaiter = detail::FutureAwaiter<Result, true>;

public:
    template <class... Parts>
    explicit ToThread(std::in_place_t, Parts&&... parts)
        : call_(std::in_place, std::forward<Parts>(parts)...) {}

    Awaiter operator co_await() && { return Awaiter(submit()); }
    Awaiter operator co_await() & { return Awaiter(submit()); }

private:
    // A refusal becomes the future's exception: outcome() is to see it.
    detail::StateRef submit() {
        EventLoop& loop = get_running_loop();
        if (!call_) throw RuntimeError("cannot reuse already awaited to_thread()");
        std::tuple<F, Args...> call = std::move(*call_);
        call_.reset();
        try {
            return std::apply(
                [&loop](F& f, Args&... args) {
                    return detail::start_job(loop, loop.default_executor(),
                                             &detail::current_context(), std::move(f),
                                             std::move(args)...);
                },
                call);
        } catch (...) {
            detail::StateRef failed = detail::new_future<Result>(loop);
            detail::complete_error(failed.get(), std::current_exception());
            return failed;
        }
    }

    std::optional<std::tuple<F, Args...>> call_;
};

/// Runs `f(args...)` on a thread of the loop's default executor, in a copy of the awaiting task's
/// context. It begins when it is awaited. Callable and decayed arguments are kept until it has run.
///
/// Returns   what f returns.
/// Throws    what f throws. RuntimeError: no loop runs; the executor is shut down.
/// Cancel    as of run_in_executor: the wait ends at once, a running f goes on by itself. f may
///           take a std::stop_token first to be told.
/// Cost      two changes of thread: microseconds.
/// Source    CPython 3.14 asyncio.to_thread.
template <class F, class... Args>
ToThread<std::decay_t<F>, std::decay_t<Args>...> to_thread(F&& f, Args&&... args) {
    return ToThread<std::decay_t<F>, std::decay_t<Args>...>(std::in_place, std::forward<F>(f),
                                                            std::forward<Args>(args)...);
}

// ---- into the loop from other threads -----------------------------------------------------------

/// Runs a coroutine (or an operation) as a task of `loop`, in a copy of the calling thread's
/// context.
///
/// Returns   a future that threads can wait for, with the result, exception or cancellation.
///           Cancelling it cancels the task. If the loop closes first, it is cancelled.
/// Throws    RuntimeError: the loop is closed (the coroutine is destroyed).
/// Thread    any; waiting for the result on the loop's own would wait for ever.
/// Lifetime  `loop` must be alive during the call, not after it.
/// Source    CPython 3.14 asyncio.run_coroutine_threadsafe.
template <class A>
    requires(Awaitable<std::decay_t<A>> && !is_future_v<std::decay_t<A>>)
auto run_coroutine_threadsafe(A&& awaitable, EventLoop& loop,
                              std::source_location where = std::source_location::current()) {
    auto coro = detail::as_coro(std::forward<A>(awaitable));
    using Bridge = detail::TypedTaskBridge<typename decltype(coro)::value_type>;
    auto bridge = detail::Counted<Bridge>::adopt(new Bridge(loop, std::move(coro), where));
    auto future = bridge->future();
    bridge.release_ownership()->send(loop);
    return future;
}

/// The same for what `f(args...)` returns; f is called in the loop and kept until the task ends.
template <class F, class... Args>
    requires detail::AsyncCallable<F, Args...>
auto run_coroutine_threadsafe(EventLoop& loop, F&& f, Args&&... args) {
    return run_coroutine_threadsafe(detail::call_kept<std::decay_t<F>, std::decay_t<Args>...>(
                                        std::forward<F>(f), std::forward<Args>(args)...),
                                    loop);
}

/// A future of `loop` that ends as `future` does.
///
/// Returns   it. The value is moved out if no other handle of `future` is left, else copied.
/// Throws    RuntimeError: the loop is closed.
/// Cancel    cancelling it cancels `future` too, if its work has not begun.
/// Thread    the loop's own.
/// Source    CPython 3.14 asyncio.wrap_future.
template <class T>
Future<T> wrap_future(ConcurrentFuture<T> future, EventLoop& loop) {
    if (loop.is_closed()) throw RuntimeError("Event loop is closed");
    const bool counts = future.state()->is_job();
    return Future<T>(detail::wrap(std::move(future), loop, counts));
}
template <class T>
Future<T> wrap_future(ConcurrentFuture<T> future) {
    return wrap_future(std::move(future), get_running_loop());
}
/// A future of a loop is given back as it is.
template <class H>
    requires is_future_v<H>
H wrap_future(H future) {
    return future;
}

/// A task, as other threads may know it.
struct TaskDescription {
    std::uint64_t id = 0;
    std::string name;
    std::string state; // "pending", "cancelling"
};

/// Asks `loop` for its unfinished tasks, in the order of their creation.
///
/// timeout   for the loop's answer, which it gives between two callbacks; nothing: no limit
/// Throws    TimeoutError: the loop does not answer. RuntimeError: it is closed.
/// Thread    any; on the loop's own it is answered at once.
/// Source    CPython 3.14 asyncio.all_tasks, which other threads may call.  Differs: no handles.
std::vector<TaskDescription> describe_tasks(EventLoop& loop,
                                            std::optional<Duration> timeout = std::nullopt);

} // namespace asyncio
