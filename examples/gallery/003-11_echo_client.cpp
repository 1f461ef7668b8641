// SPDX-License-Identifier: MIT
// An echo client, run twice. Tutorial 003, 流 (Streams).
// Usage: 003-11_echo_client PORT   (a server such as 003-11_echo_server listens there)
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>

#include "python_repr.h"

asyncio::Port port = 8888;

// 客户端示例 (可以单独运行或集成)
asyncio::Coro<> tcp_echo_client(std::string message) {
    try {
        auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
        std::cout << "发送: " << python::repr(message) << '\n';
        writer.write(message);
        co_await writer.drain();

        auto data = co_await reader.read(100);
        std::cout << "收到: " << python::repr(data) << '\n';

        std::cout << "关闭连接\n";
        writer.close();
        co_await writer.wait_closed();
    } catch (const asyncio::ConnectionRefusedError&) {
        std::cout << "连接被拒绝。请确保服务器正在运行。\n";
    }
}

int main(int argc, char* argv[]) {
    // 要运行客户端示例 (需要服务器先运行)
    if (argc > 1) port = argv[1];
    asyncio::run(tcp_echo_client("你好, asyncio 服务器!"));
    asyncio::run(tcp_echo_client("这是第二条消息。"));
}
