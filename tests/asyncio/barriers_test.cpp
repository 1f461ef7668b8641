// SPDX-License-Identifier: MIT
// Barrier: rounds, breaking, cancellation.
#include "asyncio/barriers.h"

#include "asyncio/testing/sweep.h"
#include "asyncio/wait_for.h"
#include "support/moments.h"

#include <algorithm>
#include <random>

using namespace asyncio;
using namespace std::chrono_literals;
using support::contains;
using support::turn;
using support::turns_pass;

namespace {

struct Passed {
    std::vector<int> indices;
    std::vector<std::uint64_t> turns;
    int broken = 0;
    int cancelled = 0;
};

Coro<> pass(Barrier& barrier, Passed& passed) {
    const auto end = co_await outcome(barrier.wait());
    if (end.has_value()) {
        passed.indices.push_back(end.value());
        passed.turns.push_back(turn());
    } else if (is_exception<BrokenBarrierError>(end.exception())) {
        ++passed.broken;
    } else {
        ++passed.cancelled;
        end.value();
    }
}

std::vector<Task<>> start(int count, Barrier& barrier, Passed& passed) {
    std::vector<Task<>> tasks;
    for (int i = 0; i < count; ++i) tasks.push_back(create_task(pass(barrier, passed)));
    return tasks;
}

Coro<> all_of(std::vector<Task<>> tasks) {
    for (const Task<>& task : tasks) static_cast<void>(co_await outcome(task));
}

std::vector<int> sorted(std::vector<int> values) {
    std::sort(values.begin(), values.end());
    return values;
}

} // namespace

CO_TEST("SEM-BAR-01: fewer than one party raises ValueError") {
    CHECK_THROWS_MSG(Barrier(0), ValueError, "parties must be >= 1");
    CHECK_THROWS_AS(Barrier(-3), ValueError);
    co_return;
}

CO_TEST("SEM-BAR-01: parties() and n_waiting() tell how many it takes, and how many have come") {
    Barrier barrier(3);
    CHECK_EQ(barrier.parties(), 3);
    CHECK_EQ(barrier.n_waiting(), 0);
    CHECK(!barrier.broken());
    Passed passed;
    auto tasks = start(2, barrier, passed);
    co_await yield_now();
    CHECK_EQ(barrier.n_waiting(), 2);
    tasks.push_back(create_task(pass(barrier, passed)));
    co_await yield_now();
    CHECK_EQ(barrier.n_waiting(), 0); // draining
    co_await all_of(tasks);
    CHECK_EQ(barrier.n_waiting(), 0);
}

CO_TEST("SEM-BAR-02: the last party releases all, and each has an index of its own") {
    Barrier barrier(5);
    Passed passed;
    auto tasks = start(4, barrier, passed);
    co_await turns_pass(5);
    CHECK(passed.indices.empty());
    CHECK_EQ(co_await barrier.wait(), 4); // this is the last
    co_await all_of(tasks);
    CHECK_EQ(sorted(passed.indices), std::vector<int>{0, 1, 2, 3});
}

CO_TEST("SEM-BAR-03: a barrier serves round after round") {
    Barrier barrier(3);
    std::vector<int> first;
    std::vector<int> second;
    const auto twice = [&]() -> Coro<> {
        first.push_back(co_await barrier.wait());
        second.push_back(co_await barrier.wait());
    };
    const auto a = create_task(twice());
    const auto b = create_task(twice());
    const auto c = create_task(twice());
    co_await a;
    co_await b;
    co_await c;
    CHECK_EQ(sorted(first), std::vector<int>{0, 1, 2});
    CHECK_EQ(sorted(second), std::vector<int>{0, 1, 2});
    CHECK(!barrier.broken());
}

CO_TEST("SEM-BAR-03: with one party it never blocks") {
    Barrier barrier(1);
    const testing::Turns turns;
    for (int i = 0; i < 5; ++i) CHECK_EQ(co_await barrier.wait(), 0);
    CHECK_EQ(turns.count(), 0);
    CHECK_EQ(barrier.n_waiting(), 0);
}

CO_TEST("SEM-BAR-04: who comes while released tasks are leaving waits until the last has left") {
    Barrier barrier(2);
    Passed first;
    Passed second;
    auto tasks = start(2, barrier, first);
    auto more = start(2, barrier, second); // in the turn in which the first two come
    co_await yield_now();
    CHECK(contains(to_string(barrier), "draining"));
    CHECK(second.indices.empty());
    co_await all_of(tasks);
    const std::uint64_t left = turn();
    co_await all_of(more);
    CHECK_EQ(sorted(first.indices), std::vector<int>{0, 1});
    CHECK_EQ(sorted(second.indices), std::vector<int>{0, 1});
    CHECK(*std::min_element(second.turns.begin(), second.turns.end()) >= left);
}

CO_TEST("SEM-BAR-04: one that comes while it drains does not take part in that round") {
    Barrier barrier(2);
    Passed first;
    Passed late;
    auto tasks = start(2, barrier, first);
    tasks.push_back(create_task(pass(barrier, late))); // in the turn in which the second came
    co_await turns_pass(6);
    CHECK_EQ(sorted(first.indices), std::vector<int>{0, 1});
    CHECK(late.indices.empty());
    CHECK_EQ(barrier.n_waiting(), 1);
    CHECK_EQ(co_await barrier.wait(), 1);
    co_await all_of(tasks);
    CHECK_EQ(late.indices, std::vector<int>{0});
}

CO_TEST("SEM-BAR-05: the barrier drains until the last leaver puts it back to filling") {
    Barrier barrier(3);
    std::vector<std::string> states;
    const auto leave = [&]() -> Coro<> {
        co_await barrier.wait();
        states.push_back(to_string(barrier));
    };
    const auto a = create_task(leave());
    const auto b = create_task(leave());
    const auto c = create_task(leave());
    co_await a;
    co_await b;
    co_await c;
    REQUIRE(states.size() == 3);
    CHECK(contains(states[0], "draining"));
    CHECK(contains(states[1], "draining"));
    CHECK(contains(states[2], "filling"));
}

CO_TEST("SEM-BAR-06 FLT-SYNC-05: a waiter cancelled while filling leaves, and is replaced") {
    Barrier barrier(3);
    Passed passed;
    auto tasks = start(2, barrier, passed);
    co_await yield_now();
    CHECK_EQ(barrier.n_waiting(), 2);
    tasks[0].cancel();
    co_await yield_now();
    CHECK(tasks[0].cancelled());
    CHECK_EQ(barrier.n_waiting(), 1);
    CHECK(!barrier.broken());
    tasks.push_back(create_task(pass(barrier, passed)));
    co_await barrier.wait();
    co_await all_of(tasks);
    CHECK_EQ(passed.indices.size(), 2U);
    CHECK_EQ(passed.cancelled, 1);
}

CO_TEST("SEM-BAR-07: reset() gives those who wait BrokenBarrierError, then it works again") {
    Barrier barrier(3);
    Passed passed;
    auto tasks = start(2, barrier, passed);
    co_await yield_now();
    co_await barrier.reset();
    CHECK(contains(to_string(barrier), "resetting"));
    co_await all_of(tasks);
    CHECK_EQ(passed.broken, 2);
    CHECK(!barrier.broken());
    CHECK(contains(to_string(barrier), "filling, waiters:0/3"));
    auto again = start(3, barrier, passed);
    co_await all_of(again);
    CHECK_EQ(sorted(passed.indices), std::vector<int>{0, 1, 2});
}

CO_TEST("SEM-BAR-07: reset() without waiters is a no-op") {
    Barrier barrier(2);
    co_await barrier.reset();
    CHECK(!barrier.broken());
    Passed passed;
    auto tasks = start(2, barrier, passed);
    co_await all_of(tasks);
    CHECK_EQ(passed.indices.size(), 2U);
}

CO_TEST("SEM-BAR-07: who comes while it is being reset waits, and is not broken") {
    Barrier barrier(2);
    Passed broken;
    Passed late;
    auto tasks = start(1, barrier, broken);
    co_await yield_now();
    co_await barrier.reset();
    auto more = start(2, barrier, late);
    co_await all_of(tasks);
    co_await all_of(more);
    CHECK_EQ(broken.broken, 1);
    CHECK_EQ(late.broken, 0);
    CHECK_EQ(late.indices.size(), 2U);
}

CO_TEST("SEM-BAR-08: abort() breaks it for those who wait and for those who come") {
    Barrier barrier(3);
    Passed passed;
    auto tasks = start(2, barrier, passed);
    co_await yield_now();
    co_await barrier.abort();
    CHECK(barrier.broken());
    co_await all_of(tasks);
    CHECK_EQ(passed.broken, 2);
    CHECK(barrier.broken());
    CHECK_THROWS_MSG(co_await barrier.wait(), BrokenBarrierError, "Barrier aborted");
    CHECK_EQ(barrier.n_waiting(), 0);
}

CO_TEST("SEM-BAR-08: an aborted barrier is broken until reset()") {
    Barrier barrier(2);
    co_await barrier.abort();
    CHECK(barrier.broken());
    CHECK(contains(to_string(barrier), "<asyncio.locks.Barrier object at 0x"));
    CHECK(contains(to_string(barrier), " [broken]>"));
    co_await barrier.reset();
    CHECK(!barrier.broken());
    Passed passed;
    auto tasks = start(2, barrier, passed);
    co_await all_of(tasks);
    CHECK_EQ(passed.indices.size(), 2U);
}

CO_TEST("FLT-SYNC-05: abort() between the last arrival and the others' leaving breaks the others") {
    Barrier barrier(3);
    Passed passed;
    auto tasks = start(2, barrier, passed);
    co_await yield_now();
    CHECK_EQ(co_await barrier.wait(), 2);
    co_await barrier.abort(); // nobody but the last has left
    co_await all_of(tasks);
    CHECK_EQ(passed.broken, 2);
    CHECK(barrier.broken());
}

CO_TEST(
    "FLT-SYNC-05: a released task that is cancelled before it leaves does not keep it draining") {
    Barrier barrier(3);
    Passed passed;
    auto tasks = start(2, barrier, passed);
    co_await yield_now();
    co_await barrier.wait();
    tasks[0].cancel();
    co_await all_of(tasks);
    CHECK_EQ(passed.cancelled, 1);
    CHECK(contains(to_string(barrier), "filling, waiters:0/3"));
    auto again = start(3, barrier, passed);
    co_await wait_for(all_of(again), 1s);
}

CO_TEST("SEM-HOP-12: the last party goes on at once, the others 1 turn after it came") {
    Barrier barrier(3);
    Passed passed;
    auto tasks = start(2, barrier, passed);
    co_await sleep(1s);
    const std::uint64_t came = turn();
    co_await barrier.wait();
    CHECK_EQ(turn(), came);
    co_await all_of(tasks);
    CHECK_EQ(passed.turns, std::vector<std::uint64_t>{came + 1, came + 1});
}

CO_TEST("with() waits for all, and runs its body with the index") {
    Barrier barrier(2);
    std::vector<int> indices;
    const auto note = [&indices](int index) -> Coro<> {
        indices.push_back(index);
        co_return;
    };
    const auto seven = []() -> Coro<int> { co_return 7; };
    const auto other = create_task(barrier.with(note));
    CHECK_EQ(co_await barrier.with(seven), 7);
    co_await other;
    CHECK_EQ(indices, std::vector<int>{1}); // it began after this one
}

CO_SWEEP("Barrier under the cancel sweep: who is cancelled leaves, the others pass") {
    Barrier barrier(3);
    Passed passed;
    const auto victim = sweep.victim(pass(barrier, passed));
    auto tasks = start(2, barrier, passed);
    co_await turns_pass(3);
    // Cancelled before the others came, it has left; after that it was the third all the same.
    if (!tasks[0].done()) co_await barrier.wait();
    co_await wait_for(all_of(tasks), 10s);
    const auto end = co_await outcome(victim);
    if (sweep.mode() != testing::SweepMode::no_memory) { // which it may want after it has passed
        CHECK_EQ(passed.indices.size(), end.has_value() ? 3U : 2U);
    }
    CHECK(contains(to_string(barrier), "filling, waiters:0/3"));
    auto again = start(3, barrier, passed);
    co_await wait_for(all_of(again), 10s);
}

CO_SWEEP("Barrier.reset and abort under the cancel sweep: done or not done, never in between") {
    Barrier barrier(3);
    Passed passed;
    auto tasks = start(2, barrier, passed);
    const auto restart = [&barrier]() -> Coro<> {
        co_await barrier.reset();
        co_await yield_now();
        co_await barrier.abort();
        co_await barrier.reset();
    };
    const auto victim = sweep.victim(restart());
    static_cast<void>(co_await outcome(victim));
    co_await turns_pass(3);
    if (barrier.n_waiting() == 2) co_await barrier.wait(); // reset() had not begun
    co_await wait_for(all_of(tasks), 10s);
    co_await barrier.reset();
    auto again = start(3, barrier, passed);
    co_await wait_for(all_of(again), 10s);
}

CO_TEST("FLT-SYNC-05: under random cancels and resets no barrier hangs") {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        std::mt19937 random(seed);
        const auto below = [&random](unsigned bound) { return random() % bound; };
        Barrier barrier(4);
        Passed passed;
        std::vector<Task<>> tasks;
        for (int i = 0; i < 150; ++i) {
            tasks.push_back(create_task(pass(barrier, passed)));
            if (below(3) == 0) tasks[below(static_cast<unsigned>(tasks.size()))].cancel();
            if (below(20) == 0) co_await barrier.reset();
            if (below(2) == 0) co_await yield_now();
        }
        co_await turns_pass(10);
        CHECK(contains(to_string(barrier), "filling"));
        CHECK(barrier.n_waiting() < 4);
        co_await barrier.abort();
        co_await wait_for(all_of(tasks), 10s);
        CHECK(!passed.indices.empty());
        CHECK(passed.cancelled > 0);
        // Every round gave each index once, but for those that were cancelled on their way out.
        for (const int index : passed.indices) CHECK(index >= 0 && index < 4);
        co_await barrier.reset();
        auto again = start(4, barrier, passed);
        co_await wait_for(all_of(again), 10s);
    }
}
