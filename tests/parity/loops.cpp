// SPDX-License-Identifier: MIT
// Runs of the loop: stopping, running again, interrupts. The twin of loops.py.
#include "support/trace.h"

#include <functional>

using namespace trace;

namespace {

std::string text(int number) { return std::to_string(number); }

} // namespace

LOOP_SCENARIO("stop before the run: what is ready runs, and what it adds waits") {
    loop().call_soon([] {
        log("ready");
        loop().call_soon(log, "added");
    });
    loop().stop();
    loop().run_forever();
    log("left");
    loop().stop();
    loop().run_forever();
    log("left");
}

LOOP_SCENARIO("stop in a callback: the turn ends, what came meanwhile waits for the next run") {
    loop().call_soon([] {
        log("first");
        loop().stop();
        loop().call_soon(log, "added by the first");
    });
    loop().call_soon(log, "second");
    loop().run_forever();
    log("left");
    loop().call_soon([] { loop().stop(); });
    loop().run_forever();
    log("left");
}

LOOP_SCENARIO("stop twice, and from a timer: each run ends where it was asked to") {
    const auto stop = [](const std::string& name) {
        log_time(name);
        loop().stop();
        loop().stop();
    };
    loop().call_later(2s, stop, "two");
    loop().call_later(1s, stop, "one");
    loop().call_later(1s, log_time, "with one");
    loop().run_forever();
    log("left");
    loop().run_forever();
    log("left");
}

LOOP_SCENARIO("run_until_complete: stopped first, the future stays, the loop goes on later") {
    const auto body = []() -> Coro<std::string> {
        co_await turns(3);
        log("half");
        co_await sleep(1s);
        log_time("whole");
        co_return "value";
    };
    const auto task = loop().create_task(body());
    loop().call_soon([] { loop().stop(); });
    try {
        loop().run_until_complete(task);
    } catch (const RuntimeError& error) {
        log(std::string("RuntimeError: ") + error.what());
    }
    log("done: " + text_of(task.done()));
    log(loop().run_until_complete(task));
    log(loop().run_until_complete(task));
}

LOOP_SCENARIO("run_until_complete: of futures and coroutines that fail or are cancelled") {
    const auto fail = []() -> Coro<> {
        co_await turns(1);
        throw ValueError("of the coroutine");
    };
    const Future<int> future(loop());
    loop().call_later(1s, [&future] { future.set_result(7); });
    log(text(loop().run_until_complete(future)));
    for (const char* name : {"first", "second"}) {
        try {
            loop().run_until_complete(fail());
        } catch (const ValueError& error) {
            log(std::string(name) + ": " + repr(error));
        }
    }
    const Future<int> cancelled(loop());
    loop().call_soon([&cancelled] { cancelled.cancel("enough"); });
    try {
        loop().run_until_complete(cancelled);
    } catch (const CancelledError& error) {
        log(repr(error));
    }
}

LOOP_SCENARIO("an interrupt leaves the loop at once; the rest of its turn comes in the next run") {
    const auto body = []() -> Coro<> {
        log("task starts");
        co_await turns(1);
        log("task interrupts");
        throw KeyboardInterrupt();
    };
    loop().call_soon(log, "before");
    loop().call_soon([] {
        log("interrupts");
        throw KeyboardInterrupt();
    });
    loop().call_soon(log, "after");
    const auto task = loop().create_task(body());
    task.add_done_callback([] { log("told"); });
    loop().call_soon(log, "behind the task");
    for (int i = 0; i < 3; ++i) {
        try {
            loop().call_soon([] { loop().stop(); });
            loop().run_forever();
            log("left");
        } catch (const KeyboardInterrupt&) {
            log("interrupted");
        }
    }
    log(text_of(task.done()) + " " + repr(task.exception()));
}

LOOP_SCENARIO("tasks go on over runs, in their order") {
    const auto body = [](std::string name) -> Coro<> {
        for (int i = 0; i < 3; ++i) {
            log(name + " " + text(i));
            co_await turns(1);
        }
    };
    std::vector<Task<>> tasks;
    for (const char* name : {"a", "b", "c"}) tasks.push_back(loop().create_task(body(name)));
    for (int i = 0; i < 5; ++i) {
        loop().call_soon([] { loop().stop(); });
        loop().run_forever();
        log("left");
    }
    std::string done;
    for (const auto& task : tasks) done += (done.empty() ? "" : " ") + text_of(task.done());
    log(done);
}

// ---- callbacks and timers -----------------------------------------------------------------------

namespace {

void deep(const std::string& name, int depth) {
    log_time(name + " " + text(depth));
    if (depth == 0) return;
    loop().call_soon(deep, name + "s", depth - 1);
    loop().call_later(0s, deep, name + "z", depth - 1);
    loop().call_later(1s, deep, name + "l", depth - 1);
}

TimePoint at(int seconds) { return TimePoint(std::chrono::seconds(seconds)); }

} // namespace

SCENARIO("timers of one deadline: each schedules callbacks, which schedule timers and callbacks") {
    for (const char* name : {"a", "b"}) loop().call_later(1s, deep, name, 2);
    co_await sleep(4s);
}

SCENARIO("timers of one deadline that were armed at different times") {
    loop().call_at(at(3), log_time, "armed at 0");
    loop().call_at(at(1), [] { loop().call_at(at(3), log_time, "armed at 1"); });
    loop().call_at(at(2), [] { loop().call_later(1s, log_time, "armed at 2"); });
    loop().call_at(at(3), log_time, "armed at 0, too");
    co_await sleep(5s);
}

SCENARIO("timers: each of one deadline cancels another one") {
    for (std::size_t victim = 0; victim < 4; ++victim) {
        log("-- " + std::to_string(victim));
        std::vector<TimerHandle> timers;
        const auto strike = [&timers, victim](const std::string& name) {
            log_time(name);
            timers[victim].cancel();
        };
        for (const char* name : {"a", "b", "c", "d"}) {
            timers.push_back(loop().call_later(1s, strike, name));
        }
        co_await sleep(2s);
    }
}

SCENARIO("timers: most of many are cancelled, the others keep their order") {
    std::vector<TimerHandle> timers;
    for (int i = 0; i < 150; ++i) {
        timers.push_back(loop().call_later(std::chrono::seconds(1 + i % 3), log_time, text(i)));
    }
    for (std::size_t i = 0; i < timers.size(); ++i) {
        if (i % 7 != 0) timers[i].cancel();
    }
    co_await turns(2);
    log("purged");
    loop().call_later(2s, log_time, "new");
    co_await sleep(5s);
}

SCENARIO("handles: one of three is cancelled by each of them and in each turn") {
    for (int victim = 0; victim < 3; ++victim) {
        for (int striker = 0; striker < 3; ++striker) {
            log("-- " + text(striker) + " cancels " + text(victim));
            count_anew();
            std::vector<Handle> handles;
            const auto call = [&handles, victim, striker](int i) {
                log(text(i));
                if (i != striker) return;
                handles[static_cast<std::size_t>(victim)].cancel();
                loop().call_soon(log, "after " + text(i));
            };
            for (int i = 0; i < 3; ++i) handles.push_back(loop().call_soon(call, i));
            co_await turns(3);
        }
    }
}

SCENARIO("exceptions: each of several callbacks in one turn, and callbacks of futures") {
    const auto fail = [](const std::string& name) {
        log(name);
        throw ValueError(name);
    };
    const Future<> future;
    for (const std::string name : {"a", "b"}) {
        loop().call_soon(fail, name);
        future.add_done_callback(fail, "done " + name);
        loop().call_later(1s, fail, "later " + name);
    }
    future.set_result();
    co_await turns(2);
    co_await sleep(2s);
}

// ---- done-callbacks -----------------------------------------------------------------------------

namespace {

void add_chain(const std::vector<Future<int>>& futures, std::size_t i, int depth) {
    futures[i].add_done_callback([&futures, i, depth](const Future<int>& future) {
        log(std::to_string(i) + " " + text(depth) + " " + text(future.result()));
        if (depth == 0) return;
        add_chain(futures, i, depth - 1);
        if (i + 1 < futures.size() && !futures[i + 1].done()) {
            futures[i + 1].set_result(static_cast<int>(i + 1));
        }
    });
}

} // namespace

SCENARIO("done-callbacks: they add callbacks to the same future and to others") {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 3; ++i) futures.emplace_back();
    for (std::size_t i = 0; i < futures.size(); ++i) add_chain(futures, i, 2);
    futures[0].set_result(0);
    log("set");
    co_await turns(8);
}

SCENARIO("done-callbacks: removed by one another, before and after the end") {
    for (std::size_t striker = 0; striker < 3; ++striker) {
        for (std::size_t victim = 0; victim < 3; ++victim) {
            log("-- " + std::to_string(striker) + " removes " + std::to_string(victim));
            count_anew();
            const Future<> future;
            std::vector<CallbackId> callbacks;
            const auto remove = [&] {
                return text(future.remove_done_callback(callbacks[victim]));
            };
            const auto callback = [&](std::size_t i) {
                log("callback " + std::to_string(i));
                if (i == striker) log("removes " + remove());
            };
            for (std::size_t i = 0; i < 3; ++i) {
                callbacks.push_back(future.add_done_callback(callback, i));
            }
            if (striker == victim) log("before: " + remove());
            future.set_result();
            log("after: " + remove());
            co_await turns(2);
        }
    }
}

SCENARIO("done-callbacks and who awaits: told in the order in which they came, over every end") {
    const auto waiter = [](std::string name, Future<int> future) -> Coro<> {
        log(name + ": " + co_await attempt(future));
    };
    using End = void (*)(const Future<int>&);
    constexpr End ends[] = {
        [](const Future<int>& future) { future.set_result(1); },
        [](const Future<int>& future) { future.cancel("enough"); },
        [](const Future<int>& future) { future.set_exception(ValueError("bad")); },
    };
    for (const End end : ends) {
        count_anew();
        const Future<int> future;
        future.add_done_callback([] { log("callback a"); });
        std::vector<Task<>> tasks;
        tasks.push_back(create_task(waiter("b", future)));
        co_await turns(1);
        future.add_done_callback([] { log("callback c"); });
        tasks.push_back(create_task(waiter("d", future)));
        co_await turns(1);
        end(future);
        log_end("future", future);
        tasks.push_back(create_task(waiter("e", future)));
        future.add_done_callback([] { log("callback f"); });
        co_await wait(tasks);
    }
}

int main() { return run_all(); }
