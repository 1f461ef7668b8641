// SPDX-License-Identifier: MIT
// Python's idioms over TCP: the snippets of docs/from-python.md.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>

using namespace std::chrono_literals;

// [handler]
asyncio::Coro<> handle(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    while (auto line = co_await reader.next_line()) { // async for line in reader:
        writer.write("got " + *line);
        co_await writer.drain();
    }
    writer.close();
}
// [/handler]

asyncio::Coro<> streams() {
    // [server]
    auto limited = asyncio::ServerOptions().backlog(10).limit(1000);
    auto server = co_await asyncio::start_server(handle, "127.0.0.1", 0, limited);
    auto port = server.sockets()[0].getsockname().port(); // in Python: .getsockname()[1]
    // [/server]

    // [connect]
    auto options = asyncio::ConnectOptions().happy_eyeballs_delay(250ms);
    auto [reader, writer] = co_await asyncio::open_connection("localhost", port, options);
    // [/connect]
    writer.write("a line\n");
    std::cout << co_await reader.readline();

    // [extra_info]
    if (auto peer = writer.get_extra_info(asyncio::extra::peername)) { // None: nothing
        std::cout << peer->host() << '\n';
    }
    // [/extra_info]
    writer.close();

    // [async_with_server]
    co_await server.with([]() -> asyncio::Coro<> { // async with server:
        co_await asyncio::sleep(0.01s);
    });
    // [/async_with_server]
}

// [protocol]
class Echo : public asyncio::Protocol {
public:
    void connection_made(asyncio::Transport& transport) override { transport_ = &transport; }
    void data_received(std::string_view data) override { transport_->write(data); }
    void connection_lost(std::exception_ptr error) override { // None: null
        if (error) std::cout << asyncio::repr(error) << '\n';
    }

private:
    asyncio::Transport* transport_ = nullptr; // LIFETIME: until connection_lost
};
// [/protocol]

asyncio::Coro<> protocols() {
    auto& loop = asyncio::get_running_loop();
    // [factory]
    auto make_echo = [] { return std::make_shared<Echo>(); };
    auto server = co_await loop.create_server(make_echo, "127.0.0.1", 0);
    auto port = server.sockets()[0].getsockname().port();
    auto made = co_await loop.create_connection(make_echo, "127.0.0.1", port);
    made.transport->close(); // made.protocol is a std::shared_ptr<Echo>
    // [/factory]
    co_await server.shutdown(1s);
}

asyncio::Coro<> sockets() {
    auto& loop = asyncio::get_running_loop();
    const asyncio::Socket listener(AF_INET);
    listener.bind(*asyncio::Address::from_literal("127.0.0.1", 0));
    listener.listen(1);
    auto port = listener.getsockname().port();
    // [sock]
    asyncio::Socket socket(AF_INET); // does not block, from the beginning
    co_await loop.sock_connect(socket, "127.0.0.1", port);
    auto [connection, peer] = co_await loop.sock_accept(listener);
    co_await loop.sock_sendall(socket, "hello");
    std::string data = co_await loop.sock_recv(connection, 100); // empty: the peer has ended
    // [/sock]
    std::cout << data << " from " << peer.host() << '\n';
}

asyncio::Coro<> names() {
    auto& loop = asyncio::get_running_loop();
    // [names]
    auto found = co_await loop.getaddrinfo("localhost", "80", AF_UNSPEC, SOCK_STREAM);
    for (const asyncio::AddrInfo& info : found) std::cout << to_string(info.address) << '\n';
    // [/names]
}

asyncio::Coro<> main_() {
    co_await streams();
    co_await protocols();
    co_await sockets();
    co_await names();
}

int main() { asyncio::run(main_()); }
