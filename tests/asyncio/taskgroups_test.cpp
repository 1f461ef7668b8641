// SPDX-License-Identifier: MIT
// Task groups: children, their ends, and the errors that come out.
#include "asyncio/taskgroups.h"

#include "asyncio/testing/sweep.h"
#include "base/frame_pool.h"
#include "support/both_modes.h"
#include "support/groups.h"
#include "support/moments.h"

#include <memory>

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

Coro<int> value_after(Duration delay, int value) {
    co_await sleep(delay);
    co_return value;
}

} // namespace

// ---- children -----------------------------------------------------------------------------------

CO_TEST_BOTH_MODES("SEM-TG-01: leaving the group waits for all children; their results are there") {
    std::optional<Task<int>> first;
    std::optional<Task<int>> second;
    const auto body = [&](TaskGroup& group) -> Coro<std::string> {
        first = group.create_task(value_after(2s, 42));
        second = group.create_task(value_after(1s, 11));
        co_return "body";
    };
    CHECK_EQ(co_await task_group(body), "body");
    CHECK_EQ(now(), TimePoint(2s));
    REQUIRE(first->done() && second->done());
    CHECK_EQ(first->result(), 42);
    CHECK_EQ(second->result(), 11);
}

CO_TEST_BOTH_MODES(
    "SEM-TG-01: leaving the group waits for children that are added while it waits") {
    Names order;
    const auto body = [&order](TaskGroup& group) -> Coro<> {
        group.create_task([&order, &group]() -> Coro<> {
            co_await sleep(1s);
            group.create_task([&order]() -> Coro<> {
                co_await sleep(1s);
                order.push_back("added");
            });
            order.push_back("first");
        });
        order.push_back("body");
        co_return;
    };
    co_await task_group(body);
    CHECK_EQ(order, Names{"body", "first", "added"});
    CHECK_EQ(now(), TimePoint(2s));
}

CO_TEST_BOTH_MODES("SEM-TG-01: a group without children ends at once") {
    const testing::Turns turns;
    CHECK_EQ(co_await task_group([](TaskGroup&) -> Coro<int> { co_return 5; }), 5);
    co_await task_group([](TaskGroup&) -> Coro<> { co_return; });
    TaskGroup group;
    CHECK_EQ(co_await group.with([]() -> Coro<int> { co_return 6; }), 6);
    CHECK_EQ(turns.count(), 0);
    const auto make = [](TaskGroup&) -> Coro<std::unique_ptr<int>> {
        co_return std::make_unique<int>(7);
    };
    const auto moved = co_await task_group(make);
    CHECK_EQ(*moved, 7);
}

CO_TEST_BOTH_MODES("SEM-TG-01: callables are kept with their arguments until the child has ended") {
    Names seen;
    const auto body = [&seen](TaskGroup& group) -> Coro<> {
        std::string kept = "kept by the closure";
        group.create_task([kept, &seen]() -> Coro<> {
            co_await sleep(1s);
            seen.push_back(kept);
        });
        group.create_task(
            [&seen](std::string text, int number) -> Coro<> {
                co_await sleep(2s);
                seen.push_back(text + std::to_string(number));
            },
            "argument ", 5);
        group.create_task(sleep(3s)); // an operation
        co_return;
    };
    co_await task_group(body);
    CHECK_EQ(seen, Names{"kept by the closure", "argument 5"});
    CHECK_EQ(now(), TimePoint(3s));
}

CO_TEST_BOTH_MODES(
    "SEM-TG-02: a finished child is dropped at once, a long-lived group stays small") {
    const auto body = [](TaskGroup& group) -> Coro<> {
        const std::size_t before = base::frame_stats().live_blocks;
        for (int i = 0; i < 100; ++i) {
            group.create_task(sleep(Duration()));
            CHECK_EQ(group.size(), 1U);
            co_await sleep(1ms);
            CHECK_EQ(group.size(), 0U);
        }
        CHECK_EQ(base::frame_stats().live_blocks, before);
    };
    co_await task_group(body);
}

CO_TEST_BOTH_MODES("SEM-TG-03: a child that is cancelled alone fails nothing") {
    std::optional<Task<int>> sibling;
    const auto body = [&sibling](TaskGroup& group) -> Coro<> {
        const auto victim = group.create_task(wait_long());
        sibling = group.create_task(value_after(2s, 3));
        co_await sleep(1s);
        CHECK(victim.cancel());
        co_await sleep(10ms);
        CHECK(victim.cancelled());
        CHECK_EQ(group.size(), 1U);
        group.create_task([]() -> Coro<> {
            throw CancelledError("by itself");
            co_return;
        });
    };
    co_await task_group(body);
    CHECK_EQ(sibling->result(), 3);
    CHECK_EQ(cancelling(), 0);
}

CO_TEST_BOTH_MODES("SEM-TG-20: name, context and eager start pass through to the child") {
    ContextVar<int> variable("variable", 0);
    Context context;
    bool started = false;
    const auto mark = [&started]() -> Coro<> { // outlives the children, as closures have to
        started = true;
        co_return;
    };
    const auto body = [&](TaskGroup& group) -> Coro<> {
        const auto named = group.create_task(sleep(1s), "a name");
        CHECK_EQ(named.get_name(), "a name");
        const auto set = [](const ContextVar<int>& which) -> Coro<> {
            const_cast<ContextVar<int>&>(which).set(5);
            co_return;
        };
        group.create_task(set(variable), TaskOptions().context(context));
        co_await sleep(10ms);
        CHECK_EQ(variable.get(), 0);
        CHECK_EQ(context.run([&] { return variable.get(); }), 5);
        group.create_task(mark(), TaskOptions().eager_start(true));
        CHECK(started);
        started = false;
        group.create_task(mark(), TaskOptions().eager_start(false));
        CHECK(!started);
    };
    co_await task_group(body);
    CHECK(started);
}

CO_TEST("SEM-TG-20: a child shows where it was created") {
    const auto body = [](TaskGroup& group) -> Coro<> {
        const auto task = group.create_task(sleep(1ms));
        CHECK_EQ(detail::created_at(task.state()).line(), static_cast<unsigned>(__LINE__ - 1));
        co_return;
    };
    co_await task_group(body);
}

// ---- one use ------------------------------------------------------------------------------------

CO_TEST_BOTH_MODES(
    "SEM-TG-17: create_task before the body, after the end or while aborting is an error") {
    testing::loop().set_debug(true); // a coroutine that is dropped unawaited would be logged
    TaskGroup group;
    CHECK_THROWS_MSG(group.create_task(wait_long()), RuntimeError, "has not been entered");
    const auto body = [&group]() -> Coro<> {
        group.create_task([&group]() -> Coro<> {
            const auto end = co_await outcome(sleep(10s));
            CHECK_THROWS_MSG(group.create_task(wait_long()), RuntimeError, "is shutting down");
            CHECK_THROWS_MSG(group.create_task(wait_long), RuntimeError, "is shutting down");
            end.value();
        });
        co_await sleep(1s);
        throw ValueError("body");
    };
    CHECK_THROWS_AS(co_await group.with(body), ExceptionGroup);
    CHECK_THROWS_MSG(group.create_task(wait_long(), "late"), RuntimeError, "is finished");
    TaskGroup other;
    co_await other.with([]() -> Coro<> { co_return; });
    CHECK_THROWS_MSG(other.create_task(wait_long()), RuntimeError,
                     "TaskGroup <TaskGroup entered> is finished");
}

CO_TEST_BOTH_MODES("SEM-TG-19: a group is for one use, nested or later") {
    TaskGroup group;
    int children = 0;
    const auto count = [&children]() -> Coro<> {
        co_await sleep(1s);
        ++children;
    };
    const auto nested = [&]() -> Coro<> {
        group.create_task(count);
        CHECK_THROWS_MSG(co_await group.with(wait_long()), RuntimeError,
                         "has already been entered");
        group.create_task(count); // the first use is unharmed
    };
    co_await group.with(nested);
    CHECK_EQ(children, 2);
    CHECK_THROWS_MSG(co_await group.with(wait_long()), RuntimeError, "has already been entered");
}

TEST("SEM-TG-19: entering a group outside of a task is an error and leaves it as it was") {
    const auto body = []() -> Coro<int> { co_return 5; };
    TaskGroup group;
    const auto enter = [&group, &body] {
        auto coroutine = group.with(body);
        auto awaiter = std::move(coroutine).operator co_await();
        CHECK(awaiter.await_ready());
        awaiter.await_resume();
    };
    CHECK_THROWS_MSG(enter(), RuntimeError, "no running event loop");
    LoopOptions options;
    options.backend(testing::make_virtual_backend());
    EventLoop loop(std::move(options));
    loop.call_soon([&] {
        CHECK_THROWS_MSG(enter(), RuntimeError, "cannot determine the parent task");
        loop.stop();
    });
    loop.run_forever();
    CHECK_EQ(to_string(group), "<TaskGroup>");
    CHECK_EQ(loop.run_until_complete(group.with(body)), 5);
}

CO_TEST_BOTH_MODES("a group's text form counts children and errors, and names the state") {
    TaskGroup group;
    CHECK_EQ(to_string(group), "<TaskGroup>");
    const auto body = [&group]() -> Coro<> {
        CHECK_EQ(to_string(group), "<TaskGroup entered>");
        group.create_task(wait_long());
        group.create_task(fail_after(1s, "child"));
        CHECK_EQ(to_string(group), "<TaskGroup tasks=2 entered>");
        const auto end = co_await outcome(sleep(10s));
        CHECK_EQ(to_string(group), "<TaskGroup tasks=1 errors=1 cancelling>");
        end.value();
    };
    CHECK_THROWS_AS(co_await group.with(body), ExceptionGroup);
}

// ---- errors -------------------------------------------------------------------------------------

CO_TEST_BOTH_MODES("SEM-TG-04: a failing child cancels its siblings and the body's await") {
    std::optional<Task<>> sibling;
    bool body_cancelled = false;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        sibling = group.create_task(wait_long());
        group.create_task(fail_after(1s, "child"));
        const auto end = co_await outcome(sleep(100s));
        body_cancelled = end.cancelled();
        end.value();
    };
    CHECK_EQ(members(co_await group_error(task_group(body))), Names{"ValueError('child')"});
    CHECK(sibling->cancelled());
    CHECK(body_cancelled);
    CHECK_EQ(now(), TimePoint(1s));
}

CO_TEST_BOTH_MODES("SEM-TG-04: a failing child ends the group also where the body has ended") {
    std::optional<Task<>> sibling;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        sibling = group.create_task(wait_long());
        group.create_task(fail_after(1s, "child"));
        co_return;
    };
    const auto error = co_await group_error(task_group(body));
    CHECK_EQ(members(error), Names{"ValueError('child')"});
    CHECK_EQ(message_of(error), "unhandled errors in a TaskGroup (1 sub-exception)");
    CHECK(sibling->cancelled());
    CHECK_EQ(cancelling(), 0);
}

CO_TEST_BOTH_MODES("SEM-TG-04: siblings are cancelled at once, also where the body goes on") {
    std::optional<Task<>> sibling;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        sibling = group.create_task(wait_long());
        group.create_task(fail_after(1s, "child"));
        CHECK((co_await outcome(sleep(100s))).cancelled()); // swallowed
        co_await sleep(1s);
        CHECK(sibling->cancelled());
    };
    CHECK_EQ(members(co_await group_error(task_group(body))), Names{"ValueError('child')"});
    CHECK_EQ(now(), TimePoint(2s));
}

CO_TEST_BOTH_MODES(
    "SEM-TG-04: a sibling that answers its cancellation with an error is in the group") {
    const auto answers = []() -> Coro<> {
        const auto end = co_await outcome(sleep(100s));
        if (end.cancelled()) throw KeyError("answer");
    };
    const auto body = [&](TaskGroup& group) -> Coro<> {
        group.create_task(answers);
        group.create_task(fail_after(1s, "child"));
        co_return;
    };
    CHECK_EQ(members(co_await group_error(task_group(body))),
             Names{"ValueError('child')", "KeyError('answer')"});
}

CO_TEST_BOTH_MODES(
    "SEM-TG-04: a child that fails without suspending cancels the body in a later turn") {
    bool reached = false;
    const auto body = [&reached](TaskGroup& group) -> Coro<> {
        group.create_task([]() -> Coro<> {
            throw ValueError("at once");
            co_return;
        });
        reached = true; // also if the child has failed already
        CHECK_EQ(cancelling(), 0);
        co_await sleep(100s);
    };
    CHECK_EQ(members(co_await group_error(task_group(body))), Names{"ValueError('at once')"});
    CHECK(reached);
    CHECK_EQ(now(), TimePoint(0s));
}

CO_TEST_BOTH_MODES("SEM-TG-05: code after a failed group runs undisturbed") {
    const auto body = [](TaskGroup& group) -> Coro<> {
        group.create_task(fail_after(1s, "child"));
        co_await sleep(100s);
    };
    for (int round = 0; round < 3; ++round) {
        CHECK_EQ(members(co_await group_error(task_group(body))), Names{"ValueError('child')"});
        CHECK_EQ(cancelling(), 0);
        co_await sleep(1s);
    }
    CHECK_EQ(now(), TimePoint(6s));
}

CO_TEST_BOTH_MODES("SEM-TG-05: cancelling() is back at its entry value, whatever that was") {
    const auto inside = [](TaskGroup& group) -> Coro<> {
        group.create_task(fail_after(1s, "child"));
        co_await sleep(100s);
    };
    int before = 0;
    int after = 0;
    const auto worker = [&]() -> Coro<> {
        const auto first = co_await outcome(sleep(100s));
        CHECK(first.cancelled());
        before = cancelling();
        co_await group_error(task_group(inside));
        after = cancelling();
    };
    const auto task = create_task(worker);
    co_await sleep(1s);
    task.cancel();
    const auto end = co_await outcome(task);
    CHECK_EQ(before, 1);
    CHECK_EQ(after, 1);
}

CO_TEST_BOTH_MODES(
    "SEM-TG-06: the body's error cancels the children and is in the group, alone too") {
    std::optional<Task<>> child;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        child = group.create_task(wait_long());
        co_await sleep(1s);
        throw ValueError("body");
    };
    CHECK_EQ(members(co_await group_error(task_group(body))), Names{"ValueError('body')"});
    CHECK(child->cancelled());
    const auto childless = [](TaskGroup&) -> Coro<> {
        throw KeyError("body");
        co_return;
    };
    CHECK_EQ(members(co_await group_error(task_group(childless))), Names{"KeyError('body')"});
    const auto plain = [](TaskGroup& group) -> Sleep { // no coroutine: it throws when it is called
        group.create_task(wait_long());
        throw ValueError("called");
    };
    CHECK_EQ(members(co_await group_error(task_group(plain))), Names{"ValueError('called')"});
    CHECK_EQ(cancelling(), 0);
}

CO_TEST_BOTH_MODES("SEM-TG-07: errors of child and body are in one group") {
    const auto body = [](TaskGroup& group) -> Coro<> {
        group.create_task(fail_after(1s, "child"));
        const auto end = co_await outcome(sleep(100s));
        throw KeyError("body");
    };
    CHECK_EQ(members(co_await group_error(task_group(body))),
             Names{"ValueError('child')", "KeyError('body')"});
}

CO_TEST_BOTH_MODES("SEM-TG-07: children that fail in the same turn are all in the group") {
    const auto body = [](TaskGroup& group) -> Coro<> {
        for (const char* name : {"a", "b", "c"}) group.create_task(fail_after(1s, name));
        group.create_task(wait_long());
        co_return;
    };
    const auto error = co_await group_error(task_group(body));
    CHECK_EQ(members(error), Names{"ValueError('a')", "ValueError('b')", "ValueError('c')"});
    CHECK_EQ(message_of(error), "unhandled errors in a TaskGroup (3 sub-exceptions)");
}

CO_TEST_BOTH_MODES("SEM-TG-12: a CancelledError is never in the group") {
    const auto body = [](TaskGroup& group) -> Coro<> {
        group.create_task([]() -> Coro<> {
            co_await sleep(1s);
            throw CancelledError("child");
        });
        group.create_task(wait_long());
        group.create_task(fail_after(2s, "child"));
        co_await sleep(100s); // cancelled by the group
    };
    CHECK_EQ(members(co_await group_error(task_group(body))), Names{"ValueError('child')"});
}

CO_TEST_BOTH_MODES("SEM-TG-14: an error that is no Exception makes it a BaseExceptionGroup") {
    const auto body = [](TaskGroup& group) -> Coro<> {
        group.create_task([]() -> Coro<> {
            co_await sleep(1s);
            throw GeneratorExit("child");
        });
        group.create_task([]() -> Coro<> {
            co_await sleep(1s);
            throw ValueError("child");
        });
        co_return;
    };
    const auto end = co_await outcome(task_group(body));
    CHECK(is_exception<MixedExceptionGroup>(end.exception()));
    CHECK(!is_exception<std::exception>(end.exception()));
    CHECK_EQ(members(end.exception()), Names{"GeneratorExit('child')", "ValueError('child')"});
    const auto foreign = [](TaskGroup& group) -> Coro<> {
        group.create_task([]() -> Coro<> {
            throw 42;
            co_return;
        });
        co_return;
    };
    const auto other = co_await outcome(task_group(foreign));
    CHECK(is_exception<MixedExceptionGroup>(other.exception()));
    const auto closing = [](TaskGroup&) -> Coro<> {
        throw GeneratorExit();
        co_return;
    };
    CHECK_THROWS_AS(co_await task_group(closing), GeneratorExit); // a generator's end stays bare
}

CO_TEST_BOTH_MODES("SEM-TG-15: the inner group's failure is a group inside the outer group") {
    const auto inner = []() -> Coro<> {
        co_await task_group([](TaskGroup& group) -> Coro<> {
            group.create_task(fail_after(1s, "inner"));
            co_await sleep(100s);
        });
    };
    const auto outer = [&](TaskGroup& group) -> Coro<> {
        group.create_task(inner);
        group.create_task(fail_after(1s, "outer"));
        co_await sleep(100s);
    };
    const auto error = co_await group_error(task_group(outer));
    CHECK_EQ(members(error),
             Names{"ValueError('outer')",
                   "ExceptionGroup('unhandled errors in a TaskGroup (1 sub-exception)')"});
    std::size_t leaves = 0;
    detail::visit_exception<ExceptionGroup>(error, [&](const ExceptionGroup& group) {
        CHECK(!group.handle<ValueError>([&](const ValueError&) { ++leaves; }));
    });
    CHECK_EQ(leaves, 2U);
}

// ---- turns --------------------------------------------------------------------------------------

CO_TEST("SEM-HOP-06: leaving a group is 2 turns after the last child ended") {
    std::uint64_t ended = 0;
    const auto body = [&ended](TaskGroup& group) -> Coro<> {
        group.create_task([&ended]() -> Coro<> {
            co_await sleep(1s);
            ended = testing::loop().turn_count();
        });
        co_return;
    };
    co_await task_group(body);
    CHECK_EQ(testing::loop().turn_count() - ended, 2U);
}

CO_TEST("SEM-HOP-06: also if the last child ended earlier in the turn in which the body is left") {
    std::uint64_t ended = 0;
    const auto body = [&ended](TaskGroup& group) -> Coro<> {
        group.create_task([&ended]() -> Coro<> { // runs before the body in the next turn
            ended = testing::loop().turn_count();
            co_return;
        });
        co_await sleep(Duration());
        CHECK_EQ(testing::loop().turn_count(), ended);
    };
    co_await task_group(body);
    CHECK_EQ(testing::loop().turn_count() - ended, 2U);
}

CO_TEST("SEM-HOP-06: it takes no turn once the ends of all children have been counted") {
    const auto body = [](TaskGroup& group) -> Coro<std::uint64_t> {
        group.create_task([]() -> Coro<> { co_return; });
        co_await sleep(Duration());
        CHECK_EQ(group.size(), 1U); // ended in this turn, counted in the next
        co_await sleep(Duration());
        CHECK_EQ(group.size(), 0U);
        co_return testing::loop().turn_count();
    };
    const std::uint64_t left = co_await task_group(body);
    CHECK_EQ(testing::loop().turn_count(), left);
}

CO_TEST("SEM-HOP-06: an eager child that is done in create_task is counted in the next turn") {
    const auto body = [](TaskGroup& group) -> Coro<> {
        const auto task =
            group.create_task([]() -> Coro<> { co_return; }(), TaskOptions().eager_start(true));
        CHECK(task.done());
        CHECK_EQ(group.size(), 1U);
        co_return;
    };
    const testing::Turns turns;
    co_await task_group(body);
    CHECK_EQ(turns.count(), 2);
}

CO_TEST_BOTH_MODES(
    "SEM-INT-02: a child is awaited by its group's parent, in the body and at the end") {
    const AnyTask parent = current_task();
    const auto awaited_by = [](const AnyTask& child) {
        const detail::LinkedWaiter* waiter = child.state()->callbacks.front();
        return waiter != nullptr ? waiter->awaiting() : nullptr;
    };
    std::optional<AnyTask> child;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        child = group.create_task(sleep(1s));
        CHECK(awaited_by(*child) == parent.state());
        testing::loop().call_soon([&] { CHECK(awaited_by(*child) == parent.state()); });
        co_return;
    };
    co_await task_group(body);
    CHECK(child->done());
}

// ---- a loop that closes -------------------------------------------------------------------------

TEST("FLT-CORE-14: a group that a loop closes over, in whatever turn, leaves nothing") {
    const std::size_t before = base::frame_stats().live_blocks;
    for (int turns = 0; turns < 8; ++turns) {
        {
            EventLoop loop;
            const auto stop_in_turn = [](int count) -> Coro<> {
                const auto body = [](TaskGroup& group) -> Coro<> {
                    group.create_task([]() -> Coro<> { co_return; }());
                    group.create_task(sleep(1h));
                    co_await sleep(1h);
                };
                const auto group = create_task(task_group(body));
                for (int i = 0; i < count; ++i) co_await yield_now();
                get_running_loop().stop();
                co_await sleep(1h);
            };
            const auto task = loop.create_task(stop_in_turn(turns));
            loop.run_forever();
            CHECK(!task.done());
        }
        static_cast<void>(testing::take_logs()); // tasks that were pending
        CHECK_EQ(base::frame_stats().live_blocks, before);
    }
}
