// SPDX-License-Identifier: MIT
// Two tasks at the same time: 2 s. Tutorial 002, 串行 vs 并发 - 正确的并发（使用 Task）.
#include <asyncio/asyncio.h>

#include <cstdio>
#include <string>

using namespace std::chrono_literals;

asyncio::Coro<> do_work(std::string name, asyncio::Duration delay) {
    std::printf("%s 开始工作\n", name.c_str());
    co_await asyncio::sleep(delay);
    std::printf("%s 完成工作\n", name.c_str());
}

asyncio::Coro<> main_() {
    auto start = asyncio::Clock::now();

    // 1. 创建任务：这相当于告诉 Loop "你去后台运行这两个任务"
    auto task1 = asyncio::create_task(do_work("A", 2s));
    auto task2 = asyncio::create_task(do_work("B", 2s));

    std::printf("任务已创建，正在后台运行...\n");

    // 2. 等待结果：此时 task1 和 task2 已经在同时也运行了
    co_await task1;
    co_await task2;

    asyncio::Seconds elapsed = asyncio::Clock::now() - start;
    std::printf("总耗时: %.2f 秒\n", elapsed.count()); // 结果是 2 秒
}

int main() { asyncio::run(main_()); }
