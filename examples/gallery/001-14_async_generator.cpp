// SPDX-License-Identifier: MIT
// A coroutine that yields. Tutorial 001, 异步生成器.
#include <asyncio/asyncio.h>

#include <iostream>

using namespace std::chrono_literals;

asyncio::AsyncGenerator<int> async_range(int n) {
    for (int i = 0; i < n; ++i) {
        co_await asyncio::sleep(0.1s);
        co_yield i;
    }
}

asyncio::Coro<> main_() {
    auto numbers = async_range(5);
    while (auto num = co_await numbers.next()) {
        std::cout << *num << '\n';
    }
}

int main() { asyncio::run(main_()); }
