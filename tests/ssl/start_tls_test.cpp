// SPDX-License-Identifier: MIT
// start_tls: a connection goes on under TLS; TLS over TLS; what is refused.
#include "asyncio/base_events.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/testing.h"
#include "ssl/ssl.h"
#include "support/peers.h"
#include "support/reports.h"
#include "support/tls_streams.h"

using namespace asyncio;
using namespace std::chrono_literals;
using support::client_context;
using support::Recorder;
using support::server_context;
using support::TlsLink;
using support::turns;
using Calls = std::vector<std::string>;

CO_TEST(
    "SEM-TLS-11: loop.start_tls on both sides: the same protocols, not told once more that they "
    "are connected") {
    TlsLink link;
    co_await yield_now();
    link.memory.first().write("in the clear");
    co_await link.server->got_data.wait();
    co_await link.upgrade();
    link.client_end->write(", under TLS");
    while (link.server->data.size() < 23) co_await yield_now();
    CHECK_EQ(link.server->data, "in the clear, under TLS");
    CHECK(link.client_end->get_protocol() == link.client);
    link.server_end->close();
    co_await link.client->lost.wait();
    co_await link.server->lost.wait();
    CHECK_EQ(link.client->count("made"), 1);
    CHECK_EQ(link.server->count("made"), 1);
}

CO_TEST("SEM-TLS-12: no context, or a transport that cannot: TypeError, and the connection is as "
        "before") {
    TlsLink link;
    co_await yield_now();
    CHECK_THROWS_AS(co_await testing::loop().start_tls(link.memory.first(), link.client, nullptr),
                    TypeError);
    support::QuietTransport quiet;
    CHECK_THROWS_AS(co_await testing::loop().start_tls(quiet, link.client, client_context()),
                    TypeError);
    CHECK(!link.memory.first().is_closing());
    link.memory.first().close();
    CHECK_THROWS_AS(co_await link.upgrade_client(client_context()), RuntimeError);
    co_await link.client->lost.wait();
    co_await link.server->lost.wait();
}

CO_TEST("SEM-TLS-12: an upgrade that fails, or is cancelled, closes the connection") {
    for (const bool cancel : {false, true}) {
        TlsLink link;
        co_await yield_now();
        const auto upgrading = create_task(link.upgrade_client(client_context()));
        co_await turns();
        if (cancel) {
            upgrading.cancel();
        } else {
            link.memory.second().write("not today\r\n");
        }
        const auto end = co_await outcome(upgrading);
        CHECK(end.cancelled() == cancel);
        CHECK(cancel || is_exception<ssl::SSLError>(end.exception()));
        co_await link.client->lost.wait();
        co_await link.server->lost.wait();
        CHECK_EQ(link.client->count("lost"), cancel ? 1 : 0);
        CHECK_EQ(testing::loop().timer_count(), 0u);
    }
}

CO_TEST("SEM-TLS-13: TLS over TLS; closing the inner one ends all in good order") {
    TlsLink link;
    co_await link.upgrade();
    auto inner_client = StartTlsOptions().server_hostname("localhost");
    auto inner_server = StartTlsOptions().server_side(true);
    auto both = gather(
        testing::loop().start_tls(*link.client_end, link.client, client_context(), inner_client),
        testing::loop().start_tls(*link.server_end, link.server, server_context(), inner_server));
    auto ends = co_await std::move(both);
    const TransportRef client = std::get<0>(ends);
    const TransportRef server = std::get<1>(ends);
    const std::string data(300'000, 'x');
    client->write(data);
    server->write("answer");
    while (link.server->data.size() < data.size()) co_await yield_now();
    while (link.client->data.size() < 6) co_await yield_now();
    CHECK(link.server->data == data);
    client->close();
    co_await link.client->lost.wait();
    co_await link.server->lost.wait();
    CHECK(link.client->loss == nullptr && link.server->loss == nullptr);
    CHECK_EQ(link.server->count("eof"), 1);
}

CO_TEST(
    "SEM-SW-11: StreamWriter.start_tls goes on with the same reader and writer, on both sides") {
    bool upgraded = false;
    auto serve = [&upgraded](StreamReader reader, StreamWriter writer) -> Coro<> {
        CHECK_EQ(co_await reader.readline(), "STARTTLS\n");
        writer.write("go ahead\n");
        co_await writer.start_tls(server_context());
        upgraded = writer.get_extra_info(ssl::extra::sslcontext).has_value();
        while (auto line = co_await reader.next_line()) writer.write("again: " + *line);
        writer.close();
    };
    const Server server = co_await start_server(serve, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", support::port_of(server));
    CHECK(!writer.get_extra_info(ssl::extra::sslcontext));
    writer.write("STARTTLS\n");
    CHECK_EQ(co_await reader.readline(), "go ahead\n");
    const StreamWriter same = writer;
    auto options = StartTlsOptions().server_hostname("localhost");
    co_await writer.start_tls(client_context(), options);
    CHECK(same.get_extra_info(ssl::extra::sslcontext).has_value());
    CHECK_EQ(same.get_extra_info(ssl::extra::cipher)->protocol, "TLSv1.3");
    same.write("hello\n");
    co_await same.drain();
    CHECK_EQ(co_await reader.readline(), "again: hello\n");
    CHECK(upgraded);
    CHECK(!writer.can_write_eof());
    writer.close();
    co_await writer.wait_closed();
    server.close();
    co_await server.wait_closed();
}

CO_TEST(
    "FLT-TLS-03: bytes that came in the clear before an upgrade are refused, with the connection") {
    auto [ours, theirs] = testing::memory_streams();
    theirs.writer.write("220 go ahead\r\n250 forged by somebody in between\r\n");
    CHECK_EQ(co_await ours.reader.readline(), "220 go ahead\r\n");
    auto options = StartTlsOptions().server_hostname("localhost");
    CHECK_THROWS_AS(co_await ours.writer.start_tls(client_context(), options),
                    ConnectionAbortedError);
    CHECK(ours.writer.is_closing());
    co_await ours.writer.wait_closed();
    CHECK_EQ(co_await theirs.reader.read(), "");
    theirs.writer.close();
    co_await theirs.writer.wait_closed();
}

CO_TEST("FLT-TLS-03: bytes in the clear behind the last word before the handshake fail it") {
    auto [ours, theirs] = testing::memory_streams();
    auto options = StartTlsOptions().server_hostname("localhost");
    const auto upgrading = create_task(ours.writer.start_tls(client_context(), options));
    theirs.writer.write("250 forged by somebody in between\r\n");
    const auto end = co_await outcome(upgrading);
    CHECK(is_exception<ssl::SSLError>(end.exception()));
    static_cast<void>(co_await outcome(ours.writer.wait_closed()));
    theirs.writer.close();
    static_cast<void>(co_await outcome(theirs.writer.wait_closed()));
}

CO_TEST(
    "a task of a server that has put TLS over its connection and fails: TLS is closed in order") {
    support::Reports reports;
    auto serve = [](StreamReader, StreamWriter writer) -> Coro<> {
        co_await writer.start_tls(server_context());
        throw ValueError("that was all");
    };
    const Server server = co_await start_server(serve, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", support::port_of(server));
    auto options = StartTlsOptions().server_hostname("localhost");
    co_await writer.start_tls(client_context(), options);
    CHECK_EQ(co_await reader.read(), ""); // and not SSLEOFError
    writer.close();
    co_await writer.wait_closed();
    CHECK_EQ(reports.messages(), Calls{"Unhandled exception in client_connected_cb"});
    server.close();
    co_await server.wait_closed();
}
