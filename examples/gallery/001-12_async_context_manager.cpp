// SPDX-License-Identifier: MIT
// A scope whose beginning and end take time. Tutorial 001, 异步上下文管理器.
#include <asyncio/asyncio.h>

#include <iostream>

using namespace std::chrono_literals;

class AsyncResource {
public:
    // async with: enter, then the body, and exit in every case
    template <class Body>
    asyncio::Coro<> with(Body body) {
        co_await enter();
        co_await asyncio::finally_(body(*this), [this] { return exit(); });
    }

private:
    asyncio::Coro<> enter() {
        std::cout << "获取资源\n";
        co_await asyncio::sleep(1s);
    }

    asyncio::Coro<> exit() {
        std::cout << "释放资源\n";
        co_await asyncio::sleep(1s);
    }
};

asyncio::Coro<> main_() {
    AsyncResource resource;
    co_await resource.with([](AsyncResource&) -> asyncio::Coro<> {
        std::cout << "使用资源\n";
        co_return;
    });
}

int main() { asyncio::run(main_()); }
