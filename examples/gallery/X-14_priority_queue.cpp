// SPDX-License-Identifier: MIT
// PriorityQueue and LifoQueue; maxsize, put_nowait() and get_nowait(). Tutorial 004, 异步队列.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "python_repr.h"

using namespace std::chrono_literals;

using Item = std::pair<int, std::string>;

asyncio::Coro<> worker(asyncio::PriorityQueue<Item>& queue) {
    while (true) {
        Item item = co_await queue.get();
        auto& [priority, name] = item;
        std::cout << "priority " << priority << ": " << name << '\n';
        co_await asyncio::sleep(0.02s);
        queue.task_done();
    }
}

asyncio::Coro<> producer(asyncio::Queue<int>& queue) {
    for (int i = 0; i < 3; ++i) {
        co_await queue.put(i);
        std::cout << "put " << i << '\n';
    }
}

asyncio::Coro<> main_() {
    asyncio::PriorityQueue<Item> queue;
    const std::vector<Item> items{
        {3, "write report"}, {1, "put out fire"}, {2, "answer phone"}, {1, "leave building"}};
    for (auto& item : items) co_await queue.put(item);
    std::cout << "size: " << queue.qsize() << '\n';
    auto t = asyncio::create_task(worker(queue));
    co_await asyncio::sleep(0.03s); // the worker is on its second item
    queue.put_nowait({0, "alarm"});
    co_await queue.join();
    t.cancel();

    asyncio::LifoQueue<std::string> stack(2);
    stack.put_nowait("a");
    stack.put_nowait("b");
    std::cout << "full: " << python::repr(stack.full()) << '\n';
    try {
        stack.put_nowait("c");
    } catch (const asyncio::QueueFull&) {
        std::cout << "QueueFull\n";
    }
    std::cout << stack.get_nowait() << ' ' << stack.get_nowait() << '\n';
    try {
        stack.get_nowait();
    } catch (const asyncio::QueueEmpty&) {
        std::cout << "QueueEmpty\n";
    }

    // put() on a full queue waits for a free place.
    asyncio::Queue<int> narrow(1);
    auto p = asyncio::create_task(producer(narrow));
    for (int i = 0; i < 3; ++i) {
        co_await asyncio::sleep(0.05s);
        int got = co_await narrow.get();
        std::cout << "got " << got << '\n';
    }
    co_await p;
    try {
        for (int i = 0; i < 4; ++i) narrow.task_done();
    } catch (const asyncio::ValueError& e) {
        std::cout << "ValueError: " << e.what() << '\n';
    }
}

int main() { asyncio::run(main_()); }
