// SPDX-License-Identifier: MIT
// run and Runner: a loop for a main coroutine, with everything tidied up behind it.
#pragma once

#include "asyncio/events.h"

namespace asyncio {

/// The keyword arguments of run and Runner.
class RunOptions {
public:
    RunOptions() noexcept {}
    /// Debug mode on or off, whatever ASYNCIO_DEBUG says.
    RunOptions& debug(bool on) & {
        debug_ = on;
        return *this;
    }
    RunOptions debug(bool on) && { return std::move(debug(on)); }
    /// Called once, at first use, for the loop to run on.
    RunOptions& loop_factory(base::Function<std::unique_ptr<EventLoop>()> make) & {
        loop_factory_ = std::move(make);
        return *this;
    }
    RunOptions loop_factory(base::Function<std::unique_ptr<EventLoop>()> make) && {
        return std::move(loop_factory(std::move(make)));
    }

private:
    friend class Runner;
    std::optional<bool> debug_;
    base::Function<std::unique_ptr<EventLoop>()> loop_factory_;
};

/// Owns one loop for several runs, which share a context.
///
/// Ctrl-C during run() cancels the main task; if that ends cancelled, run() throws
/// KeyboardInterrupt. A second Ctrl-C leaves the loop at once. Only on the main thread, and only
/// if SIGINT still has its default action.
///
/// Thread    one.
/// Source    CPython 3.14 asyncio.Runner.
class Runner {
public:
    explicit Runner(RunOptions options = RunOptions());
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;
    ~Runner(); // closes; errors of the closing are logged

    /// Runs `main` to its end.
    ///
    /// context   run it in this one; nothing: in the runner's own.
    /// Returns   its result.
    /// Throws    what it throws. RuntimeError: the runner is closed, or a loop runs on this thread.
    ///           KeyboardInterrupt: Ctrl-C.
    template <class A>
        requires Awaitable<std::decay_t<A>>
    decltype(auto) run(A&& main, std::optional<Context> context = std::nullopt) {
        EventLoop& loop = prepare_run();
        using Coroutine = std::decay_t<decltype(detail::as_coro(std::forward<A>(main)))>;
        using T = typename Coroutine::value_type;
        const TaskOptions options = main_options(std::move(context));
        const Task<T> task = loop.create_task(detail::as_coro(std::forward<A>(main)), options);
        run_main(AnyTask(task));
        if constexpr (!std::is_void_v<T>) {
            if constexpr (std::is_reference_v<T>) {
                return task.result();
            } else {
                return T(std::move(const_cast<T&>(task.result())));
            }
        }
    }

    /// The loop; made at the first call.
    /// Throws    RuntimeError: the runner is closed.
    EventLoop& get_loop();

    /// Cancels what is left, closes generators, joins the default executor, closes the loop.
    /// Harmless twice.
    void close();

private:
    EventLoop& prepare_run();
    TaskOptions main_options(std::optional<Context> context);
    void run_main(const AnyTask& main);
    void close_loop();

    RunOptions options_;
    std::unique_ptr<EventLoop> loop_;
    std::optional<Context> context_;
    bool set_current_ = false;
    bool closed_ = false;
};

namespace detail {
void check_can_run();
} // namespace detail

/// Runs `main` on a new loop and tidies up: the front door of every program.
///
/// Tasks that are left are cancelled and waited for, generators closed, the default executor
/// joined, the loop closed.
///
/// Returns   what `main` returns.
/// Throws    what it throws. RuntimeError: a loop runs on this thread (`main` is not touched).
///           KeyboardInterrupt: Ctrl-C (see Runner).
/// Source    CPython 3.14 asyncio.run.
template <class A>
    requires Awaitable<std::decay_t<A>>
decltype(auto) run(A&& main, RunOptions options = RunOptions()) {
    detail::check_can_run();
    Runner runner(std::move(options));
    using Result = decltype(runner.run(std::forward<A>(main)));
    if constexpr (std::is_void_v<Result>) {
        runner.run(std::forward<A>(main));
        runner.close();
    } else if constexpr (std::is_reference_v<Result>) {
        Result result = runner.run(std::forward<A>(main));
        runner.close();
        return static_cast<Result>(result);
    } else {
        Result result = runner.run(std::forward<A>(main));
        runner.close();
        return result;
    }
}

} // namespace asyncio
