// SPDX-License-Identifier: MIT
// One coroutine that sleeps. Tutorial 000, 示例一：Hello World.
#include <asyncio/asyncio.h>

#include <iostream>

using namespace std::chrono_literals;

asyncio::Coro<> hello() {
    std::cout << "Hello\n";
    co_await asyncio::sleep(1s);
    std::cout << "World\n";
}

int main() { asyncio::run(hello()); }
