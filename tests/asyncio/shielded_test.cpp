// SPDX-License-Identifier: MIT
// shielded: cancels are put off until the body has ended, and none is lost.
#include "asyncio/shield.h"

#include "asyncio/taskgroups.h"
#include "asyncio/testing/sweep.h"
#include "asyncio/timeouts.h"
#include "support/work.h"

using namespace asyncio;
using namespace std::chrono_literals;
using support::give;

namespace {

Duration now() { return testing::loop().time().time_since_epoch(); }

/// What a task that uses shielded() has seen.
struct Seen {
    int value = 0;
    Duration body_ended;
    Duration cancelled;
    std::string message;
};

Coro<> use(Seen& seen, std::optional<Duration> grace = std::nullopt) {
    seen.value = co_await shielded(give(7, 5s), grace);
    seen.body_ended = now();
    const Outcome<> end = co_await outcome(sleep(1h));
    seen.cancelled = now();
    if (end.cancelled()) seen.message = message_of(end.exception());
    end.value();
}

} // namespace

CO_TEST("shielded: gives the body's result, or its exception") {
    CHECK_EQ(co_await shielded(give(3, 1s)), 3);
    CHECK_EQ(co_await shielded([] { return give(4, 1s); }), 4);
    co_await shielded(sleep(1s));
    const auto fails = []() -> Coro<> {
        co_await yield_now();
        throw ValueError("no");
    };
    CHECK_THROWS_MSG(co_await shielded(fails), ValueError, "no");
}

CO_TEST("shielded: a cancel takes effect behind the body, and its result is not lost") {
    Seen seen;
    const auto task = create_task(use(seen));
    co_await sleep(1s);
    CHECK(task.cancel("stop"));
    const auto end = co_await outcome(task);
    CHECK(end.cancelled());
    CHECK_EQ(seen.value, 7);
    CHECK_EQ(seen.body_ended, 5s);
    CHECK_EQ(seen.cancelled, 5s);
    CHECK_EQ(seen.message, "stop");
}

CO_TEST("shielded: several cancels are counted, and thrown once; they can be taken back") {
    Seen seen;
    const auto task = create_task(use(seen));
    co_await sleep(1s);
    task.cancel();
    task.cancel();
    CHECK_EQ(task.cancelling(), 2);
    CHECK_EQ(task.uncancel(), 1);
    co_await sleep(9s);
    CHECK(task.cancelled());
    CHECK_EQ(task.cancelling(), 1);
    const auto spared = create_task(use(seen));
    co_await sleep(1s);
    spared.cancel();
    CHECK_EQ(spared.uncancel(), 0);
    co_await sleep(9s);
    CHECK(!spared.done()); // it sleeps on
    spared.cancel();
    const auto end = co_await outcome(spared);
    CHECK(end.cancelled());
}

CO_TEST("shielded: a cancel that was under way before it began is put off, too") {
    Seen seen;
    const auto task = create_task([&seen]() -> Coro<> {
        current_task().cancel("before");
        co_await use(seen);
    });
    const auto end = co_await outcome(task);
    CHECK(end.cancelled());
    CHECK_EQ(seen.body_ended, 5s);
    CHECK_EQ(seen.message, "before");
    CHECK_EQ(task.cancelling(), 1);
}

CO_TEST("shielded: a body that ends the task by an exception wins over the cancel") {
    const auto task = create_task([]() -> Coro<> {
        co_await shielded([]() -> Coro<> {
            co_await sleep(2s);
            throw ValueError("the body's");
        });
    });
    co_await sleep(1s);
    task.cancel();
    CHECK_THROWS_MSG(co_await task, ValueError, "the body's");
}

CO_TEST("shielded: a task that ends without another await is cancelled, as by any late cancel") {
    const auto task = create_task([]() -> Coro<int> { co_return co_await shielded(give(1, 2s)); });
    co_await sleep(1s);
    task.cancel();
    const auto end = co_await outcome(task);
    CHECK(end.cancelled());
    CHECK_EQ(now(), 2s);
}

CO_TEST("shielded: a cancel that comes through the awaits of others is put off as well") {
    const auto inner = create_task([]() -> Coro<> {
        co_await shielded(sleep(5s));
        co_await sleep(1h);
    });
    const auto outer = create_task([&inner]() -> Coro<> { co_await inner; });
    co_await sleep(1s);
    outer.cancel();
    const auto end = co_await outcome(outer);
    CHECK(end.cancelled());
    CHECK(inner.cancelled());
    CHECK_EQ(now(), 5s);
}

// ---- scopes -------------------------------------------------------------------------------------

CO_TEST("shielded: a timeout inside of the body works, also when a cancel is put off") {
    bool timed_out = false;
    const auto task = create_task([&timed_out]() -> Coro<> {
        const auto body = [&timed_out]() -> Coro<> {
            const Outcome<> end = co_await outcome(timeout(3s, sleep(1h)));
            timed_out = is_exception<TimeoutError>(end.exception());
            co_await sleep(1s);
        };
        co_await shielded(body);
        co_await sleep(1h);
    });
    co_await sleep(1s);
    task.cancel();
    const auto end = co_await outcome(task);
    CHECK(end.cancelled());
    CHECK(timed_out);
    CHECK_EQ(now(), 4s);
}

CO_TEST("shielded: a timeout around it has to wait, and is a TimeoutError then") {
    bool ended = false;
    const auto body = [&ended]() -> Coro<> {
        co_await shielded(sleep(5s));
        ended = true;
        co_await sleep(1h);
    };
    CHECK_THROWS_AS(co_await timeout(1s, body), TimeoutError);
    CHECK(ended);
    CHECK_EQ(now(), 5s);
    CHECK_EQ(current_task().cancelling(), 0);
}

CO_TEST("shielded: a task group inside of the body can end it; one around it has to wait") {
    const auto failing = []() -> Coro<> {
        co_await sleep(1s);
        throw ValueError("child");
    };
    const auto body = [&failing](TaskGroup& group) -> Coro<> {
        group.create_task(failing);
        co_await sleep(1h);
    };
    const auto inside = co_await outcome(shielded(task_group(body)));
    CHECK(is_exception<ExceptionGroup>(inside.exception()));
    CHECK_EQ(now(), 1s);
    const auto outer_body = [&failing](TaskGroup& group) -> Coro<> {
        group.create_task(failing);
        co_await shielded(sleep(5s));
    };
    const auto around = co_await outcome(task_group(outer_body));
    CHECK(is_exception<ExceptionGroup>(around.exception()));
    CHECK_EQ(now(), 6s);
    CHECK_EQ(current_task().cancelling(), 0);
}

CO_TEST("shielded: inside of another, a scope between the two is put off by the inner one alone") {
    Duration inner_ended;
    const auto body = [&inner_ended]() -> Coro<> {
        const auto between = [&inner_ended]() -> Coro<> {
            co_await shielded(sleep(2s));
            inner_ended = now();
            co_await sleep(1h);
        };
        const Outcome<> end = co_await outcome(timeout(1s, between));
        CHECK(is_exception<TimeoutError>(end.exception()));
        co_await sleep(3s);
    };
    const auto task = create_task([&body]() -> Coro<> {
        co_await shielded(body);
        co_await sleep(1h);
    });
    co_await yield_now();
    task.cancel("outside");
    CHECK_THROWS_MSG(co_await task, CancelledError, "outside");
    CHECK_EQ(inner_ended, 2s);
    CHECK_EQ(now(), 5s);
}

// ---- grace --------------------------------------------------------------------------------------

CO_TEST("shielded: after the grace the body is cancelled after all, with the message") {
    Seen seen;
    const auto task = create_task(use(seen, 2s));
    co_await sleep(1s);
    task.cancel("stop");
    CHECK_THROWS_MSG(co_await task, CancelledError, "stop");
    CHECK_EQ(now(), 3s);
    CHECK_EQ(seen.value, 0);
    CHECK_EQ(task.cancelling(), 1);
}

CO_TEST(
    "shielded: the grace counts from the first cancel; a body that ends in time is not cancelled") {
    Seen seen;
    const auto task = create_task(use(seen, 3s));
    co_await sleep(3s);
    task.cancel();
    co_await sleep(1s);
    task.cancel();
    CHECK_EQ(testing::loop().timer_count(), 2U); // the body's and the grace's
    const auto end = co_await outcome(task);
    CHECK(end.cancelled());
    CHECK_EQ(seen.body_ended, 5s);
    CHECK_EQ(task.cancelling(), 2);
    CHECK_EQ(testing::loop().timer_count(), 0U);
}

CO_TEST("shielded: a grace that ends after the cancel was taken back does nothing") {
    Seen seen;
    const auto task = create_task(use(seen, 1s));
    co_await sleep(1s);
    task.cancel();
    task.uncancel();
    co_await sleep(9s);
    CHECK_EQ(seen.value, 7);
    task.cancel();
    const auto end = co_await outcome(task);
    CHECK(end.cancelled());
}

// ---- the rest -----------------------------------------------------------------------------------

TEST("shielded: a loop that closes over the body leaves nothing") {
    const auto before = testing::Baseline::now().blocks;
    {
        EventLoop one;
        Seen seen;
        const auto task = one.create_task(use(seen, 1h));
        one.call_soon([&] {
            one.call_soon([&] {
                task.cancel();
                one.stop();
            });
        });
        one.run_forever();
    }
    CHECK_EQ(testing::Baseline::now().blocks, before);
    testing::take_logs();
}

CO_SWEEP("shielded under the cancel sweep: the body always ends, the cancel always comes through") {
    Seen seen;
    bool begun = false;
    auto victim = sweep.victim([](Seen& into, bool& has_begun) -> Coro<> {
        has_begun = true;
        into.value = co_await shielded(give(7, 5s));
        into.body_ended = now();
        co_await sleep(1s);
    }(seen, begun));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (begun && !is_exception<std::bad_alloc>(end.exception())) {
        CHECK_EQ(seen.value, 7);
        CHECK_EQ(seen.body_ended, 5s);
    }
    CHECK_EQ(testing::loop().timer_count(), 0U);
}
