// SPDX-License-Identifier: MIT
// put() does not yield while there is room: all is produced first. Tutorial 000, 示例六：异步队列.
#include <asyncio/asyncio.h>

#include <iostream>

using namespace std::chrono_literals;

asyncio::Coro<> producer(asyncio::Queue<int>& queue) {
    for (int i = 0; i < 3; ++i) {
        co_await queue.put(i);
        std::cout << "Produced " << i << '\n';
    }
}

asyncio::Coro<> consumer(asyncio::Queue<int>& queue) {
    while (true) {
        int item = co_await queue.get();
        std::cout << "Consumed " << item << '\n';
        queue.task_done();
    }
}

asyncio::Coro<> main_() {
    asyncio::Queue<int> q;
    auto prod = asyncio::create_task(producer(q));
    auto cons = asyncio::create_task(consumer(q));
    co_await prod;
    co_await q.join();
    cons.cancel();
    co_await asyncio::gather_outcomes(cons); // q ends with this scope: see the consumer off first
}

int main() { asyncio::run(main_()); }
