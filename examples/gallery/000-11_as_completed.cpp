// SPDX-License-Identifier: MIT
// Results in the order of completion. Tutorial 000, as_completed 获取最早完成的结果.
#include <asyncio/asyncio.h>

#include <array>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

asyncio::Coro<std::string> task(int n) {
    co_await asyncio::sleep(n * 1s);
    co_return "Task " + std::to_string(n) + " done";
}

asyncio::Coro<> main_() {
    std::array tasks{task(3), task(1), task(2)};
    for (auto&& coro : asyncio::as_completed(std::move(tasks))) {
        auto result = co_await coro;
        std::cout << result << '\n';
    }
}

int main() { asyncio::run(main_()); }
