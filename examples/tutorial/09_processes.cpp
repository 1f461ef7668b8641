// SPDX-License-Identifier: MIT
// Tutorial, chapter 9: other programs: started, talked with, waited for, ended.
#include <asyncio/asyncio.h>

#include <csignal>
#include <iostream>
#include <string>

using namespace std::chrono_literals;
using asyncio::ProcessOptions;
using asyncio::subprocess::DEVNULL;
using asyncio::subprocess::PIPE;
using asyncio::subprocess::STDOUT;

// [output]
asyncio::Coro<> list_the_root() {
    auto process =
        co_await asyncio::create_subprocess_exec("ls", "-1", "/", ProcessOptions().stdout_(PIPE));
    auto written = co_await process.communicate();
    std::cout << written.out->size() << " bytes, exit code " << *process.returncode() << '\n';
}
// [/output]

// [input]
asyncio::Coro<> sort_words() {
    auto process = co_await asyncio::create_subprocess_exec(
        "sort", ProcessOptions().stdin_(PIPE).stdout_(PIPE).stderr_(STDOUT));
    auto written = co_await process.communicate("pear\napple\nfig\n");
    std::cout << *written.out;
}
// [/input]

// [lines]
asyncio::Coro<> follow() {
    auto process = co_await asyncio::create_subprocess_shell(
        "for i in 1 2 3; do echo step $i; done", ProcessOptions().stdout_(PIPE));
    while (auto line = co_await process.stdout_()->next_line()) std::cout << *line;
    std::cout << "exit code " << co_await process.wait() << '\n';
}
// [/lines]

// [dialogue]
asyncio::Coro<> converse() {
    auto process = co_await asyncio::create_subprocess_exec(
        "cat", ProcessOptions().stdin_(PIPE).stdout_(PIPE));
    for (const char* question : {"hello", "still there?"}) {
        process.stdin_()->write(std::string(question) + "\n");
        co_await process.stdin_()->drain();
        std::cout << "answer: " << co_await process.stdout_()->readline();
    }
    process.stdin_()->close();
    co_await process.wait();
}
// [/dialogue]

// [timeout]
asyncio::Coro<> no_longer_than(asyncio::Duration limit) {
    auto process = co_await asyncio::create_subprocess_exec("sleep", "60");
    auto end = co_await asyncio::outcome(asyncio::wait_for(process.wait(), limit));
    if (!end) process.terminate(); // it runs on until it is told
    std::cout << "ended by SIGTERM: " << (co_await process.wait() == -SIGTERM) << '\n';
}
// [/timeout]

// [environment]
asyncio::Coro<> surroundings() {
    auto variables = asyncio::subprocess::environment();
    variables["GREETING"] = "hello";
    auto options = ProcessOptions().cwd("/").env(variables).stdin_(DEVNULL).stdout_(PIPE);
    auto process = co_await asyncio::create_subprocess_shell("echo $GREETING from $PWD", options);
    auto written = co_await process.communicate();
    std::cout << *written.out;
}
// [/environment]

// [errors]
asyncio::Coro<> not_there() {
    try {
        co_await asyncio::create_subprocess_exec("no-such-program");
    } catch (const asyncio::FileNotFoundError& error) {
        std::cout << "not found: " << error.object() << '\n';
    }
}
// [/errors]

// [together]
asyncio::Coro<int> exit_code_of(std::string command) {
    auto process = co_await asyncio::create_subprocess_shell(std::move(command));
    co_return co_await process.wait();
}

asyncio::Coro<> together() {
    auto [a, b, c] = co_await asyncio::gather(exit_code_of("exit 1"), exit_code_of("exit 2"),
                                              exit_code_of("exit 3"));
    std::cout << a << ' ' << b << ' ' << c << '\n';
}
// [/together]

asyncio::Coro<> main_() {
    co_await list_the_root();
    co_await sort_words();
    co_await follow();
    co_await converse();
    co_await no_longer_than(100ms);
    co_await surroundings();
    co_await not_there();
    co_await together();
}

int main() { asyncio::run(main_()); }
