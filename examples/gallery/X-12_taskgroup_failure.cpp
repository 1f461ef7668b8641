// SPDX-License-Identifier: MIT
// TaskGroup: the first failure cancels the other tasks of the group; all failures come out together
// as an exception group. Tutorial 002, 批量管理.
#include <asyncio/asyncio.h>

#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "python_repr.h"

using namespace std::chrono_literals;

asyncio::Coro<std::string> worker(std::string name, asyncio::Duration delay,
                                  std::exception_ptr error = nullptr) {
    try {
        co_await asyncio::sleep(delay);
        if (error) std::rethrow_exception(error);
        std::cout << name << " finished\n";
        co_return name;
    } catch (const asyncio::CancelledError&) {
        std::cout << name << " cancelled\n";
        throw;
    }
}

asyncio::Coro<> stubborn(asyncio::Duration delay) {
    auto slept = co_await asyncio::outcome(asyncio::sleep(10s));
    if (slept.cancelled()) {
        co_await asyncio::sleep(delay);
        throw asyncio::KeyError("while cleaning up");
    }
}

asyncio::Coro<> outer() {
    co_await asyncio::task_group([](asyncio::TaskGroup& tg) -> asyncio::Coro<> {
        tg.create_task(worker("inner", 5s));
        co_return;
    });
}

asyncio::Coro<> parent(asyncio::TaskGroup& tg) {
    co_await asyncio::sleep(0.05s);
    tg.create_task(worker("late child", 0.05s));
}

// except* E: shows the errors of this type; a group of all others goes on its way.
template <class E>
void catch_each(const asyncio::ExceptionGroup& group) {
    std::vector<std::string> caught;
    auto rest = group.handle<E>([&](const E& e) { caught.push_back(asyncio::repr(e)); });
    std::cout << "caught: " << python::repr(caught) << '\n';
    if (rest) throw *rest;
}

asyncio::Coro<> main_() {
    auto broken = std::make_exception_ptr(asyncio::ValueError("broken"));
    auto first = std::make_exception_ptr(asyncio::TypeError("first"));
    std::optional<asyncio::Task<std::string>> quick, slow;
    try {
        co_await asyncio::task_group([&](asyncio::TaskGroup& tg) -> asyncio::Coro<> {
            quick = tg.create_task(worker("quick", 0.05s));
            tg.create_task(worker("bad", 0.1s, broken));
            slow = tg.create_task(worker("slow", 5s));
            co_return;
        });
    } catch (const asyncio::ExceptionGroup& group) {
        catch_each<asyncio::ValueError>(group);
    }
    std::cout << "quick: " << quick->result()
              << " slow cancelled: " << python::repr(slow->cancelled()) << '\n';

    try {
        co_await asyncio::task_group([&](asyncio::TaskGroup& tg) -> asyncio::Coro<> {
            tg.create_task(stubborn(0.1s));
            tg.create_task(worker("bad", 0.05s, first));
            co_return;
        });
    } catch (const asyncio::ExceptionGroup& group) {
        std::cout << group.message() << ' ' << group.exceptions().size() << '\n';
        for (auto& e : group.exceptions()) std::cout << " - " << asyncio::repr(e) << '\n';
    }

    // An error in the body of the block cancels the tasks as well.
    try {
        co_await asyncio::task_group([](asyncio::TaskGroup& tg) -> asyncio::Coro<> {
            tg.create_task(worker("left behind", 5s));
            co_await asyncio::sleep(0.05s);
            throw asyncio::RuntimeError("in the body");
        });
    } catch (const asyncio::ExceptionGroup& group) {
        catch_each<asyncio::RuntimeError>(group);
    }

    // A cancellation from outside goes through as a CancelledError.
    auto t = asyncio::create_task(outer());
    co_await asyncio::sleep(0.05s);
    t.cancel();
    co_await asyncio::wait(std::vector(1, t));
    std::cout << "outer cancelled: " << python::repr(t.cancelled()) << '\n';

    // Tasks can join a running group.
    co_await asyncio::task_group([](asyncio::TaskGroup& tg) -> asyncio::Coro<> {
        tg.create_task(parent(tg));
        co_return;
    });
    std::cout << "the group has ended\n";
}

int main() { asyncio::run(main_()); }
