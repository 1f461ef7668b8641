// SPDX-License-Identifier: MIT
// The output of a child process.
#include <asyncio/asyncio.h>

#include <iostream>

using asyncio::subprocess::PIPE;

asyncio::Coro<> run_cmd() {
    auto proc = co_await asyncio::create_subprocess_exec("echo", "hello",
                                                         asyncio::ProcessOptions().stdout_(PIPE));
    auto written = co_await proc.communicate();
    std::cout << *written.out << '\n';
}

int main() { asyncio::run(run_cmd()); }
