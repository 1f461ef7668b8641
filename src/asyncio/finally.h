// SPDX-License-Identifier: MIT
// finally_: a clean-up that runs however the body ends, and may wait.
#pragma once

#include "asyncio/scopes.h"

namespace asyncio {

namespace detail {

/// What may follow a body: an awaitable, a callable that makes one, or one that returns nothing.
template <class C>
concept Cleanup = Body<C> || std::is_invocable_v<C&>;

void cleanup_failed() noexcept;

/// Runs a clean-up that does not wait; at the latest when the frame is taken apart.
template <class C>
class CleanupGuard {
public:
    explicit CleanupGuard(C& cleanup) noexcept : cleanup_(cleanup) {}
    CleanupGuard(const CleanupGuard&) = delete;
    CleanupGuard& operator=(const CleanupGuard&) = delete;
    ~CleanupGuard() {
        if (ran_) return;
        try {
            cleanup_();
        } catch (...) {
            cleanup_failed();
        }
    }
    void run() {
        ran_ = true;
        cleanup_();
    }

private:
    C& cleanup_;
    bool ran_ = false;
};

} // namespace detail

/// Awaits `body`, then runs `cleanup`, whether the body returned, threw or was cancelled.
///
/// body      an awaitable, or a callable () -> Coro<T>.
/// cleanup   a callable that returns nothing or () -> Coro<>; or an awaitable.
/// Returns   what the body returns.
/// Throws    what the clean-up throws; else what the body throws.
/// Cancel    cancels the body; the clean-up runs, and the CancelledError goes on behind it. A
///           cancel during the clean-up arrives in the clean-up. Cancelled before it is begun:
///           neither runs.
/// Lifetime  keeps both until it has ended. If the loop is closed over it, a clean-up that waits
///           cannot run any more; one that does not wait still does.
/// Cost      one frame.
/// Source    Python's `try: ... finally:` (C++ only: co_await is not allowed in a destructor)
template <class B, class C>
    requires(detail::Body<B> && detail::Cleanup<C>)
Coro<detail::body_result_t<B>> finally_(B body, C cleanup) {
    using Value = detail::body_result_t<B>;
    detail::NoScope scope;
    if constexpr (detail::Body<C>) {
        Outcome<Value> end = co_await detail::BodyAwaiter<B, detail::NoScope>(body, scope);
        co_await detail::begin_body(cleanup, scope);
        if constexpr (std::is_void_v<Value>) {
            end.value();
        } else {
            co_return std::move(end).value();
        }
    } else {
        detail::CleanupGuard<C> guard(cleanup);
        Outcome<Value> end = co_await detail::BodyAwaiter<B, detail::NoScope>(body, scope);
        guard.run();
        if constexpr (std::is_void_v<Value>) {
            end.value();
        } else {
            co_return std::move(end).value();
        }
    }
}

} // namespace asyncio
