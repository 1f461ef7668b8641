// SPDX-License-Identifier: MIT
// A loop made, run and closed by hand. Tutorial 003, 手动管理事件循环 (旧版或特定场景).
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>

#include "python_repr.h"

using namespace std::chrono_literals;

asyncio::Coro<std::string> main_() {
    auto& loop = asyncio::get_running_loop();
    std::cout << "main 运行中, 循环运行: " << python::repr(loop.is_running()) << '\n';
    co_await asyncio::sleep(0.1s);
    co_return "main 的结果";
}

void print_state(const asyncio::EventLoop& loop) {
    std::cout << "循环运行: " << python::repr(loop.is_running())
              << " 循环关闭: " << python::repr(loop.is_closed()) << '\n';
}

int main() {
    auto loop = asyncio::new_event_loop(); // closed by its destructor too, should main_() throw
    std::cout << loop->run_until_complete(main_()) << '\n';
    print_state(*loop);
    loop->close(); // 不再需要手动关闭，asyncio::run() 会处理
    print_state(*loop);
}
