// SPDX-License-Identifier: MIT
// A TCP server that answers in upper case, ended by Ctrl-C. Tutorial 000, 异步 TCP 服务器.
// Usage: 000-13_tcp_server PORT
#include <asyncio/asyncio.h>

#include <algorithm>
#include <cctype>
#include <iostream>
#include <string>

asyncio::Port port = 8888;

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
    return text;
}

asyncio::Coro<> handle(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    auto message = co_await reader.read(100);
    std::cout << "Received: " << message << '\n';
    writer.write(upper(message));
    co_await writer.drain();
    writer.close();
}

asyncio::Coro<> main_() {
    auto server = co_await asyncio::start_server(handle, "127.0.0.1", port);
    co_await server.with(server.serve_forever());
}

int main(int argc, char* argv[]) try {
    if (argc > 1) port = argv[1];
    asyncio::run(main_());
} catch (const asyncio::KeyboardInterrupt&) {
    return 130;
}
