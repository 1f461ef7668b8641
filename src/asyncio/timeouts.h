// SPDX-License-Identifier: MIT
// timeout: a body that has to be done by a deadline, and is cancelled if it is not.
#pragma once

#include "asyncio/scopes.h"

namespace asyncio {

namespace detail {
template <class B>
class TimeoutAwaiter;
template <class B>
class TimeoutWith;
template <class Limit, class B>
class TimeoutBody;
} // namespace detail

/// A scope with a deadline, for one use: `Timeout limit = timeout(1s); co_await limit.with(body);`
///
/// The body of `timeout(delay, body)` may take it as a parameter: `(Timeout& limit) -> Coro<T>`.
/// States: created, active (the body runs), expiring (it was cancelled and has not ended yet),
/// expired, finished.
///
/// Thread    the loop's own.
/// Lifetime  must outlive the body.
/// Source    CPython 3.14 asyncio.Timeout.
class Timeout {
public:
    explicit Timeout(std::optional<TimePoint> when) noexcept : when_(when) {}
    Timeout(const Timeout&) = delete; // its timer holds its address
    Timeout& operator=(const Timeout&) = delete;
    ~Timeout() { disarm(); }

    /// The deadline on the loop's clock; nothing: there is none.
    std::optional<TimePoint> when() const noexcept { return when_; }
    /// Was the deadline reached before the body ended?
    bool expired() const noexcept { return state_ == State::expiring || state_ == State::expired; }

    /// Moves the deadline; nothing: takes it away. One that has passed takes effect in the next
    /// turn.
    /// Throws    RuntimeError: the body does not run, or is being cancelled already.
    void reschedule(std::optional<TimePoint> when);

    /// Runs `body` under this deadline; see timeout(delay, body).
    ///
    /// Throws    RuntimeError: this was used already. Else as timeout(delay, body).
    /// Cancel    cancels the body, and ends when it has ended.
    template <class B>
        requires detail::Body<std::decay_t<B>, Timeout>
    [[nodiscard("co_await it")]] detail::TimeoutWith<std::decay_t<B>> with(B&& body) {
        return detail::TimeoutWith<std::decay_t<B>>(*this, std::forward<B>(body));
    }

    /// "<Timeout [active] when=1.5>"
    friend std::string to_string(const Timeout& timeout);

private:
    template <class B>
    friend class detail::TimeoutAwaiter;

    enum class State : unsigned char { created, active, expiring, expired, finished };

    void enter();
    bool leave(bool cancelled) noexcept; // true: the end is a TimeoutError
    void drop() noexcept; // the body was taken apart
    void arm(std::optional<TimePoint> when);
    void disarm() noexcept;
    void expire() noexcept;

    std::optional<TimePoint> when_;
    std::optional<TimerHandle> timer_;
    std::optional<Handle> soon_; // instead of it, of a deadline that has passed
    detail::FutureState* task_ = nullptr; // LIFETIME: the body runs in it
    int cancelling_ = 0; // of the task, when the body began
    unsigned shields_ = 0; // around this scope: they do not put off its cancel
    State state_ = State::created;
};

namespace detail {

std::optional<TimePoint> deadline_from(std::optional<Duration> delay);
inline std::optional<TimePoint> deadline_from(std::optional<TimePoint> when) noexcept {
    return when;
}

/// Opens a Timeout, awaits the body in it, closes it. Lives in the frame that awaits.
template <class B>
class [[nodiscard]] TimeoutAwaiter {
    using Value = body_result_t<B, Timeout>;

public:
    TimeoutAwaiter(Timeout& scope, B& body) noexcept : scope_(scope), body_(body, scope) {}
    TimeoutAwaiter(const TimeoutAwaiter&) = delete; // the body holds its address
    TimeoutAwaiter& operator=(const TimeoutAwaiter&) = delete;
    ~TimeoutAwaiter() {
        if (inside_) scope_.drop();
    }

    bool await_ready(std::source_location where = std::source_location::current()) {
        scope_.enter();
        inside_ = true;
        return body_.await_ready(where);
    }
    template <class Promise>
    auto await_suspend(std::coroutine_handle<Promise> frame,
                       std::source_location where = std::source_location::current()) {
        return body_.await_suspend(frame, where);
    }
    Value await_resume() {
        Outcome<Value> end = close();
        if (timed_out_) throw TimeoutError();
        return std::move(end).value();
    }
    Outcome<Value> await_outcome() {
        Outcome<Value> end = close();
        if (!timed_out_) return end;
        return Outcome<Value>::with_exception(std::make_exception_ptr(TimeoutError()));
    }

private:
    Outcome<Value> close() {
        Outcome<Value> end = body_.await_resume();
        inside_ = false;
        timed_out_ = scope_.leave(end.cancelled());
        return end;
    }

    Timeout& scope_;
    BodyAwaiter<B, Timeout> body_;
    bool inside_ = false;
    bool timed_out_ = false;
};

struct OwnTimeout {
    explicit OwnTimeout(std::optional<TimePoint> when) noexcept : own(when) {}
    Timeout own;
};

/// The same with a Timeout of its own.
template <class B>
class [[nodiscard]] OwnTimeoutAwaiter : OwnTimeout, public TimeoutAwaiter<B> {
public:
    OwnTimeoutAwaiter(std::optional<TimePoint> when, B& body) noexcept
        : OwnTimeout(when), TimeoutAwaiter<B>(OwnTimeout::own, body) {}
};

/// The operation `limit.with(body)`.
template <class B>
class [[nodiscard("co_await it")]] TimeoutWith {
public:
    template <class Given>
    TimeoutWith(Timeout& scope, Given&& body) : scope_(&scope), body_(std::forward<Given>(body)) {}
    TimeoutAwaiter<B> operator co_await() noexcept { return TimeoutAwaiter<B>(*scope_, body_); }

private:
    Timeout* scope_; // LIFETIME: see Timeout
    B body_;
};

/// The operation `timeout(limit, body)`.
template <class Limit, class B>
class [[nodiscard("co_await it")]] TimeoutBody {
public:
    template <class Given>
    TimeoutBody(Limit limit, Given&& body) : limit_(limit), body_(std::forward<Given>(body)) {}
    OwnTimeoutAwaiter<B> operator co_await() {
        return OwnTimeoutAwaiter<B>(deadline_from(limit_), body_);
    }

private:
    Limit limit_;
    B body_;
};

} // namespace detail

/// A scope whose deadline is `delay` from now; nothing: it has none.
///
/// Throws    RuntimeError: no loop is running.
/// Source    CPython 3.14 asyncio.timeout.
[[nodiscard]] Timeout timeout(std::optional<Duration> delay);

/// A scope with a deadline on the loop's clock; nothing: it has none.
/// Source    CPython 3.14 asyncio.timeout_at.
[[nodiscard]] inline Timeout timeout_at(std::optional<TimePoint> when) noexcept {
    return Timeout(when);
}

/// Awaits `body`, which is cancelled where it waits if it takes longer than `delay`.
///
/// A cancel by anybody else stays a CancelledError. If the body answers its cancellation with a
/// value or another exception, that is what comes out. Scopes may be nested: of those that expire
/// together the outermost throws.
///
/// delay     counted from the await. Zero or less: the body is cancelled where it first suspends.
///           Nothing: there is no deadline.
/// body      a callable: (Timeout&) or () -> Coro<T>; or an awaitable.
/// Returns   what the body returns.
/// Throws    TimeoutError: the deadline came first. Else what the body throws, unchanged.
/// Cancel    cancels the body, and ends when it has ended.
/// Cost      one timer, O(log n) in the armed timers; no coroutine frame.
/// Source    CPython 3.14 asyncio.timeout.  Differs: `async with` is a body.
template <class B>
    requires detail::Body<std::decay_t<B>, Timeout>
detail::TimeoutBody<std::optional<Duration>, std::decay_t<B>> timeout(std::optional<Duration> delay,
                                                                      B&& body) {
    return {delay, std::forward<B>(body)};
}

/// The same with a deadline on the loop's clock.
/// Cancel    as timeout.
/// Source    CPython 3.14 asyncio.timeout_at.
template <class B>
    requires detail::Body<std::decay_t<B>, Timeout>
detail::TimeoutBody<std::optional<TimePoint>, std::decay_t<B>>
timeout_at(std::optional<TimePoint> when, B&& body) {
    return {when, std::forward<B>(body)};
}

} // namespace asyncio
