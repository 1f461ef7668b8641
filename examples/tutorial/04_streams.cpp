// SPDX-License-Identifier: MIT
// Tutorial, chapter 4: streams over TCP, clients and servers.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;

// [greet]
asyncio::Coro<> greet(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    while (auto name = co_await reader.next_line()) { // nothing: the client has ended
        writer.write("hello, " + *name);              // the line still has its '\n'
        co_await writer.drain();
    }
    writer.close();
}
// [/greet]

// [ask]
asyncio::Coro<> ask(asyncio::Port port) {
    auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
    writer.write("Ada\n");
    std::cout << co_await reader.readline();
    writer.close();
    co_await writer.wait_closed();
}
// [/ask]

// [first_server]
asyncio::Coro<> first_server() {
    auto server = co_await asyncio::start_server(greet, "127.0.0.1", 0); // 0: any free port
    asyncio::Address address = server.sockets()[0].getsockname();
    std::cout << "listening on " << address.host() << '\n';
    co_await asyncio::gather(ask(address.port()), ask(address.port()));
    co_await server.shutdown(1s); // the clients have a second to end
}
// [/first_server]

// [send]
asyncio::Coro<> send_a_message(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    writer.write("greeting;5\n");
    writer.write("hello");
    writer.write("and all that follows");
    writer.write_eof();     // we send no more, and may still read
    co_await reader.read(); // all that the client sends, up to its end
    writer.close();
}
// [/send]

// [receive]
asyncio::Coro<> receive_a_message(asyncio::Port port) {
    auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
    std::string type = co_await reader.readuntil(";");
    long length = std::stol(co_await reader.readline());
    std::string text = co_await reader.readexactly(length);
    std::string rest = co_await reader.read();
    std::cout << type << ' ' << text << ' ' << rest << '\n';
    try {
        co_await reader.readexactly(1);
    } catch (const asyncio::IncompleteReadError& error) {
        std::cout << "the end, after " << error.partial.size() << " bytes\n";
    }
    writer.close();
}
// [/receive]

// [much]
asyncio::Coro<> send_much(asyncio::StreamReader, asyncio::StreamWriter writer) {
    const std::string block(100'000, 'x');
    for (int i = 0; i < 50; ++i) {
        writer.write(block);
        co_await writer.drain(); // waits while the client does not keep up
    }
    writer.close(); // what was written is sent first
}
// [/much]

asyncio::Coro<> count(asyncio::Port port) {
    auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
    std::string all = co_await reader.read();
    std::cout << "got " << all.size() << " bytes\n";
    writer.close();
}

// [patient]
asyncio::Coro<std::string> quote_of_the_day(std::string host, asyncio::Port port) {
    try {
        auto connecting = asyncio::open_connection(host, port);
        auto [reader, writer] = co_await asyncio::wait_for(std::move(connecting), 5s);
        std::string quote = co_await asyncio::wait_for(reader.readline(), 5s);
        writer.close();
        co_return quote;
    } catch (const asyncio::TimeoutError&) {
        co_return "(it takes too long)";
    } catch (const asyncio::OSError& error) { // refused, unreachable, reset, no such name
        co_return std::string("(") + error.what() + ")";
    }
}
// [/patient]

// [chat]
std::vector<asyncio::StreamWriter> present; // everybody in the chat

void tell_all(const std::string& line) {
    for (const auto& writer : present) writer.write(line);
}

asyncio::Coro<> listen_to(asyncio::StreamReader reader) {
    while (auto line = co_await reader.next_line()) tell_all(*line);
}

asyncio::Coro<> chat(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    present.push_back(writer);
    auto leave = [&] {
        std::erase(present, writer); // copies of a writer are the same stream
        writer.close();
    };
    co_await asyncio::finally_(listen_to(reader), leave);
}
// [/chat]

asyncio::Coro<> chat_for_two() {
    auto server = co_await asyncio::start_server(chat, "127.0.0.1", 0);
    const auto port = server.sockets()[0].getsockname().port();
    auto [ada, to_ada] = co_await asyncio::open_connection("127.0.0.1", port);
    auto [grace, to_grace] = co_await asyncio::open_connection("127.0.0.1", port);
    while (present.size() < 2) co_await asyncio::sleep(0.01s);
    to_ada.write("good morning\n");
    std::string heard = co_await grace.readline();
    std::cout << "Grace hears " << heard;
    to_ada.close();
    to_grace.close();
    co_await server.shutdown(1s);
}

// [serve]
asyncio::Coro<> serve() {
    auto server = co_await asyncio::start_server(greet, "localhost", 8888);
    co_await server.serve_forever(
        5s); // Ctrl-C: no new clients; five seconds for those that are here
}

void serve_until_ctrl_c() {
    try {
        asyncio::run(serve());
    } catch (const asyncio::KeyboardInterrupt&) {
        std::cout << "interrupted\n";
    }
}
// [/serve]

template <class Handler>
asyncio::Coro<> with_server(Handler handler, asyncio::Coro<> (*client)(asyncio::Port)) {
    auto server = co_await asyncio::start_server(handler, "127.0.0.1", 0);
    co_await client(server.sockets()[0].getsockname().port());
    co_await server.shutdown(1s);
}

asyncio::Coro<> main_() {
    co_await first_server();
    co_await with_server(send_a_message, receive_a_message);
    co_await with_server(send_much, count);
    std::cout << co_await quote_of_the_day("127.0.0.1", 1) << '\n';
    co_await chat_for_two();
}

int main(int argc, char**) {
    asyncio::run(main_());
    if (argc > 1) serve_until_ctrl_c(); // with any argument
}
