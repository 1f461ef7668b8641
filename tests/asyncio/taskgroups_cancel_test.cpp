// SPDX-License-Identifier: MIT
// Task groups: cancellation from outside and inside, and errors that meet it.
#include "asyncio/taskgroups.h"

#include "asyncio/testing/sweep.h"
#include "asyncio/timeouts.h"
#include "support/both_modes.h"
#include "support/groups.h"
#include "support/moments.h"
#include "support/reports.h"

#include <algorithm>

using namespace asyncio;
using namespace std::chrono_literals;
using support::cancelling;
using support::fail_after;
using support::group_error;
using support::members;
using support::Names;
using support::now;
using support::Reports;
using support::wait_long;

namespace {

// Fails with `message` when it is cancelled.
Coro<> fail_when_cancelled(std::string message) {
    const auto end = co_await outcome(sleep(10h));
    if (end.cancelled()) throw ValueError(message);
}

} // namespace

// ---- from outside -------------------------------------------------------------------------------

CO_TEST_BOTH_MODES("SEM-TG-08: a cancel from outside while the body waits cancels the children") {
    std::optional<Task<>> child;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        child = group.create_task(wait_long());
        co_await sleep(100s);
    };
    const auto task = create_task(task_group(body));
    co_await sleep(1s);
    task.cancel("from outside");
    CHECK_THROWS_MSG(co_await task, CancelledError, "from outside");
    CHECK(task.cancelled());
    CHECK(child->cancelled());
    CHECK_EQ(now(), TimePoint(1s));
}

CO_TEST_BOTH_MODES(
    "SEM-TG-08: a cancel from outside at the end waits for the children's clean-up") {
    bool cleaned = false;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        group.create_task([&cleaned]() -> Coro<> {
            const auto end = co_await outcome(sleep(100s));
            co_await sleep(2s);
            cleaned = end.cancelled();
            end.value();
        });
        co_return;
    };
    const auto task = create_task(task_group(body));
    co_await sleep(1s);
    task.cancel("from outside");
    co_await sleep(1s);
    CHECK(!task.done());
    CHECK_THROWS_MSG(co_await task, CancelledError, "from outside");
    CHECK(cleaned);
    CHECK_EQ(now(), TimePoint(3s));
    CHECK_EQ(task.cancelling(), 1);
}

CO_TEST_BOTH_MODES(
    "SEM-TG-08: repeated cancels neither hurry nor disturb the waiting for children") {
    int ended = 0;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        for (int i = 0; i < 3; ++i) {
            group.create_task([&ended]() -> Coro<> {
                const auto end = co_await outcome(sleep(100s));
                co_await sleep(5s);
                ++ended;
                end.value();
            });
        }
        co_return;
    };
    const auto task = create_task(task_group(body));
    for (int i = 0; i < 4; ++i) {
        co_await sleep(1s);
        task.cancel();
        task.cancel();
    }
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK_EQ(ended, 3);
    CHECK_EQ(now(), TimePoint(6s));
    CHECK_EQ(task.cancelling(), 8);
}

CO_TEST_BOTH_MODES("SEM-TG-08: a cancel in the turn in which the group would end is delivered") {
    std::optional<Task<>> child;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        child = group.create_task(sleep(1s));
        co_return;
    };
    std::optional<Task<>> task;
    task = create_task(task_group(body));
    co_await sleep(Duration());
    // Two turns after the child's end the parent runs; the cancel comes one turn after it.
    child->add_done_callback([&task] { task->cancel(); });
    CHECK_THROWS_AS(co_await *task, CancelledError);
    CHECK(task->cancelled());
    CHECK(!child->cancelled());
}

CO_TEST_BOTH_MODES("SEM-TG-09: an error of a child wins over a cancel from outside") {
    const auto body = [](TaskGroup& group) -> Coro<> {
        group.create_task(fail_when_cancelled("child"));
        co_await sleep(100s);
    };
    const auto task = create_task(task_group(body));
    co_await sleep(1s);
    task.cancel();
    CHECK_EQ(members(co_await group_error(task)), Names{"ValueError('child')"});
    CHECK(!task.cancelled());
}

CO_TEST_BOTH_MODES(
    "SEM-TG-09: an error of a child wins also if the body has ended before the cancel") {
    const auto body = [](TaskGroup& group) -> Coro<> {
        group.create_task(fail_when_cancelled("child"));
        co_return;
    };
    const auto task = create_task(task_group(body));
    co_await sleep(1s);
    task.cancel();
    CHECK_EQ(members(co_await group_error(task)), Names{"ValueError('child')"});
}

CO_TEST_BOTH_MODES(
    "SEM-TG-10: a cancel that lost to an ExceptionGroup is kept for the next await") {
    int in_handler = -1;
    bool next_await_threw = false;
    const auto body = [](TaskGroup& group) -> Coro<> {
        group.create_task(fail_when_cancelled("child"));
        co_await sleep(100s);
    };
    const auto worker = [&]() -> Coro<> {
        const auto end = co_await outcome(task_group(body));
        CHECK(is_exception<ExceptionGroup>(end.exception()));
        in_handler = cancelling();
        const auto next = co_await outcome(sleep(Duration()));
        next_await_threw = next.cancelled();
        CHECK_EQ(cancelling(), 1);
    };
    const auto task = create_task(worker);
    co_await sleep(1s);
    task.cancel();
    co_await task;
    CHECK_EQ(in_handler, 1);
    CHECK(next_await_threw);
}

CO_TEST_BOTH_MODES("SEM-TG-10: the count of cancels from outside stays, however many there were") {
    const auto body = [](TaskGroup& group) -> Coro<> {
        group.create_task(fail_when_cancelled("child"));
        co_await sleep(100s);
    };
    const auto worker = [&]() -> Coro<int> {
        co_await group_error(task_group(body));
        const int count = cancelling();
        const auto next = co_await outcome(sleep(1s));
        CHECK(next.cancelled());
        co_return count;
    };
    const auto task = create_task(worker);
    co_await sleep(1s);
    task.cancel();
    task.cancel();
    CHECK_EQ(co_await task, 2);
}

CO_TEST_BOTH_MODES(
    "SEM-TG-11: a body that answers its cancellation with an error: it is in the group") {
    const auto body = [](TaskGroup& group) -> Coro<> {
        group.create_task(wait_long());
        co_await fail_when_cancelled("body");
    };
    const auto worker = [&]() -> Coro<> {
        CHECK_EQ(members(co_await group_error(task_group(body))), Names{"ValueError('body')"});
        CHECK_EQ(cancelling(), 1);
        current_task().uncancel();
    };
    const auto task = create_task(worker);
    co_await sleep(1s);
    task.cancel();
    co_await task;
}

CO_TEST_BOTH_MODES("SEM-TG-11: a body that swallows its cancellation: the group ends normally") {
    std::optional<Task<>> child;
    const auto body = [&](TaskGroup& group) -> Coro<int> {
        child = group.create_task(sleep(5s));
        const auto end = co_await outcome(sleep(100s));
        co_return end.cancelled() ? 1 : 2;
    };
    const auto task = create_task(task_group(body));
    co_await sleep(1s);
    task.cancel();
    CHECK_EQ(co_await task, 1);
    CHECK(!child->cancelled());
    CHECK_EQ(now(), TimePoint(5s));
}

CO_TEST_BOTH_MODES(
    "SEM-TG-16: an outer child's failure cancels the inner group, which says nothing") {
    std::optional<Task<>> inner_child;
    const auto inner = [&](TaskGroup& group) -> Coro<> {
        inner_child = group.create_task(wait_long());
        co_await sleep(100s);
    };
    const auto outer = [&](TaskGroup& group) -> Coro<> {
        group.create_task(fail_after(1s, "outer"));
        co_await task_group(inner);
    };
    CHECK_EQ(members(co_await group_error(task_group(outer))), Names{"ValueError('outer')"});
    CHECK(inner_child->cancelled());
    CHECK_EQ(cancelling(), 0);
}

CO_TEST_BOTH_MODES("SEM-TG-16: so it does where the inner group waits for its children") {
    const auto inner = [](TaskGroup& group) -> Coro<> {
        group.create_task(wait_long());
        co_return;
    };
    const auto outer = [&](TaskGroup& group) -> Coro<> {
        group.create_task(fail_after(1s, "outer"));
        co_await task_group(inner);
    };
    CHECK_EQ(members(co_await group_error(task_group(outer))), Names{"ValueError('outer')"});
    CHECK_EQ(cancelling(), 0);
}

CO_TEST_BOTH_MODES("SEM-TG-18: a child may add siblings while the parent waits at the end") {
    int leaves = 0;
    std::size_t most = 0;
    TaskGroup group;
    // LIFETIME: the closures live in this frame, which waits for the group.
    const auto spawn = [&](const auto& self, int depth) -> Coro<> {
        co_await sleep(1ms);
        most = std::max(most, group.size());
        if (depth == 0) {
            ++leaves;
            co_return;
        }
        group.create_task(self(self, depth - 1));
        group.create_task(self(self, depth - 1));
    };
    const auto body = [&]() -> Coro<> {
        group.create_task(spawn(spawn, 5));
        co_return;
    };
    co_await group.with(body);
    CHECK_EQ(leaves, 32);
    CHECK(most >= 16U);
}

CO_TEST_BOTH_MODES("SEM-TG-18: exponentially spawning children end as soon as one fails") {
    int refused = 0;
    TaskGroup group;
    const auto spawn = [&](const auto& self, int left) -> Coro<> {
        for (;;) {
            const auto end = co_await outcome(sleep(1ms));
            if (left == 0) throw ValueError("enough");
            try {
                group.create_task(self(self, left - 1));
            } catch (const RuntimeError&) {
                ++refused;
                co_return;
            }
            static_cast<void>(end); // swallows its cancellation
        }
    };
    const auto body = [&]() -> Coro<> {
        group.create_task(spawn(spawn, 6));
        co_return;
    };
    const auto error = co_await group_error(group.with(body));
    CHECK(is_exception<ExceptionGroup>(error));
    CHECK(refused > 0);
    CHECK_EQ(group.size(), 0U);
}

TEST("children are cancelled in the order of their creation, unless a seed permutes it") {
    const auto order_with = [](std::uint64_t seed) {
        Names order;
        LoopOptions options;
        options.backend(testing::make_virtual_backend()).shuffle_seed(seed);
        EventLoop loop(std::move(options));
        const auto body = [&order](TaskGroup& group) -> Coro<> {
            for (const char* name : {"a", "b", "c", "d", "e"}) {
                group.create_task(
                    [&order](std::string mine) -> Coro<> {
                        const auto end = co_await outcome(sleep(10h));
                        order.push_back(mine);
                        end.value();
                    },
                    name);
            }
            co_await sleep(1s);
            group.cancel();
        };
        loop.run_until_complete(task_group(body));
        return order;
    };
    const Names natural = order_with(0);
    CHECK_EQ(natural, Names{"a", "b", "c", "d", "e"});
    int permuted = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        Names order = order_with(seed);
        if (order != natural) ++permuted;
        std::sort(order.begin(), order.end());
        CHECK_EQ(order, natural); // all of them
    }
    CHECK(permuted > 5);
}

// ---- interrupts ---------------------------------------------------------------------------------

CO_TEST_BOTH_MODES(
    "SEM-TG-13: a KeyboardInterrupt of the body comes out bare when the children ended") {
    bool cleaned = false;
    const auto interrupted = [&](TaskGroup& group) -> Coro<> {
        group.create_task([&cleaned]() -> Coro<> {
            const auto end = co_await outcome(sleep(100s));
            co_await sleep(1s);
            cleaned = true;
            end.value();
        });
        co_await sleep(1s);
        throw KeyboardInterrupt("body");
    };
    const auto end = co_await outcome(task_group(interrupted));
    CHECK(is_exception<KeyboardInterrupt>(end.exception()));
    CHECK(cleaned);
    CHECK_EQ(now(), TimePoint(2s));
    const auto leaving = [](TaskGroup& group) -> Coro<> {
        group.create_task(wait_long());
        throw SystemExit(3);
        co_return;
    };
    const auto exit = co_await outcome(task_group(leaving));
    CHECK(is_exception<SystemExit>(exit.exception()));
    CHECK_EQ(cancelling(), 0);
}

TEST("SEM-TG-13: a child's KeyboardInterrupt leaves the loop at once, and later the group") {
    LoopOptions options;
    options.backend(testing::make_virtual_backend());
    EventLoop loop(std::move(options));
    std::optional<Task<>> sibling;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        sibling = group.create_task(wait_long());
        group.create_task([]() -> Coro<> {
            co_await sleep(1s);
            throw KeyboardInterrupt("child");
        });
        co_await sleep(100s);
    };
    const auto task = loop.create_task(task_group(body));
    CHECK_THROWS_MSG(loop.run_until_complete(task), KeyboardInterrupt, "child");
    CHECK(!task.done());
    CHECK(!sibling->done());
    CHECK_EQ(loop.time(), TimePoint(1s));
    CHECK_THROWS_MSG(loop.run_until_complete(task), KeyboardInterrupt, "child");
    CHECK(sibling->cancelled());
    CHECK(is_exception<KeyboardInterrupt>(task.exception()));
}

CO_TEST_BOTH_MODES("SEM-NXT-03: errors that a KeyboardInterrupt suppresses are reported") {
    const Reports reports;
    const auto body = [](TaskGroup& group) -> Coro<> {
        group.create_task(fail_when_cancelled("first"));
        group.create_task(fail_when_cancelled("second"));
        co_await sleep(1s);
        throw KeyboardInterrupt();
    };
    const auto end = co_await outcome(task_group(body));
    CHECK(is_exception<KeyboardInterrupt>(end.exception()));
    REQUIRE(reports.seen.size() == 2);
    Names errors;
    for (const ExceptionContext& context : reports.seen) {
        errors.push_back(repr(context.exception));
        CHECK_EQ(context.message, "TaskGroup task exception was not propagated because the "
                                  "TaskGroup body is being closed with a BaseException");
    }
    std::sort(errors.begin(),
              errors.end()); // in which order they are cancelled is nobody's promise
    CHECK_EQ(errors, Names{"ValueError('first')", "ValueError('second')"});
}

// ---- cancel() -----------------------------------------------------------------------------------

CO_TEST_BOTH_MODES(
    "SEM-NXT-01: cancel() ends children and body, and the group ends without an error") {
    std::optional<Task<>> child;
    bool body_cancelled = false;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        child = group.create_task(wait_long());
        group.create_task([&group]() -> Coro<> {
            co_await sleep(1s);
            group.cancel();
            group.cancel(); // harmless twice
        });
        const auto end = co_await outcome(sleep(100s));
        body_cancelled = end.cancelled();
        end.value();
    };
    co_await task_group(body);
    CHECK(child->cancelled());
    CHECK(body_cancelled);
    CHECK_EQ(cancelling(), 0);
    CHECK_EQ(now(), TimePoint(1s));
    co_await sleep(1s);
}

CO_TEST_BOTH_MODES(
    "SEM-NXT-01: cancel() from the body takes effect at its next await, or at its end") {
    std::optional<Task<>> child;
    int reached = 0;
    const auto waits = [&](TaskGroup& group) -> Coro<> {
        child = group.create_task(wait_long());
        group.cancel();
        ++reached;
        co_await sleep(100s);
        ++reached;
    };
    co_await task_group(waits);
    CHECK_EQ(reached, 1);
    CHECK(child->cancelled());
    const auto ends = [&](TaskGroup& group) -> Coro<int> {
        child = group.create_task(wait_long());
        group.cancel();
        co_return 5;
    };
    CHECK_EQ(co_await task_group(ends), 5);
    CHECK(child->cancelled());
    const auto childless = [](TaskGroup& group) -> Coro<int> {
        group.cancel();
        co_return 6;
    };
    CHECK_EQ(co_await task_group(childless), 6);
    co_await sleep(1s); // nothing is left to be delivered
    CHECK_EQ(cancelling(), 0);
}

CO_TEST_BOTH_MODES("SEM-NXT-01: cancel() where the parent waits at the end") {
    TaskGroup group;
    std::optional<Task<>> child;
    testing::loop().call_later(1s, [&group] { group.cancel(); });
    const auto body = [&]() -> Coro<int> {
        child = group.create_task(wait_long());
        co_return 5;
    };
    CHECK_EQ(co_await group.with(body), 5);
    CHECK(child->cancelled());
    CHECK_EQ(cancelling(), 0);
    group.cancel(); // after the end: nothing
    co_await sleep(1s);
}

CO_TEST_BOTH_MODES("SEM-NXT-01: cancel() before entry takes effect at entry") {
    TaskGroup group;
    group.cancel();
    group.cancel();
    int reached = 0;
    const auto body = [&]() -> Coro<> {
        ++reached;
        CHECK_THROWS_MSG(group.create_task(wait_long()), RuntimeError, "is shutting down");
        co_await sleep(100s);
        ++reached;
    };
    co_await group.with(body);
    CHECK_EQ(reached, 1);
    CHECK_EQ(now(), TimePoint(0s));
    CHECK_EQ(cancelling(), 0);
}

CO_TEST_BOTH_MODES("SEM-NXT-01: a value that cancel() has cut off is InvalidStateError") {
    const auto body = [](TaskGroup& group) -> Coro<int> {
        group.cancel();
        co_await sleep(100s);
        co_return 5;
    };
    CHECK_THROWS_AS(co_await task_group(body), InvalidStateError);
    CHECK_EQ(cancelling(), 0);
}

CO_TEST_BOTH_MODES("SEM-NXT-01: a cancel from outside is not swallowed together with cancel()") {
    TaskGroup group;
    const auto body = [&]() -> Coro<> {
        group.create_task(wait_long());
        co_await sleep(100s);
    };
    const auto task = create_task(group.with(body));
    co_await sleep(1s);
    group.cancel();
    task.cancel();
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK_EQ(task.cancelling(), 1);

    TaskGroup second; // the same where the parent waits at the end
    const auto ends = [&]() -> Coro<> {
        second.create_task(wait_long());
        co_return;
    };
    const auto other = create_task(second.with(ends));
    co_await sleep(1s);
    second.cancel();
    other.cancel();
    CHECK_THROWS_AS(co_await other, CancelledError);
}

CO_TEST_BOTH_MODES(
    "SEM-NXT-02: after cancel() create_task throws, and children's errors come out") {
    const auto body = [](TaskGroup& group) -> Coro<> {
        group.create_task(fail_when_cancelled("child"));
        co_await sleep(1s);
        group.cancel();
        CHECK_THROWS_MSG(group.create_task(wait_long()), RuntimeError, "is shutting down");
        co_await sleep(100s);
    };
    CHECK_EQ(members(co_await group_error(task_group(body))), Names{"ValueError('child')"});
    CHECK_EQ(cancelling(), 0);
}

CO_TEST("SEM-NXT-02: an eager child that cancels its group is cancelled with it") {
    std::optional<Task<>> child;
    const auto strikes = [](TaskGroup& group) -> Coro<> {
        group.cancel();
        co_await sleep(100s);
    };
    const auto body = [&](TaskGroup& group) -> Coro<> {
        child = group.create_task(strikes(group), TaskOptions().eager_start(true));
        co_await sleep(100s);
    };
    co_await task_group(body);
    CHECK(child->cancelled());
    CHECK_EQ(now(), TimePoint(0s));
}
