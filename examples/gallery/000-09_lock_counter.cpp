// SPDX-License-Identifier: MIT
// A lock keeps ten read-modify-writes apart. Tutorial 000, Lock 避免竞争.
#include <asyncio/asyncio.h>

#include <iostream>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<> safe_increment(asyncio::Lock& lock, int& counter) {
    auto guard = co_await lock.scoped();
    int tmp = counter;
    co_await asyncio::sleep(0.1s);
    counter = tmp + 1;
}

asyncio::Coro<> main_() {
    asyncio::Lock lock;
    int counter = 0;
    std::vector<asyncio::Coro<>> tasks;
    for (int i = 0; i < 10; ++i) tasks.push_back(safe_increment(lock, counter));
    co_await asyncio::gather(std::move(tasks));
    std::cout << "Counter: " << counter << '\n';
}

int main() { asyncio::run(main_()); }
