// SPDX-License-Identifier: MIT
// Threads: what comes back from them, in which order. The twin of threads.py.
#include "support/trace.h"

#include <latch>

using namespace trace;

namespace {

ContextVar<int> number("number", 0);

std::string text(int value) { return std::to_string(value); }

} // namespace

SCENARIO("call_soon_threadsafe in the loop's thread: in the order of call_soon") {
    const auto nested = [] {
        log("c");
        loop().call_soon_threadsafe(log, "f");
        loop().call_soon(log, "g");
    };
    loop().call_soon(log, "a");
    loop().call_soon_threadsafe(log, "b");
    loop().call_soon_threadsafe(nested);
    loop().call_soon(log, "d");
    loop().call_soon_threadsafe(log, "never").cancel();
    loop().call_soon_threadsafe(log, "e");
    co_await turns(3);
    log("end");
}

SCENARIO("call_soon_threadsafe from a thread: one thread's calls keep their order") {
    hide_turns();
    const auto post = [] {
        for (int i = 0; i < 5; ++i) loop().call_soon_threadsafe(log, text(i));
    };
    co_await to_thread(post);
    log("end");
}

SCENARIO("to_thread: results, exceptions, arguments") {
    hide_turns();
    const auto work = [](int a, int b) {
        if (a > b) throw ValueError(text(a) + " > " + text(b));
        return a + b;
    };
    log(co_await attempt(to_thread(work, 1, 2)));
    log(co_await attempt(to_thread(work, 2, 1)));
    const auto [a, b, c, d] = co_await gather(to_thread(work, 0, 9), to_thread(work, 1, 9),
                                              to_thread(work, 2, 9), to_thread(work, 3, 9));
    log(text(a) + " " + text(b) + " " + text(c) + " " + text(d));
}

SCENARIO("to_thread takes a copy of the context along, run_in_executor none") {
    hide_turns();
    const auto show = [] {
        const int value = number.get();
        number.set(value + 1);
        return value;
    };
    number.set(5);
    log(text(co_await to_thread(show)));
    log(text(co_await to_thread(show)));
    log(text(co_await loop().run_in_executor(nullptr, show)));
    log(text(number.get()));
}

SCENARIO("callbacks and coroutines that a thread posts: in which context") {
    hide_turns();
    const auto body = []() -> Coro<> {
        log("body " + text(number.get()));
        co_return;
    };
    const auto post = [&body] {
        number.set(7);
        loop().call_soon_threadsafe([] { log("callback " + text(number.get())); });
        run_coroutine_threadsafe(body(), loop()).result();
    };
    number.set(6);
    co_await to_thread(post);
    log(text(number.get()));
}

SCENARIO("run_coroutine_threadsafe: values, exceptions and cancellations go back to the thread") {
    hide_turns();
    const auto work = [](std::string kind) -> Coro<std::string> {
        co_await turns(2);
        if (kind == "fails") throw ValueError("in the loop");
        if (kind == "is cancelled") {
            current_task().cancel();
            co_await turns(1);
        }
        co_return "value";
    };
    const auto ask = [&work](const std::string& kind) {
        try {
            return run_coroutine_threadsafe(work(kind), loop()).result();
        } catch (...) {
            const std::string error = repr(std::current_exception());
            return error.substr(0, error.find('('));
        }
    };
    for (const std::string kind : {"ends", "fails", "is cancelled"}) {
        log(kind + ": " + co_await to_thread(ask, kind));
    }
}

SCENARIO("a thread that is waited for is cancelled: the wait ends, the thread goes on") {
    hide_turns();
    std::latch began(1);
    std::latch go_on(1);
    std::latch ended(1);
    const auto work = [&] {
        began.count_down();
        go_on.wait();
        ended.count_down();
    };
    const auto task = create_task(to_thread(work));
    co_await turns(1);
    began.wait();
    task.cancel("enough");
    log(co_await attempt(task));
    log_end("task", task);
    go_on.count_down();
    ended.wait();
    log("the thread has ended");
}

SCENARIO("work that no thread has begun is cancelled, and never begins") {
    hide_turns();
    std::latch began(1);
    std::latch go_on(1);
    std::vector<std::string> ran;
    const auto block = [&]() -> std::string {
        began.count_down();
        go_on.wait();
        return "blocked";
    };
    const auto run = [&ran](const char* name) { ran.emplace_back(name); };
    ThreadPoolExecutor pool(1);
    const auto first = loop().run_in_executor(&pool, block);
    began.wait();
    const auto second = loop().run_in_executor(&pool, run, "second");
    const auto third = loop().run_in_executor(&pool, run, "third");
    second.cancel();
    log_end("second", second);
    co_await turns(2);
    go_on.count_down();
    log(co_await first);
    co_await third;
    for (const std::string& name : ran) log(name);
}

int main() { return run_all(); }
