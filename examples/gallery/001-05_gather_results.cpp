// SPDX-License-Identifier: MIT
// Results in the order of the arguments: 3 s, not 6. Tutorial 001, 模式1: gather.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>

#include "python_repr.h"

using namespace std::chrono_literals;

asyncio::Coro<std::string> task(std::string name, asyncio::Duration delay) {
    co_await asyncio::sleep(delay);
    co_return "结果_" + name;
}

asyncio::Coro<> main_() {
    // 同时运行 3 个任务
    auto results = co_await asyncio::gather(task("A", 2s), task("B", 1s), task("C", 3s));
    std::cout << python::repr(results) << '\n'; // ['结果_A', '结果_B', '结果_C']
}

int main() { asyncio::run(main_()); }
