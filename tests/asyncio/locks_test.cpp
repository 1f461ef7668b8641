// SPDX-License-Identifier: MIT
// Lock: order, turns, cancellation, guards.
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

// Acquires, notes its name, keeps the lock until the next turn, releases.
Coro<> pass(Lock& lock, std::string name, Names& order) {
    co_await lock.acquire();
    order.push_back(name);
    co_await yield_now();
    lock.release();
}

// Acquires and keeps it.
Coro<> take(Lock& lock, std::string name, Names& order) {
    co_await lock.acquire();
    order.push_back(name);
}

Coro<> take_and_note_turn(Lock& lock, std::uint64_t& at) {
    co_await lock.acquire();
    at = turn();
}

} // namespace

CO_TEST("SEM-LOCK-01: acquire() of an unlocked lock takes it without suspending") {
    Lock lock;
    CHECK(!lock.locked());
    const testing::Turns turns;
    co_await lock.acquire();
    CHECK_EQ(turns.count(), 0);
    CHECK(lock.locked());
    lock.release();
    CHECK(!lock.locked());
}

CO_TEST("SEM-LOCK-01: release() of an unlocked lock raises RuntimeError") {
    Lock lock;
    CHECK_THROWS_MSG(lock.release(), RuntimeError, "Lock is not acquired.");
    co_await lock.acquire();
    lock.release();
    CHECK_THROWS_MSG(lock.release(), RuntimeError, "Lock is not acquired.");
}

CO_TEST("SEM-LOCK-01: another task than the one that acquired it may release it") {
    Lock lock;
    Names order;
    co_await create_task(take(lock, "taker", order));
    CHECK(lock.locked());
    lock.release();
    CHECK(!lock.locked());
}

CO_TEST("SEM-LOCK-02: waiters get the lock in the order in which they came") {
    Lock lock;
    Names order;
    co_await lock.acquire();
    const auto a = create_task(pass(lock, "a", order));
    const auto b = create_task(pass(lock, "b", order));
    const auto c = create_task(pass(lock, "c", order));
    co_await yield_now();
    CHECK(order.empty());
    lock.release();
    co_await c;
    CHECK_EQ(order, Names{"a", "b", "c"});
    CHECK(a.done() && b.done());
    CHECK(!lock.locked());
}

CO_TEST("SEM-LOCK-02: one release() lets one waiter pass") {
    Lock lock;
    Names order;
    co_await lock.acquire();
    const auto a = create_task(take(lock, "a", order));
    const auto b = create_task(take(lock, "b", order));
    co_await yield_now();
    lock.release();
    for (int i = 0; i < 5; ++i) co_await yield_now();
    CHECK_EQ(order, Names{"a"});
    lock.release();
    for (int i = 0; i < 5; ++i) co_await yield_now();
    CHECK_EQ(order, Names{"a", "b"});
    lock.release();
    CHECK(a.done() && b.done());
}

CO_TEST("SEM-LOCK-03: after release() the lock reads as unlocked until the woken waiter runs") {
    Lock lock;
    Names order;
    co_await lock.acquire();
    const auto a = create_task(take(lock, "a", order));
    co_await yield_now();
    lock.release();
    CHECK(!lock.locked());
    CHECK(order.empty());
    co_await a;
    CHECK(lock.locked());
    lock.release();
}

CO_TEST("SEM-LOCK-03: nobody overtakes a woken waiter, though the lock reads as unlocked") {
    Lock lock;
    Names order;
    co_await lock.acquire();
    const auto a = create_task(pass(lock, "a", order));
    co_await yield_now();
    lock.release();
    CHECK(!lock.try_acquire());
    co_await lock.acquire(); // behind a
    order.push_back("late");
    lock.release();
    CHECK_EQ(order, Names{"a", "late"});
    CHECK(a.done());
}

CO_TEST("SEM-LOCK-04: a cancelled waiter has left the line when cancel() returns") {
    Lock lock;
    Names order;
    co_await lock.acquire();
    const auto a = create_task(take(lock, "a", order));
    const auto b = create_task(pass(lock, "b", order));
    co_await yield_now();
    CHECK(contains(to_string(lock), "waiters:2"));
    a.cancel();
    CHECK(contains(to_string(lock), "waiters:1"));
    CHECK_THROWS_AS(co_await a, CancelledError);
    lock.release();
    co_await b;
    CHECK_EQ(order, Names{"b"});
}

CO_TEST("SEM-LOCK-04: the lock is free for anyone once all its waiters were cancelled") {
    Lock lock;
    Names order;
    co_await lock.acquire();
    const auto a = create_task(take(lock, "a", order));
    co_await yield_now();
    lock.release();
    co_await yield_now(); // a has it
    const auto b = create_task(take(lock, "b", order));
    co_await yield_now();
    b.cancel();
    lock.release();
    CHECK(lock.try_acquire());
    CHECK_THROWS_AS(co_await b, CancelledError);
    lock.release();
    CHECK(a.done());
}

CO_TEST("SEM-LOCK-05: first waiter cancelled, then released, in one turn: the second gets it") {
    Lock lock;
    Names order;
    co_await lock.acquire();
    const auto a = create_task(take(lock, "a", order));
    const auto b = create_task(take(lock, "b", order));
    const auto c = create_task(take(lock, "c", order));
    co_await yield_now();
    a.cancel();
    lock.release();
    co_await yield_now(); // 1 turn
    CHECK_EQ(order, Names{"b"});
    CHECK(lock.locked());
    CHECK(a.cancelled());
    CHECK(!c.done());
    lock.release();
    co_await c;
    lock.release();
    CHECK(b.done());
}

CO_TEST("SEM-LOCK-05 FLT-SYNC-01: a woken waiter that is cancelled before it runs wakes the next") {
    Lock lock;
    Names order;
    co_await lock.acquire();
    const auto a = create_task(take(lock, "a", order));
    const auto b = create_task(take(lock, "b", order));
    co_await yield_now();
    lock.release();
    a.cancel(); // woken already
    CHECK_THROWS_AS(co_await a, CancelledError);
    co_await b;
    CHECK_EQ(order, Names{"b"});
    CHECK(lock.locked());
    lock.release();
    CHECK(lock.try_acquire());
}

CO_TEST("FLT-SYNC-01: a chain of woken and cancelled waiters ends at one that holds the lock") {
    Lock lock;
    Names order;
    co_await lock.acquire();
    std::vector<Task<>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(create_task(take(lock, std::to_string(i), order)));
    co_await yield_now();
    lock.release();
    for (std::size_t i = 0; i < 4; ++i) {
        tasks[i].cancel(); // each when it has just been woken by the one before
        co_await yield_now();
    }
    co_await tasks[4];
    CHECK_EQ(order, Names{"4"});
    CHECK(lock.locked());
    lock.release();
}

CO_TEST("SEM-HOP-10: a waiter has the lock 1 turn after release()") {
    Lock lock;
    std::uint64_t taken = 0;
    co_await lock.acquire();
    const auto waiter = create_task(take_and_note_turn(lock, taken));
    co_await sleep(1s);
    const std::uint64_t released = turn();
    lock.release();
    co_await waiter;
    CHECK_EQ(taken - released, 1U);
    lock.release();
}

CO_TEST("a cancel that was withdrawn before the woken waiter ran leaves it the lock") {
    Lock lock;
    Names order;
    co_await lock.acquire();
    const auto a = create_task(take(lock, "a", order));
    co_await yield_now();
    lock.release();
    a.cancel();
    a.uncancel();
    co_await a;
    CHECK_EQ(order, Names{"a"});
    CHECK(lock.locked());
    lock.release();
}

CO_TEST("a task that has cancelled itself still takes a free lock; its next wait ends it") {
    Lock lock;
    const auto body = [&lock]() -> Coro<> {
        current_task().cancel("enough");
        co_await lock.acquire(); // does not suspend
        CHECK(lock.locked());
        lock.release();
        const auto end = co_await outcome(yield_now());
        CHECK(end.cancelled());
        CHECK_EQ(message_of(end.exception()), "enough");
    };
    co_await create_task(body());
}

CO_TEST("a task that has cancelled itself does not stay in the line of a lock that is taken") {
    Lock lock;
    co_await lock.acquire();
    const auto body = [&lock]() -> Coro<> {
        current_task().cancel();
        co_await lock.acquire();
    };
    const auto task = create_task(body());
    CHECK((co_await outcome(task)).cancelled());
    CHECK(!contains(to_string(lock), "waiters"));
    lock.release();
    CHECK(lock.try_acquire());
}

CO_TEST("wait_for(lock.acquire()) that times out has left the line") {
    Lock lock;
    co_await lock.acquire();
    CHECK_THROWS_AS(co_await wait_for(lock.acquire(), 1s), TimeoutError);
    CHECK(!contains(to_string(lock), "waiters"));
    lock.release();
    co_await wait_for(lock.acquire(), 1s);
    CHECK(lock.locked());
    lock.release();
}

CO_TEST("an operation can be made before it is awaited") {
    Lock lock;
    auto pending = lock.acquire();
    CHECK(!lock.locked());
    co_await pending;
    CHECK(lock.locked());
    lock.release();
}

// ---- guards -------------------------------------------------------------------------------------

static_assert(!Awaitable<Lock> && !Awaitable<Lock&>);

CO_TEST("SEM-TASK-22: a lock is a scope guard, and not awaitable itself") {
    Lock lock;
    {
        const auto guard = co_await lock.scoped();
        CHECK(lock.locked());
    }
    CHECK(!lock.locked());
    const auto body = [&lock]() -> Coro<int> {
        CHECK(lock.locked());
        co_return 7;
    };
    CHECK_EQ(co_await lock.with(body), 7);
    CHECK(!lock.locked());
}

CO_TEST("SEM-TASK-22: with() releases the lock when its body throws, and when it is cancelled") {
    Lock lock;
    const auto fail = []() -> Coro<> {
        co_await yield_now();
        throw ValueError("from the body");
    };
    CHECK_THROWS_MSG(co_await lock.with(fail), ValueError, "from the body");
    CHECK(!lock.locked());
    const auto task = create_task(lock.with(sleep(3600s)));
    co_await yield_now();
    CHECK(lock.locked());
    task.cancel();
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK(!lock.locked());
}

CO_TEST("with() raises RuntimeError if its body has released the lock") {
    Lock lock;
    const auto body = [&lock]() -> Coro<> {
        co_await yield_now();
        lock.release();
    };
    CHECK_THROWS_MSG(co_await lock.with(body), RuntimeError, "Lock is not acquired.");
}

CO_TEST("a guard waits its turn, can be moved, and releases once") {
    Lock lock;
    co_await lock.acquire();
    const auto waiter = [&lock]() -> Coro<> {
        auto guard = co_await lock.scoped();
        CHECK(lock.locked());
        const LockGuard moved = std::move(guard);
        CHECK(moved);
    };
    const auto task = create_task(waiter());
    co_await yield_now();
    CHECK(!task.done());
    lock.release();
    co_await task;
    CHECK(!lock.locked());
}

CO_TEST("a guard that was released early does nothing at its end") {
    Lock lock;
    {
        auto guard = co_await lock.scoped();
        guard.release();
        CHECK(!guard);
        CHECK(!lock.locked());
        guard.release(); // it holds nothing: nothing happens
        co_await lock.acquire();
    }
    CHECK(lock.locked()); // that was somebody else's
    lock.release();
}

CO_TEST("a guard that outlives its lock does nothing") {
    auto lock = std::make_unique<Lock>();
    const auto guard = co_await lock->scoped();
    CHECK(guard);
    lock.reset();
    CHECK(!guard);
}

CO_TEST("outcome(lock.scoped()) gives the guard, or the cancellation") {
    Lock lock;
    {
        const auto got = co_await outcome(lock.scoped());
        CHECK(got.has_value());
        CHECK(lock.locked());
        bool cancelled = false;
        const auto waiter = [&lock, &cancelled]() -> Coro<> {
            const auto end = co_await outcome(lock.scoped());
            cancelled = end.cancelled();
        };
        const auto task = create_task(waiter());
        co_await yield_now();
        task.cancel();
        co_await task;
        CHECK(cancelled);
    }
    CHECK(!lock.locked());
}

// ---- text ---------------------------------------------------------------------------------------

CO_TEST("the text of a lock says whether it is locked and how many wait") {
    Lock lock;
    Names order;
    CHECK(contains(to_string(lock), "<asyncio.locks.Lock object at 0x"));
    CHECK(contains(to_string(lock), " [unlocked]>"));
    co_await lock.acquire();
    CHECK(contains(to_string(lock), " [locked]>"));
    const auto a = create_task(pass(lock, "a", order));
    const auto b = create_task(pass(lock, "b", order));
    co_await yield_now();
    CHECK(contains(to_string(lock), " [locked, waiters:2]>"));
    lock.release();
    CHECK(contains(to_string(lock), " [unlocked, waiters:2]>")); // a is still to run
    co_await a;
    co_await b;
    CHECK(contains(to_string(lock), " [unlocked]>"));
}

// ---- sweeps and models --------------------------------------------------------------------------

CO_SWEEP("Lock under the cancel sweep: never held by two, never lost") {
    Lock lock;
    int inside = 0;
    int bystanders = 0;
    const auto work = [&lock, &inside](int rounds) -> Coro<> {
        for (int i = 0; i < rounds; ++i) {
            const auto guard = co_await lock.scoped();
            CHECK_EQ(++inside, 1);
            const auto end = co_await outcome(yield_now());
            --inside;
            end.value();
        }
    };
    const auto bystander = [&work, &bystanders]() -> Coro<> {
        co_await work(3);
        ++bystanders;
    };
    const auto before = create_task(bystander());
    const auto victim = sweep.victim(work(2));
    const auto after = create_task(bystander());
    const auto end = co_await outcome(victim);
    CHECK(end.has_value() || sweep.struck());
    co_await before;
    co_await after;
    CHECK_EQ(bystanders, 2);
    CHECK(lock.try_acquire());
    lock.release();
}

CO_SWEEP("Lock.acquire under the cancel sweep: who is cancelled does not hold it") {
    Lock lock;
    bool held = false;
    co_await lock.acquire();
    const auto taker = [&lock, &held]() -> Coro<> {
        co_await lock.acquire();
        held = true;
    };
    const auto victim = sweep.victim(taker());
    co_await yield_now();
    lock.release();
    const auto end = co_await outcome(victim);
    CHECK_EQ(end.has_value(), held);
    CHECK_EQ(lock.locked(), held);
    if (held) lock.release();
    co_await wait_for(lock.acquire(), 1s);
    lock.release();
}

namespace {

struct LockModel {
    Lock lock;
    support::Dice dice;
    int inside = 0;
    int passed = 0;

    explicit LockModel(unsigned seed) : dice(seed) {}

    Coro<> work() {
        for (int round = 0; round < 8; ++round) {
            co_await lock.acquire();
            CHECK_EQ(++inside, 1);
            const auto end = co_await outcome(sleep(dice.milliseconds_below(3)));
            --inside;
            lock.release();
            end.value();
            ++passed;
            if (dice.below(3) == 0) co_await yield_now();
        }
    }
};

} // namespace

CO_TEST(
    "FLT-SYNC-01: under random cancels one task at a time holds the lock, and it is never lost") {
    for (unsigned seed = 1; seed <= 30; ++seed) {
        LockModel model(seed);
        co_await support::work_under_cancels(model, 12);
        CHECK_EQ(model.inside, 0);
        CHECK(model.passed > 0);
        CHECK(model.lock.try_acquire());
    }
}
