// SPDX-License-Identifier: MIT
// Condition: notification, the lock around it, cancellation.
#include "asyncio/locks.h"

#include "asyncio/testing/sweep.h"
#include "asyncio/wait_for.h"
#include "support/dice.h"
#include "support/moments.h"

#include <deque>

using namespace asyncio;
using namespace std::chrono_literals;
using support::contains;
using support::Names;
using support::turn;
using support::turns_pass;

namespace {

// Acquires, waits, notes its name if it was notified with the lock held, releases.
Coro<> wait_and_note(Condition& condition, std::string name, Names& order) {
    const auto guard = co_await condition.scoped();
    CHECK(co_await condition.wait());
    CHECK(condition.locked());
    order.push_back(name);
}

// Waits, notes how the wait ended, and whether the lock was held then.
struct WaitEndNote {
    bool ended = false;
    bool held = false;
    bool cancelled = false;
    std::string message;
};
Coro<> wait_and_note_end(Condition& condition, WaitEndNote& note) {
    co_await condition.acquire();
    const auto end = co_await outcome(condition.wait());
    note.ended = true;
    note.held = condition.locked();
    note.cancelled = end.cancelled();
    note.message = message_of(end.exception());
    condition.release();
}

Coro<> notify(Condition& condition, std::ptrdiff_t count) {
    const auto guard = co_await condition.scoped();
    condition.notify(count);
}

} // namespace

CO_TEST("SEM-COND-01: wait(), notify() and notify_all() without the lock raise RuntimeError") {
    Condition condition;
    CHECK_THROWS_MSG(co_await condition.wait(), RuntimeError, "cannot wait on un-acquired lock");
    CHECK_THROWS_MSG(condition.notify(), RuntimeError, "cannot notify on un-acquired lock");
    CHECK_THROWS_MSG(condition.notify_all(), RuntimeError, "cannot notify on un-acquired lock");
    CHECK(!condition.locked());
}

CO_TEST("SEM-COND-02: wait() releases the lock, and holds it again when it returns true") {
    Condition condition;
    bool waited = false;
    const auto waiter = [&]() -> Coro<> {
        co_await condition.acquire();
        waited = co_await condition.wait();
        CHECK(condition.locked());
        condition.release();
    };
    const auto task = create_task(waiter());
    co_await yield_now();
    CHECK(!condition.locked());
    CHECK(condition.try_acquire());
    condition.notify();
    condition.release();
    co_await task;
    CHECK(waited);
    CHECK(!condition.locked());
}

CO_TEST("SEM-COND-02: a notified waiter does not return before the notifier releases the lock") {
    Condition condition;
    Names order;
    const auto task = create_task(wait_and_note(condition, "waiter", order));
    co_await yield_now();
    co_await condition.acquire();
    condition.notify();
    co_await turns_pass(5);
    CHECK(order.empty());
    order.push_back("released");
    condition.release();
    co_await task;
    CHECK_EQ(order, Names{"released", "waiter"});
}

CO_TEST("SEM-COND-03: notify(n) wakes up to n waiters in the order in which they came") {
    Condition condition;
    Names order;
    std::vector<Task<>> tasks;
    for (const char* name : {"a", "b", "c", "d"}) {
        tasks.push_back(create_task(wait_and_note(condition, name, order)));
    }
    co_await yield_now();
    co_await notify(condition, 1);
    co_await turns_pass(5);
    CHECK_EQ(order, Names{"a"});
    co_await notify(condition, 2);
    co_await turns_pass(5);
    CHECK_EQ(order, Names{"a", "b", "c"});
    co_await notify(condition, 2048);
    co_await tasks[3];
    CHECK_EQ(order, Names{"a", "b", "c", "d"});
    co_await notify(condition, 1); // nobody: nothing happens
}

CO_TEST("SEM-COND-03: notify(n) counts only waiters that are not woken yet") {
    Condition condition;
    Names order;
    std::vector<Task<>> tasks;
    for (const char* name : {"a", "b", "c"}) {
        tasks.push_back(create_task(wait_and_note(condition, name, order)));
    }
    co_await yield_now();
    co_await condition.acquire();
    condition.notify();
    condition.notify();
    condition.notify(0);
    condition.release();
    co_await turns_pass(5);
    CHECK_EQ(order, Names{"a", "b"});
    co_await notify(condition, 1);
    co_await tasks[2];
}

CO_TEST("SEM-COND-03: notify_all() wakes all who are there, and none who come later") {
    Condition condition;
    Names order;
    std::vector<Task<>> tasks;
    for (const char* name : {"a", "b", "c"}) {
        tasks.push_back(create_task(wait_and_note(condition, name, order)));
    }
    co_await yield_now();
    co_await condition.acquire();
    condition.notify_all();
    condition.release();
    tasks.push_back(create_task(wait_and_note(condition, "late", order)));
    co_await turns_pass(8);
    CHECK_EQ(order, Names{"a", "b", "c"});
    CHECK(!tasks[3].done());
    co_await notify(condition, 1);
    co_await tasks[3];
}

CO_TEST("SEM-COND-04: wait_for() looks again after every wake-up, and returns the value") {
    Condition condition;
    int stage = 0;
    int looked = 0;
    int got = 0;
    const auto waiter = [&]() -> Coro<> {
        co_await condition.acquire();
        const auto predicate = [&] {
            ++looked;
            return stage >= 2 ? stage * 10 : 0;
        };
        got = co_await condition.wait_for(predicate);
        CHECK(condition.locked());
        condition.release();
    };
    const auto task = create_task(waiter());
    co_await yield_now();
    CHECK_EQ(looked, 1);
    for (stage = 1; stage <= 2; ++stage) {
        co_await notify(condition, 1);
        co_await turns_pass(3);
    }
    CHECK(task.done());
    CHECK_EQ(looked, 3);
    CHECK_EQ(got, 20);
}

CO_TEST("SEM-COND-04: wait_for() needs no lock if the predicate is true at once, else it does") {
    Condition condition;
    CHECK(co_await condition.wait_for([] { return true; }));
    CHECK_THROWS_MSG(co_await condition.wait_for([] { return false; }), RuntimeError,
                     "cannot wait on un-acquired lock");
    CHECK(!condition.locked());
}

CO_TEST("SEM-COND-05: a wait that is cancelled takes the lock before it throws CancelledError") {
    Condition condition;
    WaitEndNote note;
    const auto task = create_task(wait_and_note_end(condition, note));
    co_await yield_now();
    co_await condition.acquire();
    task.cancel();
    co_await turns_pass(5);
    CHECK(!note.ended); // the lock is taken: it waits
    condition.release();
    co_await task;
    CHECK(note.cancelled);
    CHECK(note.held);
    CHECK(!condition.locked());
}

CO_TEST("SEM-COND-05: the CancelledError has the message of cancel()") {
    Condition condition;
    WaitEndNote note;
    const auto task = create_task(wait_and_note_end(condition, note));
    co_await yield_now();
    task.cancel("the very same");
    co_await task;
    CHECK(note.cancelled);
    CHECK_EQ(note.message, "the very same");
}

CO_TEST("SEM-COND-06: a cancel during the re-acquisition is delayed until the lock is held") {
    Condition condition;
    WaitEndNote note;
    const auto task = create_task(wait_and_note_end(condition, note));
    co_await yield_now();
    co_await condition.acquire();
    condition.notify();
    co_await turns_pass(2); // notified: it waits for the lock
    task.cancel("late");
    co_await turns_pass(5);
    CHECK(!note.ended);
    condition.release();
    co_await task;
    CHECK(note.cancelled);
    CHECK(note.held);
    CHECK_EQ(note.message, "late");
}

CO_TEST("SEM-COND-06: of several cancels during the re-acquisition the most recent is thrown") {
    Condition condition;
    WaitEndNote note;
    const auto task = create_task(wait_and_note_end(condition, note));
    co_await yield_now();
    co_await condition.acquire();
    task.cancel("first");
    co_await turns_pass(2);
    task.cancel("second");
    co_await turns_pass(2);
    task.cancel("third");
    co_await turns_pass(2);
    CHECK(!note.ended);
    CHECK_EQ(task.cancelling(), 3);
    condition.release();
    co_await task;
    CHECK(note.held);
    CHECK_EQ(note.message, "third");
}

CO_TEST("SEM-COND-07 FLT-SYNC-03: notify(1) to a waiter that is cancelled then wakes another") {
    Condition condition;
    Names order;
    const auto a = create_task(wait_and_note(condition, "a", order));
    const auto b = create_task(wait_and_note(condition, "b", order));
    co_await yield_now();
    co_await condition.acquire();
    condition.notify(1);
    a.cancel();
    condition.release();
    CHECK_THROWS_AS(co_await a, CancelledError);
    co_await wait_for(b, 1s);
    CHECK_EQ(order, Names{"b"});
}

CO_TEST("SEM-COND-07: a waiter cancelled while it re-acquires passes its notification on") {
    Condition condition;
    Names order;
    const auto a = create_task(wait_and_note(condition, "a", order));
    const auto b = create_task(wait_and_note(condition, "b", order));
    co_await yield_now();
    co_await condition.acquire();
    condition.notify(1);
    co_await turns_pass(3);
    a.cancel();
    co_await turns_pass(3);
    condition.release();
    co_await wait_for(b, 1s);
    CHECK(a.cancelled());
    CHECK_EQ(order, Names{"b"});
}

CO_TEST("SEM-COND-08: wait_for() stands a wake-up that nobody meant for it") {
    Condition condition;
    bool ready = false;
    bool passed = false;
    const auto waiter = [&]() -> Coro<> {
        const auto guard = co_await condition.scoped();
        co_await condition.wait_for([&ready] { return ready; });
        passed = true;
    };
    Names order;
    const auto other = create_task(wait_and_note(condition, "other", order));
    const auto task = create_task(waiter());
    co_await yield_now();
    other.cancel(); // not notified, and wakes the next all the same
    co_await turns_pass(5);
    CHECK(other.cancelled());
    CHECK(!passed);
    ready = true;
    co_await notify(condition, 1);
    co_await task;
    CHECK(passed);
}

CO_TEST("SEM-COND-09: a Condition over a Lock shares it; several may share one") {
    Lock lock;
    Condition full(lock);
    Condition empty(lock);
    co_await lock.acquire();
    CHECK(full.locked() && empty.locked());
    full.release();
    CHECK(!lock.locked());
    co_await empty.acquire();
    CHECK(lock.locked() && full.locked());
    full.notify(); // the shared lock is held
    lock.release();
    Names order;
    const auto a = create_task(wait_and_note(full, "full", order));
    const auto b = create_task(wait_and_note(empty, "empty", order));
    co_await yield_now();
    co_await notify(empty, 1);
    co_await turns_pass(3);
    CHECK_EQ(order, Names{"empty"});
    co_await notify(full, 1);
    co_await a;
    CHECK(b.done());
}

static_assert(!Awaitable<Condition> && !Awaitable<Condition&>);

CO_TEST("SEM-COND-10 SEM-TASK-22: a Condition is a scope guard over its lock, and not awaitable") {
    Condition condition;
    CHECK(!condition.locked());
    {
        const LockGuard guard = co_await condition.scoped();
        CHECK(condition.locked());
        CHECK(!condition.try_acquire());
    }
    CHECK(!condition.locked());
    const auto body = [&condition]() -> Coro<int> {
        CHECK(condition.locked());
        co_return 3;
    };
    CHECK_EQ(co_await condition.with(body), 3);
    CHECK(!condition.locked());
}

CO_TEST("SEM-HOP-11: a notified waiter goes on 1 turn later if the lock is released at once") {
    Condition condition;
    std::uint64_t woken = 0;
    const auto waiter = [&]() -> Coro<> {
        const auto guard = co_await condition.scoped();
        co_await condition.wait();
        woken = turn();
    };
    const auto task = create_task(waiter());
    co_await yield_now();
    co_await condition.acquire();
    const std::uint64_t notified = turn();
    condition.notify();
    condition.release();
    co_await task;
    CHECK_EQ(woken - notified, 1U);
}

CO_TEST("FLT-SYNC-03: wait_for() with a timeout holds the lock again when TimeoutError is seen") {
    Condition condition;
    const auto guard = co_await condition.scoped();
    CHECK_THROWS_AS(co_await wait_for(condition.wait(), 1s), TimeoutError);
    CHECK(condition.locked());
    CHECK(!contains(to_string(condition), "waiters"));
}

CO_TEST("the text of a condition says whether it is locked and how many wait") {
    Condition condition;
    Names order;
    CHECK(contains(to_string(condition), "<asyncio.locks.Condition object at 0x"));
    CHECK(contains(to_string(condition), "[unlocked]"));
    const auto a = create_task(wait_and_note(condition, "a", order));
    co_await yield_now();
    CHECK(contains(to_string(condition), "[unlocked, waiters:1]"));
    co_await condition.acquire();
    CHECK(contains(to_string(condition), "[locked, waiters:1]"));
    condition.notify_all();
    condition.release();
    co_await a;
}

CO_TEST("a predicate that throws leaves the lock held and nobody in the line") {
    Condition condition;
    co_await condition.acquire();
    const auto predicate = []() -> bool { throw ValueError("no"); };
    CHECK_THROWS_MSG(co_await condition.wait_for(predicate), ValueError, "no");
    CHECK(condition.locked());
    condition.release();
}

CO_SWEEP("Condition under the cancel sweep: the lock is held at the end, no notification is lost") {
    Condition condition;
    int tickets = 0;
    int served = 0;
    const auto consumer = [&]() -> Coro<> {
        const auto guard = co_await condition.scoped();
        const auto end = co_await outcome(condition.wait_for([&tickets] { return tickets > 0; }));
        CHECK(condition.locked());
        if (end.has_value()) {
            --tickets;
            ++served;
        }
        end.value();
    };
    const auto before = create_task(consumer());
    const auto victim = sweep.victim(consumer());
    const auto after = create_task(consumer());
    co_await turns_pass(2);
    for (int i = 0; i < 3; ++i) {
        const auto guard = co_await condition.scoped();
        ++tickets;
        condition.notify(1);
        co_await yield_now();
    }
    co_await wait_for(before, 10s);
    co_await wait_for(after, 10s);
    const auto end = co_await outcome(victim);
    CHECK(end.has_value() || sweep.struck());
    CHECK_EQ(served, end.has_value() ? 3 : 2);
    CHECK_EQ(tickets, end.has_value() ? 0 : 1);
    CHECK(!condition.locked());
    CHECK(!contains(to_string(condition), "waiters"));
}

namespace {

// Tickets are made and taken under a condition; whoever takes one was woken for it.
struct TicketModel {
    Condition condition;
    support::Dice dice;
    int tickets = 0;
    int made = 0;
    int taken = 0;

    explicit TicketModel(unsigned seed) : dice(seed) {}

    Coro<> take() {
        for (;;) {
            co_await condition.acquire();
            const auto end = co_await outcome(condition.wait_for([this] { return tickets > 0; }));
            CHECK(condition.locked());
            if (end.has_value()) {
                --tickets;
                ++taken;
            }
            condition.release();
            end.value();
        }
    }
    Coro<> make() {
        const auto guard = co_await condition.scoped();
        ++tickets;
        ++made;
        condition.notify(1);
        if (dice.below(2) == 0) co_await yield_now();
    }
};

} // namespace

CO_TEST("FLT-SYNC-03: under random cancels no ticket waits while a waiter is there") {
    for (unsigned seed = 1; seed <= 30; ++seed) {
        TicketModel model(seed);
        std::vector<Task<>> tasks;
        for (int i = 0; i < 10; ++i) tasks.push_back(create_task(model.take()));
        for (int i = 0; i < 80; ++i) {
            if (model.dice.below(3) != 0) co_await model.make();
            if (model.dice.below(3) == 0) {
                Task<>& victim = tasks[static_cast<std::size_t>(model.dice.below(10))];
                victim.cancel();
                if (victim.done()) victim = create_task(model.take());
            }
            if (model.dice.below(3) == 0) co_await yield_now();
        }
        tasks.push_back(create_task(model.take())); // one at least has not been cancelled
        co_await turns_pass(20);
        CHECK_EQ(model.tickets, 0);
        CHECK_EQ(model.made, model.taken);
        for (const Task<>& task : tasks) task.cancel();
        for (const Task<>& task : tasks) static_cast<void>(co_await outcome(task));
        CHECK(!model.condition.locked());
    }
}
