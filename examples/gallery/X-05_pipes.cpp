// SPDX-License-Identifier: MIT
// A pipe on both ends of the loop; a child process that is written to and read from at the same
// time.
#include <asyncio/asyncio.h>

#include "python_repr.h"

#include <cerrno>
#include <iostream>
#include <memory>
#include <string>
#include <unistd.h>

using namespace std::chrono_literals;
using asyncio::subprocess::PIPE;

asyncio::Coro<> produce(asyncio::StreamWriter writer) {
    for (int i = 0; i < 3; ++i) {
        writer.write("line " + std::to_string(i) + "\n");
        co_await writer.drain();
        co_await asyncio::sleep(50ms);
    }
    writer.close();
}

asyncio::Coro<> os_pipe() {
    auto& loop = asyncio::get_running_loop();
    int fds[2];
    if (::pipe(fds) != 0) throw asyncio::OSError(errno, "pipe");
    asyncio::Descriptor read_end(fds[0]);
    asyncio::Descriptor write_end(fds[1]);

    asyncio::StreamReader reader;
    auto incoming = std::make_shared<asyncio::StreamReaderProtocol>(reader);
    auto incoming_factory = [incoming] { return incoming; };
    co_await loop.connect_read_pipe(incoming_factory, std::move(read_end));
    auto outgoing = std::make_shared<asyncio::StreamReaderProtocol>(asyncio::StreamReader());
    auto outgoing_factory = [outgoing] { return outgoing; };
    auto made = co_await loop.connect_write_pipe(outgoing_factory, std::move(write_end));

    auto task = asyncio::create_task(produce(asyncio::StreamWriter(*made.transport, outgoing)));
    while (auto line = co_await reader.next_line()) std::cout << "pipe: " << *line;
    std::cout << "pipe: end of file " << python::repr(reader.at_eof()) << '\n';
    co_await task;
}

// More than the two pipes hold: writing and reading have to go on together.
asyncio::Coro<> feed(asyncio::StreamWriter writer) {
    const std::string block(65536, 'x');
    for (int i = 0; i < 32; ++i) {
        writer.write(block);
        co_await writer.drain();
    }
    writer.close();
}

asyncio::Coro<> child_pipe() {
    auto child = co_await asyncio::create_subprocess_exec(
        "cat", asyncio::ProcessOptions().stdin_(PIPE).stdout_(PIPE));
    for (std::string text : {"one", "two"}) {
        child.stdin_()->write(text + "\n");
        co_await child.stdin_()->drain();
        std::cout << "cat: " << co_await child.stdout_()->readline();
    }
    auto results = co_await asyncio::gather(feed(*child.stdin_()), child.stdout_()->read());
    std::cout << "cat gave back " << std::get<1>(results).size() << " bytes\n";
    std::cout << "exit code " << co_await child.wait() << '\n';
}

asyncio::Coro<> main_() {
    co_await os_pipe();
    co_await child_pipe();
}

int main() { asyncio::run(main_()); }
