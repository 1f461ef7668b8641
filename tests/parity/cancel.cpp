// SPDX-License-Identifier: MIT
// Cancelling: delivery, counting, swallowing, chains. The twin of cancel.py.
#include "support/trace.h"

using namespace trace;

namespace {

std::string number(int value) { return std::to_string(value); }

Coro<std::string> sleeper(std::string name, Duration delay = 1000s) {
    log(name + " sleeps");
    try {
        co_await sleep(delay);
        log(name + " slept");
    } catch (const CancelledError& error) {
        log(name + " " + repr(error));
        throw;
    }
    co_return name;
}

template <class F>
Coro<std::string> waiter(std::string name, F future) {
    try {
        const std::string value = co_await future;
        log(name + " got " + value);
        co_return value;
    } catch (const CancelledError& error) {
        log(name + " " + repr(error));
        throw;
    }
}

template <class T>
Coro<> end_of(std::string name, Task<T> task) {
    const auto end = co_await outcome(task);
    if (end.has_exception()) log(name + " threw " + repr(end.exception()));
    log_end(name, task);
}

} // namespace

SCENARIO("before the start: the body never runs") {
    const auto task = create_task(sleeper("task"));
    task.add_done_callback([] { log("callback"); });
    log(text_of(task.cancel("early")));
    log(text_of(task.cancelled()) + " " + text_of(task.done()) + " " + number(task.cancelling()));
    co_await end_of("task", task);
}

SCENARIO("while suspended: seen a turn later, ended for others two turns later") {
    const auto task = create_task(sleeper("task"));
    co_await turns(2);
    log(text_of(task.cancel("enough")));
    log(text_of(task.cancelled()) + " " + text_of(task.done()) + " " + number(task.cancelling()));
    co_await end_of("task", task);
    log(text_of(task.cancel()) + " " + number(task.cancelling()));
}

SCENARIO("while suspended on a future: it is cancelled at once") {
    const Future<std::string> future;
    const auto task = create_task(waiter("task", future));
    co_await turns(1);
    task.cancel("down");
    log_end("future", future);
    co_await end_of("task", task);
}

SCENARIO("by itself: seen at the next suspension") {
    const auto body = []() -> Coro<> {
        current_task().cancel("myself");
        log("still here");
        try {
            co_await sleep(0s);
        } catch (const CancelledError& error) {
            log(repr(error));
            throw;
        }
    };
    co_await end_of("task", create_task(body()));
}

SCENARIO("by itself, and no suspension follows: the value is lost") {
    const auto body = []() -> Coro<int> {
        current_task().cancel("at the end");
        co_return 1;
    };
    const auto task = create_task(body());
    co_await end_of("task", task);
    log(number(task.cancelling()));
}

SCENARIO("by itself, and an exception follows: the exception stays") {
    const auto body = []() -> Coro<> {
        current_task().cancel();
        throw ValueError("instead");
        co_return;
    };
    co_await end_of("task", create_task(body()));
}

SCENARIO("by itself, before it awaits a task: that one is cancelled") {
    const auto inner = create_task(sleeper("inner"));
    const auto body = [&inner]() -> Coro<> {
        current_task().cancel("handed on");
        co_await waiter("outer", inner);
    };
    const auto outer = create_task(body());
    co_await end_of("outer", outer);
    log_end("inner", inner);
    log(number(outer.cancelling()) + " " + number(inner.cancelling()));
}

SCENARIO("twice before it is seen: one error, two counts") {
    const auto body = []() -> Coro<std::string> {
        for (int i = 0; i < 2; ++i) {
            try {
                co_await sleep(10s);
                log("slept " + number(i));
            } catch (const CancelledError& error) {
                log(number(i) + " " + repr(error));
            }
        }
        co_return "done";
    };
    const auto task = create_task(body());
    co_await turns(1);
    task.cancel("first");
    task.cancel("second");
    log(number(task.cancelling()));
    co_await end_of("task", task);
    log_time(number(task.cancelling()));
}

SCENARIO("swallowed: the task goes on, later awaits work") {
    const auto body = []() -> Coro<std::string> {
        try {
            co_await sleep(10s);
        } catch (const CancelledError&) {
            log("swallowed");
        }
        co_await sleep(1s);
        log_time("slept");
        co_return "value";
    };
    const auto task = create_task(body());
    co_await turns(1);
    task.cancel();
    co_await end_of("task", task);
    const std::string before = text_of(task.cancelled()) + " " + number(task.cancelling());
    const int once = task.uncancel();
    log(before + " " + number(once) + " " + number(task.uncancel()));
}

SCENARIO("along a chain of tasks: the innermost sees it first") {
    const Future<std::string> future;
    std::vector<Task<std::string>> tasks{create_task(waiter("task 0", future))};
    for (int i = 1; i < 4; ++i) {
        tasks.push_back(create_task(waiter("task " + number(i), tasks.back())));
    }
    co_await turns(1);
    tasks[3].cancel("down the chain");
    log(number(tasks[0].cancelling()) + " " + number(tasks[1].cancelling()) + " " +
        number(tasks[2].cancelling()) + " " + number(tasks[3].cancelling()));
    co_await end_of("task 3", tasks[3]);
    for (std::size_t i = 0; i < 4; ++i) log_end("task " + std::to_string(i), tasks[i]);
}

SCENARIO("along a chain whose inner end swallows it: the outer ones get its value") {
    const auto stubborn = []() -> Coro<std::string> {
        try {
            co_await sleep(10s);
        } catch (const CancelledError&) {
            log("inner swallows");
        }
        co_return "kept";
    };
    const auto inner = create_task(stubborn());
    const auto outer = create_task(waiter("outer", inner));
    co_await turns(2);
    outer.cancel();
    co_await end_of("outer", outer);
    log(number(outer.cancelling()) + " " + number(inner.cancelling()));
}

SCENARIO("after the future is done, before the task resumes: the cancel wins") {
    const Future<std::string> future;
    const auto task = create_task(waiter("task", future));
    co_await turns(1);
    future.set_result("kept in the future");
    task.cancel("later");
    co_await end_of("task", task);
    log_end("future", future);
}

SCENARIO("before the future is done in the same turn: the result comes too late") {
    const Future<std::string> future;
    const auto task = create_task(waiter("task", future));
    co_await turns(1);
    task.cancel();
    try {
        future.set_result("too late");
    } catch (const InvalidStateError&) {
        log("InvalidStateError");
    }
    co_await end_of("task", task);
}

SCENARIO("the future by others: the task ends cancelled, and counts nothing") {
    const Future<std::string> future;
    const auto task = create_task(waiter("task", future));
    co_await turns(1);
    future.cancel("by others");
    co_await end_of("task", task);
    log(number(task.cancelling()));
}

namespace {

template <class A>
Coro<> go_on_or_log(A awaited) {
    try {
        co_await std::move(awaited);
        log("went on");
    } catch (const CancelledError& error) {
        log(repr(error));
    }
}

} // namespace

SCENARIO("task and future in one turn: one error") {
    const Future<> future;
    const auto body = [&future]() -> Coro<> {
        co_await go_on_or_log(future);
        co_await go_on_or_log(sleep(1s));
    };
    const auto task = create_task(body());
    co_await turns(1);
    task.cancel("task");
    future.cancel("future");
    co_await end_of("task", task);
}

SCENARIO("one of several who await a task: all see its end") {
    const auto inner = create_task(sleeper("inner"));
    std::vector<Task<std::string>> outers;
    for (int i = 0; i < 3; ++i) {
        outers.push_back(create_task(waiter("outer " + number(i), inner)));
    }
    co_await turns(2);
    outers[1].cancel();
    for (std::size_t i = 0; i < 3; ++i) {
        co_await end_of("outer " + std::to_string(i), outers[i]);
    }
    log(number(outers[0].cancelling()) + " " + number(outers[1].cancelling()) + " " +
        number(outers[2].cancelling()));
}

SCENARIO("a sleep and a cancel with one deadline: whoever is first registered") {
    const auto victim = []() -> Coro<> {
        try {
            co_await sleep(1s);
            log_time("slept");
        } catch (const CancelledError&) {
            log_time("cancelled");
            throw;
        }
    };
    const auto first = create_task(victim());
    loop().call_later(1s, [&first] { first.cancel(); });
    co_await end_of("timer first", first);
    const auto second = create_task(victim());
    co_await turns(1);
    loop().call_later(1s, [&second] { second.cancel(); });
    co_await end_of("sleep first", second);
}

SCENARIO("clean-up that awaits: done before the end") {
    const auto body = []() -> Coro<> {
        const auto end = co_await outcome(sleep(10s));
        log("cleans up");
        co_await sleep(1s);
        log_time("has cleaned up");
        end.value();
    };
    const auto task = create_task(body());
    co_await turns(1);
    task.cancel();
    co_await end_of("task", task);
}

SCENARIO("clean-up that is cancelled, too") {
    const auto body = []() -> Coro<> {
        const auto end = co_await outcome(sleep(10s));
        try {
            co_await sleep(1s);
            log("has cleaned up");
        } catch (const CancelledError& error) {
            log("clean-up " + repr(error));
            throw;
        }
        end.value();
    };
    const auto task = create_task(body());
    co_await turns(1);
    task.cancel("one");
    co_await turns(2);
    task.cancel("two");
    co_await end_of("task", task);
    log(number(task.cancelling()));
}

SCENARIO("instead of a cancellation: another exception, a value") {
    const auto throws = []() -> Coro<> {
        static_cast<void>(co_await outcome(sleep(10s)));
        throw KeyError("instead");
    };
    const auto task = create_task(throws());
    co_await turns(1);
    task.cancel();
    co_await end_of("task", task);
}

SCENARIO("uncancel: a request that was not delivered yet is withdrawn (3.13)") {
    const auto task = create_task(sleeper("task", 1s));
    task.cancel();
    log(number(task.uncancel()));
    co_await end_of("task", task);
    const Future<std::string> future;
    const auto second = create_task(waiter("second", future));
    co_await turns(1);
    future.set_result("value");
    second.cancel();
    second.cancel();
    const int once = second.uncancel();
    log(number(once) + " " + number(second.uncancel()));
    co_await end_of("second", second);
}

SCENARIO("the end of the loop: what is left is cancelled, and may clean up") {
    const auto body = []() -> Coro<> {
        const auto end = co_await outcome(sleep(1000s));
        log(repr(end.exception()));
        co_await sleep(1s);
        log_time("cleaned up");
        end.value();
    };
    const auto task = create_task(body());
    task.add_done_callback([](const Task<>& done) { log_end("task", done); });
    co_await turns(2);
    log("main ends");
}

int main() { return run_all(); }
