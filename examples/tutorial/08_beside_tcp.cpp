// SPDX-License-Identifier: MIT
// Tutorial, chapter 8: datagrams, Unix sockets, pipes and signals.
#include <asyncio/asyncio.h>

#include <csignal>
#include <filesystem>
#include <iostream>
#include <string>
#include <unistd.h>

using namespace std::chrono_literals;

// [answer]
asyncio::Coro<> answer(asyncio::DatagramSocket socket) {
    while (true) {
        auto [data, from] = co_await socket.recvfrom();
        co_await socket.sendto("you said " + data, from);
    }
}
// [/answer]

// [ask]
asyncio::Coro<std::string> ask(asyncio::DatagramSocket socket, std::string question) {
    for (int attempt = 0; attempt < 3; ++attempt) {
        co_await socket.sendto(question);
        auto got = co_await asyncio::outcome(asyncio::timeout(1s, socket.recvfrom()));
        if (got.has_value()) co_return got.value().data;
        if (!asyncio::is_exception<asyncio::TimeoutError>(got.exception())) got.value(); // throws
    }
    throw asyncio::TimeoutError("nobody answers");
}
// [/ask]

// [datagrams]
asyncio::Coro<> datagrams() {
    auto local = asyncio::DatagramOptions().local_addr("127.0.0.1", 0);
    auto server = co_await asyncio::open_datagram_socket(local);
    auto answering = asyncio::create_task(answer(server));

    auto port = server.sockname().port();
    auto remote = asyncio::DatagramOptions().remote_addr("127.0.0.1", port);
    auto client = co_await asyncio::open_datagram_socket(remote);
    std::cout << co_await ask(client, "hello") << '\n';
    answering.cancel();
}
// [/datagrams]

// [protocol]
class Upper : public asyncio::DatagramProtocol {
public:
    void connection_made(asyncio::DatagramTransport& transport) override {
        transport_ = &transport;
    }
    void datagram_received(std::string_view data, const asyncio::Address& from) override {
        std::string answer(data);
        for (char& c : answer) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        transport_->sendto(answer, from);
    }
    void error_received(std::exception_ptr error) override { // the endpoint goes on
        std::cout << asyncio::repr(error) << '\n';
    }

private:
    asyncio::DatagramTransport* transport_ = nullptr; // LIFETIME: until connection_lost
};

asyncio::Coro<> protocol() {
    auto& loop = asyncio::get_running_loop();
    auto make_upper = [] { return std::make_shared<Upper>(); };
    auto made = co_await loop.create_datagram_endpoint(
        make_upper, asyncio::DatagramOptions().local_addr("127.0.0.1", 0));
    auto port = made.transport->get_extra_info(asyncio::extra::sockname)->port();
    auto remote = asyncio::DatagramOptions().remote_addr("127.0.0.1", port);
    auto client = co_await asyncio::open_datagram_socket(remote);
    std::cout << co_await ask(client, "hello") << '\n';
    made.transport->close();
}
// [/protocol]

// [unix_handler]
asyncio::Coro<> greet(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    while (auto name = co_await reader.next_line()) writer.write("hello, " + *name);
    writer.close();
}
// [/unix_handler]

// [unix]
asyncio::Coro<> unix_sockets(std::string path) {
    auto server = co_await asyncio::start_unix_server(greet, path);
    auto [reader, writer] = co_await asyncio::open_unix_connection(path);
    writer.write("Ada\n");
    std::cout << co_await reader.readline();
    writer.close();
    co_await server.shutdown(1s); // the file is gone
}
// [/unix]

// [abstract]
asyncio::Coro<> without_a_file() {
    using namespace std::string_literals;
    const std::string name = "\0tutorial-"s + std::to_string(::getpid());
    auto server = co_await asyncio::start_unix_server(greet, name);
    auto [reader, writer] = co_await asyncio::open_unix_connection(name);
    writer.write("Grace\n");
    std::cout << co_await reader.readline();
    writer.close();
    co_await server.shutdown(1s);
}
// [/abstract]

// [read_pipe]
asyncio::Coro<> print_lines(asyncio::Descriptor pipe) {
    auto& loop = asyncio::get_running_loop();
    asyncio::StreamReader reader;
    auto protocol = std::make_shared<asyncio::StreamReaderProtocol>(reader);
    auto make_protocol = [protocol] { return protocol; };
    co_await loop.connect_read_pipe(make_protocol, std::move(pipe));
    while (auto line = co_await reader.next_line()) std::cout << "read: " << *line;
}
// [/read_pipe]

// [write_pipe]
asyncio::Coro<> write_lines(asyncio::Descriptor pipe) {
    auto& loop = asyncio::get_running_loop();
    auto make_protocol = [] { return std::make_shared<asyncio::Protocol>(); };
    auto made = co_await loop.connect_write_pipe(make_protocol, std::move(pipe));
    made.transport->write("one\ntwo\n");
    made.transport->close(); // sends what is buffered first
}
// [/write_pipe]

asyncio::Coro<> pipes() {
    int ends[2];
    if (::pipe(ends) != 0) throw asyncio::OSError(errno, "pipe");
    asyncio::Descriptor read_end(ends[0]);
    asyncio::Descriptor write_end(ends[1]);
    co_await asyncio::gather(print_lines(std::move(read_end)), write_lines(std::move(write_end)));
}

// [signals]
asyncio::Coro<> wait_for_signals() {
    asyncio::SignalStream signals(SIGHUP, SIGTERM);
    ::raise(SIGHUP); // in life somebody else does
    ::raise(SIGTERM);
    while (auto number = co_await signals.next()) {
        if (*number == SIGTERM) break;
        std::cout << "reading the settings again\n";
    }
    std::cout << "going\n";
}
// [/signals]

asyncio::Coro<> main_() {
    co_await datagrams();
    co_await protocol();
    const auto folder = std::filesystem::temp_directory_path();
    co_await unix_sockets(folder / ("tutorial-" + std::to_string(::getpid())));
    co_await without_a_file();
    co_await pipes();
    co_await wait_for_signals();
}

int main() { asyncio::run(main_()); }
