// SPDX-License-Identifier: MIT
// Tutorial, chapter 1: coroutines, await, tasks, gather.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;

// [hello]
asyncio::Coro<> hello() {
    std::cout << "Hello\n";
    co_await asyncio::sleep(0.1s);
    std::cout << "World\n";
}
// [/hello]

// [download]
asyncio::Coro<std::string> download(std::string name, asyncio::Duration time) {
    std::cout << "start " << name << '\n';
    co_await asyncio::sleep(time); // stands for waiting on a network
    std::cout << "done  " << name << '\n';
    co_return name + ".html";
}
// [/download]

// [one_by_one]
asyncio::Coro<> one_by_one() {
    auto a = co_await download("a", 0.2s);
    auto b = co_await download("b", 0.1s); // begins when a is done
    std::cout << a << ' ' << b << '\n';
}
// [/one_by_one]

// [together]
asyncio::Coro<> together() {
    auto results = co_await asyncio::gather(download("a", 0.2s), download("b", 0.1s));
    auto& [a, b] = results; // in the order of the arguments
    std::cout << a << ' ' << b << '\n';
}
// [/together]

// [many]
asyncio::Coro<> many() {
    std::vector<asyncio::Coro<std::string>> downloads;
    for (int i = 1; i <= 3; ++i) downloads.push_back(download(std::to_string(i), 0.1s));
    for (const std::string& page : co_await asyncio::gather(std::move(downloads))) {
        std::cout << page << '\n';
    }
}
// [/many]

// [tasks]
asyncio::Coro<> tasks() {
    auto page = asyncio::create_task(download("page", 0.1s)); // starts at the next await
    std::cout << "the task is made, and has not begun\n";
    co_await asyncio::sleep(0.05s);
    std::cout << "it is under way\n";
    std::cout << co_await page << '\n';
}
// [/tasks]

asyncio::Coro<> main_() {
    co_await hello();
    co_await one_by_one();
    co_await together();
    co_await many();
    co_await tasks();
}

// [run]
int main() { asyncio::run(main_()); }
// [/run]
