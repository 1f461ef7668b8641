// SPDX-License-Identifier: MIT
// The whole quick reference, one line or two per item. Tutorial 001, 快速参考.
#include <asyncio/asyncio.h>

#include <algorithm>
#include <deque>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "python_repr.h"

using namespace std::chrono_literals;

asyncio::Coro<std::string> something() {
    co_await asyncio::sleep(0.1s);
    co_return "something";
}

// 定义协程
asyncio::Coro<std::string> my_coro() { co_return co_await something(); }

asyncio::Coro<int> coro1() {
    co_await asyncio::sleep(0.3s);
    co_return 1;
}

asyncio::Coro<int> coro2() {
    co_await asyncio::sleep(0.1s);
    co_return 2;
}

asyncio::Coro<int> coro3() {
    co_await asyncio::sleep(0.2s);
    co_return 3;
}

int running = 0;
int peak = 0;

asyncio::Coro<> operation() {
    running += 1;
    peak = std::max(peak, running);
    co_await asyncio::sleep(0.1s);
    running -= 1;
}

asyncio::Coro<> limited(asyncio::Semaphore& semaphore) {
    auto guard = co_await semaphore.scoped();
    co_await operation();
}

struct Resource {
    template <class Body>
    asyncio::Coro<> with(Body body) {
        std::cout << "上下文: 进入\n";
        co_await asyncio::finally_(body(), [] { std::cout << "上下文: 退出\n"; });
    }
};

struct AsyncIterator {
    std::deque<std::string> items;

    asyncio::Coro<std::optional<std::string>> next() {
        if (items.empty()) co_return std::nullopt;
        auto item = std::move(items.front());
        items.pop_front();
        co_return item;
    }
};

void process(const std::string& item) { std::cout << "迭代: " << item << '\n'; }

// 生成器
asyncio::AsyncGenerator<int> gen() {
    for (int i = 0; i < 10; ++i) co_yield i;
}

asyncio::Coro<> main_() {
    // 并发
    auto results = co_await asyncio::gather(coro1(), coro2(), coro3());
    std::cout << "并发: " << python::repr(results) << '\n';

    // 创建任务
    auto task = asyncio::create_task(my_coro());
    auto result = co_await task;
    std::cout << "任务: " << result << '\n';

    // 超时
    result = co_await asyncio::wait_for(my_coro(), 5s);
    std::cout << "超时: " << result << '\n';

    // 限流
    asyncio::Semaphore semaphore(10);
    std::vector<asyncio::Coro<>> jobs;
    for (int i = 0; i < 25; ++i) jobs.push_back(limited(semaphore));
    co_await asyncio::gather(std::move(jobs));
    std::cout << "限流: 最多同时 " << peak << '\n';

    // 上下文
    Resource resource;
    co_await resource.with(operation);

    // 迭代
    AsyncIterator async_iterator{{"a", "b", "c"}};
    while (auto item = co_await async_iterator.next()) process(*item);

    auto numbers = gen();
    while (auto item = co_await numbers.next()) std::cout << "生成器: " << *item << '\n';
}

int main() {
    // 运行
    std::cout << "运行: " << asyncio::run(my_coro()) << '\n';
    asyncio::run(main_());
}
