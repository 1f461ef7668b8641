// SPDX-License-Identifier: MIT
// TLS over Unix sockets: streams at a path and at an abstract name, and what is asked for wrongly.
#include "asyncio/unix_connections.h"

#include "asyncio/base_events.h"
#include "asyncio/testing/testing.h"
#include "ssl/ssl.h"
#include "support/scratch.h"
#include "support/tls_streams.h"

#include <unistd.h>

using namespace asyncio;
using namespace std::chrono_literals;
using support::Recorder;
using support::Scratch;
using support::server_context;
using support::tls_options;

namespace {

Coro<> echo(StreamReader reader, StreamWriter writer) {
    while (auto line = co_await reader.next_line()) co_await writer.write_all(*line);
    writer.close();
}

Coro<> talk_at(std::string path) {
    auto options = ServerOptions().ssl(server_context());
    const Server server = co_await start_unix_server(echo, path, std::move(options));
    auto [reader, writer] = co_await open_unix_connection(path, tls_options());
    CHECK(writer.get_extra_info(ssl::extra::cipher).has_value());
    std::string line(50'000, 'x');
    line += '\n';
    co_await writer.write_all(line);
    CHECK(co_await reader.readline() == line);
    writer.close();
    co_await writer.wait_closed();
    co_await server.shutdown(1s);
}

} // namespace

CO_TEST("SEM-UNX-06: streams over TLS at a path, and at an abstract name") {
    const Scratch folder;
    co_await talk_at(folder.path("server"));
    co_await talk_at(std::string(1, '\0') + "asyncio-tls-" + std::to_string(::getpid()));
}

CO_TEST("SEM-UNX-02: a client over TLS says whose certificate it expects; nothing without ssl") {
    EventLoop& loop = testing::loop();
    const Scratch folder;
    const std::string path = folder.path("server");
    const auto make = [] { return std::make_shared<Recorder>(); };
    const auto connect = [&](ConnectOptions options) {
        return loop.create_unix_connection(make, path, std::move(options));
    };
    const auto context = support::client_context();
    CHECK_THROWS_MSG(co_await connect(ConnectOptions().ssl(context)), ValueError,
                     "You must set server_hostname when using ssl");
    CHECK_THROWS_MSG(co_await connect(ConnectOptions().server_hostname("localhost")), ValueError,
                     "server_hostname is only meaningful with ssl");
    CHECK_THROWS_MSG(co_await connect(ConnectOptions().ssl_handshake_timeout(1s)), ValueError,
                     "ssl_handshake_timeout is only meaningful with ssl");
    CHECK_THROWS_MSG(co_await connect(ConnectOptions().ssl_shutdown_timeout(1s)), ValueError,
                     "ssl_shutdown_timeout is only meaningful with ssl");
    const auto serve = [&](ServerOptions options) {
        return loop.create_unix_server(make, path, std::move(options));
    };
    CHECK_THROWS_MSG(co_await serve(ServerOptions().ssl_handshake_timeout(1s)), ValueError,
                     "ssl_handshake_timeout is only meaningful with ssl");
    CHECK_THROWS_MSG(co_await serve(ServerOptions().ssl_shutdown_timeout(1s)), ValueError,
                     "ssl_shutdown_timeout is only meaningful with ssl");
    CHECK_EQ(folder.count(), std::size_t{0}); // nothing was bound
}

CO_TEST("TLS over a Unix socket: a client in the clear is refused, and the next one is served") {
    const Scratch folder;
    const std::string path = folder.path("server");
    auto options = ServerOptions().ssl(server_context());
    const Server server = co_await start_unix_server(echo, path, std::move(options));
    auto [reader, writer] = co_await open_unix_connection(path);
    writer.write("in the clear\n");
    static_cast<void>(co_await outcome(reader.read())); // an alert, and the end
    writer.close();
    static_cast<void>(co_await outcome(writer.wait_closed()));
    const Stream next = co_await open_unix_connection(path, tls_options());
    co_await next.writer.write_all("hello\n");
    CHECK_EQ(co_await next.reader.readline(), "hello\n");
    next.writer.close();
    co_await next.writer.wait_closed();
    co_await server.shutdown(1s);
}
