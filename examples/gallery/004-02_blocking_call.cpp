// SPDX-License-Identifier: MIT
// Two blocking sleeps take 2 s, two awaited ones 1 s. Tutorial 004, 在协程中使用阻塞 I/O.
#include <asyncio/asyncio.h>

#include <cstdio>
#include <thread>

using namespace std::chrono_literals;

double seconds_since(asyncio::TimePoint start) {
    return asyncio::Seconds(asyncio::Clock::now() - start).count();
}

asyncio::Coro<> wrong() {
    // 错误
    std::this_thread::sleep_for(1s);
    co_return;
}

asyncio::Coro<> right() {
    // 正确
    co_await asyncio::sleep(1s);
}

asyncio::Coro<> main_() {
    auto start = asyncio::Clock::now();
    co_await asyncio::gather(wrong(), wrong());
    std::printf("错误: 两个协程共耗时 %.2f 秒\n", seconds_since(start));

    start = asyncio::Clock::now();
    co_await asyncio::gather(right(), right());
    std::printf("正确: 两个协程共耗时 %.2f 秒\n", seconds_since(start));
}

int main() { asyncio::run(main_()); }
