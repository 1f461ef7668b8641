// SPDX-License-Identifier: MIT
// A TCP proxy: who connects to a port of this machine talks to another server.
// Usage: proxy PORT HOST HOST_PORT   (until Ctrl-C; without arguments it shows itself)
#include <asyncio/asyncio.h>

#include <iostream>

using namespace std::chrono_literals;

std::string host; // where it leads to
asyncio::Port port;

asyncio::Coro<> copy(asyncio::StreamReader from, asyncio::StreamWriter to) {
    std::string data;
    while (!(data = co_await from.read(64 * 1024)).empty()) co_await to.write_all(data);
    to.write_eof(); // this direction has ended; the other goes on
}

asyncio::Coro<> relay(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    asyncio::TransportRef far;
    try {
        auto opening = asyncio::open_connection(host, port);
        auto [far_reader, far_writer] = co_await asyncio::wait_for(std::move(opening), 10s);
        far = asyncio::TransportRef(far_writer.transport());
        co_await asyncio::gather_or_cancel(copy(reader, far_writer), copy(far_reader, writer));
        writer.close(), far_writer.close();
    } catch (const std::exception& error) {
        std::clog << to_string(writer.peername()) << ": " << error.what() << '\n';
        writer.transport().abort(); // what is unsent cannot be of use any more
        if (far) far->abort();
    }
}

asyncio::Coro<> serve(asyncio::Port own_port) {
    auto proxy = co_await asyncio::start_server(relay, "localhost", own_port);
    auto address = proxy.sockets()[0].getsockname();
    std::cout << "proxy: " << to_string(address) << " leads to " << host << std::endl;
    co_await proxy.serve_forever(1s); // after Ctrl-C, connections have a second to end
}

asyncio::Coro<> show() {
    auto greet = [](auto, asyncio::StreamWriter writer) { writer.write("hello, proxy\n"); };
    auto server = co_await asyncio::start_server(greet, "127.0.0.1", 0);
    host = "127.0.0.1", port = server.sockets()[0].getsockname().port();
    auto proxy = co_await asyncio::start_server(relay, "127.0.0.1", 0);
    auto [reader, writer] =
        co_await asyncio::open_connection("127.0.0.1", proxy.sockets()[0].getsockname().port());
    std::cout << co_await reader.read();
}

int main(int argc, char* argv[]) try {
    if (argc != 1 && argc != 4) throw asyncio::ValueError("usage: proxy PORT HOST HOST_PORT");
    if (argc == 4) host = argv[2], port = argv[3];
    asyncio::run(argc == 4 ? serve(argv[1]) : show());
} catch (const asyncio::KeyboardInterrupt&) { // Ctrl-C
} catch (const std::exception& error) {
    std::clog << "proxy: " << error.what() << '\n';
    return 1;
}
