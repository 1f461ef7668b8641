// SPDX-License-Identifier: MIT
// A future that another task completes. Tutorial 003, Futures.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>

using namespace std::chrono_literals;

asyncio::Coro<> set_after(asyncio::Future<std::string> fut, asyncio::Duration delay,
                          std::string value) {
    co_await asyncio::sleep(delay);
    fut.set_result(value); // 设置 Future 的结果
}

asyncio::Coro<> main_() {
    auto& loop = asyncio::get_running_loop();
    auto fut = loop.create_future<std::string>(); // 创建一个 Future 对象

    // 调度一个协程来设置 Future 的结果
    asyncio::create_task(set_after(fut, 1s, "... Future 结果 ..."));

    std::cout << "等待 Future...\n";
    auto result = co_await fut; // 等待 Future 完成并获取结果
    std::cout << result << '\n';
}

int main() { asyncio::run(main_()); }
