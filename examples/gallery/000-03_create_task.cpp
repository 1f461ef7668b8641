// SPDX-License-Identifier: MIT
// A task that is awaited. Tutorial 000, 示例三：create_task.
#include <asyncio/asyncio.h>

#include <iostream>

using namespace std::chrono_literals;

asyncio::Coro<> work() {
    std::cout << "Working...\n";
    co_await asyncio::sleep(2s);
    std::cout << "Done\n";
}

asyncio::Coro<> main_() {
    auto task = asyncio::create_task(work());
    co_await task;
}

int main() { asyncio::run(main_()); }
