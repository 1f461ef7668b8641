// SPDX-License-Identifier: MIT
// The exception handler of the loop: a failing callback, a task whose exception nobody looked at,
// and a handler that is taken off again. Tutorial 003.
#include <asyncio/asyncio.h>

#include <iostream>

#include "python_repr.h"

using namespace std::chrono_literals;

void handler(asyncio::EventLoop&, const asyncio::ExceptionContext& context) {
    std::cout << "handler: " << context.message.substr(0, context.message.find(" at ")) << '\n';
    const auto exception = context.exception ? asyncio::repr(context.exception) : "None";
    std::cout << "  exception: " << exception << '\n';
}

asyncio::Coro<> failing() {
    throw asyncio::ValueError("nobody looks at this");
    co_return;
}

// A class and not a function: a report can name a type, but not what a pointer leads to.
struct bad_callback {
    void operator()() const { throw asyncio::ZeroDivisionError("in a callback"); }
};

asyncio::Coro<> main_() {
    auto& loop = asyncio::get_running_loop();
    loop.set_exception_handler(handler);
    loop.call_soon(bad_callback());
    co_await asyncio::sleep(0.05s);
    std::cout << "the loop goes on\n";

    {
        auto task = asyncio::create_task(failing());
        co_await asyncio::sleep(0.05s);
    } // the last handle goes here, unread

    {
        auto task = asyncio::create_task(failing());
        co_await asyncio::sleep(0.05s);
        std::cout << "looked at: " << asyncio::repr(task.exception()) << '\n';
    }

    asyncio::ExceptionContext context;
    context.message = "called by hand";
    loop.call_exception_handler(context);
    auto in_place = [&] { return static_cast<bool>(loop.get_exception_handler()); };
    std::cout << "handler in place: " << python::repr(in_place()) << '\n';
    loop.set_exception_handler(nullptr);
    std::cout << "handler in place: " << python::repr(in_place()) << '\n';
}

int main() { asyncio::run(main_()); }
