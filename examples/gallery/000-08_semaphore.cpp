// SPDX-License-Identifier: MIT
// Five jobs of 2 s, two at a time. Tutorial 000, Semaphore 控制并发.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<> limited_task(std::string name, asyncio::Semaphore& sem) {
    auto guard = co_await sem.scoped();
    std::cout << name << " acquired\n";
    co_await asyncio::sleep(2s);
    std::cout << name << " released\n";
}

asyncio::Coro<> main_() {
    asyncio::Semaphore sem(2);
    std::vector<asyncio::Coro<>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(limited_task("Task" + std::to_string(i), sem));
    co_await asyncio::gather(std::move(tasks));
}

int main() { asyncio::run(main_()); }
