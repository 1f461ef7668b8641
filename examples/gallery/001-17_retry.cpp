// SPDX-License-Identifier: MIT
// Failures, then success, or the last exception comes out of run(). Tutorial 001, 重试机制.
// Usage: 001-17_retry DRAW...   (the values that random.random() would give)
#include <asyncio/asyncio.h>

#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

std::vector<double> draws{0.3, 0.1, 0.7};
std::size_t drawn = 0;

template <class CoroFunc>
auto retry(CoroFunc coro_func, int max_retries = 3, asyncio::Duration delay = 1s)
    -> decltype(coro_func()) {
    for (int attempt = 0;; ++attempt) {
        // In place of try and except, since C++ cannot await in a catch block.
        auto result = co_await asyncio::outcome(coro_func());
        if (!result.has_exception() || attempt == max_retries - 1) {
            co_return std::move(result).value();
        }
        std::cout << "重试 " << attempt + 1 << "...\n";
        co_await asyncio::sleep(delay);
    }
}

asyncio::Coro<std::string> unreliable_task() {
    if (draws.at(drawn++) < 0.5) throw std::runtime_error("失败");
    co_return "成功";
}

asyncio::Coro<> main_() {
    auto result = co_await retry(unreliable_task, 5);
    std::cout << result << '\n';
}

int main(int argc, char* argv[]) try {
    if (argc > 1) draws.clear();
    for (int i = 1; i < argc; ++i) draws.push_back(std::stod(argv[i]));
    asyncio::run(main_());
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
