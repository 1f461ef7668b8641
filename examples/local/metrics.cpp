// SPDX-License-Identifier: MIT
// A service that counts what it is told by datagrams, and tells it to who asks at a Unix socket.
// Usage: metrics [PATH [PORT]]     counts at 127.0.0.1:PORT, serves at PATH, until SIGTERM
//        echo 'hits:1' | nc -u -W 1 127.0.0.1 PORT
//        nc -U PATH
// Without a path it tries itself out.
#include <asyncio/asyncio.h>

#include <charconv>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

using Counters = std::map<std::string, long>;

/// Counts "name:number"; what looks otherwise is not counted.
void count(Counters& counters, std::string_view text) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    const std::size_t colon = text.find(':');
    if (colon == text.npos) return;
    const std::string_view number = text.substr(colon + 1);
    long value = 0;
    const char* const end = number.data() + number.size();
    if (std::from_chars(number.data(), end, value).ptr != end) return;
    counters[std::string(text.substr(0, colon))] += value;
}

asyncio::Coro<> receive(asyncio::DatagramSocket socket, Counters* counters) {
    // LIFETIME: serve() holds the counters until this has ended.
    while (true) {
        const auto [data, from] = co_await socket.recvfrom();
        count(*counters, data);
        if (from) co_await socket.sendto("counted\n", from);
    }
}

std::string report(const Counters& counters) {
    std::string text;
    for (const auto& [name, value] : counters) text += name + ' ' + std::to_string(value) + '\n';
    return text;
}

asyncio::Coro<> serve(std::string path, asyncio::Port port) {
    asyncio::SignalStream signals(SIGTERM, SIGINT); // before anybody knows that we are there
    Counters counters;
    auto options = asyncio::DatagramOptions().local_addr("127.0.0.1", port);
    const auto socket = co_await asyncio::open_datagram_socket(options);
    const auto tell = [&counters](asyncio::StreamReader, asyncio::StreamWriter writer) {
        writer.write(report(counters));
        writer.close();
    };
    const auto server = co_await asyncio::start_unix_server(tell, path);
    std::cout << "counting at " << to_string(socket.sockname()) << ", serving at " << path
              << std::endl;
    const auto receiving = asyncio::create_task(receive(socket, &counters));
    co_await signals.next();
    receiving.cancel();
    co_await asyncio::outcome(receiving);
    co_await server.shutdown(1s);
    std::cout << "gone\n";
}

// ---- trying it out ------------------------------------------------------------------------------

asyncio::Coro<std::uint16_t> free_port() {
    auto options = asyncio::DatagramOptions().local_addr("127.0.0.1", 0);
    const auto socket = co_await asyncio::open_datagram_socket(options);
    co_return socket.sockname().port();
}

asyncio::Coro<> try_out() {
    const auto folder = std::filesystem::temp_directory_path();
    const std::string path = folder / ("metrics-" + std::to_string(::getpid()));
    const std::uint16_t port = co_await free_port();
    const auto serving = asyncio::create_task(serve(path, port));
    auto options = asyncio::DatagramOptions().remote_addr("127.0.0.1", port);
    const auto client = co_await asyncio::open_datagram_socket(options);
    for (const std::string text : {"hits:1", "misses:1", "nonsense", "hits:41"}) {
        co_await client.sendto(text);
        co_await client.recvfrom();
    }
    auto [reader, writer] = co_await asyncio::open_unix_connection(path);
    std::cout << co_await reader.read();
    writer.close();
    ::raise(SIGTERM);
    co_await serving;
}

} // namespace

int main(int argc, char* argv[]) {
    if (argc < 2) {
        asyncio::run(try_out());
    } else {
        asyncio::run(serve(argv[1], argc > 2 ? asyncio::Port(argv[2]) : asyncio::Port(0)));
    }
}
