// SPDX-License-Identifier: MIT
// Threads and the loop: blocking functions beside it, and calls into it from outside.
#pragma once

#include "asyncio/events.h"
#include "asyncio/thread_pool.h"

namespace asyncio {

namespace detail {

struct LoopLink;
class OutsideWork;

/// Sees that a future was cancelled, or completed by somebody else, before its work has ended.
class EarlyEnd final : public LinkedWaiter {
public:
    explicit EarlyEnd(OutsideWork& of) noexcept : work(of) {}
    void fired() noexcept override;
    void abandon() noexcept override {}
    FutureState* awaiting() const noexcept override { return nullptr; }
    const char* label() const noexcept override { return "a thread"; }
    OutsideWork& work;
};

/// A loop's list of the work that it waits for.
struct WorkInFlight : base::ListNode {
    explicit WorkInFlight(OutsideWork& of) noexcept : work(of) {}
    OutsideWork& work;
};

/// Work outside of a loop that a future of the loop waits for. Two counts: one belongs to the loop,
/// which knows it until its end is taken up; one to the other side, which gives it to post().
///
/// Thread    the future is touched on the loop's thread alone.
class OutsideWork : public Hop, public ThreadAtWork {
public:
    OutsideWork(const OutsideWork&) = delete;
    OutsideWork& operator=(const OutsideWork&) = delete;

    void add_ref() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    /// The loop knows it from now on.
    /// counts    a thread is at work for the loop: a virtual clock must not run ahead of it
    void register_at(EventLoop& loop, bool counts) noexcept;
    /// The loop closes.
    void leave_loop() noexcept;

protected:
    OutsideWork(EventLoop& loop, StateRef future);
    virtual ~OutsideWork() = default;

    /// This thread works for it while this is alive.
    class AtWork {
    public:
        explicit AtWork(OutsideWork& work) noexcept
            : before_(std::exchange(thread_at_work, &work)) {}
        AtWork(const AtWork&) = delete;
        AtWork& operator=(const AtWork&) = delete;
        ~AtWork() { thread_at_work = before_; }

    private:
        ThreadAtWork* before_;
    };

    /// The other side has ended: the loop takes it up in a later turn. Takes over a count.
    /// Thread    any.
    void post() noexcept;
    /// Completes `future`, which is pending, with what has come.
    virtual void deliver(FutureState& future) noexcept = 0;
    /// What has come and nobody will see, if it is an exception.
    virtual std::exception_ptr unseen() noexcept { return nullptr; }
    /// Nobody waits any more: the future has ended early, or (null) the loop closes.
    virtual void not_wanted(LoopCore* loop) noexcept = 0;

private:
    friend class EarlyEnd;
    void rests() noexcept final;
    void works_again() noexcept final;
    void take_up();

    std::atomic<std::uint32_t> refs_{1};
    bool counts_ = false;
    std::shared_ptr<LoopLink> link_;
    StateRef future_; // the loop's thread alone; empty once nobody waits
    WorkInFlight in_flight_{*this};
    EarlyEnd early_end_{*this};
};

/// Completes a pending future with the value that `make()` gives; with what it throws if it throws.
template <class T, class Make>
void complete_with(FutureState& future, Make&& make) noexcept {
    try {
        ::new (future.cell.payload()) Stored<T>(make());
    } catch (...) {
        return complete_error(&future, std::current_exception());
    }
    future.cell.st = CellHead::value;
    complete(&future);
}

/// A pending future of `loop`.
template <class T>
StateRef new_future(EventLoop& loop) {
    return StateRef(Future<T>(loop).state());
}

/// What run_in_executor and to_thread run on a worker.
template <class F, class... Args>
class LoopJob final : public OutsideWork, public PoolJob {
    using Result = job_result_t<F, Args...>;
    enum class Phase : unsigned char { queued, running, not_run };

public:
    template <class... Parts>
    LoopJob(EventLoop& loop, StateRef future, const ContextSlot* context, Parts&&... parts)
        : OutsideWork(loop, std::move(future)), call_(std::forward<Parts>(parts)...),
          in_context_(context != nullptr) {
        if (in_context_) context_ = ContextSlot(*context);
    }

    void run() noexcept override {
        if (!leave_queue(Phase::running)) return release();
        forget_pool();
        call();
        context_ = ContextSlot();
        post();
    }
    void refuse(std::exception_ptr error) noexcept override {
        if (!leave_queue(Phase::not_run)) return release();
        call_.drop();
        error_ = std::move(error);
        post();
    }
    const std::type_info& callable() const noexcept override { return typeid(F); }

private:
    void call() noexcept {
        const OutsideWork::AtWork here_at_work(*this);
        ContextSlot* const before = context_slot;
        if (in_context_) context_slot = &context_;
        error_ = call_.run([this](auto&&... result) {
            if constexpr (std::is_lvalue_reference_v<Result>) {
                value_.emplace(std::addressof(result)...);
            } else {
                value_.emplace(std::forward<decltype(result)>(result)...);
            }
        });
        context_slot = before;
    }
    bool leave_queue(Phase next) noexcept {
        Phase expected = Phase::queued;
        return phase_.compare_exchange_strong(expected, next, std::memory_order_acq_rel);
    }
    void deliver(FutureState& future) noexcept override {
        if (error_) {
            complete_error(&future, std::move(error_));
        } else if (!value_) {
            complete_cancelled(&future, {});
        } else {
            complete_with<Result>(future,
                                  [this]() -> Stored<Result>&& { return std::move(*value_); });
        }
    }
    std::exception_ptr unseen() noexcept override { return std::exchange(error_, nullptr); }
    void not_wanted(LoopCore* loop) noexcept override {
        if (loop == nullptr || !leave_queue(Phase::not_run)) return call_.request_stop();
        call_.drop();
        if (!withdraw()) add_ref(); // a worker has it in hand, and gives back the queue's count
        queue_hop(*loop, this);
    }

    JobCall<F, Args...> call_;
    ContextSlot context_;
    bool in_context_;
    std::atomic<Phase> phase_{Phase::queued};
    std::optional<Stored<Result>> value_;
    std::exception_ptr error_;
};

/// Submits `f(args...)`; gives the loop's future of it. A null context: the worker's own.
template <class F, class... Args>
StateRef start_job(EventLoop& loop, ThreadPoolExecutor& executor, const ContextSlot* context, F&& f,
                   Args&&... args) {
    using Job = LoopJob<std::decay_t<F>, std::decay_t<Args>...>;
    StateRef future = new_future<job_result_t<F, Args...>>(loop);
    auto job = Counted<Job>::adopt(
        new Job(loop, future, context, std::forward<F>(f), std::forward<Args>(args)...));
    Counted<Job> queued(job);
    executor.add(*queued);
    queued.release_ownership(); // the queue's count now
    job.release_ownership()->register_at(loop, true);
    return future;
}

/// Brings the end of a concurrent future to a future of a loop.
template <class T>
class WrappedFuture final : public OutsideWork, public ConcurrentObserver {
public:
    WrappedFuture(EventLoop& loop, StateRef future, ConcurrentFuture<T> source)
        : OutsideWork(loop, std::move(future)), source_(std::move(source)) {}

    void completed(ConcurrentState&) noexcept override { post(); }
    void never_completed() noexcept override { post(); }

private:
    struct Cancel : Hop { // in the turn after the future's: it may call callbacks of others
        explicit Cancel(WrappedFuture* self) noexcept : Hop(&run, &drop), wrapped(self) {}
        static void run(Hop* hop) {
            const auto self = Counted<WrappedFuture>::adopt(static_cast<Cancel*>(hop)->wrapped);
            self->source_.cancel();
        }
        static void drop(Hop* hop) noexcept { static_cast<Cancel*>(hop)->wrapped->release(); }
        WrappedFuture* wrapped;
    };

    void deliver(FutureState& future) noexcept override {
        ConcurrentState& state = *source_.state();
        if (!state.done() || state.cancelled()) {
            complete_cancelled(&future, {});
        } else if (state.error()) {
            complete_error(&future, state.error());
        } else if constexpr (std::is_void_v<T>) {
            complete_with<T>(future, [] { return Stored<T>(); });
        } else if constexpr (std::is_reference_v<T>) {
            complete_with<T>(future, [this] { return std::addressof(source_.result()); });
        } else {
            complete_with<T>(future, [this]() -> T { return std::move(source_).get(); });
        }
    }
    void not_wanted(LoopCore* loop) noexcept override {
        if (loop == nullptr) {
            const ConcurrentFuture<T> last = std::move(source_); // may be the last to show it
            return;
        }
        add_ref();
        queue_hop(*loop, &cancel_);
    }

    ConcurrentFuture<T> source_;
    Cancel cancel_{this};
};

template <class T>
StateRef wrap(ConcurrentFuture<T> source, EventLoop& loop, bool counts) {
    StateRef future = new_future<T>(loop);
    ConcurrentState& state = *source.state();
    const Counted<ConcurrentState> keep(&state);
    auto wrapped =
        Counted<WrappedFuture<T>>::adopt(new WrappedFuture<T>(loop, future, std::move(source)));
    Counted<WrappedFuture<T>> observer(wrapped);
    wrapped.release_ownership()->register_at(loop, counts);
    state.observe(observer.release_ownership());
    return future;
}

/// A task of a loop whose end goes to a concurrent future. Counts: the task's (first of the post
/// that starts it), the concurrent future's, and that of a cancel on its way.
class TaskBridge : public Hop, public LinkedWaiter, public ConcurrentObserver {
public:
    void add_ref() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
    /// Has the loop start it. Takes over a count.
    /// Throws    RuntimeError: the loop is closed.
    void send(EventLoop& loop);

    void fired() noexcept final; // the task has ended
    void abandon() noexcept final {}
    void dropped() noexcept final; // the loop has taken the task apart
    FutureState* awaiting() const noexcept final { return nullptr; }
    const char* label() const noexcept final { return "a thread"; }

    void completed(ConcurrentState& state) noexcept final;
    void never_completed() noexcept final { release(); }

protected:
    explicit TaskBridge(EventLoop& loop);
    virtual ~TaskBridge() = default;

    virtual ConcurrentState& state() noexcept = 0;
    virtual StateRef start(LoopCore& loop) = 0;
    virtual void forget_work() noexcept = 0; // it will not be started
    /// The state is claimed; the task has a value or an exception.
    virtual void give(StateRef ended) noexcept = 0;

private:
    struct Cancel : Hop {
        explicit Cancel(TaskBridge* to) noexcept : Hop(&run, &drop), bridge(to) {}
        static void run(Hop* hop);
        static void drop(Hop* hop) noexcept { static_cast<Cancel*>(hop)->bridge->release(); }
        TaskBridge* bridge;
    };

    static void begin(Hop* hop);
    static void end(Hop* hop);
    static void drop_begin(Hop* hop) noexcept;
    static void drop_end(Hop* hop) noexcept { end(hop); }

    std::atomic<std::uint32_t> refs_{1};
    std::shared_ptr<LoopLink> link_;
    ContextSlot context_; // the caller's
    StateRef task_; // the loop's thread alone
    Cancel cancel_{this};
};

template <class T>
class TypedTaskBridge final : public TaskBridge {
public:
    TypedTaskBridge(EventLoop& loop, Coro<T> coro, std::source_location where)
        : TaskBridge(loop), coro_(std::move(coro)), where_(where) {}

    ConcurrentFuture<T> future() const { return ConcurrentFuture<T>(state_); }

private:
    ConcurrentState& state() noexcept override { return *state_; }
    StateRef start(LoopCore& loop) override {
        const Task<T> started = detail::start_task(loop, std::move(*coro_), nullptr, where_);
        coro_.reset();
        return StateRef(started.state());
    }
    void forget_work() noexcept override {
        coro_->close();
        coro_.reset();
    }
    void give(StateRef ended) noexcept override {
        std::exception_ptr error;
        if (ended->failed()) {
            error = exception_of(ended.get());
        } else {
            try {
                take_value(*static_cast<TypedState<Stored<T>>*>(ended.get()));
            } catch (...) {
                error = std::current_exception();
            }
        }
        ended = StateRef(); // so that nobody here shares the exception
        state_.release_ownership()->finish_and_release(std::move(error));
    }
    void take_value(TypedState<Stored<T>>& ended) {
        if constexpr (std::is_copy_constructible_v<Stored<T>>) {
            if (ended.refs > 1) return state_->emplace(std::as_const(ended.value()));
        }
        state_->emplace(std::move(ended.value()));
    }

    struct State final : TypedConcurrentState<T> {
        bool is_loops() const noexcept override { return true; }
    };

    Counted<TypedConcurrentState<T>> state_ = Counted<TypedConcurrentState<T>>::adopt(new State);
    std::optional<Coro<T>> coro_;
    std::source_location where_;
};

} // namespace detail

// ---- blocking functions beside the loop ---------------------------------------------------------

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
