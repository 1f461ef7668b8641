// SPDX-License-Identifier: MIT
// run() from an ordinary function. Tutorial 001, 同步调用异步.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>

using namespace std::chrono_literals;

asyncio::Coro<std::string> async_func() {
    co_await asyncio::sleep(1s);
    co_return "异步结果";
}

void sync_func() {
    // 在同步代码中运行异步函数
    auto result = asyncio::run(async_func());
    std::cout << result << '\n';
}

int main() { sync_func(); }
