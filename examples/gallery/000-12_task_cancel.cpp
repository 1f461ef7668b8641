// SPDX-License-Identifier: MIT
// A cancelled task sees CancelledError, who awaits it too. Tutorial 000, 任务取消与异常处理.
#include <asyncio/asyncio.h>

#include <iostream>

using namespace std::chrono_literals;

asyncio::Coro<> long_task() {
    try {
        co_await asyncio::sleep(5s);
    } catch (const asyncio::CancelledError&) {
        std::cout << "Task was cancelled\n";
        throw;
    }
}

asyncio::Coro<> main_() {
    auto t = asyncio::create_task(long_task());
    co_await asyncio::sleep(1s);
    t.cancel();
    try {
        co_await t;
    } catch (const asyncio::CancelledError&) {
        std::cout << "Handled cancellation\n";
    }
}

int main() { asyncio::run(main_()); }
