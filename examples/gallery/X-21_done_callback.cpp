// SPDX-License-Identifier: MIT
// Callbacks of tasks and of the loop, and the order in which they run. Tutorial 003.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>
#include <vector>

#include "python_repr.h"

using namespace std::chrono_literals;

void report(std::string prefix, asyncio::Task<int> task) {
    std::cout << prefix << ": " << task.get_name();
    if (task.cancelled()) {
        std::cout << " cancelled\n";
    } else if (task.exception()) {
        std::cout << " failed: " << asyncio::message_of(task.exception()) << '\n';
    } else {
        std::cout << " -> " << task.result() << '\n';
    }
}

asyncio::Coro<int> good() { co_return 42; }

asyncio::Coro<int> bad() {
    throw asyncio::ValueError("handled in a callback");
    co_return 0;
}

asyncio::Coro<int> endless() {
    co_await asyncio::sleep(1h);
    co_return 0;
}

void forgotten(asyncio::Task<int>) { std::cout << "this is not called\n"; }

void print(std::string text) { std::cout << text << '\n'; }

asyncio::Coro<> main_() {
    auto& loop = asyncio::get_running_loop();
    std::vector tasks{asyncio::create_task(good(), "good"), asyncio::create_task(bad(), "bad"),
                      asyncio::create_task(endless(), "endless")};
    for (auto& t : tasks) {
        t.add_done_callback(report, "first");
        auto id = t.add_done_callback(forgotten);
        t.add_done_callback(report, "second");
        std::cout << "removed: " << t.remove_done_callback(id) << '\n';
    }
    co_await asyncio::sleep(0.05s);
    tasks[2].cancel();
    co_await asyncio::wait(tasks);
    co_await asyncio::sleep(0s);

    tasks[0].add_done_callback(report, "late");
    std::cout << "a callback added after the end does not run at once\n";
    co_await asyncio::sleep(0s);

    loop.call_later(0.2s, print, "call_later 0.2");
    loop.call_later(0.1s, print, "call_later 0.1");
    loop.call_at(loop.time() + 150ms, print, "call_at 0.15");
    auto handle = loop.call_later(0.05s, print, "this is not called");
    handle.cancel();
    loop.call_soon(print, "call_soon 1");
    loop.call_soon(print, "call_soon 2");
    std::cout << "handle cancelled: " << python::repr(handle.cancelled()) << '\n';
    co_await asyncio::sleep(0.3s);
}

int main() { asyncio::run(main_()); }
