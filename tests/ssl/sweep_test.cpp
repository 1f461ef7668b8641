// SPDX-License-Identifier: MIT
// The cancel sweep over TLS: connecting, upgrading, reading, writing, closing.
#include "asyncio/base_events.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/sweep.h"
#include "asyncio/testing/testing.h"
#include "ssl/ssl.h"
#include "support/tls_streams.h"

using namespace asyncio;
using namespace std::chrono_literals;
using support::client_context;
using support::port_of;
using support::server_context;
using support::tls_options;

namespace {

Coro<> echo(StreamReader reader, StreamWriter writer) {
    for (;;) {
        const auto line = co_await outcome(reader.readline());
        if (line.exception() != nullptr || line.value().empty()) break;
        writer.write(line.value());
    }
    writer.close();
}

// Contexts take their time: one of each kind is enough.
const ssl::SSLContext& serving() {
    static const ssl::SSLContext context = server_context();
    return context;
}
const ssl::SSLContext& connecting() {
    static const ssl::SSLContext context = client_context();
    return context;
}

Coro<Server> serve() {
    auto options = ServerOptions().ssl(serving());
    co_return co_await start_server(echo, "127.0.0.1", 0, std::move(options));
}

Coro<> end(Server server) {
    server.close();
    server.abort_clients();
    co_await server.wait_closed();
}

Coro<> part(Stream stream) {
    stream.writer.close();
    static_cast<void>(co_await outcome(stream.writer.wait_closed()));
}

// It works as ever, whatever has happened to another connection.
Coro<> check_another(int port) {
    auto options = ConnectOptions().ssl(connecting()).server_hostname("localhost");
    Stream stream = co_await open_connection("127.0.0.1", port, std::move(options));
    stream.writer.write("still here\n");
    CHECK_EQ(co_await stream.reader.readline(), "still here\n");
    co_await part(stream);
}

Coro<Stream> connect(int port) {
    auto options = ConnectOptions().ssl(connecting()).server_hostname("localhost");
    co_return co_await open_connection("127.0.0.1", port, std::move(options));
}

Coro<std::string> converse(Stream stream) {
    std::string heard;
    for (int i = 0; i < 3; ++i) {
        stream.writer.write("line " + std::to_string(i) + "\n");
        co_await stream.writer.drain();
        heard += co_await stream.reader.readline();
    }
    co_return heard;
}

// Cancelled before its first step, nothing has begun.
Coro<> upgrade(StreamWriter writer, bool* begun) {
    *begun = true;
    auto options = StartTlsOptions().server_hostname("localhost");
    co_await writer.start_tls(connecting(), std::move(options));
}

Coro<> close(Stream stream) {
    stream.writer.write("the last line\n");
    stream.writer.close();
    co_await stream.writer.wait_closed();
}

} // namespace

CO_SWEEP(
    "SEM-TLS-04: connecting over TLS that is cancelled at whatever suspension leaves nothing") {
    const Server server = co_await serve();
    const auto victim = sweep.victim(connect(port_of(server)));
    sweep.fail_on_new_sockets();
    auto made = co_await outcome(victim);
    CHECK(sweep.accounts_for(made));
    if (made.has_value()) co_await part(made.value());
    co_await check_another(port_of(server));
    co_await end(server);
}

CO_SWEEP("SEM-TLS-12: start_tls that is cancelled at whatever suspension closes the connection") {
    auto [ours, theirs] = testing::memory_streams();
    auto served = StartTlsOptions().server_side(true);
    const auto server = create_task(theirs.writer.start_tls(serving(), std::move(served)));
    const StreamWriter writer = ours.writer;
    bool begun = false;
    const auto victim = sweep.victim(upgrade(writer, &begun));
    const auto upgraded = co_await outcome(victim);
    CHECK(sweep.accounts_for(upgraded));
    CHECK(!begun || upgraded.has_value() || writer.is_closing());
    writer.close();
    theirs.writer.close();
    static_cast<void>(co_await outcome(server));
    static_cast<void>(co_await outcome(writer.wait_closed()));
    static_cast<void>(co_await outcome(theirs.writer.wait_closed()));
}

CO_SWEEP("reading and writing over TLS, cancelled at whatever suspension: the connection goes on") {
    const Server server = co_await serve();
    Stream stream = co_await connect(port_of(server));
    const auto victim = sweep.victim(converse(stream));
    const auto heard = co_await outcome(victim);
    CHECK(sweep.accounts_for(heard));
    CHECK(!heard.has_value() || heard.value() == "line 0\nline 1\nline 2\n");
    stream.writer.write("the end\n");
    std::string rest = "the beginning\n";
    while (!rest.empty() && rest != "the end\n") rest = co_await stream.reader.readline();
    CHECK_EQ(rest, "the end\n");
    co_await part(stream);
    co_await end(server);
}

CO_SWEEP("closing over TLS, cancelled at whatever suspension: it goes on to its end") {
    const Server server = co_await serve();
    Stream stream = co_await connect(port_of(server));
    const auto victim = sweep.victim(close(stream));
    const auto closed = co_await outcome(victim);
    CHECK(sweep.accounts_for(closed));
    CHECK(stream.writer.is_closing() || !closed.has_value());
    co_await part(stream);
    CHECK_EQ(testing::loop().timer_count(), 0u);
    co_await end(server);
}
