// SPDX-License-Identifier: MIT
// The first of two tasks to finish. Tutorial 000, 示例四：等待第一个完成.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<std::string> foo() {
    co_await asyncio::sleep(2s);
    co_return "foo done";
}

asyncio::Coro<std::string> bar() {
    co_await asyncio::sleep(1s);
    co_return "bar done";
}

asyncio::Coro<> main_() {
    std::vector tasks{asyncio::create_task(foo()), asyncio::create_task(bar())};
    auto result = co_await asyncio::wait(tasks, asyncio::FIRST_COMPLETED);
    for (auto& d : result.done) {
        std::cout << co_await d << '\n';
    }
}

int main() { asyncio::run(main_()); }
