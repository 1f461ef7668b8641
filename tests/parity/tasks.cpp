// SPDX-License-Identifier: MIT
// Tasks: starting, hops, interleaving, ends. The twin of tasks.py.
#include "support/trace.h"

using namespace trace;

namespace {

Coro<std::string> steps(std::string name, int count) {
    for (int i = 0; i < count; ++i) {
        log(name + std::to_string(i));
        co_await sleep(0s);
    }
    co_return name;
}

Coro<int> give(int value) { co_return value; }

Coro<int> fail(std::string message) {
    throw ValueError(message);
    co_return 0;
}

template <class A>
Coro<await_result_t<A>> await_and_log(std::string name, A awaited) {
    try {
        auto value = co_await std::move(awaited);
        log(name + " got " + text_of(value));
        co_return value;
    } catch (const std::exception& error) {
        log(name + " got " + repr(error));
        throw;
    }
}

} // namespace

SCENARIO("start: in the order of creation, among callbacks, in the next turn") {
    loop().call_soon(log, "callback 1");
    const auto first = create_task(steps("a", 1));
    loop().call_soon(log, "callback 2");
    const auto second = create_task(steps("b", 1));
    log("created");
    co_await second;
    log(text_of(first.done()));
}

SCENARIO("start: a task that is made by a task starts a turn later") {
    const auto outer = []() -> Coro<std::string> {
        log("outer");
        auto inner = create_task(steps("inner", 2));
        co_await sleep(0s);
        log("outer again");
        co_return co_await inner;
    };
    log(co_await create_task(outer()));
}

SCENARIO("interleaving: tasks that yield take turns") {
    std::vector<Task<std::string>> tasks;
    for (const char* name : {"a", "b", "c"}) tasks.push_back(create_task(steps(name, 3)));
    for (const auto& task : tasks) log("end of " + co_await task);
}

SCENARIO("hops: coroutines that await coroutines take no turn") {
    const auto deep = [](auto self, int depth) -> Coro<int> {
        if (depth == 0) co_return 0;
        co_return 1 + co_await self(self, depth - 1);
    };
    log(text_of(co_await deep(deep, 50)));
    log(text_of(co_await create_task(deep(deep, 50))));
}

SCENARIO("hops: awaiting a future and a task, pending and done") {
    const Future<int> future;
    loop().call_soon([&future] { future.set_result(1); });
    log(text_of(co_await future));
    log(text_of(co_await future));
    const auto task = create_task(give(2));
    log(text_of(co_await task));
    log(text_of(co_await task));
    const auto slow = create_task(steps("s", 1));
    log(co_await slow);
}

SCENARIO("hops: the end of a chain of tasks comes up one task a turn") {
    const Future<std::string> future;
    auto task = create_task(await_and_log("task 0", future));
    for (int i = 1; i < 4; ++i) {
        task = create_task(await_and_log("task " + std::to_string(i), task));
    }
    co_await turns(2);
    log("sets");
    future.set_result("value");
    co_await task;
    log("main");
}

SCENARIO("hops: an exception comes up a chain of tasks") {
    auto task = create_task(await_and_log("task 0", fail("below")));
    for (int i = 1; i < 3; ++i) {
        task = create_task(await_and_log("task " + std::to_string(i), task));
    }
    try {
        co_await task;
    } catch (const ValueError& error) {
        log(repr(error));
    }
}

SCENARIO("hops: several who await one task go on in the order in which they came") {
    const auto task = create_task(steps("work", 2));
    task.add_done_callback([] { log("callback 1"); });
    std::vector<Task<std::string>> waiters;
    for (int i = 0; i < 3; ++i) {
        waiters.push_back(create_task(await_and_log("waiter " + std::to_string(i), task)));
    }
    co_await turns(1);
    task.add_done_callback([] { log("callback 2"); });
    for (const auto& waiter : waiters) co_await waiter;
    log("main");
}

SCENARIO("ping-pong: two tasks that wake each other through futures") {
    std::vector<Future<>> ball(2);
    ball[1] = Future<>();
    const auto player = [&ball](std::size_t me) -> Coro<> {
        for (int i = 0; i < 3; ++i) {
            const Future<> mine = ball[me];
            co_await mine;
            ball[me] = Future<>();
            log("player " + std::to_string(me) + " round " + std::to_string(i));
            ball[1 - me].set_result();
        }
    };
    const auto first = create_task(player(0));
    const auto second = create_task(player(1));
    co_await turns(1);
    ball[0].set_result();
    co_await first;
    co_await second;
    log("end");
}

SCENARIO("current_task: right over interleaved awaits, none in callbacks") {
    const auto named = [](int delay) -> Coro<> {
        for (int i = 0; i < 2; ++i) {
            log(current_task().get_name());
            co_await sleep(std::chrono::seconds(delay));
        }
        log_time(current_task().get_name());
    };
    std::vector<Task<>> tasks;
    for (int i = 0; i < 3; ++i) {
        tasks.push_back(create_task(named(i), "delay " + std::to_string(i)));
    }
    loop().call_soon([] { log(text_of(!current_task())); });
    for (const auto& task : tasks) co_await task;
}

SCENARIO("all_tasks: those that are not done") {
    const auto brief = []() -> Coro<> {
        log(std::to_string(all_tasks().size()));
        co_return;
    };
    std::vector<Task<>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(create_task(brief()));
    for (const auto& task : tasks) co_await task;
    log(std::to_string(all_tasks().size()));
}

SCENARIO("ends: a result, an exception, a cancellation of the body's own") {
    const auto give_up = []() -> Coro<int> {
        co_await sleep(0s);
        throw CancelledError("by itself");
    };
    std::vector<Task<int>> tasks{create_task(give(1)), create_task(fail("broken")),
                                 create_task(give_up())};
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        tasks[i].add_done_callback(
            [i](const Task<int>& task) { log_end("task " + std::to_string(i), task); });
    }
    co_await turns(4);
}

SCENARIO("misuse: a coroutine that is awaited twice") {
    auto coro = give(1);
    log(text_of(co_await coro));
    try {
        co_await coro;
    } catch (const RuntimeError& error) {
        log(repr(error));
    }
}

SCENARIO("ensure_future: a future as it is, a coroutine as a task") {
    const Future<> future;
    log(text_of(ensure_future(future) == future));
    const auto task = ensure_future(steps("s", 1));
    log("made");
    log(co_await task);
}

SCENARIO("sleep: with a result, of nothing, of less than nothing") {
    log(co_await sleep(1s, std::string("slept")));
    log_time("now");
    log(co_await sleep(0s, std::string("none")));
    log(co_await sleep(-1s, std::string("less")));
    log_time("end");
    const auto task = create_task(sleep(0s));
    co_await task;
    log("task of sleep(0)");
}

int main() { return run_all(); }
