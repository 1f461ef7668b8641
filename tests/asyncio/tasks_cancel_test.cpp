// SPDX-License-Identifier: MIT
// Cancelling tasks: delivery, counting, withdrawing, messages.
#include "asyncio/gather.h"
#include "asyncio/locks.h"
#include "asyncio/taskgroups.h"
#include "asyncio/tasks.h"
#include "asyncio/wait_for.h"

#include "asyncio/testing/sweep.h"
#include "support/moments.h"
#include "support/reports.h"

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

Coro<int> give(int value) { co_return value; }

Coro<int> wait_for_value(Future<int> future) { co_return co_await future; }

// Awaits `future`; a cancellation is swallowed and gives -1.
Coro<int> swallow(Future<int> future) {
    const auto end = co_await outcome(future);
    co_return end.cancelled() ? -1 : end.value();
}

std::string message_of_cancel(const Outcome<int>& end) {
    return end.cancelled() ? message_of(end.exception()) : "not cancelled";
}

} // namespace

// ---- requests and delivery ----------------------------------------------------------------------

CO_TEST(
    "SEM-CXL-01: cancel() asks: true while not done, and cancelled() only after the body's end") {
    const auto task = create_task(sleep(1h));
    co_await yield_now();
    CHECK(task.cancel());
    CHECK(!task.cancelled());
    CHECK(!task.done());
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK(task.cancelled());
    CHECK(!task.cancel());
}

CO_TEST(
    "SEM-CXL-02: cancel() cancels the awaited future at once, the body sees it in a later turn") {
    const Future<int> future;
    const testing::Turns turns;
    int seen_at = -1;
    const auto body = [&](Future<int> awaited) -> Coro<> {
        const auto end = co_await outcome(awaited);
        seen_at = turns.count();
        end.value();
    };
    const auto task = create_task(body(future));
    co_await yield_now();
    const int cancelled_at = turns.count();
    task.cancel();
    CHECK(future.cancelled());
    CHECK_EQ(seen_at, -1);
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK_EQ(seen_at, cancelled_at + 1);
}

CO_TEST("SEM-CXL-03: a cancel goes along the awaits to the innermost, which sees it first") {
    const Future<int> future;
    std::vector<std::string> order;
    const auto body = [&order](std::string name, auto awaited) -> Coro<int> {
        const auto end = co_await outcome(awaited);
        order.push_back(name + (end.cancelled() ? " cancelled" : " not cancelled"));
        co_return end.value();
    };
    const auto inner = create_task(body("inner", future));
    const auto middle = create_task(body("middle", inner));
    const auto outer = create_task(body("outer", middle));
    co_await yield_now();
    CHECK(outer.cancel());
    CHECK(future.cancelled());
    CHECK(!inner.done());
    CHECK_EQ(inner.cancelling(), 1);
    CHECK_EQ(middle.cancelling(), 1);
    CHECK_THROWS_AS(co_await outer, CancelledError);
    CHECK(inner.cancelled());
    CHECK(middle.cancelled());
    CHECK_EQ(order,
             std::vector<std::string>{"inner cancelled", "middle cancelled", "outer cancelled"});
}

CO_TEST("SEM-CXL-03: an inner task that swallows the cancel gives the outer one its value") {
    const Future<int> future;
    const auto inner = create_task(swallow(future));
    const auto outer = create_task(inner);
    co_await yield_now();
    CHECK(outer.cancel());
    CHECK_EQ(co_await outer, -1);
    CHECK(!outer.cancelled());
    CHECK_EQ(outer.cancelling(), 1);
}

CO_TEST("SEM-CXL-04 FLT-TASK-01: a task cancelled before its start runs nothing of its body") {
    const auto argument = std::make_shared<int>(1);
    bool ran = false;
    const auto body = [&ran](std::shared_ptr<int>) -> Coro<> {
        ran = true;
        co_return;
    };
    const auto task = create_task(body(argument));
    CHECK(task.cancel("early"));
    CHECK(!task.done());
    CHECK_THROWS_MSG(co_await task, CancelledError, "early");
    CHECK(task.cancelled());
    CHECK(!ran);
    CHECK_EQ(argument.use_count(), 1L);
}

CO_TEST("SEM-CXL-05 FLT-TASK-01: a task that cancels itself sees it at its next suspension") {
    bool before = false;
    bool after = false;
    const auto body = [&]() -> Coro<> {
        current_task().cancel();
        co_await give(1); // does not suspend
        before = true;
        co_await sleep(0s);
        after = true;
    };
    const auto task = create_task(body());
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK(before);
    CHECK(!after);
}

CO_TEST("SEM-CXL-05: that suspension ends in the next turn, whatever it was to wait for") {
    Event event;
    const auto sleeps = []() -> Coro<> {
        current_task().cancel();
        co_await sleep(1h);
    };
    const auto waits = [&event]() -> Coro<> {
        current_task().cancel();
        co_await event.wait();
    };
    const auto sleeper = create_task(sleeps());
    const auto waiter = create_task(waits());
    co_await support::turns_pass(2);
    CHECK(sleeper.cancelled());
    CHECK(waiter.cancelled());
    CHECK(testing::loop().timer_count() == 0);
}

CO_TEST("SEM-CXL-05: what it awaits next is cancelled with it") {
    const Future<int> future;
    const auto body = [](Future<int> awaited) -> Coro<int> {
        current_task().cancel("by itself");
        co_return co_await awaited;
    };
    const auto task = create_task(body(future));
    CHECK_THROWS_MSG(co_await task, CancelledError, "by itself");
    CHECK(future.cancelled());
}

CO_TEST("SEM-CXL-05: the task it awaits next is cancelled with it") {
    const auto inner = create_task(sleep(1h));
    const auto body = [](Task<> awaited) -> Coro<> {
        current_task().cancel();
        co_await awaited;
    };
    const auto task = create_task(body(inner));
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK(inner.cancelled());
    CHECK_EQ(inner.cancelling(), 1);
}

CO_TEST("SEM-CXL-05: a task that cancels itself and returns ends cancelled, its value is lost") {
    const auto body = []() -> Coro<std::string> {
        current_task().cancel("too late");
        co_return std::string(100, 'x');
    };
    const auto task = create_task(body());
    CHECK_THROWS_MSG(co_await task, CancelledError, "too late");
    CHECK(task.cancelled());
}

CO_TEST("SEM-CXL-05: a task that cancels itself and throws ends failed") {
    const auto body = []() -> Coro<> {
        current_task().cancel();
        throw ValueError("instead");
        co_return;
    };
    const auto task = create_task(body());
    CHECK_THROWS_MSG(co_await task, ValueError, "instead");
    CHECK(!task.cancelled());
}

CO_TEST("SEM-CXL-06 FLT-TASK-02: a cancel after the future's end wins, its value stays in it") {
    const Future<int> future;
    const auto task = create_task(wait_for_value(future));
    co_await yield_now();
    future.set_result(8);
    CHECK(task.cancel());
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK(task.cancelled());
    CHECK(!future.cancelled());
    CHECK_EQ(future.result(), 8);
}

CO_TEST("SEM-CXL-06: a cancel after the awaited task's end leaves that task's result alone") {
    const auto inner = create_task(give(8));
    const auto outer = create_task(inner);
    while (!inner.done()) co_await yield_now();
    outer.cancel();
    const auto end = co_await outcome(outer);
    if (!end.has_value()) CHECK(outer.cancelled());
    CHECK_EQ(inner.result(), 8);
    CHECK_EQ(inner.cancelling(), 0);
}

CO_TEST("SEM-CXL-06: a cancel after a sleep's end wins too") {
    auto task = create_task(sleep(1s, 5));
    testing::loop().call_later(1s, [task] { task.cancel(); }); // due with it, and before it
    CHECK_THROWS_AS(co_await task, CancelledError);
}

CO_TEST("SEM-CXL-07: after a cancellation that was caught, later awaits work normally") {
    const Future<int> future;
    bool again = false;
    const auto body = [&again](Future<int> awaited) -> Coro<int> {
        const auto first = co_await outcome(awaited);
        CHECK(first.cancelled());
        co_await sleep(1s);
        const int value = co_await give(3);
        const auto second = co_await outcome(sleep(1h));
        again = second.cancelled();
        co_return value;
    };
    const auto task = create_task(body(future));
    co_await yield_now();
    task.cancel();
    co_await sleep(2s);
    CHECK(!task.done());
    CHECK(!again);
    task.cancel();
    CHECK_EQ(co_await task, 3);
    CHECK(again);
}

CO_TEST("SEM-CXL-08: a body that swallows the cancellation and returns has a result") {
    const Future<int> future;
    const auto task = create_task(swallow(future));
    co_await yield_now();
    task.cancel();
    CHECK_EQ(co_await task, -1);
    CHECK(task.done());
    CHECK(!task.cancelled());
}

// ---- counting -----------------------------------------------------------------------------------

CO_TEST("SEM-CXL-09 FLT-TASK-01: several cancels before delivery: one error, each counted") {
    int seen = 0;
    const auto body = [&seen]() -> Coro<> {
        const auto first = co_await outcome(sleep(1h));
        seen += first.cancelled() ? 1 : 0;
        const auto second = co_await outcome(sleep(1s));
        seen += second.cancelled() ? 1 : 0;
    };
    const auto task = create_task(body());
    co_await yield_now();
    CHECK(task.cancel());
    CHECK(task.cancel());
    CHECK(task.cancel());
    CHECK_EQ(task.cancelling(), 3);
    co_await task;
    CHECK_EQ(seen, 1);
    CHECK_EQ(task.cancelling(), 3);
}

CO_TEST("SEM-CXL-09: several cancels before the first step are one too") {
    const auto task = create_task(sleep(1h));
    CHECK(task.cancel());
    CHECK(task.cancel());
    CHECK_EQ(task.cancelling(), 2);
    CHECK_THROWS_AS(co_await task, CancelledError);
}

CO_TEST("SEM-CXL-10: cancelling() is cancels minus uncancels, never below zero") {
    const auto task = create_task(sleep(1h));
    co_await yield_now();
    CHECK_EQ(task.cancelling(), 0);
    CHECK_EQ(task.uncancel(), 0);
    CHECK_EQ(task.cancelling(), 0);
    task.cancel();
    task.cancel();
    CHECK_EQ(task.uncancel(), 1);
    CHECK_EQ(task.cancelling(), 1);
    CHECK_EQ(task.uncancel(), 0);
    CHECK_EQ(task.uncancel(), 0);
    CHECK_THROWS_AS(co_await task, CancelledError);
}

CO_TEST("SEM-CXL-11: uncancel() to zero withdraws a request of a task that has not started") {
    const auto task = create_task(give(5));
    task.cancel();
    task.cancel();
    CHECK_EQ(task.uncancel(), 1);
    CHECK_EQ(task.uncancel(), 0);
    CHECK_EQ(co_await task, 5);
}

CO_TEST("SEM-CXL-11: uncancel() to zero withdraws a request of a task that is about to resume") {
    const Future<int> future;
    const auto task = create_task(wait_for_value(future));
    co_await yield_now();
    future.set_result(6);
    task.cancel();
    CHECK_EQ(task.uncancel(), 0);
    CHECK_EQ(co_await task, 6);
}

CO_TEST("SEM-CXL-11: uncancel() above zero withdraws nothing") {
    const auto task = create_task(give(5));
    task.cancel();
    task.cancel();
    task.uncancel();
    CHECK_THROWS_AS(co_await task, CancelledError);
}

CO_TEST("SEM-CXL-11: what was delivered already is not withdrawn") {
    const auto task = create_task(sleep(1h));
    co_await yield_now();
    task.cancel();
    CHECK_EQ(task.uncancel(), 0);
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK_EQ(task.cancelling(), 0);
}

CO_TEST("SEM-CXL-12 FLT-TASK-01: after the end cancel() returns false, and uncancel() changes "
        "nothing") {
    const auto good = create_task(give(1));
    const auto bad = create_task(sleep(1h));
    co_await good;
    bad.cancel();
    CHECK_THROWS_AS(co_await bad, CancelledError);
    CHECK(!good.cancel());
    CHECK(!bad.cancel());
    CHECK_EQ(good.cancelling(), 0);
    good.uncancel();
    bad.uncancel();
    CHECK_EQ(good.result(), 1);
    CHECK(bad.cancelled());
}

CO_TEST("SEM-CXL-13: an awaited future that others cancel cancels the task, which counts nothing") {
    const Future<int> future;
    const auto task = create_task(wait_for_value(future));
    co_await yield_now();
    future.cancel("by others");
    CHECK_THROWS_MSG(co_await task, CancelledError, "by others");
    CHECK(task.cancelled());
    CHECK_EQ(task.cancelling(), 0);
}

CO_TEST("SEM-CXL-14: cancelling the task and its future in one turn delivers one error") {
    for (const bool task_first : {true, false}) {
        const Future<int> future;
        int seen = 0;
        const auto body = [&seen](Future<int> awaited) -> Coro<> {
            const auto first = co_await outcome(awaited);
            seen += first.cancelled() ? 1 : 0;
            const auto second = co_await outcome(sleep(1s));
            seen += second.cancelled() ? 1 : 0;
        };
        const auto task = create_task(body(future));
        co_await yield_now();
        if (task_first) task.cancel();
        future.cancel();
        if (!task_first) task.cancel();
        co_await task;
        CHECK_EQ(seen, 1);
    }
}

// ---- messages -----------------------------------------------------------------------------------

CO_TEST("SEM-CXL-15: the message reaches the innermost await and the task's own CancelledError") {
    std::string inside;
    const auto body = [&inside]() -> Coro<int> {
        const auto end = co_await outcome(sleep(1h));
        inside = message_of(end.exception());
        end.value();
        co_return 0;
    };
    const auto task = create_task(body());
    co_await yield_now();
    task.cancel("enough");
    const auto end = co_await outcome(task);
    CHECK_EQ(inside, "enough");
    CHECK_EQ(message_of_cancel(end), "enough");
    CHECK_THROWS_MSG(task.result(), CancelledError, "enough");
    CHECK_THROWS_MSG(task.exception(), CancelledError, "enough");
}

CO_TEST("SEM-CXL-15: the message goes along a chain of tasks and futures, both ways") {
    const Future<int> future;
    const auto inner = create_task(wait_for_value(future));
    const auto outer = create_task(inner);
    co_await yield_now();
    outer.cancel("through");
    CHECK_EQ(message_of_cancel(co_await outcome(outer)), "through");
    CHECK_THROWS_MSG(inner.result(), CancelledError, "through");
    CHECK_THROWS_MSG(future.result(), CancelledError, "through");
}

CO_TEST("SEM-CXL-15: awaiters see the CancelledError object that left the body") {
    const void* thrown = nullptr;
    const auto body = [&thrown]() -> Coro<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError& error) {
            thrown = &error;
            throw;
        }
    };
    const auto task = create_task(body());
    co_await yield_now();
    task.cancel();
    const void* seen = nullptr;
    try {
        co_await task;
    } catch (const CancelledError& error) {
        seen = &error;
    }
    CHECK(seen != nullptr);
    CHECK(seen == thrown);
}

CO_TEST("SEM-CXL-15: of several cancels the last message counts, and a later one starts afresh") {
    std::vector<std::string> seen;
    const auto body = [&seen]() -> Coro<> {
        for (int i = 0; i < 2; ++i) {
            const auto end = co_await outcome(sleep(1h));
            seen.push_back(message_of(end.exception()));
        }
    };
    const auto task = create_task(body());
    co_await yield_now();
    task.cancel("first");
    co_await yield_now();
    task.cancel();
    co_await task;
    CHECK_EQ(seen, std::vector<std::string>{"first", ""});
}

// ---- the pattern of timeouts --------------------------------------------------------------------

namespace {

// A timeout built of cancel() and uncancel(), as user code may do it.
Coro<std::string> limited(Duration work, Duration limit) {
    const AnyTask me = current_task();
    bool expired = false;
    auto timer = testing::loop().call_later(limit, [&] {
        expired = true;
        me.cancel();
    });
    const auto end = co_await outcome(sleep(work));
    timer.cancel();
    if (expired && me.uncancel() == 0 && end.cancelled()) throw TimeoutError();
    end.value();
    co_return "done";
}

} // namespace

CO_TEST("SEM-CXL-16: who cancelled and uncancelled to zero may turn the error into its own") {
    const auto quick = create_task(limited(1s, 2s));
    const auto slow = create_task(limited(2s, 1s));
    CHECK_EQ(co_await quick, "done");
    CHECK_EQ(quick.cancelling(), 0);
    CHECK_THROWS_AS(co_await slow, TimeoutError);
    CHECK_EQ(slow.cancelling(), 0);
}

CO_TEST(
    "SEM-CXL-16: a foreign cancel in the same turn keeps the count up, and the error as it is") {
    const auto task = create_task(limited(10s, 1s));
    testing::loop().call_later(1s, [task] { task.cancel(); });
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK_EQ(task.cancelling(), 1);
    CHECK(task.cancelled());
}

// ---- bodies that do not listen ------------------------------------------------------------------

namespace {

// Ignores every cancellation for 200 ms.
Coro<std::string> ignore_cancels(bool& ended) {
    const TimePoint end = testing::loop().time() + 200ms;
    while (testing::loop().time() < end) {
        static_cast<void>(co_await outcome(sleep(end - testing::loop().time())));
    }
    ended = true;
    co_return "at last";
}

// Cancels `task` every 10 ms until it is done; checks that this is not before `ended`.
template <class T>
Coro<> cancel_until_done(Task<T> task, const bool& ended) {
    const TimePoint began = testing::loop().time();
    while (!task.done()) {
        task.cancel();
        co_await sleep(10ms);
    }
    CHECK(ended);
    CHECK(testing::loop().time() - began >= 200ms);
    static_cast<void>(co_await outcome(task));
}

} // namespace

CO_TEST("SEM-CXL-17: a body that ignores its cancels keeps a task that awaits it waiting") {
    bool ended = false;
    const auto inner = create_task(ignore_cancels(ended));
    const auto outer = create_task(inner);
    co_await yield_now();
    co_await cancel_until_done(outer, ended);
    CHECK_EQ(inner.result(), "at last");
}

CO_TEST("SEM-CXL-17: a body that ignores its cancels keeps wait_for waiting") {
    bool ended = false;
    const auto end = co_await outcome(wait_for(ignore_cancels(ended), 10ms));
    CHECK(ended);
    CHECK_EQ(testing::loop().time().time_since_epoch(), 200ms);
    CHECK(end.has_value());
    bool again = false;
    const auto task = create_task(wait_for(ignore_cancels(again), 10ms));
    co_await yield_now();
    co_await cancel_until_done(task, again);
}

CO_TEST("SEM-CXL-17: a child that ignores its cancels keeps a group and a gather waiting") {
    bool ended = false;
    const auto body = [&ended](TaskGroup& group) -> Coro<> {
        group.create_task(ignore_cancels(ended));
        co_return;
    };
    const auto group = create_task(task_group(body));
    co_await yield_now();
    co_await yield_now();
    co_await cancel_until_done(group, ended);

    bool again = false;
    const auto gathered = create_task(gather(ignore_cancels(again)));
    co_await yield_now();
    co_await yield_now();
    co_await cancel_until_done(gathered, again);
}

// ---- sweeps -------------------------------------------------------------------------------------

namespace {

Coro<int> nested(int depth) {
    if (depth == 0) {
        co_await sleep(1s);
        co_return 0;
    }
    const int below = co_await nested(depth - 1);
    co_await yield_now();
    co_return below + 1;
}

} // namespace

CO_SWEEP("coroutines within coroutines under the cancel sweep: all frames are unwound") {
    const auto task = sweep.victim(nested(3));
    const auto end = co_await outcome(task);
    CHECK(sweep.accounts_for(end));
    if (!sweep.struck()) CHECK_EQ(end.value(), 3);
}

CO_SWEEP("awaiting a task under the cancel sweep: the awaited task is cancelled with it, or ends") {
    const auto inner = create_task(nested(1));
    const auto task = sweep.victim([](Task<int> awaited) -> Coro<int> {
        const int value = co_await awaited;
        co_await yield_now();
        co_return value;
    }(inner));
    const auto end = co_await outcome(task);
    CHECK(sweep.accounts_for(end));
    const auto left = co_await outcome(inner); // cancelled, or its end lost nothing
    CHECK(left.cancelled() || left.value() == 1);
}
