// SPDX-License-Identifier: MIT
// wait(): FIRST_EXCEPTION, ALL_COMPLETED and a timeout, which throws nothing. Tutorial 003,
// asyncio.wait().
#include <asyncio/asyncio.h>

#include <algorithm>
#include <exception>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "python_repr.h"

using namespace std::chrono_literals;

asyncio::Coro<std::string> job(std::string name, asyncio::Duration delay,
                               std::exception_ptr error = nullptr) {
    co_await asyncio::sleep(delay);
    if (error) std::rethrow_exception(error);
    co_return name;
}

using Tasks = std::vector<asyncio::Task<std::string>>;

std::string names(const Tasks& tasks) {
    std::vector<std::string> names;
    for (auto& t : tasks) names.push_back(t.get_name());
    std::ranges::sort(names);
    return python::repr(names);
}

Tasks start() {
    auto b_failed = std::make_exception_ptr(asyncio::ValueError("b failed"));
    return {asyncio::create_task(job("a", 0.1s), "a"),
            asyncio::create_task(job("b", 0.2s, b_failed), "b"),
            asyncio::create_task(job("c", 0.4s), "c")};
}

asyncio::Coro<> main_() {
    Tasks tasks = start();
    auto result = co_await asyncio::wait(tasks, asyncio::FIRST_EXCEPTION);
    std::cout << "FIRST_EXCEPTION: " << names(result.done) << ' ' << names(result.pending) << '\n';
    Tasks raised;
    std::ranges::copy_if(tasks, std::back_inserter(raised),
                         [](auto& t) { return t.done() && t.exception(); });
    std::cout << "raised by: " << names(raised) << '\n';
    result = co_await asyncio::wait(result.pending);
    std::cout << "the rest: " << names(result.done) << ' ' << names(result.pending) << '\n';

    tasks = start();
    result = co_await asyncio::wait(tasks, asyncio::WaitOptions().timeout(0.15s));
    std::cout << "timeout 0.15: " << names(result.done) << ' ' << names(result.pending) << '\n';
    result = co_await asyncio::wait(tasks, asyncio::ALL_COMPLETED);
    std::cout << "ALL_COMPLETED: " << names(result.done) << ' ' << names(result.pending) << '\n';
    std::cout << asyncio::message_of(tasks[1].exception()) << '\n';

    // as_completed() with a timeout of its own
    tasks = {asyncio::create_task(job("quick", 0.1s)), asyncio::create_task(job("slow", 5s))};
    try {
        for (auto&& next_one : asyncio::as_completed(tasks, 0.3s)) {
            auto name = co_await next_one;
            std::cout << "as_completed: " << name << '\n';
        }
    } catch (const asyncio::TimeoutError&) {
        std::cout << "as_completed: timeout\n";
    }
    tasks[1].cancel();

    // gather(): the first exception comes out, the others go on.
    auto slow = asyncio::create_task(job("slow", 0.2s));
    auto bad = job("bad", 0.1s, std::make_exception_ptr(asyncio::KeyError("k")));
    try {
        co_await asyncio::gather(std::move(bad), slow);
    } catch (const asyncio::KeyError& e) {
        std::cout << "gather raised " << asyncio::repr(e)
                  << " slow done: " << python::repr(slow.done()) << '\n';
    }
    auto gave = co_await slow;
    std::cout << "slow gave " << gave << '\n';

    try {
        co_await asyncio::wait(Tasks());
    } catch (const asyncio::ValueError& e) {
        std::cout << "ValueError: " << e.what() << '\n';
    }
}

int main() { asyncio::run(main_()); }
