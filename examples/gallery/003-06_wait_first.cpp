// SPDX-License-Identifier: MIT
// The first task done, the others cancelled. Tutorial 003, asyncio.wait(), 等待第一个任务完成.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>
#include <vector>

#include "python_repr.h"

using namespace std::chrono_literals;

asyncio::Coro<std::string> my_coro(asyncio::Duration delay, std::string name) {
    co_await asyncio::sleep(delay);
    std::cout << name << " 完成\n";
    co_return name + " result";
}

asyncio::Coro<> main_() {
    std::vector tasks{
        asyncio::create_task(my_coro(1s, "Task 1")),
        asyncio::create_task(my_coro(3s, "Task 2")),
        asyncio::create_task(my_coro(0.5s, "Task 3")),
    };

    // 等待第一个任务完成
    auto first = co_await asyncio::wait(tasks, asyncio::FIRST_COMPLETED);
    std::cout << "\n第一个完成的任务:\n";
    for (auto& task : first.done) {
        std::cout << " - " << task.result() << '\n';
    }
    for (auto& task : first.pending) { // 取消未完成的任务
        task.cancel();
    }

    co_await asyncio::gather_outcomes(first.pending);
    std::vector<bool> cancelled;
    for (auto& task : tasks) cancelled.push_back(task.cancelled());
    std::cout << "已取消: " << python::repr(cancelled) << '\n';
}

int main() { asyncio::run(main_()); }
