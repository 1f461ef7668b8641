// SPDX-License-Identifier: MIT
// A program that lets others look at its tasks: asyncio-ps PID and asyncio-pstree PID show them.
// It ends when its input does.
#include <asyncio/asyncio.h>

#include <iostream>
#include <unistd.h>

using namespace std::chrono_literals;

// [inspected]
asyncio::Coro<> play() { co_await asyncio::sleep(24h); }

asyncio::Coro<> album(std::string one, std::string two) {
    auto tracks = [&](asyncio::TaskGroup& group) -> asyncio::Coro<> {
        group.create_task(play(), one);
        group.create_task(play(), two);
        co_return;
    };
    co_await asyncio::task_group(tracks);
}

asyncio::Coro<> main_() {
    co_await asyncio::task_group([](asyncio::TaskGroup& group) -> asyncio::Coro<> {
        group.create_task(album("TNDNBTG", "Levitate"), "Sundowning");
        group.create_task(album("Jaws", "Vore"), "TMBTE");
        std::cout << "asyncio-pstree " << getpid() << std::endl;
        co_await asyncio::to_thread([] { std::cin.get(); });
        group.cancel();
    });
}

int main() {
    asyncio::Inspection inspection;
    asyncio::run(main_());
}
// [/inspected]
