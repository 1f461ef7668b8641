// SPDX-License-Identifier: MIT
// Futures: states, done-callbacks, who is told in which order. The twin of futures.py.
#include "support/trace.h"

using namespace trace;

namespace {

template <class F>
void attempt(const std::string& what, F&& function) {
    try {
        function();
        log(what + ": done");
    } catch (...) {
        log(what + ": " + type_name(std::current_exception()));
    }
}

} // namespace

SCENARIO("states: pending, then one end, then no other") {
    const Future<int> future;
    attempt("result of a pending one", [&] { static_cast<void>(future.result()); });
    attempt("exception of a pending one", [&] { static_cast<void>(future.exception()); });
    future.set_result(1);
    attempt("set_result again", [&] { future.set_result(2); });
    attempt("set_exception after a result", [&] { future.set_exception(ValueError()); });
    log(text_of(future.cancel()) + " " + text_of(future.cancelled()) + " " +
        text_of(future.done()));
    log_end("future", future);
    co_return;
}

SCENARIO("states: cancelled") {
    const Future<int> future;
    const bool cancelled = future.cancel("gone");
    log(text_of(cancelled) + " " + text_of(future.cancelled()) + " " + text_of(future.done()));
    log(text_of(future.cancel("again")));
    attempt("set_result", [&] { future.set_result(1); });
    attempt("result", [&] { static_cast<void>(future.result()); });
    attempt("exception", [&] { static_cast<void>(future.exception()); });
    try {
        co_await future;
    } catch (const CancelledError& error) {
        log(repr(error));
    }
}

SCENARIO("callbacks: in order, a turn after the end, each with the future") {
    for (const std::string end : {"result", "exception", "cancel"}) {
        const Future<int> future;
        for (int i = 0; i < 3; ++i) {
            future.add_done_callback(
                [](const std::string& name, const Future<int>& done) { log_end(name, done); },
                end + " " + std::to_string(i));
        }
        if (end == "result") {
            future.set_result(1);
        } else if (end == "exception") {
            future.set_exception(KeyError("k"));
        } else {
            future.cancel();
        }
        log("ended");
        co_await turns(2);
    }
}

SCENARIO("callbacks: added late, they run in the next turn") {
    const Future<int> future;
    future.set_result(1);
    loop().call_soon(log, "before");
    future.add_done_callback([] { log("late"); });
    loop().call_soon(log, "after");
    log("added");
    co_await turns(1);
    future.add_done_callback([] { log("later"); });
    co_await turns(1);
}

SCENARIO("callbacks: tasks and callbacks are told in the order in which they came") {
    const Future<std::string> future;
    const auto waiter = [&future](std::string name) -> Coro<> {
        log(name + " got " + co_await future);
    };
    future.add_done_callback([] { log("callback 1"); });
    const auto first = create_task(waiter("task 1"));
    co_await turns(1);
    future.add_done_callback([] { log("callback 2"); });
    const auto second = create_task(waiter("task 2"));
    co_await turns(1);
    future.add_done_callback([] { log("callback 3"); });
    future.set_result("it");
    log("set");
    co_await first;
    co_await second;
}

SCENARIO("callbacks: removed ones do not run") {
    const Future<int> future;
    const CallbackId drop = future.add_done_callback([] { log("never"); });
    const CallbackId keep = future.add_done_callback([] { log("kept"); });
    log(text_of(future.remove_done_callback(drop)));
    log(text_of(future.remove_done_callback(drop)));
    future.set_result(1);
    log(text_of(future.remove_done_callback(keep)));
    co_await turns(1);
}

SCENARIO("callbacks: one that throws is reported, the next ones run") {
    const Future<int> future;
    future.add_done_callback([] { throw ValueError("in a callback"); });
    future.add_done_callback([] { log("next"); });
    future.set_result(1);
    co_await turns(1);
}

SCENARIO("callbacks: one completes another future, its callbacks come a turn later") {
    std::vector<Future<int>> futures(3);
    for (std::size_t i = 1; i < 3; ++i) futures[i] = Future<int>();
    futures[0] = Future<int>();
    for (std::size_t i = 0; i < 2; ++i) {
        futures[i].add_done_callback([&futures, i](const Future<int>& done) {
            futures[i + 1].set_result(done.result() + 1);
        });
    }
    for (std::size_t i = 0; i < 3; ++i) {
        futures[i].add_done_callback(
            [i](const Future<int>& done) { log_end("future " + std::to_string(i), done); });
    }
    futures[0].set_result(0);
    co_await turns(4);
}

SCENARIO("callbacks: of a task run a turn after its end, beside who awaits it") {
    const auto work = []() -> Coro<std::string> {
        log("works");
        co_return "value";
    };
    const auto task = create_task(work());
    task.add_done_callback([](const Task<std::string>& done) { log_end("callback", done); });
    log(co_await task);
}

SCENARIO("awaiting: a done future takes no turn, and gives its value again") {
    const Future<std::string> future;
    future.set_result("value");
    for (int i = 0; i < 3; ++i) log(co_await future);
    const Future<> failed;
    failed.set_exception(ValueError("again"));
    for (int i = 0; i < 2; ++i) {
        try {
            co_await failed;
        } catch (const ValueError& error) {
            log(repr(error));
        }
    }
}

SCENARIO("awaiting: several tasks, one future, one exception") {
    const Future<> future;
    const auto waiter = [&future](std::string name) -> Coro<> {
        try {
            co_await future;
        } catch (const ValueError& error) {
            log(name + " " + repr(error));
        }
    };
    std::vector<Task<>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(create_task(waiter("task " + std::to_string(i))));
    co_await turns(1);
    future.set_exception(ValueError("for all"));
    for (const auto& task : tasks) co_await task;
}

int main() { return run_all(); }
