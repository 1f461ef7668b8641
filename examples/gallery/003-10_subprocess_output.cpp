// SPDX-License-Identifier: MIT
// Both outputs and the exit code of a child process; a command that does not exist.
// Usage: 003-10_subprocess_output [PYTHON]
#include <asyncio/asyncio.h>

#include <exception>
#include <iostream>
#include <string>

using asyncio::subprocess::PIPE;

asyncio::Coro<> run_command(std::string python) {
    try {
        auto process = co_await asyncio::create_subprocess_exec(
            python, "-c", "import time; time.sleep(1); print(\"来自子进程的输出\")",
            asyncio::ProcessOptions().stdout_(PIPE).stderr_(PIPE));
        auto [out, err] = co_await process.communicate(); // 等待子进程完成
        if (!out->empty()) std::cout << "[标准输出]:\n" << *out << '\n';
        if (!err->empty()) std::cout << "[标准错误]:\n" << *err << '\n';
        std::cout << "子进程退出码: " << *process.returncode() << '\n';
    } catch (const asyncio::FileNotFoundError&) {
        std::cout << "错误: 命令未找到。请确保命令在您的 PATH 中，或提供完整路径。\n";
    } catch (const std::exception& e) {
        std::cout << "运行命令时发生错误: " << e.what() << '\n';
    }
}

int main(int argc, char** argv) { asyncio::run(run_command(argc > 1 ? argv[1] : "python3")); }
