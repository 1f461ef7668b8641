// SPDX-License-Identifier: MIT
// Python's idioms of child processes: the snippets of docs/from-python.md.
#include <asyncio/asyncio.h>

#include <iostream>
#include <memory>
#include <string>

using asyncio::ProcessOptions;
using asyncio::subprocess::PIPE;

// [protocol]
class Output : public asyncio::SubprocessProtocol {
public:
    void pipe_data_received(int fd, std::string_view data) override {
        if (fd == 1) text += data;
    }
    void connection_lost(std::exception_ptr) override { over.set(); }

    std::string text;
    asyncio::Event over;
};
// [/protocol]

asyncio::Coro<> main_() {
    auto& loop = asyncio::get_running_loop();

    // [exec]
    auto process = co_await asyncio::create_subprocess_exec(
        "tr", "a-z", "A-Z", ProcessOptions().stdin_(PIPE).stdout_(PIPE));
    auto [out, err] = co_await process.communicate("hello\n"); // err: nothing, it is no pipe
    std::cout << *out << *process.returncode() << '\n';
    // [/exec]

    // [loop]
    auto make_output = [] { return std::make_shared<Output>(); };
    auto started = co_await loop.subprocess_exec(make_output, "echo", "hello");
    co_await started.protocol->over.wait();
    std::cout << started.protocol->text << *started.transport->get_returncode() << '\n';
    // [/loop]
}

int main() { asyncio::run(main_()); }
