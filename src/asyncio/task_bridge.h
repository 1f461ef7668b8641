// SPDX-License-Identifier: MIT
// A task of a loop for other threads: they start it, wait for its end, and may cancel it.
#pragma once

#include "asyncio/concurrent_futures.h"
#include "asyncio/events.h"

#include <atomic>
#include <memory>
#include <optional>
#include <source_location>
#include <utility>

namespace asyncio::detail {

struct LoopLink;

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

} // namespace asyncio::detail
