// SPDX-License-Identifier: MIT
// A coroutine cut off after 2 s. Tutorial 000, 示例五：超时控制.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>

using namespace std::chrono_literals;

asyncio::Coro<std::string> slow() {
    co_await asyncio::sleep(5s);
    co_return "done";
}

asyncio::Coro<> main_() {
    try {
        co_await asyncio::wait_for(slow(), 2s);
    } catch (const asyncio::TimeoutError&) {
        std::cout << "Task timeout!\n";
    }
}

int main() { asyncio::run(main_()); }
