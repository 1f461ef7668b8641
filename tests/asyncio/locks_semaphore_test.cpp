// SPDX-License-Identifier: MIT
// Semaphore and BoundedSemaphore: permits, order, cancellation.
#include "asyncio/locks.h"

#include "asyncio/testing/sweep.h"
#include "asyncio/wait_for.h"
#include "support/dice.h"
#include "support/moments.h"

using namespace asyncio;
using namespace std::chrono_literals;
using support::contains;
using support::Names;
using support::turn;

namespace {

Coro<> take(Semaphore& semaphore, std::string name, Names& order) {
    co_await semaphore.acquire();
    order.push_back(name);
}

Coro<> take_and_note_turn(Semaphore& semaphore, std::uint64_t& at) {
    co_await semaphore.acquire();
    at = turn();
}

Coro<> take_often(Semaphore& semaphore, std::string name, int times, Names& order) {
    for (int i = 0; i < times; ++i) {
        co_await semaphore.acquire();
        order.push_back(name);
        semaphore.release();
    }
}

int permits(Semaphore& semaphore) {
    int count = 0;
    while (semaphore.try_acquire()) ++count;
    for (int i = 0; i < count; ++i) semaphore.release();
    return count;
}

} // namespace

CO_TEST("SEM-SMP-01: a negative initial value raises ValueError") {
    CHECK_THROWS_MSG(Semaphore(-1), ValueError, "Semaphore initial value must be >= 0");
    CHECK_THROWS_MSG(BoundedSemaphore(-1), ValueError, "Semaphore initial value must be >= 0");
    co_return;
}

CO_TEST("SEM-SMP-01: with the value 0 it starts locked, with 1 (the default) it does not") {
    Semaphore none(0);
    CHECK(none.locked());
    CHECK(!none.try_acquire());
    Semaphore one;
    CHECK(!one.locked());
    CHECK(one.try_acquire());
    CHECK(one.locked());
    co_return;
}

CO_TEST("SEM-SMP-02: acquire() takes a free permit without suspending") {
    Semaphore semaphore(3);
    const testing::Turns turns;
    co_await semaphore.acquire();
    co_await semaphore.acquire();
    CHECK(!semaphore.locked());
    co_await semaphore.acquire();
    CHECK(semaphore.locked());
    CHECK_EQ(turns.count(), 0);
}

CO_TEST("SEM-SMP-02: those who find no permit are served in the order in which they came") {
    Semaphore semaphore(0);
    Names order;
    const auto a = create_task(take(semaphore, "a", order));
    const auto b = create_task(take(semaphore, "b", order));
    const auto c = create_task(take(semaphore, "c", order));
    co_await yield_now();
    semaphore.release();
    semaphore.release();
    co_await yield_now();
    CHECK_EQ(order, Names{"a", "b"});
    semaphore.release();
    co_await c;
    CHECK_EQ(order, Names{"a", "b", "c"});
    CHECK(a.done() && b.done());
}

CO_TEST("SEM-SMP-03: locked() while a woken waiter is still to run, though permits are left") {
    Semaphore semaphore(0);
    Names order;
    const auto a = create_task(take(semaphore, "a", order));
    co_await yield_now();
    semaphore.release();
    semaphore.release();
    CHECK(semaphore.locked());
    CHECK(!semaphore.try_acquire());
    co_await a;
    CHECK(!semaphore.locked());
    CHECK_EQ(permits(semaphore), 1);
}

CO_TEST("SEM-SMP-03: nobody overtakes woken waiters; who came meanwhile is woken by them") {
    Semaphore semaphore(0);
    Names order;
    const auto a = create_task(take(semaphore, "a", order));
    co_await yield_now();
    semaphore.release();
    semaphore.release();
    co_await semaphore.acquire(); // queues behind a, which wakes this
    order.push_back("late");
    CHECK_EQ(order, Names{"a", "late"});
    CHECK_EQ(permits(semaphore), 0);
    CHECK(a.done());
}

CO_TEST("SEM-SMP-04: release() sets the permit aside for the waiter that it wakes") {
    Semaphore semaphore(0);
    Names order;
    const auto a = create_task(take(semaphore, "a", order));
    co_await yield_now();
    semaphore.release();
    CHECK(contains(to_string(semaphore), "[locked, waiters:1]")); // the value is 0 again
    co_await a;
    CHECK(contains(to_string(semaphore), "[locked]"));
    semaphore.release();
    CHECK(contains(to_string(semaphore), "[unlocked, value:1]"));
}

CO_TEST("SEM-SMP-05: three tasks that acquire and release in turn: c1 c2 c3 c1 c2 c3") {
    Semaphore semaphore(0);
    Names order;
    const auto c1 = create_task(take_often(semaphore, "c1", 2, order));
    const auto c2 = create_task(take_often(semaphore, "c2", 2, order));
    const auto c3 = create_task(take_often(semaphore, "c3", 2, order));
    co_await yield_now();
    semaphore.release();
    co_await c1;
    co_await c2;
    co_await c3;
    CHECK_EQ(order, Names{"c1", "c2", "c3", "c1", "c2", "c3"});
}

CO_TEST("SEM-SMP-06: of four waiters, the first two cancelled, one release() wakes the third") {
    Semaphore semaphore(0);
    Names order;
    const auto a = create_task(take(semaphore, "a", order));
    const auto b = create_task(take(semaphore, "b", order));
    const auto c = create_task(take(semaphore, "c", order));
    const auto d = create_task(take(semaphore, "d", order));
    co_await yield_now();
    a.cancel();
    b.cancel();
    semaphore.release();
    for (int i = 0; i < 5; ++i) co_await yield_now();
    CHECK_EQ(order, Names{"c"});
    CHECK(a.cancelled() && b.cancelled());
    CHECK(!d.done());
    semaphore.release();
    co_await d;
    CHECK(c.done());
}

CO_TEST("SEM-SMP-07: a waiter cancelled right after release() leaves the semaphore usable") {
    Semaphore semaphore(1);
    Names order;
    co_await semaphore.acquire();
    const auto a = create_task(take(semaphore, "a", order));
    co_await yield_now();
    semaphore.release();
    a.cancel();
    CHECK_THROWS_AS(co_await a, CancelledError);
    CHECK(!semaphore.locked());
    co_await wait_for(semaphore.acquire(), 1s);
    semaphore.release();
    CHECK(order.empty());
}

CO_TEST("FLT-SYNC-02: the permit of a woken and cancelled waiter goes to the next in the line") {
    Semaphore semaphore(0);
    Names order;
    const auto a = create_task(take(semaphore, "a", order));
    const auto b = create_task(take(semaphore, "b", order));
    co_await yield_now();
    semaphore.release();
    a.cancel();
    co_await wait_for(b, 1s);
    CHECK_EQ(order, Names{"b"});
    CHECK(a.cancelled());
    CHECK_EQ(permits(semaphore), 0);
}

CO_TEST("SEM-SMP-08: BoundedSemaphore.release() above the initial value raises ValueError") {
    BoundedSemaphore semaphore(2);
    CHECK_THROWS_MSG(semaphore.release(), ValueError, "BoundedSemaphore released too many times");
    co_await semaphore.acquire();
    semaphore.release();
    CHECK_THROWS_AS(semaphore.release(), ValueError);
    Semaphore& as_semaphore = semaphore;
    CHECK_THROWS_AS(as_semaphore.release(), ValueError);
    CHECK_EQ(permits(semaphore), 2);
}

CO_TEST("SEM-SMP-08: a Semaphore has no upper limit") {
    Semaphore semaphore(1);
    for (int i = 0; i < 1000; ++i) semaphore.release();
    CHECK_EQ(permits(semaphore), 1001);
    co_return;
}

CO_TEST("FLT-SYNC-02: BoundedSemaphore refuses a release() once its value is at the bound again") {
    BoundedSemaphore semaphore(1);
    Names order;
    co_await semaphore.acquire();
    const auto a = create_task(take(semaphore, "a", order));
    co_await yield_now();
    semaphore.release(); // set aside for a
    semaphore.release(); // the value was 0 again, so this is not too many; as in Python
    CHECK_THROWS_AS(semaphore.release(), ValueError);
    co_await a;
    CHECK_EQ(permits(semaphore), 1);
}

CO_TEST("SEM-HOP-10: a waiter has the permit 1 turn after release()") {
    Semaphore semaphore(0);
    std::uint64_t taken = 0;
    const auto waiter = create_task(take_and_note_turn(semaphore, taken));
    co_await sleep(1s);
    const std::uint64_t released = turn();
    semaphore.release();
    co_await waiter;
    CHECK_EQ(taken - released, 1U);
}

static_assert(!Awaitable<Semaphore> && !Awaitable<Semaphore&>);
static_assert(!Awaitable<BoundedSemaphore> && !Awaitable<BoundedSemaphore&>);

CO_TEST("SEM-TASK-22: semaphores are scope guards, and not awaitable themselves") {
    BoundedSemaphore semaphore(2);
    {
        const SemaphoreGuard a = co_await semaphore.scoped();
        const SemaphoreGuard b = co_await semaphore.scoped();
        CHECK(semaphore.locked());
    }
    CHECK_EQ(permits(semaphore), 2);
    const auto body = [&semaphore]() -> Coro<std::string> {
        CHECK_EQ(permits(semaphore), 1);
        co_return "done";
    };
    CHECK_EQ(co_await semaphore.with(body), "done");
    const auto task = create_task(semaphore.with(sleep(3600s)));
    co_await yield_now();
    CHECK_EQ(permits(semaphore), 1);
    task.cancel();
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK_EQ(permits(semaphore), 2);
}

CO_TEST("the text of a semaphore names its kind, its value and who waits") {
    Semaphore semaphore(2);
    CHECK(contains(to_string(semaphore), "<asyncio.locks.Semaphore object at 0x"));
    CHECK(contains(to_string(semaphore), "[unlocked, value:2]"));
    BoundedSemaphore bounded(1);
    CHECK(contains(to_string(bounded), "<asyncio.locks.BoundedSemaphore object at 0x"));
    co_await bounded.acquire();
    CHECK(contains(to_string(bounded), "[locked]"));
}

CO_SWEEP("Semaphore under the cancel sweep: no permit is lost, none appears") {
    BoundedSemaphore semaphore(2);
    int inside = 0;
    int done = 0;
    const auto work = [&]() -> Coro<> {
        for (int i = 0; i < 2; ++i) {
            const auto guard = co_await semaphore.scoped();
            CHECK(++inside <= 2);
            const auto end = co_await outcome(yield_now());
            --inside;
            end.value();
        }
        ++done;
    };
    const auto a = create_task(work());
    const auto b = create_task(work());
    const auto victim = sweep.victim(work());
    const auto c = create_task(work());
    const auto end = co_await outcome(victim);
    CHECK(end.has_value() || sweep.struck());
    co_await a;
    co_await b;
    co_await c;
    CHECK_EQ(done, end.has_value() ? 4 : 3);
    CHECK_EQ(permits(semaphore), 2);
}

namespace {

struct SemaphoreModel {
    static constexpr int total = 3;
    BoundedSemaphore semaphore{total};
    support::Dice dice;
    int inside = 0;
    int passed = 0;

    explicit SemaphoreModel(unsigned seed) : dice(seed) {}

    Coro<> work() {
        for (int round = 0; round < 8; ++round) {
            co_await semaphore.acquire();
            CHECK(++inside <= total);
            const auto end = co_await outcome(sleep(dice.milliseconds_below(3)));
            --inside;
            semaphore.release();
            end.value();
            ++passed;
        }
    }
};

} // namespace

CO_TEST("FLT-SYNC-02: under random cancels permits are conserved and nobody waits for ever") {
    for (unsigned seed = 1; seed <= 30; ++seed) {
        SemaphoreModel model(seed);
        co_await support::work_under_cancels(model, 15);
        CHECK_EQ(model.inside, 0);
        CHECK(model.passed > 0);
        CHECK_EQ(permits(model.semaphore), SemaphoreModel::total);
    }
}
