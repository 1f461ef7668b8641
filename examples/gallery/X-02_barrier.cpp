// SPDX-License-Identifier: MIT
// Barrier: parties wait for each other, round after round; reset() and abort() break it for those
// who wait. Tutorial 004, 同步原语.
#include <asyncio/asyncio.h>

#include <array>
#include <iostream>
#include <string>
#include <vector>

#include "python_repr.h"

using namespace std::chrono_literals;

asyncio::Coro<> worker(int n, asyncio::Barrier& barrier, std::vector<std::string>& log) {
    const std::array<std::string, 2> stages{"load", "compute"};
    for (auto& stage : stages) {
        co_await asyncio::sleep((n + 1) * 0.1s);
        log.push_back(stage + " " + std::to_string(n));
        auto position = co_await barrier.wait();
        if (position == 0) {
            std::cout << "all parties have finished " << stage << ": " << python::repr(log) << '\n';
            log.clear();
        }
    }
}

asyncio::Coro<> wait_and_tell(std::string name, asyncio::Barrier& barrier) {
    try {
        co_await barrier.wait();
    } catch (const asyncio::BrokenBarrierError&) {
        std::cout << name << ": broken barrier\n";
    }
}

asyncio::Coro<> main_() {
    asyncio::Barrier barrier(3);
    std::cout << "parties: " << barrier.parties() << '\n';
    std::vector<std::string> log;
    co_await asyncio::gather(worker(0, barrier, log), worker(1, barrier, log),
                             worker(2, barrier, log));

    auto order = co_await asyncio::gather(barrier.wait(), barrier.wait(), barrier.wait());
    std::cout << "positions: " << python::repr(order) << '\n';

    auto t = asyncio::create_task(wait_and_tell("first", barrier));
    co_await asyncio::sleep(0.05s);
    std::cout << "waiting: " << barrier.n_waiting() << '\n';
    co_await barrier.reset();
    co_await t;
    std::cout << "broken after reset: " << python::repr(barrier.broken()) << '\n';

    t = asyncio::create_task(wait_and_tell("second", barrier));
    co_await asyncio::sleep(0.05s);
    co_await barrier.abort();
    co_await t;
    std::cout << "broken after abort: " << python::repr(barrier.broken()) << '\n';
    co_await wait_and_tell("third", barrier);
}

int main() { asyncio::run(main_()); }
