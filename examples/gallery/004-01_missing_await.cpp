// SPDX-License-Identifier: MIT
// sleep() without co_await does not wait. Tutorial 004, 忘记 await.
#include <asyncio/asyncio.h>

#include <cstdio>
#include <tuple>

using namespace std::chrono_literals;

double seconds_since(asyncio::TimePoint start) {
    return asyncio::Seconds(asyncio::Clock::now() - start).count();
}

asyncio::Coro<> main_() {
    // 错误
    auto start = asyncio::Clock::now();
    std::ignore = asyncio::sleep(1s); // without std::ignore the compiler warns of it
    std::printf("错误: 等待了 %.2f 秒\n", seconds_since(start));

    // 正确
    start = asyncio::Clock::now();
    co_await asyncio::sleep(1s);
    std::printf("正确: 等待了 %.2f 秒\n", seconds_since(start));
}

int main() { asyncio::run(main_()); }
