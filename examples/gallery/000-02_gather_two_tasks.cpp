// SPDX-License-Identifier: MIT
// Two coroutines at the same time: 2 s, not 3. Tutorial 000, 示例二：并发运行多个任务.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>

using namespace std::chrono_literals;

asyncio::Coro<> task(std::string name, asyncio::Duration delay) {
    std::cout << "Task " << name << " start\n";
    co_await asyncio::sleep(delay);
    std::cout << "Task " << name << " end\n";
}

asyncio::Coro<> main_() { co_await asyncio::gather(task("A", 2s), task("B", 1s)); }

int main() { asyncio::run(main_()); }
