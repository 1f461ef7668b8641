// SPDX-License-Identifier: MIT
// Streams: readline(), readuntil(), readexactly(), read() and their errors; back-pressure through
// drain(). Tutorial 004, I/O 操作.
// Usage: X-24_stream_reader PORT
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>
#include <vector>

#include "python_repr.h"

using namespace std::chrono_literals;
using namespace std::string_view_literals;

asyncio::Port port = 9000;

asyncio::Coro<> handle(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    writer.write("first line\nsecond ");
    co_await writer.drain();
    co_await asyncio::sleep(0.1s);
    writer.write("line\nkey=value;\x00\x01\x02\x03\x04"sv);
    writer.write("no newline at the end");
    writer.write_eof();
    auto data = co_await reader.read();
    std::cout << "server got: " << data << '\n';
    writer.close();
    co_await writer.wait_closed();
}

asyncio::Coro<> handle_big(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    std::size_t total = 0;
    while (true) {
        auto data = co_await reader.read(65536);
        if (data.empty()) break;
        total += data.size();
    }
    writer.write(std::to_string(total) + "\n");
    co_await writer.drain();
    writer.close();
}

asyncio::Coro<> read_in_all_ways() {
    auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
    auto print = [](const char* what, const std::string& data) {
        std::cout << what << ' ' << python::repr_of_bytes(data) << '\n';
    };
    print("readline:", co_await reader.readline());
    print("readline:", co_await reader.readline());
    print("readuntil:", co_await reader.readuntil(";"));
    print("readexactly:", co_await reader.readexactly(5));
    try {
        co_await reader.readexactly(100);
    } catch (const asyncio::IncompleteReadError& e) {
        std::cout << "IncompleteReadError: " << python::repr_of_bytes(e.partial) << ' '
                  << python::repr(e.expected) << '\n';
    }
    std::cout << "at_eof: " << python::repr(reader.at_eof());
    print(" read:", co_await reader.read());
    std::vector<std::string> pieces{"goodbye", " ", "server"};
    writer.writelines(pieces);
    writer.close();
    co_await writer.wait_closed();
    std::cout << "closing: " << python::repr(writer.is_closing()) << '\n';
    co_await asyncio::sleep(0.05s);
}

asyncio::Coro<> write_much() {
    auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
    for (int i = 0; i < 100; ++i) {
        writer.write(std::string(50000, 'x'));
        co_await writer.drain();
    }
    writer.write_eof();
    auto total = co_await reader.readline();
    std::cout << "server counted " << total;
    writer.close();
    co_await writer.wait_closed();
}

asyncio::Coro<> main_() {
    auto server = co_await asyncio::start_server(handle, "127.0.0.1", port);
    co_await server.with(read_in_all_ways);

    auto options = asyncio::ServerOptions().backlog(10);
    auto big_server = co_await asyncio::start_server(handle_big, "127.0.0.1", port, options);
    co_await big_server.with(write_much);

    // A line longer than the limit of the reader.
    asyncio::StreamReader reader(16);
    reader.feed_data("a line of more than sixteen bytes\nshort\n");
    reader.feed_eof();
    try {
        co_await reader.readline();
    } catch (const asyncio::ValueError& e) {
        std::cout << "ValueError: " << e.what() << '\n';
    }
    auto line = co_await reader.readline();
    std::cout << "readline after it: " << python::repr_of_bytes(line) << '\n';
}

int main(int argc, char* argv[]) {
    if (argc > 1) port = argv[1];
    asyncio::run(main_());
}
