// SPDX-License-Identifier: MIT
// A coroutine cut off after 3 s. Tutorial 001, 超时控制.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>

using namespace std::chrono_literals;

asyncio::Coro<std::string> slow_operation() {
    co_await asyncio::sleep(10s);
    co_return "完成";
}

asyncio::Coro<> main_() {
    try {
        auto result = co_await asyncio::wait_for(slow_operation(), 3s);
        std::cout << result << '\n';
    } catch (const asyncio::TimeoutError&) {
        std::cout << "操作超时!\n";
    }
}

int main() { asyncio::run(main_()); }
