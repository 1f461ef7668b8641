// SPDX-License-Identifier: MIT
// A scope that waits, and an iterator that waits. Tutorial 000, 示例七：异步上下文与迭代.
#include <asyncio/asyncio.h>

#include <iostream>
#include <optional>

using namespace std::chrono_literals;

class AsyncCounter {
public:
    // async with: enter, then the body, and exit in every case
    template <class Body>
    asyncio::Coro<> with(Body body) {
        enter();
        co_await asyncio::finally_(body(*this), [this] { exit(); });
    }

    // async for: nothing marks the end
    asyncio::Coro<std::optional<int>> next() {
        count_ += 1;
        if (count_ > 3) co_return std::nullopt;
        co_await asyncio::sleep(1s);
        co_return count_;
    }

private:
    void enter() { std::cout << "Enter\n"; }
    void exit() { std::cout << "Exit\n"; }

    int count_ = 0;
};

asyncio::Coro<> main_() {
    AsyncCounter counter;
    co_await counter.with([](AsyncCounter& ac) -> asyncio::Coro<> {
        while (auto num = co_await ac.next()) {
            std::cout << *num << '\n';
        }
    });
}

int main() { asyncio::run(main_()); }
