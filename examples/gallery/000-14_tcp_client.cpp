// SPDX-License-Identifier: MIT
// A TCP client. Tutorial 000, 异步 TCP 客户端.
// Usage: 000-14_tcp_client PORT   (a server such as 000-13 listens there)
#include <asyncio/asyncio.h>

#include <iostream>

asyncio::Port port = 8888;

asyncio::Coro<> tcp_client() {
    auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
    writer.write("hello");
    co_await writer.drain();
    auto data = co_await reader.read(100);
    std::cout << "Received: " << data << '\n';
    writer.close();
}

int main(int argc, char* argv[]) {
    if (argc > 1) port = argv[1];
    asyncio::run(tcp_client());
}
