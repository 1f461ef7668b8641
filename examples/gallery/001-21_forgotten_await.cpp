// SPDX-License-Identifier: MIT
// A coroutine that is not awaited never runs. Tutorial 001, 陷阱1: 忘记 await.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>
#include <type_traits>

asyncio::Coro<std::string> fetch() {
    std::cout << "fetch 的函数体执行了\n";
    co_return "data";
}

asyncio::Coro<> main_() {
    auto forgotten = fetch(); // ❌ 返回协程对象,不是结果
    static_assert(std::is_same_v<decltype(forgotten), asyncio::Coro<std::string>>);
    std::cout << "忘记 await, 得到: coroutine\n";
    auto result = co_await fetch(); // ✅ 正确
    std::cout << "使用 await, 得到: " << result << '\n';
}

int main() { asyncio::run(main_()); }
