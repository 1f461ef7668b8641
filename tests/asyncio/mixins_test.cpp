// SPDX-License-Identifier: MIT
// What locks and queues have in common: the loop they belong to; an end before that of a wait.
#include "asyncio/mixins.h"

#include "asyncio/barriers.h"
#include "asyncio/locks.h"
#include "asyncio/queues.h"
#include "asyncio/testing/testing.h"
#include "asyncio/wait_for.h"
#include "support/moments.h"

#include <memory>

using namespace asyncio;
using namespace std::chrono_literals;
using support::contains;
using support::turns_pass;

namespace {

// Made before any loop, and without running code.
constinit Lock global_lock;
constinit Event global_event;
constinit Condition global_condition;
constinit Semaphore global_semaphore(1);
constinit BoundedSemaphore global_bounded(1);
constinit Queue<int> global_queue(1);

// How an operation ended, as text: "done", "RuntimeError: ...", "CancelledError: ...".
template <class A>
Coro<> note_end(A operation, std::string& end) {
    const auto result = co_await outcome(std::move(operation));
    end = result.has_value()
              ? std::string("done")
              : type_name(result.exception()) + ": " + message_of(result.exception());
}

// Runs a coroutine to its end on a loop of its own.
template <class C>
void run_on(EventLoop& other, C coro) {
    other.run_until_complete(std::move(coro));
}

// Binds what `operation` waits for to `other`, by a wait that is cancelled.
template <class A>
Coro<> wait_a_turn(A operation) {
    std::string end;
    const auto task = create_task(note_end(std::move(operation), end));
    co_await yield_now();
    task.cancel();
    co_await task;
    CHECK_EQ(end, "CancelledError: ");
}

template <class A>
Coro<> check_refused(A operation) {
    std::string end;
    co_await note_end(std::move(operation), end);
    CHECK(contains(end, "RuntimeError: <"));
    CHECK(contains(end, "> is bound to a different event loop"));
}

} // namespace

TEST("primitives at namespace scope work in the first loop that waits for them") {
    const auto body = []() -> Coro<> {
        co_await global_lock.acquire();
        co_await global_semaphore.acquire();
        co_await global_bounded.acquire();
        co_await global_condition.acquire();
        co_await global_queue.put(1);
        std::string ends[6];
        const auto a = create_task(note_end(global_lock.acquire(), ends[0]));
        const auto b = create_task(note_end(global_semaphore.acquire(), ends[1]));
        const auto c = create_task(note_end(global_bounded.acquire(), ends[2]));
        const auto d = create_task(note_end(global_condition.acquire(), ends[3]));
        const auto e = create_task(note_end(global_queue.put(2), ends[4]));
        const auto f = create_task(note_end(global_event.wait(), ends[5]));
        co_await yield_now();
        global_lock.release();
        global_semaphore.release();
        global_bounded.release();
        global_condition.release();
        CHECK_EQ(global_queue.get_nowait(), 1);
        global_event.set();
        co_await yield_now();
        for (const std::string& end : ends) CHECK_EQ(end, "done");
        CHECK(a.done() && b.done() && c.done() && d.done() && e.done() && f.done());
    };
    EventLoop own;
    run_on(own, body());
}

TEST("SEM-LOCK-06: contended use from another loop raises RuntimeError") {
    Lock lock;
    Event event;
    Semaphore semaphore(0);
    Condition condition;
    Queue<int> queue(1);
    const auto wait_here = [&]() -> Coro<> {
        co_await lock.acquire();
        co_await wait_a_turn(lock.acquire());
        co_await wait_a_turn(event.wait());
        co_await wait_a_turn(semaphore.acquire());
        co_await wait_a_turn(semaphore.scoped());
        co_await wait_a_turn(queue.get());
        const auto guard = co_await condition.scoped();
        co_await wait_a_turn(condition.wait());
    };
    const auto wait_there = [&]() -> Coro<> {
        co_await check_refused(lock.acquire());
        co_await check_refused(lock.scoped());
        co_await check_refused(event.wait());
        co_await check_refused(semaphore.acquire());
        co_await check_refused(queue.get());
        co_await check_refused(queue.next());
        queue.put_nowait(1);
        co_await check_refused(queue.put(2));
        co_await check_refused(queue.join());
        const auto guard = co_await condition.scoped();
        co_await check_refused(condition.wait());
        CHECK(condition.locked());
    };
    EventLoop first;
    EventLoop second;
    run_on(first, wait_here());
    run_on(second, wait_there());
    CHECK(lock.locked()); // as before
}

TEST("SEM-LOCK-06: co_await throws that RuntimeError, which names the object") {
    Lock lock;
    const auto contend = [&lock]() -> Coro<> {
        if (!lock.locked()) co_await lock.acquire();
        co_await wait_a_turn(lock.acquire());
    };
    const auto be_refused = [&lock]() -> Coro<> {
        CHECK_THROWS_MSG(co_await lock.acquire(), RuntimeError,
                         "[locked]> is bound to a different event loop");
    };
    EventLoop first;
    EventLoop second;
    run_on(first, contend());
    run_on(second, be_refused());
    run_on(first, contend()); // and goes on to work where it belongs
}

TEST("SEM-LOCK-06: uncontended use from another loop does not raise") {
    Lock lock;
    Event event;
    BoundedSemaphore semaphore(1);
    Queue<int> queue(1);
    const auto contend = [&]() -> Coro<> {
        co_await lock.acquire();
        co_await wait_a_turn(lock.acquire());
        lock.release();
        co_await wait_a_turn(event.wait());
        co_await wait_a_turn(queue.get());
        co_await semaphore.acquire();
        co_await wait_a_turn(semaphore.acquire());
        semaphore.release();
    };
    const auto use = [&]() -> Coro<> {
        co_await lock.acquire();
        lock.release();
        event.set();
        co_await event.wait();
        co_await queue.put(1);
        CHECK_EQ(co_await queue.get(), 1);
        queue.task_done();
        co_await queue.join();
        const auto permit = co_await semaphore.scoped();
    };
    EventLoop first;
    EventLoop second;
    run_on(first, contend());
    run_on(second, use());
}

TEST("SEM-LOCK-06: without a wait it belongs to no loop") {
    Lock lock;
    const auto use = [&lock]() -> Coro<> { const auto guard = co_await lock.scoped(); };
    const auto contend = [&lock]() -> Coro<> {
        const auto guard = co_await lock.scoped();
        co_await wait_a_turn(lock.acquire());
    };
    EventLoop first;
    EventLoop second;
    run_on(first, use());
    run_on(second, contend());
}

TEST("a put_nowait() or set() between two runs of a loop wakes who waits there") {
    Queue<int> queue;
    Event event;
    int got = 0;
    const auto body = [&]() -> Coro<> {
        got = co_await queue.get();
        co_await event.wait();
    };
    EventLoop own;
    const auto task = own.create_task(body());
    run_on(own, sleep(0s));
    queue.put_nowait(5);
    run_on(own, sleep(0s));
    CHECK_EQ(got, 5);
    event.set();
    run_on(own, sleep(0s));
    CHECK(task.done());
}

// ---- destroyed while tasks wait -----------------------------------------------------------------

CO_TEST("FLT-SYNC-05: a Lock destroyed with waiters releases them with RuntimeError") {
    auto lock = std::make_unique<Lock>();
    std::string ends[2];
    co_await lock->acquire();
    const auto a = create_task(note_end(lock->acquire(), ends[0]));
    const auto b = create_task(note_end(lock->scoped(), ends[1]));
    co_await yield_now();
    lock.reset();
    co_await yield_now();
    CHECK(contains(ends[0], "RuntimeError: Lock.acquire: "));
    CHECK(contains(ends[1], "RuntimeError: Lock.acquire: "));
    CHECK(a.done() && b.done());
}

CO_TEST(
    "FLT-SYNC-05: an Event, a Semaphore destroyed with waiters release them with RuntimeError") {
    auto event = std::make_unique<Event>();
    auto semaphore = std::make_unique<Semaphore>(0);
    std::string ends[2];
    const auto a = create_task(note_end(event->wait(), ends[0]));
    const auto b = create_task(note_end(semaphore->acquire(), ends[1]));
    co_await yield_now();
    event.reset();
    semaphore.reset();
    co_await yield_now();
    CHECK(contains(ends[0], "RuntimeError: Event.wait: "));
    CHECK(contains(ends[1], "RuntimeError: Semaphore.acquire: "));
    CHECK(a.done() && b.done());
}

CO_TEST("FLT-SYNC-05: a Queue destroyed with waiters releases them with RuntimeError") {
    auto queue = std::make_unique<Queue<int>>(1);
    std::string ends[4];
    std::vector<Task<>> tasks;
    tasks.push_back(create_task(note_end(queue->get(), ends[0])));
    tasks.push_back(create_task(note_end(queue->next(), ends[1])));
    co_await yield_now();
    auto full = std::make_unique<Queue<int>>(1);
    full->put_nowait(1);
    tasks.push_back(create_task(note_end(full->put(2), ends[2])));
    tasks.push_back(create_task(note_end(full->join(), ends[3])));
    co_await yield_now();
    queue.reset();
    full.reset();
    co_await yield_now();
    CHECK(contains(ends[0], "RuntimeError: Queue.get: "));
    CHECK(contains(ends[1], "RuntimeError: Queue.next: "));
    CHECK(contains(ends[2], "RuntimeError: Queue.put: "));
    CHECK(contains(ends[3], "RuntimeError: Queue.join: "));
    for (const Task<>& task : tasks) CHECK(task.done());
}

CO_TEST("FLT-SYNC-05: those who were woken and have not run are released too") {
    auto lock = std::make_unique<Lock>();
    auto queue = std::make_unique<Queue<int>>();
    auto event = std::make_unique<Event>();
    std::string ends[4];
    co_await lock->acquire();
    std::vector<Task<>> tasks;
    tasks.push_back(create_task(note_end(lock->acquire(), ends[0])));
    tasks.push_back(create_task(note_end(queue->get(), ends[1])));
    tasks.push_back(create_task(note_end(queue->get(), ends[2])));
    tasks.push_back(create_task(note_end(event->wait(), ends[3])));
    co_await yield_now();
    lock->release();
    queue->put_nowait(1);
    queue->put_nowait(2);
    CHECK_EQ(queue->get_nowait(), 1); // the woken ones have to look for themselves
    event->set();
    lock.reset();
    queue.reset();
    event.reset();
    co_await yield_now();
    for (const std::string& end : ends) CHECK(contains(end, "RuntimeError: "));
    for (const Task<>& task : tasks) CHECK(task.done());
}

CO_TEST("FLT-SYNC-05: those who were cancelled and have not run end cancelled") {
    auto lock = std::make_unique<Lock>();
    auto condition = std::make_unique<Condition>();
    std::string ends[2];
    co_await lock->acquire();
    const auto a = create_task(note_end(lock->acquire(), ends[0]));
    const auto wait = [&]() -> Coro<> {
        Condition& own = *condition;
        co_await own.acquire();
        co_await note_end(own.wait(), ends[1]);
    };
    const auto b = create_task(wait());
    co_await yield_now();
    a.cancel("first");
    b.cancel("second");
    lock.reset();
    condition.reset();
    co_await turns_pass(2);
    CHECK_EQ(ends[0], "CancelledError: first");
    CHECK_EQ(ends[1], "CancelledError: second");
    CHECK(a.done() && b.done());
}

CO_TEST("FLT-SYNC-05: a cancel of who is being released arrives at its next wait") {
    auto event = std::make_unique<Event>();
    std::string end;
    std::string next;
    const auto body = [&]() -> Coro<> {
        co_await note_end(event->wait(), end);
        co_await note_end(sleep(1s), next);
    };
    const auto task = create_task(body());
    co_await yield_now();
    event.reset();
    task.cancel();
    co_await task;
    CHECK(contains(end, "RuntimeError: "));
    CHECK_EQ(next, "CancelledError: ");
}

CO_TEST(
    "FLT-SYNC-05: a Condition destroyed with waiters releases them, and their guards do nothing") {
    auto condition = std::make_unique<Condition>();
    std::string ends[2];
    const auto wait = [&condition](std::string& end) -> Coro<> {
        Condition& own = *condition;
        const auto guard = co_await own.scoped();
        co_await note_end(own.wait(), end);
        CHECK(!guard); // its lock is gone
    };
    const auto a = create_task(wait(ends[0]));
    const auto b = create_task(wait(ends[1]));
    co_await yield_now();
    co_await condition->acquire();
    condition->notify(1); // a waits for the lock, b for a notification
    co_await yield_now();
    condition.reset();
    co_await turns_pass(2);
    for (const std::string& end : ends) CHECK(contains(end, "RuntimeError: "));
    CHECK(a.done() && b.done());
}

CO_TEST("FLT-SYNC-05: a Condition over a Lock that outlives it gives its waiters the lock back") {
    Lock lock;
    auto condition = std::make_unique<Condition>(lock);
    std::string end;
    const auto wait = [&]() -> Coro<> {
        Condition& own = *condition;
        const auto guard = co_await lock.scoped();
        co_await note_end(own.wait(), end);
        CHECK(lock.locked());
    };
    const auto task = create_task(wait());
    co_await yield_now();
    co_await lock.acquire();
    condition.reset();
    co_await turns_pass(3);
    CHECK_EQ(end, ""); // the lock is taken
    lock.release();
    co_await task;
    CHECK(contains(end, "RuntimeError: Condition.wait: "));
    CHECK(!lock.locked());
}

CO_TEST("FLT-SYNC-05: a Barrier destroyed with waiters releases them with RuntimeError") {
    auto barrier = std::make_unique<Barrier>(3);
    std::string ends[2];
    const auto a = create_task(note_end(barrier->wait(), ends[0]));
    const auto b = create_task(note_end(barrier->wait(), ends[1]));
    co_await yield_now();
    barrier.reset();
    co_await turns_pass(2);
    CHECK(contains(ends[0], "RuntimeError: Barrier.wait: "));
    CHECK(contains(ends[1], "RuntimeError: Barrier.wait: "));
    CHECK(a.done() && b.done());
}

TEST("a loop that is closed takes apart tasks that wait, were woken, or hold a guard") {
    static Lock lock; // outlives the loop
    static Queue<int> queue;
    {
        Event local;
        EventLoop own;
        const auto hold = []() -> Coro<> {
            const auto guard = co_await lock.scoped();
            co_await sleep(3600s);
        };
        const auto wait = []() -> Coro<> { const auto guard = co_await lock.scoped(); };
        const auto get = []() -> Coro<> { static_cast<void>(co_await queue.get()); };
        const auto listen = [&local]() -> Coro<> { co_await local.wait(); };
        own.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
        own.create_task(hold());
        own.create_task(wait());
        own.create_task(wait());
        own.create_task(get());
        own.create_task(get());
        own.create_task(listen());
        own.run_until_complete(sleep(0s));
        queue.put_nowait(1);
        local.set();
        own.close();
    }
    CHECK(!lock.locked());
    CHECK(lock.try_acquire());
    lock.release();
    CHECK_EQ(to_string(queue), "<Queue maxsize=0 _queue=[1] tasks=1>");
    CHECK_EQ(queue.get_nowait(), 1);
}
