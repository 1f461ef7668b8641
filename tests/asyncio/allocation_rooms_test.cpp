// SPDX-License-Identifier: MIT
// Combinators, primitives and queues with their k-th allocation failing, for every k.
#include "asyncio/asyncio.h"

#include "support/allocation_sweep.h"

#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::sweep_awaited;

namespace {

Coro<int> after(Duration delay, int value) {
    co_await sleep(delay);
    co_return value;
}
Coro<> nothing_after(Duration delay) { co_await sleep(delay); }

} // namespace

CO_TEST("FLT-CORE-15: gather, of arguments and of ranges") {
    const auto arguments = []() -> Coro<> {
        const auto results = co_await gather(after(1s, 1), after(2s, 2));
        CHECK_EQ(std::get<0>(results) + std::get<1>(results), 3);
    };
    long reached = co_await sweep_awaited(arguments);
    CHECK(reached >= 3);
    const auto range = []() -> Coro<> {
        std::vector<Coro<int>> children;
        for (int i = 0; i < 5; ++i) children.push_back(after(1s, i));
        const auto results = co_await gather(std::move(children));
        CHECK_EQ(results, std::vector<int>({0, 1, 2, 3, 4}));
    };
    reached = co_await sweep_awaited(range);
    CHECK(reached >= 4);
    const auto outcomes = []() -> Coro<> {
        const auto results = co_await gather_outcomes(after(1s, 1), nothing_after(1s));
        CHECK(std::get<0>(results).has_value() && std::get<1>(results).has_value());
    };
    reached = co_await sweep_awaited(outcomes);
    CHECK(reached >= 3);
}

CO_TEST("FLT-CORE-15: wait and as_completed") {
    const auto wait_for_all = []() -> Coro<> {
        std::vector<Task<int>> tasks;
        for (int i = 0; i < 3; ++i) tasks.push_back(create_task(after(1s, i)));
        const auto sets = co_await wait(tasks, WaitOptions().timeout(5s));
        CHECK_EQ(sets.done.size(), 3U);
    };
    long reached = co_await sweep_awaited(wait_for_all);
    CHECK(reached >= 3);
    const auto complete = []() -> Coro<> {
        std::vector<Task<int>> tasks;
        for (int i = 0; i < 3; ++i) tasks.push_back(create_task(after(1s, i)));
        auto each = as_completed(tasks);
        int sum = 0;
        while (auto next = co_await each.next()) sum += co_await *next;
        CHECK_EQ(sum, 3);
    };
    reached = co_await sweep_awaited(complete);
    CHECK(reached >= 3);
}

CO_TEST("FLT-CORE-15: wait_for and timeout") {
    const auto in_time = []() -> Coro<> {
        const int value = co_await wait_for(after(1s, 4), 5s);
        CHECK_EQ(value, 4);
    };
    long reached = co_await sweep_awaited(in_time);
    CHECK(reached >= 2);
    const auto scope = []() -> Coro<> {
        const auto body = []() -> Coro<int> { co_return co_await after(1s, 5); };
        const int value = co_await timeout(5s, body);
        CHECK_EQ(value, 5);
    };
    reached = co_await sweep_awaited(scope);
    CHECK(reached >= 1);
    const auto too_late = []() -> Coro<> {
        const auto end = co_await outcome(wait_for(after(9s, 4), 1s));
        if (end.has_exception() && !is_exception<TimeoutError>(end.exception())) end.value();
    };
    reached = co_await sweep_awaited(too_late);
    CHECK(reached >= 2);
}

CO_TEST("FLT-CORE-15: a task group without memory fails whole, and the next one works") {
    const auto group_of_three = []() -> Coro<> {
        int sum = 0;
        const auto add = [&sum](int value) -> Coro<> {
            co_await sleep(1s);
            sum += value;
        };
        const auto body = [&add](TaskGroup& group) -> Coro<> {
            for (int i = 1; i <= 3; ++i) group.create_task(add(i));
            co_return;
        };
        const auto end = co_await outcome(task_group(body));
        if (end.has_exception()) {
            // A body that could not make all its tasks: the group has cancelled the others.
            bool memory = is_exception<std::bad_alloc>(end.exception());
            if (is_exception<ExceptionGroup>(end.exception())) memory = true;
            CHECK(memory);
            throw std::bad_alloc();
        }
        CHECK_EQ(sum, 6);
    };
    const long reached = co_await sweep_awaited(group_of_three);
    CHECK(reached >= 4);
}

CO_TEST("FLT-CORE-15: shield and staggered_race") {
    const auto shielded_work = []() -> Coro<> {
        const int value = co_await shield(after(1s, 6));
        CHECK_EQ(value, 6);
    };
    long reached = co_await sweep_awaited(shielded_work);
    CHECK(reached >= 2);
    const auto race = []() -> Coro<> {
        const auto attempt = []() -> Coro<int> { co_return co_await after(1s, 7); };
        std::vector<std::remove_const_t<decltype(attempt)>> attempts(2, attempt);
        const auto end = co_await outcome(staggered_race(std::move(attempts), 5s));
        if (!end.has_value()) throw std::bad_alloc(); // it comes in a group
        if (end.value().index != 0u) throw std::bad_alloc(); // the first attempt has met it
        CHECK_EQ(*end.value().winner, 7);
    };
    reached = co_await sweep_awaited(race);
    CHECK(reached >= 2);
}

CO_TEST("FLT-CORE-15: locks, events, conditions, semaphores and barriers keep their state") {
    static Lock lock;
    static Event event;
    static Condition condition(lock);
    static Semaphore semaphore(2);
    const auto locks = []() -> Coro<> {
        const auto guard = co_await lock.scoped();
        CHECK(lock.locked());
    };
    long reached = co_await sweep_awaited(locks);
    CHECK(!lock.locked());
    const auto contended = []() -> Coro<> {
        const auto holder = []() -> Coro<> {
            const auto guard = co_await lock.scoped();
            co_await sleep(1s);
        };
        const auto other = create_task(holder());
        co_await sleep(0s);
        const auto guard = co_await lock.scoped();
        CHECK(other.done());
    };
    reached = co_await sweep_awaited(contended);
    CHECK(reached >= 1);
    CHECK(!lock.locked());
    const auto events = []() -> Coro<> {
        event.clear();
        get_running_loop().call_later(1s, [] { event.set(); });
        co_await event.wait();
    };
    reached = co_await sweep_awaited(events);
    CHECK(reached >= 1);
    const auto semaphores = []() -> Coro<> {
        const auto one = co_await semaphore.scoped();
        const auto two = co_await semaphore.scoped();
        CHECK(semaphore.locked());
    };
    reached = co_await sweep_awaited(semaphores);
    CHECK(!semaphore.locked());
    const auto conditions = []() -> Coro<> {
        const auto guard = co_await lock.scoped();
        get_running_loop().call_later(1s, [] {
            create_task([]() -> Coro<> {
                const auto held = co_await lock.scoped();
                condition.notify();
            });
        });
        const auto waits = []() -> Coro<> { co_await condition.wait(); };
        const auto end = co_await outcome(wait_for(waits(), 5s));
        if (end.has_exception()) throw std::bad_alloc(); // or there was nobody to notify it
    };
    testing::loop().set_exception_handler([](EventLoop&, const ExceptionContext& context) {
        CHECK(is_exception<std::bad_alloc>(context.exception));
    });
    reached = co_await sweep_awaited(conditions);
    CHECK(reached >= 1);
    CHECK(!lock.locked());
    testing::loop().set_exception_handler(nullptr);
}

CO_TEST("FLT-CORE-15: queues: an item that was not taken in is not in, the others are") {
    static const std::string long_text = "an item that is too long to be kept inside of a string";
    const auto in_and_out = []() -> Coro<> {
        Queue<std::string> queue(3);
        std::size_t inside = 0;
        bool failed = false;
        for (int i = 0; i < 3; ++i) {
            try {
                queue.put_nowait(long_text);
                ++inside;
            } catch (const std::bad_alloc&) {
                failed = true;
            }
            CHECK_EQ(queue.qsize(), inside);
        }
        for (; inside > 0; --inside) {
            const std::string item = co_await queue.get();
            CHECK_EQ(item, long_text);
        }
        CHECK(queue.empty());
        if (failed) throw std::bad_alloc();
    };
    long reached = co_await sweep_awaited(in_and_out);
    CHECK(reached >= 3);
    const auto handed_over = []() -> Coro<> {
        Queue<std::string> queue(1);
        const auto producer = [&queue]() -> Coro<> {
            for (int i = 0; i < 3; ++i) co_await queue.put(long_text);
            queue.shutdown();
        };
        const auto task = create_task(producer());
        int taken = 0;
        while (auto item = co_await queue.next()) {
            CHECK_EQ(*item, long_text);
            ++taken;
            if (task.done() && queue.empty()) break;
        }
        const auto end = co_await outcome(task);
        end.value();
        CHECK_EQ(taken, 3);
    };
    (void)handed_over; // a producer that fails leaves its consumer waiting: not an operation of one
    const auto by_priority = []() -> Coro<> {
        PriorityQueue<std::string> queue;
        LifoQueue<std::string> stack;
        queue.put_nowait("b" + long_text);
        queue.put_nowait("a" + long_text);
        stack.put_nowait(queue.get_nowait());
        stack.put_nowait(queue.get_nowait());
        CHECK_EQ(stack.get_nowait(), "b" + long_text);
        co_return;
    };
    reached = co_await sweep_awaited(by_priority);
    CHECK(reached >= 3);
}
