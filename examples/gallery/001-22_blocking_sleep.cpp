// SPDX-License-Identifier: MIT
// A blocking sleep stops all tasks, an awaited one does not. Tutorial 001, 陷阱2: 使用同步阻塞操作.
#include <asyncio/asyncio.h>

#include <iostream>
#include <thread>
#include <utility>

using namespace std::chrono_literals;

using CoroFunc = asyncio::Coro<> (*)();

asyncio::Coro<> bad() {
    std::this_thread::sleep_for(2s); // ❌ 阻塞整个事件循环
    co_return;
}

asyncio::Coro<> good() {
    co_await asyncio::sleep(2s); // ✅ 不阻塞
}

asyncio::Coro<> heartbeat(int& beats) {
    while (true) {
        co_await asyncio::sleep(0.45s);
        beats += 1;
    }
}

asyncio::Coro<> main_() {
    const std::pair<const char*, CoroFunc> functions[] = {{"bad", bad}, {"good", good}};
    for (auto& [name, func] : functions) {
        int beats = 0;
        auto t = asyncio::create_task(heartbeat(beats));
        co_await asyncio::sleep(0s);
        co_await func();
        std::cout << name << ": 心跳 " << beats << " 次\n";
        t.cancel();
        co_await asyncio::gather_outcomes(t); // beats ends with this round: so must who counts it
    }
}

int main() { asyncio::run(main_()); }
