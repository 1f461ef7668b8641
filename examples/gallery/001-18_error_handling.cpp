// SPDX-License-Identifier: MIT
// An exception caught at the await, and two that gather gives back. Tutorial 001, 错误处理.
#include <asyncio/asyncio.h>

#include <array>
#include <iostream>

using namespace std::chrono_literals;

asyncio::Coro<> risky_task() {
    co_await asyncio::sleep(1s);
    throw asyncio::ValueError("出错了!");
}

asyncio::Coro<> main_() {
    // 方式1: try-catch
    try {
        co_await risky_task();
    } catch (const asyncio::ValueError& e) {
        std::cout << "捕获错误: " << e.what() << '\n';
    }

    // 方式2: gather_outcomes 返回异常: 不抛出,返回异常对象
    std::array tasks{risky_task(), risky_task()};
    auto results = co_await asyncio::gather_outcomes(std::move(tasks));

    for (auto& result : results) {
        if (result.has_exception()) {
            std::cout << "任务失败: " << asyncio::message_of(result.exception()) << '\n';
        }
    }
}

int main() { asyncio::run(main_()); }
