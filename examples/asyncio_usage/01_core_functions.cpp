// SPDX-License-Identifier: MIT
// 核心函数: run, create_task, gather, wait, wait_for, as_completed, shield, timeout, TaskGroup and
// cancellation, a numbered section each. Tutorial 004, asyncio 使用指南.
#include <asyncio/asyncio.h>

#include <array>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<std::string> work(std::string name, asyncio::Duration delay) {
    co_await asyncio::sleep(delay);
    co_return name + " is done";
}

asyncio::Coro<std::string> fail(std::string name, asyncio::Duration delay) {
    co_await asyncio::sleep(delay);
    throw std::runtime_error(name + " has failed");
}

// Works for a second; says so when it is cancelled.
asyncio::Coro<> careful_work(std::string name) {
    try {
        co_await asyncio::sleep(1s);
        std::printf("   %s: finished\n", name.c_str());
    } catch (const asyncio::CancelledError&) {
        std::printf("   %s: cancelled\n", name.c_str());
        throw; // or it would count as finished
    }
}

// Prints how long its scope took.
class Stopwatch {
public:
    ~Stopwatch() {
        asyncio::Seconds elapsed = asyncio::Clock::now() - start_;
        std::printf("   took %.1f s\n", elapsed.count());
    }

private:
    asyncio::TimePoint start_ = asyncio::Clock::now();
};

asyncio::Coro<> awaiting() {
    std::puts("\n2. co_await: one after the other");
    Stopwatch stopwatch;
    for (int i = 1; i <= 2; ++i) {
        auto text = co_await work("step " + std::to_string(i), 0.1s);
        std::printf("   %s\n", text.c_str());
    }
}

asyncio::Coro<> tasks() {
    std::puts("\n3. create_task: both at the same time");
    Stopwatch stopwatch;
    auto first = asyncio::create_task(work("first", 0.1s));
    auto second = asyncio::create_task(work("second", 0.1s), "the second task");
    std::printf("   created, not started: %s is %s\n", second.get_name().c_str(),
                second.done() ? "done" : "pending");
    co_await first;
    co_await second;
    std::printf("   %s, %s\n", first.result().c_str(), second.result().c_str());
}

asyncio::Coro<> gathering() {
    std::puts("\n4. gather: all results, in the order of the arguments");
    Stopwatch stopwatch;
    auto results = co_await asyncio::gather(work("slow", 0.2s), work("quick", 0.1s));
    auto& [slow, quick] = results;
    std::printf("   %s, %s\n", slow.c_str(), quick.c_str());

    std::puts("   gather_outcomes: failures are values too");
    std::array jobs{work("good", 0.1s), fail("bad", 0.1s)};
    auto outcomes = co_await asyncio::gather_outcomes(std::move(jobs));
    for (auto& outcome : outcomes) {
        auto text = outcome ? outcome.value() : asyncio::repr(outcome.exception());
        std::printf("   %s\n", text.c_str());
    }
}

asyncio::Coro<> waiting() {
    std::puts("\n5. wait: until the first is done, or for some time; it cancels nothing");
    std::vector tasks{asyncio::create_task(work("a", 0.1s)), asyncio::create_task(work("b", 0.2s)),
                      asyncio::create_task(work("c", 0.5s))};
    auto result = co_await asyncio::wait(tasks, asyncio::FIRST_COMPLETED);
    std::printf("   FIRST_COMPLETED: %zu done, %zu pending\n", result.done.size(),
                result.pending.size());
    result = co_await asyncio::wait(tasks, asyncio::WaitOptions().timeout(0.2s));
    std::printf("   0.2 s later: %zu done, %zu pending\n", result.done.size(),
                result.pending.size());
    result = co_await asyncio::wait(tasks);
    std::printf("   ALL_COMPLETED: %zu done, %zu pending\n", result.done.size(),
                result.pending.size());
}

asyncio::Coro<> limiting() {
    std::puts("\n6. wait_for: a limit for one awaitable");
    auto text = co_await asyncio::wait_for(work("in time", 0.1s), 1s);
    std::printf("   %s\n", text.c_str());
    try {
        co_await asyncio::wait_for(careful_work("too slow"), 0.1s);
    } catch (const asyncio::TimeoutError&) {
        std::puts("   TimeoutError, and nothing of the work is left");
    }
}

asyncio::Coro<> completing() {
    std::puts("\n7. as_completed: whatever is done first comes first");
    std::array jobs{work("0.3 s", 0.3s), work("0.1 s", 0.1s), work("0.2 s", 0.2s)};
    for (auto&& next : asyncio::as_completed(std::move(jobs))) {
        auto text = co_await next;
        std::printf("   %s\n", text.c_str());
    }
}

asyncio::Coro<> shielding() {
    std::puts("\n8. shield: the waiting can be cancelled, the work goes on");
    auto important = asyncio::create_task(work("the important work", 0.2s));
    try {
        co_await asyncio::wait_for(asyncio::shield(important), 0.1s);
    } catch (const asyncio::TimeoutError&) {
        std::printf("   waited for 0.1 s; cancelled: %s\n", important.cancelled() ? "yes" : "no");
    }
    co_await important;
    std::printf("   %s\n", important.result().c_str());
}

asyncio::Coro<> timing_out() {
    std::puts("\n9. timeout: a limit for a whole block, which can be moved");
    try {
        co_await asyncio::timeout(0.1s, [](asyncio::Timeout& limit) -> asyncio::Coro<> {
            limit.reschedule(asyncio::get_running_loop().time() + 250ms);
            for (int i = 1;; ++i) {
                co_await asyncio::sleep(0.1s);
                std::printf("   round %d\n", i);
            }
        });
    } catch (const asyncio::TimeoutError&) {
        std::puts("   TimeoutError after 0.25 s");
    }
}

asyncio::Coro<> grouping() {
    std::puts("\n10. TaskGroup: no task outlives the block");
    co_await asyncio::task_group([](asyncio::TaskGroup& group) -> asyncio::Coro<> {
        group.create_task(careful_work("child 1"));
        group.create_task(careful_work("child 2"));
        std::puts("   the body has ended, the group waits");
        co_return;
    });

    std::puts("   a failure cancels the others:");
    try {
        co_await asyncio::task_group([](asyncio::TaskGroup& group) -> asyncio::Coro<> {
            group.create_task(careful_work("child 3"));
            group.create_task(fail("child 4", 0.1s));
            co_return;
        });
    } catch (const asyncio::ExceptionGroup& errors) {
        for (auto& error : errors.exceptions()) {
            std::printf("   ExceptionGroup with %s\n", asyncio::repr(error).c_str());
        }
    }
}

asyncio::Coro<> cancelling() {
    std::puts("\n11. cancel: a request that the task sees at its await");
    auto task = asyncio::create_task(careful_work("the task"));
    co_await asyncio::sleep(0.1s);
    task.cancel("the user has gone");
    std::printf("   requested: %d, done: %s\n", task.cancelling(), task.done() ? "yes" : "no");
    try {
        co_await task;
    } catch (const asyncio::CancelledError& e) {
        std::printf("   done: %s, why: %s\n", task.done() ? "yes" : "no", e.message().c_str());
    }

    std::puts("   finally_: cleaning up that itself waits");
    auto tidy = asyncio::create_task(asyncio::finally_(asyncio::sleep(1s), []() -> asyncio::Coro<> {
        co_await asyncio::sleep(0.1s);
        std::puts("   cleaned up");
    }));
    co_await asyncio::sleep(0s); // it starts
    tidy.cancel();
    auto outcome = co_await asyncio::outcome(tidy); // a value and no throw, however it ended
    std::printf("   cancelled: %s\n", outcome.cancelled() ? "yes" : "no");
}

asyncio::Coro<> looking() {
    std::puts("\n12. The loop: who runs, and what is to run later");
    auto& loop = asyncio::get_running_loop();
    auto child = asyncio::create_task(work("child", 0.1s), "child");
    std::printf("   current_task: %s; all_tasks: %zu\n", asyncio::current_task().get_name().c_str(),
                asyncio::all_tasks().size());
    loop.call_later(0.05s, [] { std::puts("   call_later: 0.05 s have passed"); });
    loop.call_soon([] { std::puts("   call_soon: in the next turn of the loop"); });
    co_await child;
}

asyncio::Coro<> main_() {
    co_await awaiting();
    co_await tasks();
    co_await gathering();
    co_await waiting();
    co_await limiting();
    co_await completing();
    co_await shielding();
    co_await timing_out();
    co_await grouping();
    co_await cancelling();
    co_await looking();
}

int main() {
    std::puts("1. run: from ordinary code into a coroutine, and back with its result");
    auto text = asyncio::run(work("the first coroutine", 0.1s));
    std::printf("   %s\n", text.c_str());

    asyncio::run(main_());
}
