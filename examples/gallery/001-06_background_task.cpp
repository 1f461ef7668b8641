// SPDX-License-Identifier: MIT
// A background task, cancelled after three rounds. Tutorial 001, 模式2: create_task - 后台任务.
#include <asyncio/asyncio.h>

#include <iostream>

using namespace std::chrono_literals;

asyncio::Coro<> background() {
    while (true) {
        std::cout << "后台运行...\n";
        co_await asyncio::sleep(1s);
    }
}

asyncio::Coro<> main_() {
    // 创建后台任务(立即开始)
    auto task = asyncio::create_task(background());

    co_await asyncio::sleep(3s);
    task.cancel(); // 取消任务
}

int main() { asyncio::run(main_()); }
