// SPDX-License-Identifier: MIT
// Python's idioms of datagrams, Unix sockets, pipes and signals: the snippets of
// docs/from-python.md.
#include <asyncio/asyncio.h>

#include <filesystem>
#include <iostream>
#include <string>
#include <unistd.h>

using namespace std::chrono_literals;

// [datagram_protocol]
class Echo : public asyncio::DatagramProtocol {
public:
    void connection_made(asyncio::DatagramTransport& transport) override {
        transport_ = &transport;
    }
    void datagram_received(std::string_view data, const asyncio::Address& addr) override {
        transport_->sendto(data, addr);
    }

private:
    asyncio::DatagramTransport* transport_ = nullptr; // LIFETIME: until connection_lost
};
// [/datagram_protocol]

asyncio::Coro<> datagrams() {
    auto& loop = asyncio::get_running_loop();
    // [datagram_endpoint]
    auto make_echo = [] { return std::make_shared<Echo>(); };
    auto local = asyncio::DatagramOptions().local_addr("127.0.0.1", 0);
    auto made = co_await loop.create_datagram_endpoint(make_echo, local);
    // [/datagram_endpoint]
    auto port = made.transport->get_extra_info(asyncio::extra::sockname)->port();

    // [datagram_socket]
    auto remote = asyncio::DatagramOptions().remote_addr("127.0.0.1", port);
    auto socket = co_await asyncio::open_datagram_socket(remote);
    co_await socket.sendto("hello");
    auto [data, from] = co_await asyncio::timeout(1s, socket.recvfrom());
    // [/datagram_socket]
    std::cout << data << '\n';
    made.transport->close();
}

asyncio::Coro<> handle(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    while (auto line = co_await reader.next_line()) writer.write(*line);
    writer.close();
}

asyncio::Coro<> unix_sockets(std::string path) {
    // [unix]
    auto server = co_await asyncio::start_unix_server(handle, path);
    auto [reader, writer] = co_await asyncio::open_unix_connection(path);
    // [/unix]
    writer.write("a line\n");
    std::cout << co_await reader.readline();
    writer.close();
    co_await server.shutdown(1s);
}

asyncio::Coro<> pipes() {
    auto& loop = asyncio::get_running_loop();
    int ends[2];
    if (::pipe(ends) != 0) throw asyncio::OSError(errno, "pipe");
    const asyncio::Descriptor write_end(ends[1]);
    asyncio::Descriptor pipe(ends[0]);
    // [read_pipe]
    asyncio::StreamReader reader;
    auto protocol = std::make_shared<asyncio::StreamReaderProtocol>(reader);
    auto make_protocol = [protocol] { return protocol; }; // lambda: protocol
    auto made = co_await loop.connect_read_pipe(make_protocol, std::move(pipe));
    // [/read_pipe]
    made.transport->close();
}

asyncio::Coro<> main_() {
    co_await datagrams();
    const auto folder = std::filesystem::temp_directory_path();
    co_await unix_sockets(folder / ("from-python-" + std::to_string(::getpid())));
    co_await pipes();
}

int main() { asyncio::run(main_()); }
