// SPDX-License-Identifier: MIT
// Tutorial, chapter 2: timeouts, cancellation, clean-up, task groups.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>

using namespace std::chrono_literals;

// [wait_for]
asyncio::Coro<> impatient() {
    try {
        co_await asyncio::wait_for(asyncio::sleep(3600s), 0.1s);
    } catch (const asyncio::TimeoutError&) {
        std::cout << "no answer in time\n";
    }
}
// [/wait_for]

// [timeout]
asyncio::Coro<> several_steps_in_time() {
    co_await asyncio::timeout(1s, [](asyncio::Timeout& limit) -> asyncio::Coro<> {
        co_await asyncio::sleep(0.1s);
        limit.reschedule(asyncio::get_running_loop().time() + 1s); // the rest gets a new second
        co_await asyncio::sleep(0.1s);
        std::cout << "both steps were in time\n";
    });
}
// [/timeout]

// [cancel]
asyncio::Coro<> worker() {
    try {
        for (;;) co_await asyncio::sleep(0.05s);
    } catch (const asyncio::CancelledError&) {
        std::cout << "worker: tidying up\n";
        throw; // or the task would count as finished, not as cancelled
    }
}

asyncio::Coro<> stop_a_worker() {
    auto task = asyncio::create_task(worker());
    co_await asyncio::sleep(0.12s);
    task.cancel();
    auto end = co_await asyncio::outcome(task); // how it ended, as a value: nothing is thrown
    std::cout << "cancelled: " << std::boolalpha << end.cancelled() << '\n';
}
// [/cancel]

// [finally]
asyncio::Coro<> close_politely(std::string name) {
    co_await asyncio::sleep(0.05s); // cleaning up may wait, too
    std::cout << name << " is closed\n";
}

asyncio::Coro<> with_clean_up() {
    auto work = asyncio::finally_(asyncio::sleep(10s), [] { return close_politely("connection"); });
    auto end = co_await asyncio::outcome(asyncio::wait_for(std::move(work), 0.1s));
    std::cout << "timed out: " << asyncio::is_exception<asyncio::TimeoutError>(end.exception())
              << '\n';
}
// [/finally]

// [group]
asyncio::Coro<> fetch(std::string name, asyncio::Duration time) {
    co_await asyncio::sleep(time);
    if (name == "bad") throw asyncio::ValueError("no such page: " + name);
    std::cout << "fetched " << name << '\n';
}

asyncio::Coro<> all_or_nothing() {
    try {
        co_await asyncio::task_group([](asyncio::TaskGroup& group) -> asyncio::Coro<> {
            group.create_task(fetch("quick", 0.05s));
            group.create_task(fetch("bad", 0.1s));
            group.create_task(fetch("slow", 10s)); // is cancelled when "bad" fails
            co_return;
        });
    } catch (const asyncio::ExceptionGroup& errors) {
        auto rest = errors.handle<asyncio::ValueError>(
            [](const asyncio::ValueError& error) { std::cout << error.what() << '\n'; });
        if (rest) throw *rest; // what was no ValueError
    }
}
// [/group]

asyncio::Coro<> main_() {
    co_await impatient();
    co_await several_steps_in_time();
    co_await stop_a_worker();
    co_await with_clean_up();
    co_await all_or_nothing();
}

int main() { asyncio::run(main_()); }
