// SPDX-License-Identifier: MIT
// Lock, Event, Condition, Semaphore: tasks that wait for one another.
//
// All are served first come, first served, and are not thread-safe. They may be made before any
// loop runs, and belong to the loop on which a task first has to wait for them. One that is
// destroyed while tasks wait for it releases them with a RuntimeError.
#pragma once

#include "asyncio/mixins.h"
#include "asyncio/scopes.h"

#include <cstddef>

namespace asyncio {

class Lock;
class Semaphore;

/// Holds a Lock or a Semaphore until it goes out of scope: what `co_await lock.scoped()` gives.
///
/// Lifetime  may outlive what it holds; it then does nothing.
template <class P>
class [[nodiscard("what it holds is released when it goes")]] ScopedHold {
public:
    /// Takes over what was acquired before.
    explicit ScopedHold(P& held) noexcept : visit_(held.visitors_), held_(&held) {}
    ScopedHold(ScopedHold&& other) noexcept = default;
    ScopedHold& operator=(ScopedHold&&) = delete;
    ~ScopedHold() {
        if (!visit_.over()) held_->give_back();
    }

    /// Releases before the end of the scope; afterwards it holds nothing.
    /// Throws    what the primitive's release() throws.
    void release() {
        if (visit_.over()) return;
        visit_.end();
        held_->release();
    }
    /// False after release(), and if it was moved from.
    explicit operator bool() const noexcept { return !visit_.over(); }

private:
    detail::Visit visit_;
    P* held_; // LIFETIME: only followed while visit_ lasts
};

using LockGuard = ScopedHold<Lock>;
using SemaphoreGuard = ScopedHold<Semaphore>;

namespace detail {

/// Waits for a Lock or a Semaphore.
template <class P>
class [[nodiscard]] AcquireAwaiter : public LineWaiter {
public:
    explicit AcquireAwaiter(P& primitive) noexcept
        : LineWaiter(primitive.line_), primitive_(&primitive) {}

    bool await_ready() noexcept { return primitive_->is_free() || !primitive_->loop_.binds(); }
    void await_resume() {
        if (const WaitEnd end = settle(); !is_served(end)) [[unlikely]]
            throw_end(end);
    }
    Outcome<void> await_outcome() {
        const WaitEnd end = settle();
        return is_served(end) ? Outcome<void>::with_value() : outcome_of<void>(end);
    }
    const char* label() const noexcept final { return P::acquire_label; }

protected:
    WaitEnd settle() noexcept {
        const WaitEnd end = leave_line();
        if (end == WaitEnd::woken) primitive_->taken();
        if (end == WaitEnd::passed_on) primitive_->passed_on();
        if (end == WaitEnd::at_once && !primitive_->try_acquire()) return WaitEnd::refused;
        return end;
    }

    P* primitive_;

private:
    std::string object_text() const final { return to_string(*primitive_); }
};

/// The same, and gives a guard.
template <class P>
class [[nodiscard]] ScopedAwaiter final : public AcquireAwaiter<P> {
public:
    using AcquireAwaiter<P>::AcquireAwaiter;

    ScopedHold<P> await_resume() {
        AcquireAwaiter<P>::await_resume();
        return ScopedHold<P>(*this->primitive_);
    }
    Outcome<ScopedHold<P>> await_outcome() {
        const WaitEnd end = this->settle();
        if (!this->is_served(end)) return this->template outcome_of<ScopedHold<P>>(end);
        return Outcome<ScopedHold<P>>::with_value(*this->primitive_);
    }
};

/// The operation acquire().
template <class P>
class [[nodiscard("co_await it")]] Acquire {
public:
    explicit Acquire(P& primitive) noexcept : primitive_(&primitive) {}
    AcquireAwaiter<P> operator co_await() const noexcept { return AcquireAwaiter<P>(*primitive_); }

private:
    P* primitive_; // LIFETIME: see the primitive
};

/// The operation scoped().
template <class P>
class [[nodiscard("co_await it")]] Scoped {
public:
    explicit Scoped(P& primitive) noexcept : primitive_(&primitive) {}
    ScopedAwaiter<P> operator co_await() const noexcept { return ScopedAwaiter<P>(*primitive_); }

private:
    P* primitive_; // LIFETIME: see the primitive
};

template <class P, class F>
Coro<body_result_t<F>> hold_while(P* primitive, F body) {
    // LIFETIME: the primitive outlives its users; the guard knows when it does not.
    co_await primitive->acquire();
    ScopedHold<P> guard(*primitive);
    NoScope scope;
    if constexpr (std::is_void_v<body_result_t<F>>) {
        co_await begin_body(body, scope);
        guard.release();
    } else {
        body_result_t<F> result = co_await begin_body(body, scope);
        guard.release();
        co_return result;
    }
}

} // namespace detail

// ---- Lock ---------------------------------------------------------------------------------------

/// Lets one task at a time pass. Nobody owns it: any task may release it. It is not recursive.
///
///     auto guard = co_await lock.scoped();   // released at the end of the scope
///
/// Whoever has waited longest gets it. A release() wakes that task; until it runs, the lock reads
/// as unlocked, yet nobody can overtake.
///
/// Thread    the loop's own.
/// Lifetime  must outlive who waits for it; a wait that it does not outlive throws RuntimeError.
/// Source    CPython 3.14 asyncio.Lock.  Differs: a waiter that is cancelled leaves at once.
class Lock {
public:
    using Acquire = detail::Acquire<Lock>;
    using Scoped = detail::Scoped<Lock>;

    constexpr Lock() noexcept = default;
    Lock(const Lock&) = delete; // waiters know its address
    Lock& operator=(const Lock&) = delete;

    bool locked() const noexcept { return locked_; } // has somebody got it?

    /// Waits until it is this task's turn, and takes it; does not suspend if it is free.
    /// Throws    RuntimeError: it would have to wait, but the lock belongs to another loop.
    /// Cancel    leaves the line; a lock that was released to this task goes to the next.
    /// Cost      nothing is allocated.
    Acquire acquire() noexcept { return Acquire(*this); }
    /// Takes it if it is free and nobody waits. Returns whether it did.
    bool try_acquire() noexcept {
        if (!is_free()) return false;
        locked_ = true;
        return true;
    }
    /// Frees it, and wakes who has waited longest.
    /// Throws    RuntimeError: it is not locked.
    void release() {
        if (!give_back()) [[unlikely]]
            throw_not_acquired();
    }

    /// acquire() that gives a guard, which releases it: `auto guard = co_await lock.scoped();`
    /// Cancel    as acquire().
    Scoped scoped() noexcept { return Scoped(*this); }
    /// Runs `body` (a callable that returns an awaitable, or an awaitable) while it is held.
    /// Returns   what the body returns.
    /// Throws    what the body throws; RuntimeError: the body has released it.
    /// Cancel    while waiting as acquire(); else cancels the body, and then releases it.
    template <class F>
        requires detail::Body<F>
    auto with(F body) -> Coro<detail::body_result_t<F>> {
        return detail::hold_while(this, std::move(body));
    }

    friend std::string to_string(const Lock& lock);

private:
    friend class detail::AcquireAwaiter<Lock>;
    friend class ScopedHold<Lock>;
    friend class Condition;
    static constexpr const char* acquire_label = "Lock.acquire";

    [[noreturn]] static void throw_not_acquired();
    bool is_free() const noexcept { return !locked_ && line_.empty(); }
    // At most the first in the line is woken: only a lock that is free has a woken waiter, and
    // while there is one nobody else can take or release it.
    bool give_back() noexcept {
        if (!locked_) return false;
        locked_ = false;
        line_.wake_next();
        return true;
    }
    void taken() noexcept { locked_ = true; }
    void passed_on() noexcept { line_.wake_next(); }

    detail::WaitLine line_;
    detail::Visitors visitors_;
    detail::LoopBound loop_;
    bool locked_ = false;
};

// ---- Event --------------------------------------------------------------------------------------

/// A flag that tasks can wait for.
///
/// Thread    the loop's own.
/// Lifetime  must outlive who waits for it; a wait that it does not outlive throws RuntimeError.
/// Source    CPython 3.14 asyncio.Event.
class Event {
public:
    using Wait = detail::Signal<Event>;

    constexpr Event() noexcept = default;
    Event(const Event&) = delete; // waiters know its address
    Event& operator=(const Event&) = delete;

    bool is_set() const noexcept { return set_; } // would wait() go on at once?
    /// Sets the flag and wakes all who wait, also if clear() follows at once. They run in the next
    /// turn, in the order in which they came.
    void set() noexcept {
        if (set_) return;
        set_ = true;
        line_.wake_all();
    }
    /// Who waits from now on waits for the next set().
    void clear() noexcept { set_ = false; }

    /// Waits until the flag is set; does not suspend if it is.
    /// Throws    RuntimeError: it would have to wait, but the event belongs to another loop.
    /// Cancel    leaves the line; the others keep their places.
    /// Cost      nothing is allocated.
    Wait wait() noexcept { return Wait(*this); }

    friend std::string to_string(const Event& event);

private:
    friend class detail::SignalAwaiter<Event>;
    static constexpr const char* signal_label = "Event.wait";
    bool is_open() const noexcept { return set_; }
    detail::WaitLine& signal_line() noexcept { return line_; }

    detail::WaitLine line_;
    detail::LoopBound loop_;
    bool set_ = false;
};

// ---- Semaphore ----------------------------------------------------------------------------------

/// Lets a number of tasks pass at a time: a count of permits.
///
///     auto permit = co_await semaphore.scoped();
///
/// Whoever has waited longest gets the next permit; it is set aside for that task when it is woken.
///
/// Thread    the loop's own.
/// Lifetime  must outlive who waits for it; a wait that it does not outlive throws RuntimeError.
/// Source    CPython 3.14 asyncio.Semaphore.
class Semaphore {
public:
    using Acquire = detail::Acquire<Semaphore>;
    using Scoped = detail::Scoped<Semaphore>;

    /// value     permits that are there at the beginning.
    /// Throws    ValueError: a negative value.
    explicit constexpr Semaphore(std::ptrdiff_t value = 1) : Semaphore(value, unlimited) {}
    Semaphore(const Semaphore&) = delete; // waiters know its address
    Semaphore& operator=(const Semaphore&) = delete;

    /// Would acquire() have to wait? No permit is free, or somebody is in the line.
    bool locked() const noexcept { return value_ == 0 || !line_.empty(); }

    /// Waits for a permit; does not suspend if one is free and nobody waits.
    /// Throws    RuntimeError: it would have to wait, but the semaphore belongs to another loop.
    /// Cancel    leaves the line; a permit that was set aside for this task goes to the next.
    /// Cost      nothing is allocated.
    Acquire acquire() noexcept { return Acquire(*this); }
    /// Takes a permit if one is free and nobody waits. Returns whether it did.
    bool try_acquire() noexcept {
        if (locked()) return false;
        --value_;
        return true;
    }
    /// Gives a permit back (or adds one), and wakes who has waited longest.
    /// Throws    ValueError: of a BoundedSemaphore, there are as many as at the beginning already.
    void release() {
        if (!give_back()) [[unlikely]]
            throw_released_too_often();
    }

    /// acquire() that gives a guard, which releases it.
    /// Cancel    as acquire().
    Scoped scoped() noexcept { return Scoped(*this); }
    /// Runs `body` (a callable that returns an awaitable, or an awaitable) with a permit.
    /// Returns   what the body returns.
    /// Cancel    while waiting as acquire(); else cancels the body, and then releases the permit.
    template <class F>
        requires detail::Body<F>
    auto with(F body) -> Coro<detail::body_result_t<F>> {
        return detail::hold_while(this, std::move(body));
    }

    friend std::string to_string(const Semaphore& semaphore);

protected:
    constexpr Semaphore(std::ptrdiff_t value, std::ptrdiff_t limit) : value_(value), limit_(limit) {
        if (value < 0) throw_negative();
    }

private:
    friend class detail::AcquireAwaiter<Semaphore>;
    friend class ScopedHold<Semaphore>;
    static constexpr const char* acquire_label = "Semaphore.acquire";
    static constexpr std::ptrdiff_t unlimited = PTRDIFF_MAX;

    [[noreturn]] static void throw_negative();
    bool is_free() const noexcept { return !locked(); }
    [[noreturn]] static void throw_released_too_often();
    bool give_back() noexcept {
        if (value_ >= limit_) return false;
        ++value_;
        wake_next();
        return true;
    }
    bool wake_next() noexcept {
        if (!line_.wake_next()) return false;
        --value_; // set aside for the one that was woken
        return true;
    }
    // Who came while a woken one was still to run had to queue up, even if permits were left.
    void taken() noexcept {
        while (value_ > 0 && wake_next()) {
        }
    }
    void passed_on() noexcept {
        ++value_;
        taken();
    }

    detail::WaitLine line_;
    detail::Visitors visitors_;
    detail::LoopBound loop_;
    std::ptrdiff_t value_;
    std::ptrdiff_t limit_; // release() may not go beyond it
};

/// A semaphore that cannot be released more often than it was acquired.
/// Source    CPython 3.14 asyncio.BoundedSemaphore.
class BoundedSemaphore : public Semaphore {
public:
    /// Throws    ValueError: a negative value.
    explicit constexpr BoundedSemaphore(std::ptrdiff_t value = 1) : Semaphore(value, value) {}
};

// ---- Condition ----------------------------------------------------------------------------------

/// Lets tasks that hold a lock wait until another says that something has changed.
///
///     auto guard = co_await condition.scoped();
///     co_await condition.wait_for([&] { return !jobs.empty(); });
///
/// A wait can end although nobody has called notify(): wait in a loop, or with wait_for().
///
/// Thread    the loop's own.
/// Lifetime  must outlive who waits for it; a wait that it does not outlive throws RuntimeError.
/// Source    CPython 3.14 asyncio.Condition.
class Condition {
public:
    /// With a lock of its own.
    constexpr Condition() noexcept : lock_(&own_) {}
    /// Over `lock`, which several conditions may share.
    /// Lifetime  `lock` must outlive this.
    explicit constexpr Condition(Lock& lock) noexcept : lock_(&lock) {}
    Condition(const Condition&) = delete; // waiters know its address
    Condition& operator=(const Condition&) = delete;

    /// The lock's own operations, under the condition's name.
    bool locked() const noexcept { return lock_->locked(); }
    /// Cancel    as Lock::acquire().
    Lock::Acquire acquire() noexcept { return lock_->acquire(); }
    bool try_acquire() noexcept { return lock_->try_acquire(); }
    void release() { lock_->release(); }
    /// Cancel    as Lock::acquire().
    Lock::Scoped scoped() noexcept { return lock_->scoped(); }
    /// Cancel    as Lock::with().
    template <class F>
        requires detail::Body<F>
    auto with(F body) -> Coro<detail::body_result_t<F>> {
        return lock_->with(std::move(body));
    }

    /// Releases the lock, waits until it is notified, and takes the lock again.
    ///
    /// Returns   true.
    /// Throws    RuntimeError: the lock is not held, or the condition belongs to another loop.
    /// Cancel    takes the lock again before CancelledError is thrown, however long that takes; a
    ///           cancel meanwhile does not shorten it. A notification goes to another waiter.
    /// Cost      one frame from the pool.
    Coro<bool> wait();

    /// Waits until `predicate()` is true; looks at once, and whenever it was notified.
    ///
    /// Returns   what the predicate returned, which is true as a condition.
    /// Throws    as wait(); what the predicate throws.
    /// Cancel    as wait().
    template <class P>
    auto wait_for(P predicate) -> Coro<std::remove_cvref_t<std::invoke_result_t<P&>>> {
        for (;;) {
            auto value = predicate();
            if (value) co_return value;
            co_await wait();
        }
    }

    /// Wakes up to `count` waiters, first come first. They go on when they get the lock.
    /// Throws    RuntimeError: the lock is not held.
    void notify(std::ptrdiff_t count = 1);
    /// Wakes all who wait.
    /// Throws    RuntimeError: the lock is not held.
    void notify_all();

    friend std::string to_string(const Condition& condition);

private:
    friend class detail::SignalAwaiter<Condition>;
    static constexpr const char* signal_label = "Condition.wait";
    static bool is_open() noexcept { return false; }
    detail::WaitLine& signal_line() noexcept { return line_; }
    void check_held() const;

    Lock own_; // unused if it is over another
    Lock* lock_;
    detail::WaitLine line_;
    detail::Visitors visitors_;
    detail::LoopBound loop_;
};

} // namespace asyncio
