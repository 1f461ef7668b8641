// SPDX-License-Identifier: MIT
// An exception that is not handled ends the task and stays in it. Tutorial 004, 没有处理异常.
#include <asyncio/asyncio.h>

#include <iostream>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<> risky_operation() {
    co_await asyncio::sleep(0.1s);
    throw asyncio::RuntimeError("连接失败");
}

asyncio::Coro<> wrong() {
    // 错误
    co_await risky_operation();
    std::cout << "这一行不会执行\n";
}

asyncio::Coro<> right() {
    // 正确
    try {
        co_await risky_operation();
    } catch (const std::exception& e) {
        std::cout << "操作失败: " << e.what() << '\n';
    }
    std::cout << "继续执行\n";
}

asyncio::Coro<> main_() {
    auto task = asyncio::create_task(wrong());
    co_await asyncio::wait(std::vector(1, task));
    std::cout << "任务中的异常: " << asyncio::repr(task.exception()) << '\n';
    co_await right();
}

int main() { asyncio::run(main_()); }
