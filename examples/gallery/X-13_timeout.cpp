// SPDX-License-Identifier: MIT
// timeout(), timeout_at() and reschedule(). Tutorial 004, 设置合理的超时.
#include <asyncio/asyncio.h>

#include <iostream>
#include <optional>
#include <vector>

#include "python_repr.h"

using namespace std::chrono_literals;

asyncio::Coro<> two_timeouts() {
    try {
        co_await asyncio::timeout(0.1s, asyncio::sleep(5s));
    } catch (const asyncio::TimeoutError&) {
        std::cout << "inner timeout\n";
    }
    co_await asyncio::sleep(5s);
}

asyncio::Coro<> cancelled_inside() { co_await asyncio::timeout(1s, asyncio::sleep(5s)); }

asyncio::Coro<> tidy() {
    co_await asyncio::finally_(asyncio::sleep(5s), []() -> asyncio::Coro<> {
        co_await asyncio::sleep(0.1s);
        std::cout << "cleaned up\n";
    });
}

asyncio::Coro<> main_() {
    auto& loop = asyncio::get_running_loop();
    {
        auto cm = asyncio::timeout(0.1s);
        try {
            co_await cm.with(asyncio::sleep(5s));
        } catch (const asyncio::TimeoutError&) {
            std::cout << "timed out, expired: " << python::repr(cm.expired()) << '\n';
        }
    }
    {
        auto cm = asyncio::timeout(0.5s);
        co_await cm.with(asyncio::sleep(0.05s));
        std::cout << "in time, expired: " << python::repr(cm.expired()) << '\n';
    }
    {
        auto cm = asyncio::timeout(std::nullopt);
        co_await cm.with([&]() -> asyncio::Coro<> {
            std::cout << "no deadline: " << (cm.when() ? "one" : "None") << '\n';
            cm.reschedule(loop.time() + 300ms);
            co_await asyncio::sleep(0.1s);
        });
        std::cout << "rescheduled, expired: " << python::repr(cm.expired()) << '\n';
    }

    try {
        co_await asyncio::timeout_at(loop.time() - 1s, []() -> asyncio::Coro<> {
            co_await asyncio::sleep(0s);
            std::cout << "this is not reached\n";
        });
    } catch (const asyncio::TimeoutError&) {
        std::cout << "a deadline in the past\n";
    }

    // The inner timeout ends its own block only.
    try {
        co_await asyncio::timeout(0.3s, two_timeouts());
    } catch (const asyncio::TimeoutError&) {
        std::cout << "outer timeout\n";
    }

    // An exception of the block is passed on as it is.
    try {
        co_await asyncio::timeout(1s, []() -> asyncio::Coro<> {
            throw asyncio::ValueError("not a timeout");
            co_return;
        });
    } catch (const asyncio::ValueError& e) {
        std::cout << "passed on: " << e.what() << '\n';
    }

    // A task cancelled from outside sees CancelledError, not TimeoutError.
    auto t = asyncio::create_task(cancelled_inside());
    co_await asyncio::sleep(0.05s);
    t.cancel();
    co_await asyncio::wait(std::vector(1, t));
    std::cout << "cancelled: " << python::repr(t.cancelled()) << '\n';

    // wait_for() lets the coroutine clean up before it throws.
    try {
        co_await asyncio::wait_for(tidy(), 0.1s);
    } catch (const asyncio::TimeoutError&) {
        std::cout << "wait_for timed out\n";
    }
}

int main() { asyncio::run(main_()); }
