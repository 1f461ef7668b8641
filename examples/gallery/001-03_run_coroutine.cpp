// SPDX-License-Identifier: MIT
// run() twice, and await inside a coroutine. Tutorial 001, 定义协程, 运行协程.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>

using namespace std::chrono_literals;

// 返回 Coro 的函数就是协程函数
asyncio::Coro<std::string> fetch_data() {
    co_await asyncio::sleep(1s); // co_await 等待异步操作
    co_return "data";
}

// 方式2: co_await - 在异步函数内
asyncio::Coro<> main_() {
    auto result = co_await fetch_data();
    std::cout << result << '\n';
}

int main() {
    // 方式1: asyncio::run() - 主入口(推荐)
    asyncio::run(fetch_data());

    asyncio::run(main_());
}
