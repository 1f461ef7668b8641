// SPDX-License-Identifier: MIT
// Condition: wait_for() with a predicate, notify(n), notify_all(), and the error for notifying
// without the lock. Tutorial 004, 同步原语.
#include <asyncio/asyncio.h>

#include <algorithm>
#include <deque>
#include <iostream>
#include <string>
#include <vector>

#include "python_repr.h"

using namespace std::chrono_literals;

asyncio::Coro<> consumer(int n, asyncio::Condition& cond, std::deque<std::string>& items) {
    auto guard = co_await cond.scoped();
    co_await cond.wait_for([&] { return !items.empty(); });
    std::cout << "consumer " << n << " takes " << items.front() << '\n';
    items.pop_front();
}

asyncio::Coro<> producer(asyncio::Condition& cond, std::deque<std::string>& items) {
    for (int i = 0; i < 3; ++i) {
        co_await asyncio::sleep(0.1s);
        auto guard = co_await cond.scoped();
        items.push_back("item " + std::to_string(i));
        std::cout << "producer adds item " << i << '\n';
        cond.notify();
    }
}

asyncio::Coro<> runner(int n, asyncio::Condition& cond, bool& gate_open) {
    auto guard = co_await cond.scoped();
    while (!gate_open) co_await cond.wait();
    std::cout << "runner " << n << " starts\n";
}

asyncio::Coro<> waiter(asyncio::Condition& cond) {
    auto guard = co_await cond.scoped();
    try {
        co_await cond.wait();
    } catch (const asyncio::CancelledError&) {
        std::cout << "cancelled, lock held: " << python::repr(cond.locked()) << '\n';
        throw;
    }
}

asyncio::Coro<> main_() {
    asyncio::Condition cond;
    std::deque<std::string> items;
    std::vector<asyncio::Coro<>> jobs;
    for (int n = 0; n < 3; ++n) jobs.push_back(consumer(n, cond, items));
    jobs.push_back(producer(cond, items));
    co_await asyncio::gather(std::move(jobs));

    bool gate_open = false;
    std::vector<asyncio::Task<>> runners;
    for (int n = 0; n < 4; ++n) {
        runners.push_back(asyncio::create_task(runner(n, cond, gate_open)));
    }
    auto count_done = [&] {
        return std::ranges::count_if(runners, [](auto& t) { return t.done(); });
    };
    co_await asyncio::sleep(0.05s);
    {
        auto guard = co_await cond.scoped();
        cond.notify_all(); // the gate is still shut: they all wait again
    }
    co_await asyncio::sleep(0.05s);
    std::cout << "done before the gate opens: " << count_done() << '\n';
    {
        auto guard = co_await cond.scoped();
        gate_open = true;
        cond.notify(2);
    }
    co_await asyncio::sleep(0.05s);
    std::cout << "done after notify(2): " << count_done() << '\n';
    {
        auto guard = co_await cond.scoped();
        cond.notify_all();
    }
    co_await asyncio::gather(runners);

    try {
        cond.notify();
    } catch (const asyncio::RuntimeError& e) {
        std::cout << "RuntimeError: " << e.what() << '\n';
    }

    // A cancelled waiter holds the lock again while it unwinds.
    auto t = asyncio::create_task(waiter(cond));
    co_await asyncio::sleep(0.05s);
    t.cancel();
    co_await asyncio::wait(std::vector(1, t));
    std::cout << "lock held at the end: " << python::repr(cond.locked()) << '\n';
}

int main() { asyncio::run(main_()); }
