// SPDX-License-Identifier: MIT
// One coroutine that sleeps. Tutorial 002, 定义与运行.
#include <asyncio/asyncio.h>

#include <iostream>

using namespace std::chrono_literals;

// 1. 定义协程：返回 asyncio::Coro 的函数
asyncio::Coro<> say_hello() {
    std::cout << "开始...\n";
    // 2. 让出控制权：模拟IO操作（比如网络请求），
    //    这里必须用 asyncio::sleep，不能用 std::this_thread::sleep_for
    co_await asyncio::sleep(1s);
    std::cout << "...结束\n";
}

// 3. 入口点
int main() {
    // asyncio::run() 负责创建 Loop，运行协程，最后关闭 Loop
    asyncio::run(say_hello());
}
