// SPDX-License-Identifier: MIT
// Two awaits in turn: 4 s. Tutorial 002, 串行 vs 并发 - 错误的并发（仍然是串行）.
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

    // 这样写是串行的！因为 co_await 会阻塞在这里直到函数返回
    co_await do_work("A", 2s);
    co_await do_work("B", 2s);

    asyncio::Seconds elapsed = asyncio::Clock::now() - start;
    std::printf("总耗时: %.2f 秒\n", elapsed.count()); // 结果是 4 秒
}

int main() { asyncio::run(main_()); }
