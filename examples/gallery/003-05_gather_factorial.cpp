// SPDX-License-Identifier: MIT
// Three coroutines in step, results in order. Tutorial 003, asyncio.gather().
#include <asyncio/asyncio.h>

#include <ctime>
#include <iostream>
#include <string>

#include "python_repr.h"

using namespace std::chrono_literals;

std::string clock_time() {
    char text[] = "hh:mm:ss";
    const std::time_t now = std::time(nullptr);
    std::strftime(text, sizeof text, "%X", std::localtime(&now));
    return text;
}

asyncio::Coro<int> factorial(std::string name, int number) {
    int f = 1;
    for (int i = 2; i <= number; ++i) {
        std::cout << "Task " << name << ": 计算 factorial(" << i << ")...\n";
        co_await asyncio::sleep(0.1s); // 模拟耗时计算
        f *= i;
    }
    std::cout << "Task " << name << ": factorial(" << number << ") = " << f << '\n';
    co_return f;
}

asyncio::Coro<> main_() {
    std::cout << "开始于 " << clock_time() << '\n';
    // 使用 gather 并发运行多个协程
    // gather 会自动将协程包装成 Task
    auto results =
        co_await asyncio::gather(factorial("A", 2), factorial("B", 3), factorial("C", 4));
    std::cout << "所有任务完成于 " << clock_time() << '\n';
    std::cout << "结果: " << python::repr(results) << '\n'; // results 包含各协程返回值
}

int main() { asyncio::run(main_()); }
