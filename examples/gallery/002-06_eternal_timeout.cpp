// SPDX-License-Identifier: MIT
// An hour of sleep cut off after 1 s. Tutorial 002, 超时控制 (wait_for).
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>

using namespace std::chrono_literals;

asyncio::Coro<std::string> eternal_task() {
    co_await asyncio::sleep(1h); // 睡一个小时
    co_return "醒了";
}

asyncio::Coro<> main_() {
    try {
        // 如果 1 秒内没做完，就强制抛出 TimeoutError
        co_await asyncio::wait_for(eternal_task(), 1s);
    } catch (const asyncio::TimeoutError&) {
        std::cout << "任务超时了！\n";
    }
}

int main() { asyncio::run(main_()); }
