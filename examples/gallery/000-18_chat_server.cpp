// SPDX-License-Identifier: MIT
// A chat server: every line goes to all other clients. Tutorial 000, 聊天服务器 Demo.
// Usage: 000-18_chat_server PORT   (runs until Ctrl-C)
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>
#include <vector>

#include "python_repr.h"

asyncio::Port port = 8888;

std::vector<asyncio::StreamWriter> clients;

std::string strip(const std::string& text) {
    const char* blanks = " \t\r\n\v\f";
    const auto first = text.find_first_not_of(blanks);
    if (first == text.npos) return "";
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

asyncio::Coro<> talk(asyncio::StreamReader reader, asyncio::StreamWriter writer, std::string addr) {
    while (auto data = co_await reader.next_line()) {
        auto message = strip(*data);
        std::cout << addr << ": " << message << '\n';
        auto present = clients; // a copy: some may leave while we wait for one of them
        for (auto& client : present) {
            if (client != writer) {
                client.write(addr + ": " + message + "\n");
                co_await client.drain();
            }
        }
    }
}

asyncio::Coro<> handle_client(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    auto addr = python::repr(writer.get_extra_info(asyncio::extra::peername));
    clients.push_back(writer);
    std::cout << "New client " << addr << '\n';
    auto leave = [&] {
        std::erase(clients, writer);
        writer.close();
    };
    try {
        co_await asyncio::finally_(talk(reader, writer, addr), leave);
    } catch (const std::exception&) {
    }
}

asyncio::Coro<> main_() {
    auto server = co_await asyncio::start_server(handle_client, "127.0.0.1", port);
    co_await server.with(server.serve_forever());
}

int main(int argc, char* argv[]) try {
    if (argc > 1) port = argv[1];
    asyncio::run(main_());
} catch (const asyncio::KeyboardInterrupt&) {
    return 130;
}
