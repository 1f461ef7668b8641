// SPDX-License-Identifier: MIT
// to_thread(): blocking functions run side by side in threads while the loop goes on; arguments,
// results, exceptions and context variables go along. Tutorial 002, 常见误区与警告.
#include <asyncio/asyncio.h>

#include <array>
#include <functional>
#include <iostream>
#include <string>
#include <thread>

#include "python_repr.h"

using namespace std::chrono_literals;

asyncio::ContextVar<std::string> request_id("request_id", "none");
const auto main_thread = std::this_thread::get_id();

std::string blocking(std::string name, std::chrono::milliseconds delay) {
    std::this_thread::sleep_for(delay);
    const bool elsewhere = std::this_thread::get_id() != main_thread;
    return name + " in a thread of its own: " + python::repr(elsewhere) + ", request " +
           request_id.get();
}

void failing() { throw asyncio::OSError("from the thread"); }

asyncio::Coro<> heartbeat(int& beats) {
    while (true) {
        co_await asyncio::sleep(0.1s);
        beats += 1;
    }
}

asyncio::Coro<int> double_(int x) {
    co_await asyncio::sleep(0.05s);
    co_return 2 * x;
}

int from_thread(asyncio::EventLoop& loop) {
    auto future = asyncio::run_coroutine_threadsafe(double_(21), loop);
    return future.get();
}

asyncio::Coro<> main_() {
    int beats = 0;
    auto t = asyncio::create_task(heartbeat(beats));
    request_id.set("r-1");
    std::array calls{
        asyncio::to_thread(blocking, "call 0", 500ms),
        asyncio::to_thread(blocking, "call 1", 500ms),
        asyncio::to_thread(blocking, "call 2", 500ms),
    };
    auto results = co_await asyncio::gather(std::move(calls));
    for (auto& line : results) std::cout << line << '\n';
    std::cout << "beats meanwhile: " << python::repr(3 <= beats && beats <= 5) << '\n';
    t.cancel();

    try {
        co_await asyncio::to_thread(failing);
    } catch (const asyncio::OSError& e) {
        std::cout << "OSError: " << e.what() << '\n';
    }

    // From a thread back into the loop.
    auto& loop = asyncio::get_running_loop();
    int doubled = co_await asyncio::to_thread(from_thread, std::ref(loop));
    std::cout << "from a thread: " << doubled << '\n';

    asyncio::Event event;
    std::jthread timer([&] {
        std::this_thread::sleep_for(0.1s);
        loop.call_soon_threadsafe([&] { event.set(); });
    });
    co_await asyncio::wait_for(event.wait(), 5s);
    std::cout << "event set from a thread\n";
}

int main() { asyncio::run(main_()); }
