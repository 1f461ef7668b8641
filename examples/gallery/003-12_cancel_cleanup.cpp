// SPDX-License-Identifier: MIT
// A cancelled task cleans up and throws again. Tutorial 003, 取消任务 (Cancellation).
#include <asyncio/asyncio.h>

#include <iostream>

using namespace std::chrono_literals;

asyncio::Coro<> my_task() {
    try {
        while (true) {
            std::cout << "任务运行中...\n";
            co_await asyncio::sleep(1s);
        }
    } catch (const asyncio::CancelledError&) {
        std::cout << "任务被取消，正在清理...\n";
        // 执行清理操作
        throw; // 重新抛出 CancelledError 很重要
    }
}

asyncio::Coro<> main_() {
    auto task = asyncio::create_task(my_task());
    co_await asyncio::sleep(3s);
    task.cancel();
    try {
        co_await task;
    } catch (const asyncio::CancelledError&) {
        std::cout << "主协程捕获到任务取消\n";
    }
}

int main() { asyncio::run(main_()); }
