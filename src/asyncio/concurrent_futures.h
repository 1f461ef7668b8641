// SPDX-License-Identifier: MIT
// ConcurrentFuture<T>: a result that threads wait for.
#pragma once

#include "asyncio/futures.h"
#include "base/counted.h"

#include <atomic>
#include <optional>
#include <string>
#include <utility>

namespace asyncio {

template <class T = void>
class ConcurrentFuture;

namespace detail {

class ConcurrentState;

/// Told once that a concurrent future is done, on the thread that completed it, without a lock.
class ConcurrentObserver {
public:
    ConcurrentObserver() noexcept = default;
    ConcurrentObserver(const ConcurrentObserver&) = delete;
    ConcurrentObserver& operator=(const ConcurrentObserver&) = delete;

    virtual void completed(ConcurrentState& state) noexcept = 0;
    /// It will never be done: the last who could complete it has gone.
    virtual void never_completed() noexcept = 0;

    ConcurrentObserver* next_observer = nullptr;

protected:
    ~ConcurrentObserver() = default;
};

/// A thread that sleeps until a concurrent future is done.
class BlockedWaiter : public base::ListNode {
public:
    virtual void fired() noexcept = 0; // with the state's lock held

protected:
    ~BlockedWaiter() = default;
};

/// What a thread does for a loop. While it waits for the same loop, it is not at work.
class ThreadAtWork {
public:
    virtual void rests() noexcept = 0;
    virtual void works_again() noexcept = 0; // called by who wakes it, before it is awake

protected:
    ~ThreadAtWork() = default;
};
/// Of this thread; null: it works for no loop.
extern thread_local ThreadAtWork* thread_at_work;

/// The state behind ConcurrentFuture<T>: counted, locked, usable from every thread.
///
/// pending -> (running ->) settling -> finished, or pending -> cancelled. Whoever made it
/// `settling` is the only one who may write its result.
class ConcurrentState {
public:
    enum class Phase : unsigned char { pending, running, settling, cancelled, finished };

    ConcurrentState() noexcept = default;
    ConcurrentState(const ConcurrentState&) = delete;
    ConcurrentState& operator=(const ConcurrentState&) = delete;

    void add_ref() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
    bool sole_owner() const noexcept { return refs_.load(std::memory_order_acquire) == 1; }

    Phase phase() const noexcept { return phase_.load(std::memory_order_acquire); }
    bool done() const noexcept { return phase() >= Phase::cancelled; }
    bool cancelled() const noexcept { return phase() == Phase::cancelled; }
    bool running() const noexcept {
        const Phase now = phase();
        return now == Phase::running || now == Phase::settling;
    }
    /// Of a done state: what it failed with, or null.
    const std::exception_ptr& error() const noexcept { return error_; }
    /// Of a done state: throws what it ended with if that is not a value.
    void throw_unless_value() const;

    /// pending -> running. False: it was cancelled.
    /// Throws    InvalidStateError: it runs or is done already.
    bool start();
    /// pending -> settling. False: it was cancelled, or somebody else completes it.
    bool claim() noexcept;
    /// pending or running -> settling; gives the phase before.
    /// Throws    InvalidStateError: it is done already.
    Phase begin_result();
    void take_back_result(Phase before) noexcept; // the value could not be made
    /// settling -> finished. The value is in place, or `error` says why not.
    void finish(std::exception_ptr error = nullptr) noexcept {
        add_ref();
        finish_and_release(std::move(error));
    }
    /// The same, and gives back a count before anybody else can see the end (unless there are
    /// observers): who then reads the result or exception is the one to destroy it.
    void finish_and_release(std::exception_ptr error = nullptr) noexcept;
    /// pending -> cancelled. False: it runs or is finished; work that can be stopped is asked to.
    bool cancel() noexcept;

    /// Sleeps until it is done. False: the time was up first.
    bool wait(std::optional<Duration> timeout);
    /// Tells `observer` when it is done; at once if it is.
    void observe(ConcurrentObserver* observer) noexcept;
    /// False: it has been told, or is being told.
    bool remove(ConcurrentObserver* observer) noexcept;
    /// True: it is done. Else `waiter` stands in the line until it is fired or removed.
    bool done_or_add(BlockedWaiter* waiter) noexcept;
    void remove(BlockedWaiter* waiter) noexcept; // harmless if it was fired

    /// Does a thread of an executor work for it?
    virtual bool is_job() const noexcept { return false; }
    /// Does a loop work for it?
    virtual bool is_loops() const noexcept { return false; }

protected:
    virtual ~ConcurrentState();
    /// cancel() has come first: the work will not be done.
    virtual void withdrawn() noexcept {}
    /// cancel() has come too late.
    virtual void stop_wanted() noexcept {}

private:
    ConcurrentObserver* end_in(Phase end) noexcept; // under the lock
    void tell(ConcurrentObserver* newest) noexcept;

    std::atomic<std::uint32_t> refs_{1};
    std::atomic<Phase> phase_{Phase::pending};
    std::exception_ptr error_;
    base::IntrusiveList<BlockedWaiter> waiters_;
    ConcurrentObserver* observers_ = nullptr; // newest first
};

template <class T>
class TypedConcurrentState : public ConcurrentState {
public:
    template <class... Args>
    void emplace(Args&&... args) {
        value_.emplace(std::forward<Args>(args)...);
    }
    Stored<T>& value() noexcept { return *value_; }

private:
    std::optional<Stored<T>> value_;
};

std::string concurrent_text(const ConcurrentState& state, std::string (*value_text)(const void*),
                            const void* value);
/// Logs the exception that a done-callback has thrown.  Call it in a handler.
void log_failed_callback() noexcept;

/// A done-callback of a concurrent future.
template <class T, class F>
class ConcurrentCallback final : public ConcurrentObserver {
public:
    explicit ConcurrentCallback(F callable) : callable_(std::move(callable)) {}
    void completed(ConcurrentState& state) noexcept override {
        try {
            if constexpr (std::is_invocable_v<F&, ConcurrentFuture<T>>) {
                using State = TypedConcurrentState<T>;
                callable_(ConcurrentFuture<T>(Counted<State>(static_cast<State*>(&state))));
            } else {
                callable_();
            }
        } catch (...) {
            log_failed_callback();
        }
        delete this;
    }
    void never_completed() noexcept override { delete this; }

private:
    F callable_;
};

/// When `timeout` from now is; nothing: never.
std::optional<TimePoint> deadline_of(std::optional<Duration> timeout) noexcept;

} // namespace detail

/// A result that another thread, or a loop on another thread, will give.
///
/// A handle: copies show the same future. Default-made, it is pending and belongs to nobody: for
/// executors and tests, which complete it with set_result and set_exception.
///
/// Thread    any.
/// Source    CPython 3.14 concurrent.futures.Future.
template <class T>
class ConcurrentFuture {
    using State = detail::TypedConcurrentState<T>;

public:
    using value_type = T;

    ConcurrentFuture() : state_(detail::Counted<State>::adopt(new State)) {}
    explicit ConcurrentFuture(detail::Counted<State> state) noexcept : state_(std::move(state)) {}

    // As of a future of asyncio; running() besides: its work has begun and not ended.
    bool done() const noexcept { return state_->done(); }
    bool running() const noexcept { return state_->running(); }
    bool cancelled() const noexcept { return state_->cancelled(); }

    /// Cancels it if its work has not begun; work that takes a std::stop_token is asked to stop.
    ///
    /// Returns   whether it is cancelled. Callbacks have been called then, on this thread. Of
    ///           run_coroutine_threadsafe: true until the task is done; the task is cancelled too.
    bool cancel() const noexcept { return state_->cancel(); }

    /// Blocks this thread until it is done. Not for a loop's thread: await wrap_future() there.
    void wait() const { state_->wait(std::nullopt); }
    /// The same, for no longer than `time`.
    /// Returns   whether it is done.
    bool wait_for(Duration time) const { return state_->wait(time); }

    /// Blocks until it is done, and gives the value.
    ///
    /// timeout   nothing: no limit
    /// Throws    TimeoutError: the time was up. CancelledError: it was cancelled. Else what the
    ///           work has thrown.
    /// Lifetime  the reference lives as long as a handle.
    decltype(auto) result(std::optional<Duration> timeout = std::nullopt) const& {
        wait_or_throw(timeout);
        return shown();
    }
    /// The same: of a handle that goes away, the value itself (moved if no other handle shows it).
    decltype(auto) get(std::optional<Duration> timeout = std::nullopt) const& {
        wait_or_throw(timeout);
        return shown();
    }
    T get(std::optional<Duration> timeout = std::nullopt) && {
        wait_or_throw(timeout);
        return taken();
    }
    T result(std::optional<Duration> timeout = std::nullopt) && {
        wait_or_throw(timeout);
        return taken();
    }

    /// Blocks until it is done; gives what it failed with, or null.
    /// Throws    TimeoutError: the time was up. CancelledError: it was cancelled.
    std::exception_ptr exception(std::optional<Duration> timeout = std::nullopt) const {
        if (!state_->wait(timeout)) throw TimeoutError();
        if (state_->cancelled()) state_->throw_unless_value();
        return state_->error();
    }

    /// Calls `f(future)`, or `f()`, when it is done: on the thread that completes or cancels it; if
    /// it is done already, here and now. What f throws is logged.
    template <class F>
    void add_done_callback(F&& f) const {
        static_assert(std::is_invocable_v<std::decay_t<F>&, ConcurrentFuture> ||
                          std::is_invocable_v<std::decay_t<F>&>,
                      "a done-callback is called as f(future) or f()");
        using Callback = detail::ConcurrentCallback<T, std::decay_t<F>>;
        state_->observe(new Callback(std::forward<F>(f)));
    }

    // ---- for executors and tests -------------------------------------------------------------

    /// The work begins: cancel() comes too late from now on.
    /// Returns   false: it was cancelled, leave the work.
    /// Throws    InvalidStateError: it runs or is done already.
    bool set_running_or_notify_cancel() const { return state_->start(); }

    /// Throws    InvalidStateError: it is done already.
    template <class... Args>
        requires(std::is_void_v<T> ? sizeof...(Args) == 0
                                   : std::is_constructible_v<detail::Stored<T>, Args && ...>)
    void set_result(Args&&... args) const& {
        put_result(std::forward<Args>(args)...);
        state_->finish();
    }
    /// The same of a handle that is given away with it: who reads the result destroys it.
    template <class... Args>
        requires(std::is_void_v<T> ? sizeof...(Args) == 0
                                   : std::is_constructible_v<detail::Stored<T>, Args && ...>)
    void set_result(Args&&... args) && {
        put_result(std::forward<Args>(args)...);
        state_.release_ownership()->finish_and_release();
    }
    /// Throws    InvalidStateError: it is done already. TypeError: null.
    void set_exception(std::exception_ptr error) const& {
        begin_exception(error);
        state_->finish(std::move(error));
    }
    /// The same of a handle that is given away with it: who reads the exception destroys it.
    void set_exception(std::exception_ptr error) && {
        begin_exception(error);
        state_.release_ownership()->finish_and_release(std::move(error));
    }
    template <class E>
        requires(!std::is_same_v<std::decay_t<E>, std::exception_ptr>)
    void set_exception(E&& error) const& {
        set_exception(std::make_exception_ptr(std::forward<E>(error)));
    }

    friend bool operator==(const ConcurrentFuture&, const ConcurrentFuture&) noexcept = default;
    friend std::string to_string(const ConcurrentFuture& future) {
        const auto text = [](const void* value) {
            return detail::value_text(*static_cast<const detail::Stored<T>*>(value));
        };
        const bool has_value = future.done() && !future.cancelled() && !future.state_->error();
        return detail::concurrent_text(*future.state_, text,
                                       has_value ? &future.state_->value() : nullptr);
    }

    State* state() const noexcept { return state_.get(); } // the library's own use

private:
    template <class... Args>
    void put_result(Args&&... args) const {
        const auto before = state_->begin_result();
        try {
            state_->emplace(std::forward<Args>(args)...);
        } catch (...) {
            state_->take_back_result(before);
            throw;
        }
    }
    void begin_exception(const std::exception_ptr& error) const {
        if (!error) throw TypeError("set_exception needs an exception");
        state_->begin_result();
    }
    void wait_or_throw(std::optional<Duration> timeout) const {
        if (!state_->wait(timeout)) throw TimeoutError();
        state_->throw_unless_value();
    }
    decltype(auto) shown() const {
        if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*state_->value());
        } else if constexpr (!std::is_void_v<T>) {
            return static_cast<const T&>(state_->value());
        }
    }
    T taken() const {
        if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*state_->value());
        } else if constexpr (!std::is_void_v<T>) {
            if constexpr (std::is_copy_constructible_v<T>) {
                if (!state_->sole_owner()) return T(std::as_const(state_->value()));
            }
            return std::move(state_->value());
        }
    }

    detail::Counted<State> state_;
};

} // namespace asyncio
