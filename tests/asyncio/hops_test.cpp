// SPDX-License-Identifier: MIT
// Turns between a completion and who waits for it, as far as the core alone decides them.
#include "asyncio/timeouts.h"

#include "asyncio/testing/testing.h"
#include "support/moments.h"

using namespace asyncio;
using namespace std::chrono_literals;
using support::turn;

namespace {

Coro<int> seven() { co_return 7; }

Coro<int> through(int frames) {
    if (frames == 0) co_return 0;
    co_return 1 + co_await through(frames - 1);
}

// Awaits `what` and notes the turn in which it goes on.
template <class A>
Coro<> note_turn(A what, std::uint64_t& at) {
    const auto end = co_await outcome(what);
    at = turn();
    if (end.cancelled()) throw CancelledError();
}

// Notes the turn in which its cancel arrives.
Coro<> note_cancel(Future<> blocked, std::uint64_t& at) {
    const auto end = co_await outcome(blocked);
    if (end.cancelled()) at = turn();
    end.value();
}

} // namespace

CO_TEST("SEM-HOP-01: a coroutine awaited directly resumes its caller in the same turn") {
    const testing::Turns turns;
    CHECK_EQ(co_await seven(), 7);
    CHECK_EQ(co_await through(100), 100);
    CHECK_EQ(turns.count(), 0);
}

CO_TEST("SEM-HOP-01: also under a timeout") {
    const testing::Turns turns;
    CHECK_EQ(co_await timeout(1h, seven()), 7);
    CHECK_EQ(turns.count(), 0);
}

CO_TEST("SEM-HOP-01: a coroutine that has slept resumes its caller in the turn in which it ends") {
    std::uint64_t ended = 0;
    const auto sleeper = [](std::uint64_t& at) -> Coro<> {
        co_await sleep(Duration());
        at = turn();
    };
    co_await sleeper(ended);
    CHECK_EQ(turn(), ended);
}

CO_TEST("SEM-HOP-02: who awaits a future goes on 1 turn after it became done") {
    const Future<> future;
    std::uint64_t woken = 0;
    const auto waiter = create_task(note_turn(future, woken));
    co_await yield_now();
    const std::uint64_t set = turn();
    future.set_result();
    co_await waiter;
    CHECK_EQ(woken - set, 1U);
}

CO_TEST("SEM-HOP-02: who awaits a task goes on 1 turn after it ended") {
    std::uint64_t ended = 0;
    const auto body = [](std::uint64_t& at) -> Coro<> {
        co_await yield_now();
        at = turn();
    };
    const auto task = create_task(body, std::ref(ended));
    co_await task;
    CHECK_EQ(turn() - ended, 1U);
}

CO_TEST("SEM-HOP-02: awaiting what is done already takes no turn") {
    const Future<int> future;
    future.set_result(1);
    const auto task = create_task(seven());
    co_await yield_now();
    REQUIRE(task.done());
    const testing::Turns turns;
    CHECK_EQ(co_await future, 1);
    CHECK_EQ(co_await task, 7);
    CHECK_EQ(turns.count(), 0);
}

CO_TEST("SEM-HOP-02: those who await one future go on in one turn, in the order they came") {
    const Future<> future;
    std::vector<int> order;
    std::vector<std::uint64_t> turns;
    const auto body = [&](Future<> awaited, int number) -> Coro<> {
        co_await awaited;
        order.push_back(number);
        turns.push_back(turn());
    };
    const auto first = create_task(body(future, 1));
    const auto second = create_task(body(future, 2));
    const auto third = create_task(body(future, 3));
    co_await yield_now();
    future.set_result();
    co_await third;
    CHECK_EQ(order, std::vector<int>{1, 2, 3});
    CHECK_EQ(turns.front(), turns.back());
}

CO_TEST("SEM-HOP-13: a cancelled task sees it 1 turn later, who awaits it 2 turns later") {
    const Future<> blocked;
    std::uint64_t handled = 0;
    std::uint64_t awaited = 0;
    const auto task = create_task(note_cancel(blocked, handled));
    const auto waiter = create_task(note_turn(task, awaited));
    co_await yield_now();
    const std::uint64_t cancelled = turn();
    task.cancel();
    CHECK_THROWS_AS(co_await waiter, CancelledError);
    CHECK_EQ(handled - cancelled, 1U);
    CHECK_EQ(awaited - cancelled, 2U);
}

CO_TEST("SEM-HOP-13: who awaits a task cancelled before its start goes on 2 turns later") {
    const auto task = create_task(seven());
    task.cancel();
    const testing::Turns turns;
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK_EQ(turns.count(), 2);
}

CO_TEST("SEM-HOP-13: each task of a chain adds 1 turn to a cancellation's way out") {
    const Future<> blocked;
    std::uint64_t handled = 0;
    std::uint64_t middle_at = 0;
    std::uint64_t outer_at = 0;
    const auto inner = create_task(note_cancel(blocked, handled));
    const auto middle = create_task(note_turn(inner, middle_at));
    const auto outer = create_task(note_turn(middle, outer_at));
    co_await yield_now();
    const std::uint64_t cancelled = turn();
    outer.cancel();
    CHECK_THROWS_AS(co_await outer, CancelledError);
    CHECK_EQ(handled - cancelled, 1U);
    CHECK_EQ(middle_at - cancelled, 2U);
    CHECK_EQ(outer_at - cancelled, 3U);
}

CO_TEST("SEM-HOP-14: sleep(0) takes 1 turn") {
    const testing::Turns turns;
    co_await sleep(Duration());
    CHECK_EQ(turns.count(), 1);
    co_await yield_now();
    CHECK_EQ(turns.count(), 2);
}

CO_TEST("SEM-HOP-14: awaiting a new task of sleep(0) takes 3 turns") {
    const testing::Turns turns;
    const auto task = create_task(sleep(Duration()));
    co_await task;
    CHECK_EQ(turns.count(), 3);
}

CO_TEST("a done-callback runs 1 turn after its future became done") {
    const Future<> future;
    std::uint64_t called = 0;
    future.add_done_callback([&called] { called = turn(); });
    const std::uint64_t set = turn();
    future.set_result();
    co_await yield_now();
    CHECK_EQ(called - set, 1U);
}
