// SPDX-License-Identifier: MIT
// Two coroutines awaited in turn: 3 s. Tutorial 003, async 和 await.
#include <asyncio/asyncio.h>

#include <ctime>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

std::string clock_time() {
    char text[] = "hh:mm:ss";
    const std::time_t now = std::time(nullptr);
    std::strftime(text, sizeof text, "%X", std::localtime(&now));
    return text;
}

asyncio::Coro<std::string> say_after(asyncio::Duration delay, std::string what) {
    co_await asyncio::sleep(delay); // asyncio::sleep 是一个异步函数，模拟 I/O 操作
    std::cout << what << '\n';
    co_return what + " done";
}

asyncio::Coro<> main_() {
    std::cout << "开始于 " << clock_time() << '\n';

    // 调用协程函数返回一个协程对象
    auto coro1 = say_after(1s, "hello");
    auto coro2 = say_after(2s, "world");

    // 使用 co_await 来执行协程并等待其完成
    // 注意：直接 co_await 协程对象是可以的，但通常我们会用 Task 来并发执行
    auto result1 = co_await coro1;
    auto result2 = co_await coro2;

    std::cout << result1 << '\n';
    std::cout << result2 << '\n';

    std::cout << "结束于 " << clock_time() << '\n';
}

int main() { asyncio::run(main_()); }
