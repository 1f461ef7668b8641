// SPDX-License-Identifier: MIT
// Two tasks at the same time: 2 s, not 3. Tutorial 003, 任务 (Tasks).
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
    co_await asyncio::sleep(delay);
    std::cout << what << '\n';
    co_return what + " processed";
}

asyncio::Coro<> main_() {
    std::cout << "开始于 " << clock_time() << '\n';

    // 创建任务，任务会立即开始调度（但不是立即执行完毕）
    auto task1 = asyncio::create_task(say_after(1s, "hello"));
    auto task2 = asyncio::create_task(say_after(2s, "world"));

    // 等待任务完成并获取结果
    // co_await 会暂停 main_ 协程，直到 task1 完成
    auto result1 = co_await task1;
    std::cout << "Task 1 返回: " << result1 << '\n';

    // co_await 会暂停 main_ 协程，直到 task2 完成
    auto result2 = co_await task2;
    std::cout << "Task 2 返回: " << result2 << '\n';

    std::cout << "结束于 " << clock_time() << '\n';
}

int main() { asyncio::run(main_()); }
