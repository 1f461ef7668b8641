// SPDX-License-Identifier: MIT
// The program of README.md: two pieces of work at once, and one that takes too long.
// [program]
#include <asyncio/asyncio.h>

#include <iostream>

using namespace std::chrono_literals;

asyncio::Coro<std::string> work(std::string name, asyncio::Duration delay) {
    co_await asyncio::sleep(delay);
    co_return "result_" + name;
}

asyncio::Coro<> main_() {
    auto results = co_await asyncio::gather(work("A", 2s), work("B", 1s)); // 2 s, not 3
    std::cout << std::get<0>(results) << ' ' << std::get<1>(results) << '\n';
    try {
        co_await asyncio::wait_for(work("C", 10s), 1s);
    } catch (const asyncio::TimeoutError&) {
        std::cout << "timeout\n";
    }
}

int main() { asyncio::run(main_()); }
// [/program]
