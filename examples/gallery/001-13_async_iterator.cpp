// SPDX-License-Identifier: MIT
// An iterator whose next element takes time. Tutorial 001, 异步迭代器.
#include <asyncio/asyncio.h>

#include <iostream>
#include <optional>

using namespace std::chrono_literals;

class AsyncCounter {
public:
    explicit AsyncCounter(int max) : max_(max) {}

    asyncio::Coro<std::optional<int>> next() {
        if (current_ >= max_) co_return std::nullopt;
        co_await asyncio::sleep(0.1s);
        current_ += 1;
        co_return current_;
    }

private:
    int max_;
    int current_ = 0;
};

asyncio::Coro<> main_() {
    AsyncCounter counter(5);
    while (auto num = co_await counter.next()) {
        std::cout << *num << '\n'; // 1, 2, 3, 4, 5
    }
}

int main() { asyncio::run(main_()); }
