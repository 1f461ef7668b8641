// SPDX-License-Identifier: MIT
// An echo server, ended by Ctrl-C. Tutorial 003, 流 (Streams).
// Usage: 003-11_echo_server PORT
#include <asyncio/asyncio.h>

#include <iostream>

#include "python_repr.h"

asyncio::Port port = 8888;

asyncio::Coro<> handle_echo_client(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    auto addr = python::repr(writer.get_extra_info(asyncio::extra::peername));
    std::cout << "收到来自 " << addr << " 的连接\n";

    while (true) {
        auto data = co_await reader.read(100); // 读取最多100字节
        if (data.empty()) break; // 连接关闭

        std::cout << "从 " << addr << " 收到: " << python::repr(data) << '\n';

        writer.write(data); // 回显数据
        co_await writer.drain(); // 等待写入缓冲区清空
    }

    std::cout << "关闭来自 " << addr << " 的连接\n";
    writer.close();
    co_await writer.wait_closed();
}

asyncio::Coro<> main_server() {
    auto server = co_await asyncio::start_server(handle_echo_client, "127.0.0.1", port);

    auto addr = server.sockets()[0].getsockname();
    std::cout << "服务器正在监听 " << python::repr(addr) << '\n';

    co_await server.with(server.serve_forever()); // 确保服务器正确关闭
}

int main(int argc, char* argv[]) try {
    if (argc > 1) port = argv[1];
    asyncio::run(main_server());
} catch (const asyncio::KeyboardInterrupt&) {
    return 130;
}
