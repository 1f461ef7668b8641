// SPDX-License-Identifier: MIT
// shield: what reaches whom, what is reported, who keeps what alive.
#include "asyncio/shield.h"

#include "asyncio/gather.h"
#include "asyncio/testing/sweep.h"
#include "support/reports.h"
#include "support/work.h"

#include <memory>

using namespace asyncio;
using namespace std::chrono_literals;
using support::fail;
using support::give;
using support::note_end;
using support::Reports;

namespace {

Coro<> await_shielded(Task<> inner) { co_await shield(inner); }

} // namespace

// ---- ends ---------------------------------------------------------------------------------------

CO_TEST("SEM-SHD-01: result, exception and cancellation of the inner reach the outer") {
    CHECK_EQ(co_await shield(give(3, 1s)), 3);
    CHECK_THROWS_MSG(co_await shield(fail("inner", 1s)), ValueError, "inner");
    const auto inner = create_task(sleep(1h));
    const auto outer = shield(inner);
    co_await yield_now();
    inner.cancel();
    CHECK_THROWS_AS(co_await outer, CancelledError);
    CHECK(outer.cancelled());
    CHECK(inner.cancelled());
}

CO_TEST("SEM-SHD-01: an inner that is done already is returned as it is") {
    Future<int> inner;
    inner.set_result(5);
    CHECK(shield(inner) == inner);
    const auto task = create_task(give(6, 0s));
    co_await task;
    const Future<int> outer = shield(task);
    CHECK_EQ(AnyFuture(outer), AnyFuture(task));
    CHECK_EQ(co_await shield(task), 6);
}

CO_TEST("shield: a value that others can see is copied; one that cannot be copied is moved out") {
    const auto inner = create_task(sleep(1s, std::string("too long a text to be kept in place")));
    const std::string value = co_await shield(inner);
    CHECK_EQ(value, inner.result());
    const auto pointer = co_await shield([]() -> Coro<std::unique_ptr<int>> {
        co_await yield_now();
        co_return std::make_unique<int>(4);
    }());
    CHECK_EQ(*pointer, 4);
}

CO_TEST(
    "SEM-SHD-02: cancelling the outer leaves the inner running; who awaits sees CancelledError") {
    bool ended = false;
    const auto inner = create_task(note_end(ended, 5s));
    const auto waiter = create_task(await_shielded(inner));
    co_await sleep(1s);
    waiter.cancel("stop");
    CHECK_THROWS_MSG(co_await waiter, CancelledError, "stop");
    CHECK_EQ(testing::loop().time().time_since_epoch(), 1s); // at once
    CHECK_EQ(inner.cancelling(), 0);
    co_await inner;
    CHECK(ended);
}

CO_TEST("SEM-SHD-03: cancelling the inner cancels the outer") {
    const Future<int> inner;
    const auto outer = shield(inner);
    inner.cancel();
    co_await yield_now();
    CHECK(outer.cancelled());
}

// ---- reports ------------------------------------------------------------------------------------

CO_TEST("SEM-SHD-04: an exception after the outer was cancelled is reported exactly once") {
    Reports reports;
    {
        const auto inner = create_task(fail("late", 5s));
        const auto outer = shield(inner);
        outer.cancel();
        co_await sleep(10s);
    }
    co_await sleep(1s);
    const std::vector<std::string> expected{"ValueError exception in shielded future: late"};
    CHECK_EQ(reports.lines(), expected);
}

CO_TEST("SEM-SHD-04: exactly once also if several shields of the same inner were cancelled") {
    Reports reports;
    {
        const auto inner = create_task(fail("late", 5s));
        for (int i = 0; i < 3; ++i) shield(inner).cancel();
        co_await sleep(10s);
    }
    CHECK_EQ(reports.lines().size(), 1U);
}

CO_TEST("SEM-SHD-04: a plain result and a cancelled inner are silent") {
    Reports reports;
    const auto good = create_task(give(1, 5s));
    const auto cancelled = create_task(sleep(5s));
    shield(good).cancel();
    shield(cancelled).cancel();
    co_await sleep(1s);
    cancelled.cancel();
    co_await sleep(10s);
    CHECK(reports.lines().empty());
}

CO_TEST("FLT-TASK-07: an inner that fails in the turn of the outer's cancel is reported once") {
    Reports reports;
    {
        const Future<> inner;
        const auto outer = shield(inner);
        outer.cancel();
        inner.set_exception(ValueError("after it"));
        const Future<> before;
        const auto late = shield(before);
        before.set_exception(ValueError("before it"));
        late.cancel();
        co_await sleep(1s);
    }
    REQUIRE(reports.lines().size() == 2);
    CHECK(reports.lines()[0].find("after it") != std::string::npos);
    CHECK(reports.lines()[1].find("before it") != std::string::npos);
}

CO_TEST("shield: an outer that is dropped leaves the failure to the inner, which reports it once") {
    Reports reports;
    shield(fail("nobody looks", 1s));
    co_await sleep(5s);
    const std::vector<std::string> expected{"Task exception was never retrieved: nobody looks"};
    CHECK_EQ(reports.lines(), expected);
}

// ---- who holds whom -----------------------------------------------------------------------------

CO_TEST(
    "SEM-SHD-05: after the outer is cancelled no callbacks remain on it, nor its on the inner") {
    const auto inner = create_task(give(1, 5s));
    const auto outer = shield(inner);
    outer.add_done_callback([] {});
    const auto waiter = create_task(outer);
    co_await yield_now();
    outer.cancel();
    CHECK(outer.state()->callbacks.empty());
    const auto end = co_await outcome(waiter);
    CHECK(end.cancelled());
    CHECK_EQ(outer.state()->refs, 1U); // this handle
    CHECK_EQ(co_await inner, 1);
}

CO_TEST("SEM-SHD-06: shield(gather(...)) protects all children from the outer's cancellation") {
    bool first = false;
    bool second = false;
    const auto children = gather(note_end(first, 2s), note_end(second, 3s));
    const auto outer = shield(children);
    co_await sleep(1s);
    outer.cancel();
    CHECK_THROWS_AS(co_await outer, CancelledError);
    co_await children;
    CHECK(first);
    CHECK(second);
}

CO_TEST("SEM-SHD-07: the inner stays alive without any reference of the user") {
    bool ended = false;
    {
        const auto outer = shield(note_end(ended, 5s));
        co_await sleep(1s);
        outer.cancel();
    }
    co_await sleep(10s);
    CHECK(ended);
}

TEST("shield: without a running loop a future lends its own; a coroutine needs a current one") {
    EventLoop one;
    const Future<int> inner(one);
    const auto outer = shield(inner);
    CHECK_EQ(&outer.get_loop(), &one);
    inner.set_result(2);
    CHECK_EQ(one.run_until_complete(outer), 2);
    CHECK_THROWS_AS(shield(give(1, 0s)), RuntimeError);
}

TEST("shield: a loop that closes between the inner's end and the outer's leaves nothing") {
    const auto before = testing::Baseline::now().blocks;
    {
        EventLoop one;
        const Future<int> inner(one);
        const auto outer = shield(inner);
        one.call_soon([&] {
            inner.set_result(1);
            one.stop();
        });
        one.run_forever();
        one.close();
    }
    CHECK_EQ(testing::Baseline::now().blocks, before);
}

// ---- turns --------------------------------------------------------------------------------------

CO_TEST("SEM-HOP-05: 2 turns after the inner ended; 0 if it was done at the call") {
    const Future<int> inner;
    std::uint64_t ended = 0;
    testing::loop().call_soon([&] {
        inner.set_result(1);
        ended = testing::loop().turn_count();
    });
    co_await shield(inner);
    CHECK_EQ(testing::loop().turn_count() - ended, 2U);
    const testing::Turns turns;
    co_await shield(inner);
    CHECK_EQ(turns.count(), 0);
}

CO_SWEEP("shield under the cancel sweep: the inner always goes on to its end") {
    bool ended = false;
    const auto inner = create_task(note_end(ended, 2s));
    auto victim = sweep.victim(await_shielded(inner));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    co_await inner;
    CHECK(ended);
}
