// SPDX-License-Identifier: MIT
// Scopes under fire: bodies that swallow, delay or answer cancellation; scopes inside scopes.
#include "asyncio/scopes.h"

#include "asyncio/finally.h"
#include "asyncio/taskgroups.h"
#include "asyncio/testing/sweep.h"
#include "asyncio/timeouts.h"
#include "asyncio/wait_for.h"
#include "support/both_modes.h"
#include "support/groups.h"
#include "support/moments.h"

using namespace asyncio;
using namespace std::chrono_literals;
using support::cancelling;
using support::fail_after;
using support::group_error;
using support::members;
using support::Names;
using support::now;
using support::wait_long;

namespace {

// Swallows the first cancellation and goes on until `until`.
Coro<int> swallow_and_go_on(Duration rest) {
    const auto end = co_await outcome(sleep(10h));
    CHECK(end.cancelled());
    co_await sleep(rest);
    co_return 5;
}

// An awaiter of somebody else: it knows nothing of cancellation, and may throw anywhere.
struct Foreign {
    enum class Where { nowhere, ready, suspend, resume };
    explicit Foreign(Where throws_at) : where(throws_at) {}
    bool await_ready() const {
        if (where == Where::ready) throw ValueError("ready");
        return where == Where::nowhere;
    }
    bool await_suspend(std::coroutine_handle<>) const {
        if (where == Where::suspend) throw ValueError("suspend");
        return false;
    }
    int await_resume() const {
        if (where == Where::resume) throw ValueError("resume");
        return 3;
    }
    Where where;
};

} // namespace

// ---- bodies -------------------------------------------------------------------------------------

CO_TEST("a body that is a foreign awaiter may throw at every point, and the scope still closes") {
    using Where = Foreign::Where;
    for (const auto& [where, text] : {std::pair(Where::ready, "ready"),
                                      {Where::suspend, "suspend"},
                                      {Where::resume, "resume"}}) {
        Timeout limit = timeout(1s);
        CHECK_THROWS_MSG(co_await limit.with(Foreign(where)), ValueError, text);
        CHECK_EQ(to_string(limit), "<Timeout [finished]>");
        int cleanups = 0;
        CHECK_THROWS_MSG(co_await finally_(Foreign(where), [&] { ++cleanups; }), ValueError, text);
        CHECK_EQ(cleanups, 1);
        const auto body = [](TaskGroup& group) -> Foreign {
            group.create_task(wait_long());
            return Foreign(Where::suspend);
        };
        CHECK_EQ(members(co_await group_error(task_group(body))), Names{"ValueError('suspend')"});
    }
    CHECK_EQ(co_await timeout(1s, Foreign(Where::nowhere)), 3);
    CHECK_EQ(testing::loop().timer_count(), 0U);
}

CO_TEST("a body may give a reference") {
    int value = 3;
    const auto refer = [&value]() -> Coro<int&> {
        co_await sleep(1ms);
        co_return value;
    };
    CHECK_EQ(&(co_await timeout(1s, refer)), &value);
    CHECK_EQ(&(co_await wait_for(refer(), 1s)), &value);
    CHECK_EQ(&(co_await finally_(refer, [] {})), &value);
    CHECK_EQ(&(co_await task_group(refer)), &value);
}

CO_TEST("scopes nest a thousand deep") {
    const auto nest = [](const auto& self, int depth) -> Coro<int> {
        if (depth == 0) {
            co_await sleep(1s);
            co_return 0;
        }
        co_return 1 + co_await timeout(5s, self(self, depth - 1));
    };
    CHECK_EQ(co_await nest(nest, 1000), 1000);
    CHECK_EQ(testing::loop().timer_count(), 0U);
    CHECK_THROWS_AS(co_await timeout(500ms, nest(nest, 1000)), TimeoutError);
    CHECK_EQ(cancelling(), 0);
}

TEST("a loop that is closed over scopes takes them apart") {
    const std::size_t before = base::frame_stats().live_blocks;
    Timeout* left = nullptr;
    {
        LoopOptions options;
        options.backend(testing::make_virtual_backend());
        EventLoop loop(std::move(options));
        loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
        const auto with_children = [](TaskGroup& group) -> Coro<> {
            group.create_task(wait_long());
            group.create_task(sleep(Duration())); // its end is queued when the loop stops
            group.create_task(fail_after(0s, "not counted any more"));
            co_return;
        };
        const auto in_body = [](TaskGroup& group) -> Coro<> {
            group.create_task(wait_long());
            co_await sleep(10h);
        };
        const auto limited = [&left](Timeout& limit) -> Coro<> {
            left = &limit;
            co_await sleep(10h);
        };
        loop.create_task(task_group(with_children));
        loop.create_task(task_group(in_body));
        loop.create_task(timeout(5s, limited));
        loop.create_task(wait_for(sleep(10h), 5s));
        loop.create_task(wait_for(Future<>(loop), 0s));
        loop.create_task(timeout(0s, []() -> Coro<> { co_return; })); // leaves its expiry queued
        loop.call_soon([&loop] { loop.call_soon([&loop] { loop.stop(); }); });
        loop.run_forever();
        CHECK(left != nullptr);
    }
    CHECK_EQ(base::frame_stats().live_blocks, before);
}

// ---- faults -------------------------------------------------------------------------------------

CO_TEST_BOTH_MODES(
    "FLT-TASK-03: a body that swallows the cancel keeps cancelling(); timeout and group end") {
    CHECK_EQ(co_await timeout(1s, swallow_and_go_on(5s)), 5);
    CHECK_EQ(cancelling(), 0);
    CHECK_EQ(now(), TimePoint(6s));
    const auto body = [](TaskGroup& group) -> Coro<> {
        group.create_task(swallow_and_go_on(2s));
        group.create_task(fail_after(1s, "child"));
        co_await swallow_and_go_on(3s);
        CHECK_EQ(cancelling(), 1); // until the group is left
    };
    CHECK_EQ(members(co_await group_error(task_group(body))), Names{"ValueError('child')"});
    CHECK_EQ(cancelling(), 0);
    CHECK_EQ(now(), TimePoint(10s));
    const auto foreign = create_task([]() -> Coro<int> {
        co_await timeout(10h, swallow_and_go_on(1s));
        const int left = cancelling();
        CHECK_EQ(current_task().uncancel(), 0);
        CHECK_THROWS_AS(co_await timeout(1s, sleep(5s)), TimeoutError);
        co_return left;
    });
    co_await sleep(1s);
    foreign.cancel();
    CHECK_EQ(co_await foreign, 1);
}

CO_TEST_BOTH_MODES(
    "FLT-TASK-04: an inner child's failure does not swallow the outer cancellation") {
    for (const bool same_turn : {false, true}) {
        const auto fails_late = []() -> Coro<> {
            const auto end = co_await outcome(sleep(10h));
            co_await sleep(1s);
            throw ValueError("inner");
        };
        const auto inner = [&](TaskGroup& group) -> Coro<> {
            if (same_turn) {
                group.create_task(fail_after(1s, "inner"));
            } else {
                group.create_task(fails_late);
            }
            co_await sleep(10h);
        };
        const auto outer = [&](TaskGroup& group) -> Coro<> {
            group.create_task(wait_long());
            co_await task_group(inner);
        };
        const auto worker = [&]() -> Coro<int> {
            const auto error = co_await group_error(task_group(outer));
            CHECK_EQ(members(error),
                     Names{"ExceptionGroup('unhandled errors in a TaskGroup (1 sub-exception)')"});
            const int kept = cancelling();
            const auto next = co_await outcome(sleep(1s));
            CHECK(next.cancelled()); // it was kept
            CHECK_EQ(current_task().uncancel(), 0);
            co_await sleep(1s);
            co_return kept;
        };
        const auto task = create_task(worker);
        co_await sleep(1s);
        task.cancel();
        CHECK_EQ(co_await task, 1);
        CHECK_EQ(task.cancelling(), 0);
    }
}

CO_TEST_BOTH_MODES(
    "FLT-TASK-04: an outer failure while the inner group is cancelled: both come out") {
    const auto fails = []() -> Coro<> {
        const auto end = co_await outcome(sleep(10h));
        throw KeyError("inner");
    };
    const auto inner = [&](TaskGroup& group) -> Coro<> {
        group.create_task(fails);
        co_await sleep(10h);
    };
    const auto outer = [&](TaskGroup& group) -> Coro<> {
        group.create_task(fail_after(1s, "outer"));
        co_await task_group(inner);
    };
    CHECK_EQ(members(co_await group_error(task_group(outer))),
             Names{"ValueError('outer')",
                   "ExceptionGroup('unhandled errors in a TaskGroup (1 sub-exception)')"});
    CHECK_EQ(cancelling(), 0);
    co_await sleep(1s);
}

CO_TEST_BOTH_MODES(
    "FLT-TASK-05: several children and the body fail, one ignores the cancel: one error") {
    TaskGroup group;
    TimePoint ignored_until;
    const auto ignores = [&]() -> Coro<> {
        for (int i = 0; i < 3; ++i) {
            const auto end = co_await outcome(sleep(1s));
            static_cast<void>(end);
        }
        ignored_until = now();
    };
    const auto body = [&]() -> Coro<> {
        group.create_task(ignores);
        group.create_task(fail_after(1s, "first"));
        group.create_task(fail_after(1s, "second"));
        const auto end = co_await outcome(sleep(10h));
        throw KeyError("body");
    };
    const auto error = co_await group_error(group.with(body));
    CHECK_EQ(members(error),
             Names{"ValueError('first')", "ValueError('second')", "KeyError('body')"});
    CHECK_EQ(ignored_until, TimePoint(2s)); // the first sleep ends, the second is cancelled
    CHECK_EQ(now(), ignored_until);
    CHECK_EQ(all_tasks().size(), 1U); // nothing is left running
    testing::loop().set_debug(true);
    CHECK_THROWS_AS(group.create_task(wait_long()), RuntimeError); // freed, and not reported
}

CO_TEST_BOTH_MODES("FLT-TASK-06: a foreign cancel in the turn of the expiry stays a cancel") {
    for (const bool before : {true, false}) {
        const TimePoint due = now() + 1s;
        std::optional<Task<>> task;
        const auto strike = [&task] { task->cancel("foreign"); };
        if (before) testing::loop().call_at(due, strike);
        task = create_task(timeout_at(due, sleep(10h)));
        co_await sleep(Duration());
        if (!before) testing::loop().call_at(due, strike);
        CHECK_THROWS_AS(co_await *task, CancelledError);
        CHECK_EQ(task->cancelling(), 1);
        CHECK_EQ(now(), due);
    }
}

CO_TEST_BOTH_MODES(
    "FLT-TASK-06: of nested scopes rescheduled to expire first, only that one throws") {
    std::string seen;
    const auto body = [&seen](Timeout& outer) -> Coro<> {
        const auto inside = [&outer](Timeout& inner) -> Coro<> {
            outer.reschedule(now() + 10s);
            inner.reschedule(now() + 1s);
            co_await sleep(10h);
        };
        const auto end = co_await outcome(timeout(5s, inside));
        seen = repr(end.exception());
        outer.reschedule(now() - 1s);
        co_await sleep(Duration());
        seen += " too far";
    };
    CHECK_THROWS_AS(co_await timeout(2s, body), TimeoutError);
    CHECK(seen.find("TimeoutError") == 0 && seen.find("too far") == std::string::npos);
    CHECK_EQ(now(), TimePoint(1s));
    CHECK_EQ(cancelling(), 0);
}

CO_TEST_BOTH_MODES(
    "FLT-TASK-06: an inner that delays its cancel is awaited, its late value returned") {
    const auto inner = create_task(swallow_and_go_on(3s));
    CHECK_EQ(co_await wait_for(inner, 1s), 5);
    CHECK_EQ(now(), TimePoint(4s));
    CHECK(inner.done());
    // Its time is up while the caller is cancelled: the late value still comes out.
    const auto late = create_task(wait_for(swallow_and_go_on(3s), 1s));
    co_await sleep(2s);
    CHECK(!late.done());
    CHECK_EQ(co_await late, 5);
    CHECK_EQ(late.cancelling(), 0);
    CHECK_EQ(all_tasks().size(), 1U);
}

// ---- the sweep ----------------------------------------------------------------------------------

CO_SWEEP("FLT-TASK-06: the sweep leaves nothing of timeouts behind, and no cancel is swallowed") {
    bool ended = false;
    const auto body = [&ended]() -> Coro<> {
        co_await timeout(5s, sleep(1s));
        const auto nested = []() -> Coro<> { co_await timeout(1s, sleep(5s)); };
        for (const Duration limit : {Duration(5s), Duration(1s), Duration(500ms), Duration(0s)}) {
            const auto end = co_await outcome(timeout(limit, nested));
            if (end.cancelled() || is_exception<std::bad_alloc>(end.exception())) end.value();
            CHECK(is_exception<TimeoutError>(end.exception()));
        }
        ended = true;
    };
    const auto victim = sweep.victim(body());
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    CHECK_EQ(ended, end.has_value());
    CHECK_EQ(testing::loop().timer_count(), 0U);
}

CO_SWEEP("SEM-TG-08: the sweep finds children cancelled once and awaited") {
    int begun = 0;
    int ended = 0;
    const auto child = [&](Duration time) -> Coro<> {
        ++begun;
        const auto end = co_await outcome(sleep(time));
        const auto cleanup = co_await outcome(sleep(1s));
        const bool twice = end.cancelled() && cleanup.cancelled();
        CHECK(!twice || sweep.mode() == testing::SweepMode::twice);
        ++ended;
        end.value();
    };
    const auto inner = [&](TaskGroup& group) -> Coro<int> {
        group.create_task(child(1s));
        co_await sleep(2s);
        group.create_task(child(5s));
        co_return 5;
    };
    const auto body = [&](TaskGroup& group) -> Coro<int> {
        group.create_task(child(3s));
        co_return co_await task_group(inner);
    };
    const auto victim = sweep.victim(task_group(body));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    CHECK_EQ(begun, ended);
    CHECK_EQ(all_tasks().size(), 1U);
}

CO_SWEEP("SEM-TG-09: the sweep loses no error of a child") {
    int begun = 0;
    const auto answers = [&begun]() -> Coro<> {
        ++begun;
        const auto end = co_await outcome(sleep(1s));
        throw ValueError("child");
    };
    const auto body = [&](TaskGroup& group) -> Coro<> {
        co_await sleep(1s);
        group.create_task(answers);
        co_await sleep(5s);
    };
    const auto victim = sweep.victim(task_group(body));
    const auto end = co_await outcome(victim);
    const bool memory = !is_exception<std::bad_alloc>(end.exception()); // for a group of errors
    if (begun == 1 && memory) {
        CHECK_EQ(members(end.exception()), Names{"ValueError('child')"});
    } else {
        CHECK(sweep.accounts_for(end));
    }
    CHECK_EQ(all_tasks().size(), 1U);
}
