// SPDX-License-Identifier: MIT
// current_task(), all_tasks(), task names and the states of a task. Tutorial 004, 调试技巧.
#include <asyncio/asyncio.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "python_repr.h"

using namespace std::chrono_literals;

asyncio::Coro<int> child(int n) {
    auto me = asyncio::current_task();
    std::cout << "child " << n << " runs in " << me.get_name() << '\n';
    co_await asyncio::sleep(n * 0.1s);
    if (n == 3) throw asyncio::ValueError("child 3 failed");
    co_return n * 10;
}

std::string state(const asyncio::Task<int>& task) {
    if (!task.done()) return "pending";
    if (task.cancelled()) return "cancelled";
    if (task.exception()) return "failed with " + asyncio::repr(task.exception());
    return "returned " + std::to_string(task.result());
}

asyncio::Coro<> main_() {
    std::cout << "main runs in " << asyncio::current_task().get_name() << '\n';
    std::vector<asyncio::Task<int>> tasks;
    for (int n = 1; n < 5; ++n) {
        auto options = asyncio::TaskOptions().name("child-" + std::to_string(n));
        tasks.push_back(asyncio::create_task(child(n), options));
    }
    std::vector<std::string> states;
    for (auto& t : tasks) states.push_back(state(t));
    std::cout << "before they start: " << python::repr(states) << '\n';
    std::vector<std::string> names;
    for (auto& t : asyncio::all_tasks()) names.push_back(t.get_name());
    std::ranges::sort(names);
    std::cout << "all tasks: " << python::repr(names) << '\n';
    try {
        tasks[0].result();
    } catch (const asyncio::InvalidStateError&) {
        std::cout << "result() of a pending task: InvalidStateError\n";
    }
    co_await asyncio::sleep(0.35s);
    tasks[3].cancel();
    std::cout << "cancelling requests of child-4: " << tasks[3].cancelling() << '\n';
    co_await asyncio::wait(tasks);
    for (auto& t : tasks) std::cout << t.get_name() << ' ' << state(t) << '\n';
    std::cout << "cancel() of a finished task: " << python::repr(tasks[0].cancel()) << '\n';
    tasks[0].set_name("renamed");
    std::cout << tasks[0].get_name() << '\n';
    std::cout << "all tasks at the end: " << asyncio::all_tasks().size() << '\n';
}

int main() {
    asyncio::run(main_());
    try {
        std::cout << to_string(asyncio::current_task()) << '\n';
    } catch (const asyncio::RuntimeError& e) {
        std::cout << "RuntimeError: " << e.what() << '\n';
    }
}
