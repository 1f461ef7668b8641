// SPDX-License-Identifier: MIT
// Locks, events, semaphores, conditions, barriers: who is woken, when. The twin of locks.py.
#include "support/trace.h"

using namespace trace;

namespace {

template <class L>
Coro<> hold(std::string name, L& lock, int yields = 1) {
    {
        const auto guard = co_await lock.scoped();
        log(name + " has it");
        co_await turns(yields);
    }
    log(name + " has left");
}

template <class T>
Coro<> ends(std::vector<Task<T>> tasks) {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        co_await attempt(tasks[i]);
        log_end("task " + std::to_string(i), tasks[i]);
    }
}

template <class L>
std::vector<Task<>> start_holders(std::string_view names, L& lock, int yields = 1) {
    std::vector<Task<>> tasks;
    for (const char name : names) {
        tasks.push_back(create_task(hold(std::string(1, name), lock, yields)));
    }
    return tasks;
}

template <class F>
auto start_named(std::string_view names, F& body) {
    std::vector<decltype(create_task(body(std::string())))> tasks;
    for (const char name : names) tasks.push_back(create_task(body(std::string(1, name))));
    return tasks;
}

std::string kind(const std::string& error) { return error.substr(0, error.find('(')); }

} // namespace

// ---- Lock ---------------------------------------------------------------------------------------

SCENARIO("lock: first come, first served") {
    Lock lock;
    co_await ends(start_holders("abc", lock));
    log(text_of(lock.locked()));
}

SCENARIO("lock: a release in the same step hands nothing over") {
    Lock lock;
    const auto twice = [&lock](std::string name) -> Coro<> {
        for (int i = 0; i < 2; ++i) {
            co_await lock.acquire();
            log(name + " " + std::to_string(i));
            lock.release();
        }
    };
    co_await ends(start_named("ab", twice));
}

SCENARIO("lock: nobody overtakes a waiter that was woken") {
    Lock lock;
    co_await lock.acquire();
    std::vector<Task<>> tasks;
    tasks.push_back(create_task(hold("waiter", lock)));
    co_await turns(1);
    lock.release();
    log(text_of(lock.locked()));
    co_await lock.acquire();
    log("main has it");
    lock.release();
    co_await ends(tasks);
}

SCENARIO("lock: a cancelled waiter is passed over") {
    Lock lock;
    co_await lock.acquire();
    const auto tasks = start_holders("abc", lock);
    co_await turns(1);
    tasks[0].cancel();
    tasks[1].cancel();
    lock.release();
    co_await ends(tasks);
}

SCENARIO("lock: a waiter cancelled after it was woken passes the lock on") {
    Lock lock;
    co_await lock.acquire();
    const auto tasks = start_holders("ab", lock);
    co_await turns(1);
    lock.release();
    tasks[0].cancel();
    co_await ends(tasks);
}

SCENARIO("lock: released without having it") {
    Lock lock;
    try {
        lock.release();
    } catch (const RuntimeError& error) {
        log(error.what());
    }
    co_return;
}

// ---- Event --------------------------------------------------------------------------------------

SCENARIO("event: all who wait go on a turn later, in order") {
    Event event;
    const auto waiter = [&event](std::string name) -> Coro<> {
        co_await event.wait();
        log(name + " True");
    };
    const auto tasks = start_named("abc", waiter);
    co_await turns(1);
    event.set();
    log("set");
    co_await ends(tasks);
    co_await waiter("late");
}

SCENARIO("event: set and cleared in one step, all who waited go on") {
    Event event;
    const auto waiter = [&event](std::string name) -> Coro<> {
        co_await event.wait();
        log(name + " " + text_of(event.is_set()));
    };
    const auto tasks = start_named("ab", waiter);
    co_await turns(1);
    tasks[0].cancel();
    event.set();
    event.clear();
    co_await ends(tasks);
}

// ---- Semaphore ----------------------------------------------------------------------------------

SCENARIO("semaphore: so many at a time, first come, first served") {
    Semaphore semaphore(2);
    co_await ends(start_holders("abcde", semaphore, 2));
    log(text_of(semaphore.locked()));
}

SCENARIO("semaphore: a waiter cancelled after it was woken passes its permit on") {
    Semaphore semaphore(1);
    co_await semaphore.acquire();
    const auto tasks = start_holders("abc", semaphore);
    co_await turns(1);
    semaphore.release();
    tasks[0].cancel();
    co_await ends(tasks);
}

SCENARIO("semaphore: several releases at once") {
    Semaphore semaphore(0);
    const auto tasks = start_holders("abc", semaphore);
    co_await turns(1);
    semaphore.release();
    semaphore.release();
    semaphore.release();
    log("released");
    co_await ends(tasks);
}

SCENARIO("semaphore: a bounded one is not released too often") {
    BoundedSemaphore semaphore(1);
    try {
        semaphore.release();
    } catch (const ValueError& error) {
        log(error.what());
    }
    co_return;
}

// ---- Condition ----------------------------------------------------------------------------------

SCENARIO("condition: one is notified, then all") {
    Lock lock;
    Condition condition(lock);
    const auto waiter = [&condition](std::string name) -> Coro<> {
        const auto guard = co_await condition.scoped();
        log(name + " waits");
        co_await condition.wait();
        log(name + " goes on");
    };
    const auto tasks = start_named("abcd", waiter);
    co_await turns(5);
    co_await condition.acquire();
    condition.notify();
    log("notified one");
    condition.release();
    co_await turns(5);
    co_await condition.acquire();
    condition.notify_all();
    log("notified all");
    condition.release();
    co_await ends(tasks);
}

SCENARIO("condition: the lock is kept for a while after the notification") {
    Lock lock;
    Condition condition(lock);
    const auto waiter = [&condition](std::string) -> Coro<> {
        const auto guard = co_await condition.scoped();
        co_await condition.wait();
        log("waiter goes on");
    };
    const auto tasks = start_named("a", waiter);
    co_await turns(1);
    co_await condition.acquire();
    condition.notify();
    co_await turns(3);
    log("releases");
    condition.release();
    co_await ends(tasks);
}

SCENARIO("condition: a cancelled waiter has the lock again (3.13)") {
    Lock lock;
    Condition condition(lock);
    const auto waiter = [&condition](std::string name) -> Coro<> {
        const auto guard = co_await condition.scoped();
        const auto end = co_await outcome(condition.wait());
        log(name + " " + text_of(condition.locked()));
        end.value();
    };
    const auto tasks = start_named("ab", waiter);
    co_await turns(2);
    co_await condition.acquire();
    tasks[0].cancel();
    co_await turns(3);
    log("releases");
    condition.release();
    co_await turns(3);
    co_await condition.acquire();
    condition.notify();
    condition.release();
    co_await ends(tasks);
}

SCENARIO("condition: wait_for a predicate") {
    Lock lock;
    Condition condition(lock);
    int value = 0;
    const auto waiter = [&](int least) -> Coro<> {
        const auto guard = co_await condition.scoped();
        const auto reached = [&value, least] { return value >= least; };
        co_await condition.wait_for(reached);
        log(std::to_string(least) + " reached: " + std::to_string(value));
    };
    std::vector<Task<>> tasks;
    tasks.push_back(create_task(waiter(2)));
    tasks.push_back(create_task(waiter(1)));
    co_await turns(2);
    for (int i = 1; i < 4; ++i) {
        co_await condition.acquire();
        value = i;
        log("value " + std::to_string(value));
        condition.notify_all();
        condition.release();
        co_await turns(3);
    }
    co_await ends(tasks);
}

// ---- Barrier ------------------------------------------------------------------------------------

SCENARIO("barrier: the last one does not wait, the others follow in order") {
    Barrier barrier(3);
    const auto party = [&barrier](std::string name) -> Coro<> {
        log(name + " comes");
        const int number = co_await barrier.wait();
        log(name + " is number " + std::to_string(number));
    };
    co_await ends(start_named("abc", party));
    co_await ends(start_named("def", party));
}

SCENARIO("barrier: aborted while some wait") {
    Barrier barrier(3);
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 2; ++i) tasks.push_back(create_task(barrier.wait()));
    co_await turns(1);
    log(std::to_string(barrier.n_waiting()));
    co_await barrier.abort();
    log(text_of(barrier.broken()));
    for (const auto& task : tasks) log(kind(co_await attempt(task)));
    log(kind(co_await attempt(barrier.wait())));
}

SCENARIO("barrier: reset while some wait") {
    Barrier barrier(2);
    std::vector<Task<int>> tasks;
    tasks.push_back(create_task(barrier.wait()));
    co_await turns(1);
    co_await barrier.reset();
    log(kind(co_await attempt(tasks[0])));
    log(text_of(barrier.broken()) + " " + std::to_string(barrier.n_waiting()));
    std::vector<Task<int>> again;
    for (int i = 0; i < 2; ++i) again.push_back(create_task(barrier.wait()));
    co_await ends(again);
}

SCENARIO("barrier: a party that is cancelled does not break it") {
    Barrier barrier(2);
    std::vector<Task<int>> tasks;
    tasks.push_back(create_task(barrier.wait()));
    co_await turns(1);
    tasks[0].cancel();
    co_await ends(tasks);
    log(text_of(barrier.broken()) + " " + std::to_string(barrier.n_waiting()));
    std::vector<Task<int>> again;
    for (int i = 0; i < 2; ++i) again.push_back(create_task(barrier.wait()));
    co_await ends(again);
}

int main() { return run_all(); }
