// SPDX-License-Identifier: MIT
// Streams over a Unix domain socket in the current directory.
#include <asyncio/asyncio.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "python_repr.h"

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
    return text;
}

asyncio::Coro<> handle(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    while (auto line = co_await reader.next_line()) {
        writer.write(upper(*line));
        co_await writer.drain();
    }
    writer.close();
}

asyncio::Coro<std::string> client(int n) {
    auto [reader, writer] = co_await asyncio::open_unix_connection("gallery.sock");
    writer.write("client " + std::to_string(n) + "\n");
    auto answer = co_await reader.readline();
    writer.close();
    co_await writer.wait_closed();
    answer.pop_back();
    co_return answer;
}

asyncio::Coro<> talk() {
    std::cout << "socket exists: " << python::repr(std::filesystem::exists("gallery.sock")) << '\n';
    std::vector<asyncio::Coro<std::string>> clients;
    for (int n = 0; n < 5; ++n) clients.push_back(client(n));
    auto answers = co_await asyncio::gather(std::move(clients));
    std::cout << python::repr(answers) << '\n';
}

asyncio::Coro<> main_() {
    auto server = co_await asyncio::start_unix_server(handle, "gallery.sock");
    co_await server.with(talk());
    std::cout << "serving: " << python::repr(server.is_serving()) << '\n';

    try {
        co_await asyncio::open_unix_connection("gallery.sock");
    } catch (const asyncio::FileNotFoundError&) {
        std::cout << "FileNotFoundError\n";
    }
}

int main() { asyncio::run(main_()); }
