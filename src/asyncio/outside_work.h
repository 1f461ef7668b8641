// SPDX-License-Identifier: MIT
// Work outside of a loop that its futures wait for: on a worker, or of a concurrent future.
#pragma once

#include "asyncio/events.h"
#include "asyncio/thread_pool.h"

#include <atomic>
#include <memory>
#include <optional>
#include <utility>

namespace asyncio::detail {

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
          context_(context != nullptr ? ContextSlot(*context) : ContextSlot()),
          in_context_(context != nullptr) {}

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

} // namespace asyncio::detail
