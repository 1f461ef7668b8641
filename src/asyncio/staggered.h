// SPDX-License-Identifier: MIT
// staggered_race: attempts that are started one after the other until one succeeds.
#pragma once

#include "asyncio/children.h"
#include "asyncio/locks.h"
#include "asyncio/scopes.h"

namespace asyncio {

/// How a race went.
template <class T>
struct RaceResult {
    using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

    std::optional<Value> winner;                // nothing: no attempt succeeded
    std::optional<std::size_t> index;           // of the winner
    std::vector<std::exception_ptr> exceptions; // one an attempt that was begun; the winner's: null
};

namespace detail {

/// What the tasks of a race share. LIFETIME: the frame of staggered_race holds it, and ends last.
class RaceBase {
public:
    RaceBase(std::size_t attempts, std::optional<Duration> delay);
    RaceBase(const RaceBase&) = delete; // its tasks know its address
    RaceBase& operator=(const RaceBase&) = delete;

    /// Adds a task to those that the race waits for.
    void add(const Task<>& task);
    /// Waits until no task is left; a cancel goes to all of them, as often as it comes.
    /// Throws    CancelledError, after that. What a task failed with by no fault of its attempt.
    Coro<> all_ended();

protected:
    /// Waits until the attempt before has failed, or the delay is over.
    Coro<> wait_for_start(Future<> failed_before);
    void stop_others() noexcept;

    std::size_t begun_ = 0;
    std::size_t attempts_;
    std::optional<Duration> delay_;

private:
    void task_done(const Task<>& task);

    std::vector<Task<>> running_;
    std::vector<std::exception_ptr> failures_;
    Event none_left_;
};

bool is_interrupt(const std::exception_ptr& error) noexcept;
void set_once(const Future<>& signal);

template <class T, class F>
class Race : public RaceBase {
public:
    Race(std::vector<F>& attempts, std::optional<Duration> delay)
        : RaceBase(attempts.size(), delay), attempts_(attempts) {
        result.exceptions.reserve(attempts.size());
    }

    /// One task: begins the next attempt when it is time to, and then the task behind it.
    ///
    /// added           done when add() knows this task; it may have been started eagerly
    /// failed_before   of the attempt before; nothing for the first one
    Coro<> run_one(Future<> added, std::optional<Future<>> failed_before) {
        co_await added;
        if (failed_before) co_await wait_for_start(*failed_before);
        if (begun_ == attempts_.size()) co_return;
        const std::size_t index = begun_++;
        const Future<> failed;
        start(failed);
        result.exceptions.emplace_back();
        NoScope scope;
        auto end = co_await BodyAwaiter<F, NoScope>(attempts_[index], scope);
        if (end.has_value()) {
            win(index, std::move(end));
        } else {
            result.exceptions[index] = end.exception();
            if (is_interrupt(result.exceptions[index])) {
                std::rethrow_exception(result.exceptions[index]);
            }
            set_once(failed);
        }
    }

    /// Makes the task of the next attempt.
    void start(std::optional<Future<>> failed_before) {
        const Future<> added;
        add(create_task(run_one(added, std::move(failed_before))));
        set_once(added);
    }

    RaceResult<T> result;

private:
    void win(std::size_t index, [[maybe_unused]] Outcome<T>&& end) {
        if constexpr (std::is_void_v<T>) {
            result.winner.emplace();
        } else {
            result.winner.emplace(std::move(end).value());
        }
        result.index = index;
        stop_others();
    }

    std::vector<F>& attempts_;
};

template <class F>
Coro<RaceResult<body_result_t<F>>> run_race(std::vector<F> attempts,
                                            std::optional<Duration> delay) {
    Race<body_result_t<F>, F> race(attempts, delay);
    Coro<> all_ended = race.all_ended(); // made first: what is started has to be waited for
    race.start(std::nullopt);
    co_await std::move(all_ended);
    co_return std::move(race.result);
}

template <class R>
using range_value_t = std::decay_t<range_reference_t<R>>;

template <class R>
auto attempts_of(R&& range) {
    std::vector<range_value_t<R>> all;
    if constexpr (requires { range.size(); }) all.reserve(range.size());
    for (auto&& attempt : range) {
        all.push_back(hand_over<R>(std::forward<decltype(attempt)>(attempt)));
    }
    return all;
}

} // namespace detail

/// Begins attempts one after the other, each when the one before has failed or `delay` after it was
/// begun, until one succeeds; the others are then cancelled, and have ended when this returns.
///
/// attempts  a range of callables () -> Coro<T>; of an rvalue they are moved out. Each fails by
///           throwing; a cancel it must not swallow.
/// delay     nothing: only a failure begins the next one.
/// Returns   RaceResult: the winner's value, its index, and how each attempt that was begun failed.
///           Without a winner, all failed.
/// Throws    KeyboardInterrupt, SystemExit of an attempt. std::bad_alloc.
/// Cancel    cancels the attempts, waits until they have ended, and throws.
/// Lifetime  keeps the attempts until it has ended.
/// Source    CPython 3.14 asyncio.staggered.staggered_race.
template <class R>
    requires(!Awaitable<std::decay_t<R>> &&
             requires(std::remove_reference_t<R>& range) {
                 std::begin(range) != std::end(range);
                 requires detail::Body<detail::range_value_t<R>>;
             })
auto staggered_race(R&& attempts, std::optional<Duration> delay) {
    return detail::run_race(detail::attempts_of(std::forward<R>(attempts)), delay);
}

} // namespace asyncio
