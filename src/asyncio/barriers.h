// SPDX-License-Identifier: MIT
// Barrier: tasks that wait until all of them have come.
#pragma once

#include "asyncio/locks.h"

#include <string>

namespace asyncio {

/// Lets `parties` tasks pass together, as soon as that many have come; then it begins anew.
///
/// Tasks that come while those of the last round are leaving wait until these are gone.
///
/// Thread    the loop's own.
/// Lifetime  must outlive who waits for it; a wait that it does not outlive throws RuntimeError.
/// Source    CPython 3.14 asyncio.Barrier.
class Barrier {
public:
    /// Throws    ValueError: fewer than one party.
    explicit Barrier(int parties);
    Barrier(const Barrier&) = delete; // waiters know its address
    Barrier& operator=(const Barrier&) = delete;

    /// Waits until all parties have come. The last one does not suspend.
    ///
    /// Returns   which of them this was: 0 for the first, parties() - 1 for the last.
    /// Throws    BrokenBarrierError: the barrier was reset or aborted, or had been aborted.
    ///           RuntimeError: it belongs to another loop.
    /// Cancel    leaves; another task can take its place.
    /// Cost      up to three frames from the pool.
    Coro<int> wait();

    /// Waits, then runs `body`: a callable with or without the index, or an awaitable.
    /// Returns   what the body returns.
    /// Throws    as wait(); what the body throws.
    /// Cancel    as wait(); afterwards cancels the body.
    template <class F>
        requires detail::Body<F, int>
    auto with(F body) -> Coro<detail::body_result_t<F, int>> {
        int index = co_await wait();
        if constexpr (std::is_void_v<detail::body_result_t<F, int>>) {
            co_await detail::begin_body(body, index);
        } else {
            co_return co_await detail::begin_body(body, index);
        }
    }

    /// Begins anew: who waits gets BrokenBarrierError. Repairs an aborted barrier.
    /// Cancel    nothing has happened yet, as it only waits for the barrier's lock.
    Coro<> reset();
    /// Breaks it: all who wait, and all who come before a reset(), get BrokenBarrierError.
    /// Cancel    nothing has happened yet, as it only waits for the barrier's lock.
    Coro<> abort();

    /// How many tasks it takes.
    int parties() const noexcept { return parties_; }
    /// How many have come and wait; 0 unless it is filling.
    int n_waiting() const noexcept { return state_ == State::filling ? count_ : 0; }
    /// Was it aborted?
    bool broken() const noexcept { return state_ == State::broken; }

    friend std::string to_string(const Barrier& barrier);

private:
    enum class State : unsigned char { filling, draining, resetting, broken };

    bool leaving() const noexcept {
        return state_ == State::draining || state_ == State::resetting;
    }
    std::exception_ptr come_error() const;
    std::exception_ptr pass_error() const;
    void leave() noexcept;

    Condition changed_; // notified whenever state_ changes
    detail::Visitors visitors_;
    State state_ = State::filling;
    int parties_;
    int count_ = 0; // tasks inside
};

} // namespace asyncio
