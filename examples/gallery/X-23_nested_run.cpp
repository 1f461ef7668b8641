// SPDX-License-Identifier: MIT
// run() inside a running loop is refused; one after another is fine; what run() cleans up.
// Tutorial 003.
#include <asyncio/asyncio.h>

#include <iostream>
#include <set>
#include <string>

using namespace std::chrono_literals;

asyncio::Coro<std::string> inner() { co_return "inner"; }

asyncio::Coro<> main_() {
    try {
        asyncio::run(inner());
    } catch (const asyncio::RuntimeError& e) {
        std::cout << "RuntimeError: " << e.what() << '\n';
    }
    auto result = co_await inner();
    std::cout << "awaited instead: " << result << '\n';
    try {
        asyncio::get_running_loop().run_until_complete(inner());
    } catch (const asyncio::RuntimeError& e) {
        std::cout << "RuntimeError: " << e.what() << '\n';
    }
    result = co_await inner();
    std::cout << "awaited instead: " << result << '\n';
}

// What run() leaves behind: tasks still pending are cancelled and waited for.
asyncio::Coro<> leftover() {
    co_await asyncio::finally_(asyncio::sleep(1h), []() -> asyncio::Coro<> {
        co_await asyncio::sleep(0.05s);
        std::cout << "a leftover task is cleaned up\n";
    });
}

asyncio::Coro<std::string> quick() {
    for (int i = 0; i < 2; ++i) asyncio::create_task(leftover());
    co_await asyncio::sleep(0s);
    co_return "quick is done";
}

// An exception of the main coroutine comes out of run().
asyncio::Coro<> failing() {
    throw asyncio::LookupError("out of run()");
    co_return;
}

asyncio::Coro<> note(std::set<asyncio::EventLoop*>& loops) {
    loops.insert(&asyncio::get_running_loop());
    co_return;
}

int main() {
    asyncio::run(main_());
    std::cout << asyncio::run(inner()) << ' ' << asyncio::run(inner()) << '\n';
    try {
        asyncio::get_running_loop();
    } catch (const asyncio::RuntimeError& e) {
        std::cout << "RuntimeError: " << e.what() << '\n';
    }

    auto result = asyncio::run(quick());
    std::cout << result << '\n';

    try {
        asyncio::run(failing());
    } catch (const asyncio::LookupError& e) {
        std::cout << "LookupError: " << e.what() << '\n';
    }

    asyncio::Runner runner;
    std::set<asyncio::EventLoop*> loops{&runner.get_loop()};
    runner.run(note(loops));
    runner.run(note(loops));
    std::cout << "loops used by one runner: " << loops.size() << '\n';
}
