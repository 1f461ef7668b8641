// SPDX-License-Identifier: MIT
// wait_for: results, time-outs, and what is left of what was waited for.
#include "asyncio/wait_for.h"

#include "asyncio/locks.h"
#include "asyncio/shield.h"
#include "asyncio/testing/sweep.h"
#include "support/both_modes.h"
#include "support/moments.h"

#include <memory>

using namespace asyncio;
using namespace std::chrono_literals;
using support::cancelling;
using support::now;

namespace {

Coro<int> seven() { co_return 7; }
Coro<int> seven_after(Duration delay) {
    co_await sleep(delay);
    co_return 7;
}
Coro<> fail_after(Duration delay) {
    co_await sleep(delay);
    throw ValueError("failed");
}
Coro<int> mark_start(bool& started) {
    started = true;
    co_return 7;
}
// When it is cancelled, takes `extra` to end; then says so.
Coro<> end_slowly(Duration extra, bool& ended) {
    const auto end = co_await outcome(sleep(1h));
    co_await sleep(extra);
    ended = true;
    end.value();
}
// Answers its first cancellation with a value, after `extra`.
Coro<int> value_when_cancelled(Duration extra) {
    const auto end = co_await outcome(sleep(1h));
    CHECK(end.cancelled());
    co_await sleep(extra);
    co_return 42;
}
Coro<int> error_when_cancelled() {
    const auto end = co_await outcome(sleep(1h));
    if (end.cancelled()) throw ZeroDivisionError("clean-up");
    co_return 0;
}

} // namespace

CO_TEST_BOTH_MODES("SEM-WF-01: gives the result of coroutine, operation, task and future") {
    CHECK_EQ(co_await wait_for(seven_after(10ms), 1s), 7);
    CHECK_EQ(co_await wait_for(sleep(10ms, std::string("slept")), 1s), "slept");
    const auto task = create_task(seven_after(10ms));
    CHECK_EQ(co_await wait_for(task, 1s), 7);
    const Future<int> future;
    testing::loop().call_later(10ms, [future] { future.set_result(3); });
    CHECK_EQ(co_await wait_for(future, 1s), 3);
    const Future<std::unique_ptr<int>> movable;
    movable.set_result(std::make_unique<int>(5));
    const auto moved = co_await wait_for(movable, 1s);
    CHECK_EQ(*moved, 5);
    co_await wait_for(sleep(10ms), 1s);
    CHECK_EQ(testing::loop().timer_count(), 0U);
    CHECK_EQ(now(), TimePoint(50ms));
}

CO_TEST_BOTH_MODES("SEM-WF-01: rethrows the exception of what it waits for") {
    CHECK_THROWS_MSG(co_await wait_for(fail_after(10ms), 1s), ValueError, "failed");
    const auto task = create_task(fail_after(10ms));
    CHECK_THROWS_MSG(co_await wait_for(task, 1s), ValueError, "failed");
    CHECK_EQ(testing::loop().timer_count(), 0U);
}

CO_TEST_BOTH_MODES("SEM-WF-01: without a limit it waits as long as it takes") {
    CHECK_EQ(co_await wait_for(seven_after(1000h), std::nullopt), 7);
    CHECK_THROWS_MSG(co_await wait_for(fail_after(10ms), std::nullopt), ValueError, "failed");
    CHECK_EQ(co_await wait_for(seven_after(1000h), Duration::forever()), 7);
}

CO_TEST_BOTH_MODES("SEM-WF-02: TimeoutError comes only when the awaitable has really ended") {
    bool ended = false;
    CHECK_THROWS_AS(co_await wait_for(end_slowly(3s, ended), 1s), TimeoutError);
    CHECK(ended);
    CHECK_EQ(now(), TimePoint(4s));
    ended = false;
    const auto task = create_task(end_slowly(3s, ended));
    CHECK_THROWS_AS(co_await wait_for(task, 1s), TimeoutError);
    CHECK(ended);
    CHECK(task.cancelled());
    CHECK_EQ(now(), TimePoint(8s));
    CHECK_EQ(cancelling(), 0);
    const Future<> future;
    CHECK_THROWS_AS(co_await wait_for(future, 1s), TimeoutError);
    CHECK(future.cancelled());
}

CO_TEST_BOTH_MODES("SEM-WF-03: without time a done future still gives its result") {
    const Future<int> future;
    future.set_result(3);
    const auto task = create_task(seven());
    co_await task;
    for (const Duration limit : {Duration(0s), Duration(-1s)}) {
        const testing::Turns turns;
        CHECK_EQ(co_await wait_for(future, limit), 3);
        CHECK_EQ(co_await wait_for(task, limit), 7);
        CHECK_EQ(turns.count(), 0);
    }
    CHECK_EQ(future.result(), 3);
    const Future<std::string&> reference;
    std::string text = "text";
    reference.set_result(text);
    CHECK_EQ(co_await wait_for(reference, 0s), "text");
    const Future<> failed;
    failed.set_exception(ValueError("failed"));
    CHECK_THROWS_AS(co_await wait_for(failed, 0s), ValueError);
    const Future<> cancelled;
    cancelled.cancel();
    CHECK_THROWS_AS(co_await wait_for(cancelled, 0s), CancelledError);
    CHECK_THROWS_AS(co_await wait_for(AnyFuture(failed), 0s), ValueError);
}

CO_TEST("SEM-WF-03: without time a fresh coroutine is never started") {
    for (const Duration limit : {Duration(0s), Duration(-1s)}) {
        bool started = false;
        CHECK_THROWS_AS(co_await wait_for(mark_start(started), limit), TimeoutError);
        CHECK(!started);
        CHECK_THROWS_AS(co_await wait_for(sleep(1s), limit), TimeoutError);
    }
    CHECK_EQ(now(), TimePoint(0s));
}

CO_TEST_BOTH_MODES("SEM-WF-03: without time a running task is cancelled and awaited") {
    bool ended = false;
    const auto task = create_task(end_slowly(3s, ended));
    co_await sleep(1s);
    CHECK_THROWS_AS(co_await wait_for(task, 0s), TimeoutError);
    CHECK(ended);
    CHECK(task.cancelled());
    CHECK_EQ(now(), TimePoint(4s));
    const auto value = create_task(value_when_cancelled(1s));
    co_await sleep(1s);
    CHECK_EQ(co_await wait_for(value, 0s), 42);
    const auto error = create_task(error_when_cancelled());
    co_await sleep(1s);
    CHECK_THROWS_AS(co_await wait_for(error, -1s), ZeroDivisionError);
}

CO_TEST("SEM-WF-03: a wait without time that is cancelled lets the task end by itself") {
    bool ended = false;
    const auto task = create_task(end_slowly(3s, ended));
    co_await sleep(1s);
    const auto waiter = create_task(wait_for(task, 0s));
    co_await sleep(1s);
    CHECK(!waiter.done());
    waiter.cancel();
    CHECK_THROWS_AS(co_await waiter, CancelledError);
    CHECK(!ended);
    CHECK_EQ(now(), TimePoint(2s));
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK(ended);
}

CO_TEST_BOTH_MODES("SEM-WF-04: a value in answer to the cancellation is returned") {
    CHECK_EQ(co_await wait_for(value_when_cancelled(0s), 1s), 42);
    const auto task = create_task(value_when_cancelled(2s));
    CHECK_EQ(co_await wait_for(task, 1s), 42);
    CHECK_EQ(now(), TimePoint(4s));
    CHECK_EQ(cancelling(), 0);
}

CO_TEST_BOTH_MODES("SEM-WF-05: an exception in answer to the cancellation comes out") {
    CHECK_THROWS_MSG(co_await wait_for(error_when_cancelled(), 1s), ZeroDivisionError, "clean-up");
    const auto task = create_task(error_when_cancelled());
    CHECK_THROWS_MSG(co_await wait_for(task, 1s), ZeroDivisionError, "clean-up");
    CHECK_EQ(cancelling(), 0);
}

CO_TEST_BOTH_MODES("SEM-WF-06: a cancelled wait_for cancels what it waits for, and waits") {
    for (const std::optional<Duration> limit :
         {std::optional<Duration>(100s), std::optional<Duration>()}) {
        const TimePoint began = now();
        bool ended = false;
        const auto direct = create_task(wait_for(end_slowly(2s, ended), limit));
        co_await sleep(1s);
        direct.cancel("enough");
        CHECK_THROWS_MSG(co_await direct, CancelledError, "enough");
        CHECK(ended);
        CHECK_EQ(now(), began + 3s);
        ended = false;
        const auto inner = create_task(end_slowly(2s, ended));
        const auto waiter = create_task(wait_for(inner, limit));
        co_await sleep(1s);
        waiter.cancel();
        CHECK_THROWS_AS(co_await waiter, CancelledError);
        CHECK(ended);
        CHECK(inner.cancelled());
        CHECK_EQ(now(), began + 6s);
    }
    CHECK_EQ(testing::loop().timer_count(), 0U);
}

CO_TEST_BOTH_MODES("SEM-WF-06: an inner task that ends by CancelledError itself is no timeout") {
    const auto inner = create_task(sleep(100s));
    testing::loop().call_later(1s, [&inner] { inner.cancel(); });
    CHECK_THROWS_AS(co_await wait_for(inner, 50s), CancelledError);
    CHECK_EQ(cancelling(), 0);
    CHECK_EQ(now(), TimePoint(1s));
}

CO_TEST_BOTH_MODES(
    "SEM-WF-07: what the next turn's callback completes is in time, and the timer goes") {
    const Future<std::string> future;
    testing::loop().call_soon([future] { future.set_result("ok"); });
    const auto waiter = create_task(wait_for(future, 100s));
    co_await sleep(Duration());
    CHECK_EQ(co_await waiter, "ok");
    CHECK_EQ(testing::loop().timer_count(), 0U);
    CHECK_EQ(now(), TimePoint(0s));
}

CO_TEST_BOTH_MODES("SEM-WF-08: wait_for of a shield leaves the task running and awaitable") {
    const auto task = create_task(seven_after(5s));
    CHECK_THROWS_AS(co_await wait_for(shield(task), 1s), TimeoutError);
    CHECK(!task.done());
    CHECK_EQ(task.cancelling(), 0);
    CHECK_THROWS_AS(co_await wait_for(shield(task), 0s), TimeoutError);
    CHECK_EQ(co_await wait_for(task, 10s), 7);
    CHECK_EQ(now(), TimePoint(5s));
}

CO_TEST_BOTH_MODES("SEM-WF-09: after a timed-out condition.wait() the lock is held again") {
    Lock lock;
    Condition condition(lock);
    co_await condition.acquire();
    CHECK_THROWS_AS(co_await wait_for(condition.wait(), 1s), TimeoutError);
    CHECK(condition.locked());
    condition.release();
    CHECK_EQ(now(), TimePoint(1s));

    // Also if somebody else holds it then: the wait ends when that one lets go.
    const auto holder = create_task([&condition]() -> Coro<> {
        co_await sleep(500ms);
        co_await condition.acquire();
        co_await sleep(5s);
        condition.release();
    });
    co_await condition.acquire();
    CHECK_THROWS_AS(co_await wait_for(condition.wait(), 1s), TimeoutError);
    CHECK(condition.locked());
    CHECK_EQ(now(), TimePoint(6500ms));
    condition.release();
    co_await holder;
}

CO_TEST("SEM-HOP-08: wait_for of a coroutine adds no turn, of a task or future one") {
    {
        const testing::Turns turns;
        CHECK_EQ(co_await wait_for(seven(), 1s), 7);
        CHECK_EQ(turns.count(), 0);
    }
    {
        std::uint64_t ended = 0;
        const auto body = [&ended]() -> Coro<> {
            co_await sleep(Duration());
            ended = testing::loop().turn_count();
        };
        co_await wait_for(body(), 1s);
        CHECK_EQ(testing::loop().turn_count(), ended);
        const auto task = create_task(body);
        co_await wait_for(task, 1s);
        CHECK_EQ(testing::loop().turn_count(), ended + 1);
    }
    {
        const Future<> future;
        std::uint64_t set = 0;
        testing::loop().call_later(1ms, [&] {
            set = testing::loop().turn_count();
            future.set_result();
        });
        co_await wait_for(future, 1s);
        CHECK_EQ(testing::loop().turn_count(), set + 1);
    }
}

CO_TEST("SEM-HOP-08: wait_for of a done future takes no turn") {
    const Future<int> future;
    future.set_result(1);
    const testing::Turns turns;
    CHECK_EQ(co_await wait_for(future, 1s), 1);
    CHECK_EQ(co_await wait_for(future, std::nullopt), 1);
    CHECK_EQ(turns.count(), 0);
}

CO_TEST("SEM-HOP-01: a coroutine under a timeout resumes its caller in the same turn") {
    const testing::Turns turns;
    CHECK_EQ(co_await timeout(1s, seven()), 7);
    CHECK_EQ(turns.count(), 0);
    std::uint64_t ended = 0;
    const auto body = [&ended](Timeout&) -> Coro<> {
        co_await sleep(Duration());
        ended = testing::loop().turn_count();
    };
    co_await timeout(1s, body);
    CHECK_EQ(testing::loop().turn_count(), ended);
}

CO_TEST("SEM-CXL-17: wait_for waits for who ignores every cancellation for 200 ms") {
    const auto stubborn = []() -> Coro<> {
        const TimePoint until = now() + 200ms;
        while (now() < until) {
            const auto ignored = co_await outcome(sleep(until - now()));
            static_cast<void>(ignored);
        }
    };
    const auto task = create_task(stubborn);
    const auto waiter = create_task(wait_for(task, 10ms));
    for (int i = 0; i < 10; ++i) {
        co_await sleep(15ms);
        waiter.cancel();
        CHECK(!waiter.done());
    }
    const auto end = co_await outcome(waiter);
    CHECK(task.done());
    CHECK(!task.cancelled());
    CHECK_EQ(now(), TimePoint(200ms));
}

CO_SWEEP("SEM-WF-06: the sweep leaves nothing of wait_for behind") {
    bool ended = false;
    const auto expect_timeout = [](const auto& end) {
        if (end.cancelled() || is_exception<std::bad_alloc>(end.exception())) end.value();
        CHECK(is_exception<TimeoutError>(end.exception()));
    };
    const auto body = [&]() -> Coro<> {
        co_await wait_for(sleep(1s), 5s);
        expect_timeout(co_await outcome(wait_for(sleep(5s), 1s)));
        expect_timeout(co_await outcome(wait_for(Future<int>(), 1s)));
        expect_timeout(co_await outcome(wait_for(create_task(sleep(5s)), 1s)));
        expect_timeout(co_await outcome(wait_for(create_task(sleep(5s)), 0s)));
        ended = true;
    };
    const auto victim = sweep.victim(body());
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    CHECK_EQ(ended, end.has_value());
    for (const AnyTask& left :
         all_tasks()) { // what a wait without time has cancelled ends by itself
        if (left == current_task()) continue;
        const auto gone = co_await outcome(left);
        CHECK(gone.cancelled() || sweep.mode() == testing::SweepMode::no_memory);
    }
    CHECK_EQ(testing::loop().timer_count(), 0U);
}
