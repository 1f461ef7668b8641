// SPDX-License-Identifier: MIT
// Streams: a server that answers lines, and three clients that talk to it at the same time.
#include <asyncio/asyncio.h>

#include <cstdio>

using namespace std::chrono_literals;

asyncio::Coro<> answer(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    while (auto line = co_await reader.next_line()) { // nothing: the client has ended
        writer.write("hello, " + *line);
        co_await writer.drain();
    }
    writer.close();
}

asyncio::Coro<std::string> ask(std::string name, asyncio::Port port) {
    auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
    writer.write(name + "\n");
    std::string reply = co_await asyncio::wait_for(reader.readline(), 5s);
    writer.close();
    co_await writer.wait_closed();
    co_return reply;
}

asyncio::Coro<> main_() {
    auto server = co_await asyncio::start_server(answer, "127.0.0.1", 0);
    const asyncio::Port port = server.sockets()[0].getsockname().port();
    auto replies =
        co_await asyncio::gather(ask("Ada", port), ask("Grace", port), ask("Barbara", port));
    auto& [first, second, third] = replies;
    std::printf("%s%s%s", first.c_str(), second.c_str(), third.c_str());
    co_await server.shutdown(1s);
}

int main() { asyncio::run(main_()); }
