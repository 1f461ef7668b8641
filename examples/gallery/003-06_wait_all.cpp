// SPDX-License-Identifier: MIT
// All tasks done. Tutorial 003, asyncio.wait().
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>
#include <vector>

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

    // 等待所有任务完成
    auto result = co_await asyncio::wait(tasks);

    std::cout << "所有任务完成:\n";
    for (auto& task : result.done) {
        std::cout << " - " << task.result() << '\n'; // 获取任务结果
    }
}

int main() { asyncio::run(main_()); }
