// SPDX-License-Identifier: MIT
// BoundedSemaphore: a release too many is an error, which a plain Semaphore does not notice.
// Tutorial 003, 同步原语.
#include <asyncio/asyncio.h>

#include <iostream>

#include "python_repr.h"

using namespace std::chrono_literals;

asyncio::Coro<> user(int n, asyncio::BoundedSemaphore& sem) {
    auto guard = co_await sem.scoped();
    std::cout << "user " << n << '\n';
    co_await asyncio::sleep(0.02s);
}

asyncio::Coro<> main_() {
    asyncio::BoundedSemaphore bounded(2);
    co_await bounded.acquire();
    std::cout << "locked after one acquire: " << python::repr(bounded.locked()) << '\n';
    co_await bounded.acquire();
    std::cout << "locked after two: " << python::repr(bounded.locked()) << '\n';
    try {
        co_await asyncio::wait_for(bounded.acquire(), 0.1s);
    } catch (const asyncio::TimeoutError&) {
        std::cout << "third acquire timed out\n";
    }
    bounded.release();
    bounded.release();
    try {
        bounded.release();
    } catch (const asyncio::ValueError& e) {
        std::cout << "ValueError: " << e.what() << '\n';
    }

    asyncio::Semaphore plain(1);
    plain.release();
    co_await plain.acquire();
    co_await plain.acquire();
    std::cout << "a plain semaphore grew, locked: " << python::repr(plain.locked()) << '\n';

    try {
        asyncio::Semaphore negative(-1);
    } catch (const asyncio::ValueError& e) {
        std::cout << "ValueError: " << e.what() << '\n';
    }

    // Waiters are served in the order in which they came.
    asyncio::BoundedSemaphore sem(1);
    co_await asyncio::gather(user(0, sem), user(1, sem), user(2, sem), user(3, sem));
}

int main() { asyncio::run(main_()); }
