// SPDX-License-Identifier: MIT
// One coroutine waits for an event that another sets. Tutorial 000, Event 协程同步.
#include <asyncio/asyncio.h>

#include <iostream>

using namespace std::chrono_literals;

asyncio::Coro<> waiter(asyncio::Event& event) {
    std::cout << "Waiter waiting...\n";
    co_await event.wait();
    std::cout << "Waiter triggered!\n";
}

asyncio::Coro<> setter(asyncio::Event& event) {
    co_await asyncio::sleep(2s);
    std::cout << "Setter sets event\n";
    event.set();
}

asyncio::Coro<> main_() {
    asyncio::Event event;
    co_await asyncio::gather(waiter(event), setter(event));
}

int main() { asyncio::run(main_()); }
