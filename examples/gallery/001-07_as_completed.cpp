// SPDX-License-Identifier: MIT
// Results in the order of completion. Tutorial 001, 模式3: as_completed - 先完成先处理.
#include <asyncio/asyncio.h>

#include <array>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

asyncio::Coro<std::string> task(std::string name, asyncio::Duration delay) {
    co_await asyncio::sleep(delay);
    co_return "结果_" + name;
}

asyncio::Coro<> main_() {
    std::array tasks{
        task("A", 3s),
        task("B", 1s),
        task("C", 2s),
    };

    // 按完成顺序处理
    for (auto&& coro : asyncio::as_completed(std::move(tasks))) {
        auto result = co_await coro;
        std::cout << result << '\n'; // B → C → A
    }
}

int main() { asyncio::run(main_()); }
