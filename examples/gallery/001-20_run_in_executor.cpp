// SPDX-License-Identifier: MIT
// A blocking function in the default executor. Tutorial 001, 异步调用同步.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>
#include <thread>

using namespace std::chrono_literals;

std::string blocking_io() {
    std::this_thread::sleep_for(2s); // 阻塞操作
    return "同步结果";
}

asyncio::Coro<> main_() {
    auto& loop = asyncio::get_running_loop();

    // 在线程池中运行阻塞代码
    auto result = co_await loop.run_in_executor(nullptr, blocking_io);
    std::cout << result << '\n';
}

int main() { asyncio::run(main_()); }
