// SPDX-License-Identifier: MIT
// The debug flag of the loop. Tutorial 004, 启用调试模式.
#include <asyncio/asyncio.h>

#include <iostream>

#include "python_repr.h"

asyncio::Coro<> main_() {
    auto& loop = asyncio::get_event_loop();
    std::cout << "调试模式: " << python::repr(loop.get_debug()) << '\n';
    loop.set_debug(true);
    std::cout << "调试模式: " << python::repr(loop.get_debug()) << '\n';
    co_return;
}

asyncio::Coro<bool> flag() { co_return asyncio::get_running_loop().get_debug(); }

int main() {
    asyncio::run(main_());

    auto debug = asyncio::run(flag(), asyncio::RunOptions().debug(true));
    std::cout << "run(debug=True): " << python::repr(debug) << '\n';
}
