// SPDX-License-Identifier: MIT
// Five workers take a lock in the order in which they came. Tutorial 003, 同步原语.
#include <asyncio/asyncio.h>

#include <iostream>
#include <vector>

using namespace std::chrono_literals;

asyncio::Lock lock;
int shared_resource = 0;

asyncio::Coro<> worker(int worker_id) {
    std::cout << "Worker " << worker_id << " 尝试获取锁\n";
    auto guard = co_await lock.scoped(); // 自动获取和释放锁
    std::cout << "Worker " << worker_id << " 已获取锁\n";
    int current_val = shared_resource;
    co_await asyncio::sleep(0.1s); // 模拟一些工作
    shared_resource = current_val + 1;
    std::cout << "Worker " << worker_id << " 释放锁, shared_resource = " << shared_resource << '\n';
}

asyncio::Coro<> main_() {
    std::vector<asyncio::Coro<>> workers;
    for (int i = 0; i < 5; ++i) workers.push_back(worker(i));
    co_await asyncio::gather(std::move(workers));
    std::cout << "最终 shared_resource = " << shared_resource << '\n';
}

int main() { asyncio::run(main_()); }
