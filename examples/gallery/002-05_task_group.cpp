// SPDX-License-Identifier: MIT
// A task group waits for its tasks: 2 s. Tutorial 002, 批量管理 - asyncio.TaskGroup.
#include <asyncio/asyncio.h>

#include <ctime>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

std::string clock_time() {
    char text[] = "hh:mm:ss";
    const std::time_t now = std::time(nullptr);
    std::strftime(text, sizeof text, "%X", std::localtime(&now));
    return text;
}

asyncio::Coro<> do_work(std::string name, asyncio::Duration delay) {
    std::cout << name << " 开始工作\n";
    co_await asyncio::sleep(delay);
    std::cout << name << " 完成工作\n";
}

asyncio::Coro<> main_() {
    co_await asyncio::task_group([](asyncio::TaskGroup& tg) -> asyncio::Coro<> {
        auto task1 = tg.create_task(do_work("A", 2s));

        auto task2 = tg.create_task(do_work("B", 2s));

        std::cout << "started at " << clock_time() << '\n';
        co_return;
    });

    // 离开 task_group 时，对任务的等待是隐式执行的。

    std::cout << "finished at " << clock_time() << '\n';
}

int main() { asyncio::run(main_()); }
