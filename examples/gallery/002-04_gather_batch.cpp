// SPDX-License-Identifier: MIT
// A list of coroutines, then three more: 5 s. Tutorial 002, 批量管理 (Gather).
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>
#include <vector>

#include "python_repr.h"

using namespace std::chrono_literals;

asyncio::Coro<> do_work(std::string name, asyncio::Duration delay) {
    std::cout << name << " 开始工作\n";
    co_await asyncio::sleep(delay);
    std::cout << name << " 完成工作\n";
}

asyncio::Coro<> main_() {
    // 创建一个任务列表
    std::vector<asyncio::Coro<>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(do_work("Worker-" + std::to_string(i), 1s));

    // gather 会自动调度这些协程，并收集所有结果
    // 它会并发运行列表里的所有任务
    auto results = co_await asyncio::gather(std::move(tasks));

    co_await asyncio::gather(do_work("A", 2s), do_work("B", 3s), do_work("C", 4s));

    // results 是一个列表，包含了每个协程的返回值
    std::cout << "所有任务完成\n";
    std::cout << python::repr(results) << '\n';
}

int main() { asyncio::run(main_()); }
