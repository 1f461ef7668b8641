// SPDX-License-Identifier: MIT
// Ten jobs of 1 s, three at a time: 4 s. Tutorial 001, 限制并发数.
#include <asyncio/asyncio.h>

#include <iostream>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<> limited_task(asyncio::Semaphore& semaphore, int n) {
    auto guard = co_await semaphore.scoped();
    std::cout << "任务 " << n << " 开始\n";
    co_await asyncio::sleep(1s);
    std::cout << "任务 " << n << " 完成\n";
}

asyncio::Coro<> main_() {
    // 最多同时运行 3 个任务
    asyncio::Semaphore semaphore(3);

    std::vector<asyncio::Coro<>> tasks;
    for (int i = 0; i < 10; ++i) tasks.push_back(limited_task(semaphore, i));
    co_await asyncio::gather(std::move(tasks));
}

int main() { asyncio::run(main_()); }
