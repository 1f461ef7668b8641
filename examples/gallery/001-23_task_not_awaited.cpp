// SPDX-License-Identifier: MIT
// A task that nobody waits for ends with its loop. Tutorial 001, 陷阱3: 创建任务后不等待.
#include <asyncio/asyncio.h>

#include <iostream>

using namespace std::chrono_literals;

asyncio::Coro<> task() {
    co_await asyncio::sleep(1s);
    std::cout << "完成\n";
}

asyncio::Coro<> forgetful() {
    asyncio::create_task(task()); // ❌ 可能还没执行就结束了
    co_return;
}

asyncio::Coro<> main_() {
    asyncio::create_task(task()); // ❌ 可能还没执行就结束了

    auto t = asyncio::create_task(task());
    co_await t; // ✅ 等待任务完成
}

int main() {
    asyncio::run(forgetful());
    std::cout << "第一个循环结束\n";
    asyncio::run(main_());
    std::cout << "第二个循环结束\n";
}
