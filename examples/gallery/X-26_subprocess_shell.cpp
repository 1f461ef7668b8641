// SPDX-License-Identifier: MIT
// Subprocesses: a shell command with both outputs and an exit code, input through communicate(),
// lines as they come, a timeout with kill(), a signal.
#include <asyncio/asyncio.h>

#include "python_repr.h"

#include <csignal>
#include <iostream>
#include <map>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using asyncio::ProcessOptions;
using asyncio::subprocess::DEVNULL;
using asyncio::subprocess::PIPE;
using asyncio::subprocess::STDOUT;

asyncio::Coro<int> run(int n) {
    auto process =
        co_await asyncio::create_subprocess_shell("sleep 0.3; exit " + std::to_string(n));
    co_return co_await process.wait();
}

asyncio::Coro<> input_and_output() {
    auto process = co_await asyncio::create_subprocess_shell(
        "echo out; echo err 1>&2; exit 3", ProcessOptions().stdout_(PIPE).stderr_(PIPE));
    auto [out, err] = co_await process.communicate();
    std::cout << python::repr_of_bytes(*out) << ' ' << python::repr_of_bytes(*err) << ' '
              << *process.returncode() << '\n';

    auto upper = co_await asyncio::create_subprocess_exec(
        "tr", "a-z", "A-Z", ProcessOptions().stdin_(PIPE).stdout_(PIPE));
    auto written = co_await upper.communicate("to upper case, 中文\n");
    std::cout << *written.out;

    auto lines = co_await asyncio::create_subprocess_shell(
        "for i in 1 2 3; do echo line $i; sleep 0.1; done", ProcessOptions().stdout_(PIPE));
    while (auto line = co_await lines.stdout_()->next_line()) std::cout << *line;
    std::cout << "exit code " << co_await lines.wait() << '\n';
}

asyncio::Coro<> signals() {
    auto process = co_await asyncio::create_subprocess_exec("sleep", "60");
    bool late = false;
    try {
        co_await asyncio::wait_for(process.wait(), 200ms);
    } catch (const asyncio::TimeoutError&) {
        late = true;
    }
    if (late) {
        process.kill();
        std::cout << "killed: " << python::repr(co_await process.wait() == -SIGKILL) << '\n';
    }

    auto other = co_await asyncio::create_subprocess_exec("sleep", "60");
    co_await asyncio::sleep(50ms);
    other.terminate();
    std::cout << "terminated: " << python::repr(co_await other.wait() == -SIGTERM) << '\n';
}

asyncio::Coro<> main_() {
    co_await input_and_output();
    co_await signals();

    std::map<std::string, std::string> environment;
    environment["PATH"] = "/usr/bin:/bin";
    environment["GREETING"] = "from the environment";
    auto process = co_await asyncio::create_subprocess_shell(
        "cat; echo \"[$GREETING]\"",
        ProcessOptions().stdin_(DEVNULL).stdout_(PIPE).stderr_(STDOUT).env(environment));
    auto written = co_await process.communicate();
    std::cout << *written.out;

    auto waits = co_await asyncio::gather(run(0), run(1), run(2), run(3));
    std::cout << "four at once: " << python::repr(waits) << '\n';

    try {
        co_await asyncio::create_subprocess_exec("no-such-command-in-the-path");
    } catch (const asyncio::FileNotFoundError&) {
        std::cout << "FileNotFoundError\n";
    }
}

int main() { asyncio::run(main_()); }
