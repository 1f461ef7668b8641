// SPDX-License-Identifier: MIT
// Connecting and serving over TLS: the handshake, how it fails, what it tells.
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
using support::port_of;
using support::Recorder;
using support::server_context;
using support::tls_options;
using support::turns;
using support::Wish;
using Calls = std::vector<std::string>;

namespace {

Coro<> echo(StreamReader reader, StreamWriter writer) {
    while (auto line = co_await reader.next_line()) {
        writer.write(*line);
        co_await writer.drain();
    }
    writer.close();
}

Coro<Server> serve(const Wish wish = Wish()) {
    auto options = ServerOptions().ssl(server_context(wish));
    co_return co_await start_server(echo, "127.0.0.1", 0, std::move(options));
}

Coro<> end(Server server) {
    server.close();
    co_await server.wait_closed();
}

/// Counts what a server's connections come to.
struct Seen {
    int made = 0;
    int lost = 0;
};

class Counting : public Protocol {
public:
    explicit Counting(Seen& seen) noexcept : seen_(seen) {}
    void connection_made(Transport&) override { ++seen_.made; }
    void connection_lost(std::exception_ptr) override { ++seen_.lost; }

private:
    Seen& seen_;
};

} // namespace

// ---- it succeeds --------------------------------------------------------------------------------

CO_TEST("streams over TLS: lines there and back, and an orderly end") {
    const Server server = co_await serve();
    auto [reader, writer] = co_await open_connection("127.0.0.1", port_of(server), tls_options());
    for (const char* line : {"hello\n", "world\n"}) {
        writer.write(line);
        co_await writer.drain();
        CHECK_EQ(co_await reader.readline(), line);
    }
    writer.close();
    co_await writer.wait_closed();
    co_await end(server);
}

CO_TEST(
    "SEM-TLS-01: connection_made comes when the handshake is done, and then the bytes that came "
    "with it") {
    Seen seen;
    auto factory = [&seen] { return std::make_shared<Counting>(seen); };
    auto options = ServerOptions().ssl(server_context());
    const Server server =
        co_await testing::loop().create_server(factory, "127.0.0.1", 0, std::move(options));
    const Socket raw(AF_INET);
    raw.setblocking(false);
    co_await testing::loop().sock_connect(raw, server.sockets()[0].getsockname());
    co_await turns(5);
    CHECK_EQ(seen.made, 0);
    const auto protocol = std::make_shared<Recorder>();
    auto client = [protocol] { return protocol; };
    auto made = co_await testing::loop().create_connection(client, "127.0.0.1", port_of(server),
                                                           tls_options());
    CHECK_EQ(protocol->calls, Calls{"made"});
    while (seen.made == 0) co_await yield_now();
    made.transport->close();
    while (seen.lost == 0) co_await yield_now();
    CHECK_EQ(seen.made, 1);
    server.abort_clients();
    co_await end(server);
    CHECK_EQ(seen.lost, 1);
    co_await protocol->lost.wait();
}

CO_TEST("SEM-TLS-15: what the handshake has told, and still what the socket tells") {
    const Server server = co_await serve(Wish().common_name("the server"));
    auto [reader, writer] = co_await open_connection("127.0.0.1", port_of(server), tls_options());
    CHECK(writer.get_extra_info(ssl::extra::sslcontext).has_value());
    CHECK_EQ(*writer.get_extra_info(ssl::extra::ssl_object)->version(), "TLSv1.3");
    CHECK_EQ(writer.get_extra_info(ssl::extra::peercert)->subject[0].second, "the server");
    CHECK_EQ(writer.get_extra_info(ssl::extra::cipher)->protocol, "TLSv1.3");
    CHECK(!writer.get_extra_info(ssl::extra::compression));
    CHECK_EQ(writer.peername().port(), port_of(server));
    CHECK(writer.get_extra_info(extra::socket).has_value());
    writer.close();
    co_await writer.wait_closed();
    CHECK(!writer.get_extra_info(extra::socket));
    co_await end(server);
}

CO_TEST("clients show certificates to a server that asks for them; each side sees the other's") {
    const ssl::SSLContext context = server_context();
    context.load_verify_locations(support::authority());
    context.set_verify_mode(ssl::VerifyMode::cert_required);
    std::string name;
    auto greet = [&name](StreamReader, StreamWriter writer) -> Coro<> {
        name = writer.get_extra_info(ssl::extra::peercert)->subject[0].second;
        writer.write("welcome\n");
        writer.close();
        co_await writer.wait_closed();
    };
    auto options = ServerOptions().ssl(context);
    const Server server = co_await start_server(greet, "127.0.0.1", 0, std::move(options));
    const ssl::SSLContext client = client_context();
    client.load_cert_chain(support::certificate(Wish().use("clientAuth").common_name("Ann")));
    auto [reader, writer] =
        co_await open_connection("127.0.0.1", port_of(server), ConnectOptions().ssl(client));
    CHECK_EQ(co_await reader.readline(), "welcome\n");
    CHECK_EQ(name, "Ann");
    CHECK_EQ(co_await reader.readline(), "");
    writer.close();
    co_await writer.wait_closed();

    // With TLS 1.3 the client's side of the handshake ends before the server has seen nothing.
    auto refused = co_await outcome(open_connection("127.0.0.1", port_of(server), tls_options()));
    if (refused.exception() == nullptr) {
        const auto first = co_await outcome(refused.value().reader.readline());
        CHECK(is_exception<ssl::SSLError>(first.exception()));
        refused.value().writer.close();
    }
    co_await end(server);
}

CO_TEST("SEM-CON-06: the host's certificate is expected, or that of server_hostname") {
    const Server server = co_await serve(Wish().names("DNS:inside.example"));
    const auto plain = ConnectOptions().ssl(client_context());
    const auto wrong = co_await outcome(open_connection("127.0.0.1", port_of(server), plain));
    CHECK(is_exception<ssl::CertificateError>(wrong.exception()));
    auto named = ConnectOptions().ssl(client_context()).server_hostname("inside.example");
    auto right = co_await open_connection("127.0.0.1", port_of(server), named);
    right.writer.close();
    co_await right.writer.wait_closed();

    const ssl::SSLContext any_host = client_context();
    any_host.insecure_skip_hostname_check();
    auto nobody = ConnectOptions().ssl(any_host).server_hostname("");
    auto third = co_await open_connection("127.0.0.1", port_of(server), nobody);
    third.writer.close();
    co_await third.writer.wait_closed();
    co_await end(server);
}

CO_TEST("SEM-CON-06: what is about TLS without ssl, and ssl without a name, is a ValueError") {
    const std::vector<ConnectOptions> wrong{ConnectOptions().server_hostname("x"),
                                            ConnectOptions().ssl_handshake_timeout(1s),
                                            ConnectOptions().ssl_shutdown_timeout(1s)};
    for (const ConnectOptions& options : wrong) {
        CHECK_THROWS_MSG(co_await open_connection("127.0.0.1", 1, options), ValueError,
                         "only meaningful with ssl");
    }
    auto pair = Socket::pair();
    auto nameless = ConnectOptions().ssl(client_context()).sock(std::move(pair.first));
    CHECK_THROWS_MSG(co_await open_connection(std::move(nameless)), ValueError,
                     "You must set server_hostname");
    auto emptied = tls_options().server_hostname("");
    const Server server = co_await serve();
    CHECK_THROWS_MSG(co_await open_connection("127.0.0.1", port_of(server), emptied), ValueError,
                     "check_hostname requires server_hostname");
    co_await end(server);
}

CO_TEST("SEM-SRV-13: time-outs of TLS without ssl are a ValueError of a server, too") {
    CHECK_THROWS_AS(
        co_await start_server(echo, "127.0.0.1", 0, ServerOptions().ssl_handshake_timeout(1s)),
        ValueError);
    CHECK_THROWS_AS(
        co_await start_server(echo, "127.0.0.1", 0, ServerOptions().ssl_shutdown_timeout(1s)),
        ValueError);
}

CO_TEST("SEM-CON-10: a socket that was accepted elsewhere becomes a server's side of TLS") {
    auto pair = Socket::pair();
    const auto server = std::make_shared<Recorder>();
    const auto client = std::make_shared<Recorder>();
    auto accept = [server] { return server; };
    auto connect = [client] { return client; };
    auto options = AcceptedOptions().ssl(server_context());
    auto accepting = create_task(
        testing::loop().connect_accepted_socket(accept, std::move(pair.first), std::move(options)));
    auto own = tls_options().sock(std::move(pair.second));
    auto made = co_await testing::loop().create_connection(connect, std::move(own));
    auto accepted = co_await std::move(accepting);
    accepted.transport->write("hello");
    co_await client->got_data.wait();
    CHECK_EQ(client->data, "hello");
    made.transport->close();
    co_await server->lost.wait();
    co_await client->lost.wait();
    CHECK_EQ(server->calls, (Calls{"made", "eof", "lost"}));

    auto others = Socket::pair();
    auto without = AcceptedOptions().ssl_handshake_timeout(1s);
    CHECK_THROWS_AS(
        co_await testing::loop().connect_accepted_socket(accept, std::move(others.first), without),
        ValueError);
}

// ---- it fails -----------------------------------------------------------------------------------

CO_TEST(
    "SEM-TLS-03: a certificate that is not to be trusted: the client throws, the server's program "
    "sees nothing") {
    Seen seen;
    auto factory = [&seen] { return std::make_shared<Counting>(seen); };
    auto options = ServerOptions().ssl(server_context(Wish().issuer("")));
    const Server server =
        co_await testing::loop().create_server(factory, "127.0.0.1", 0, std::move(options));
    const auto protocol = std::make_shared<Recorder>();
    auto client = [protocol] { return protocol; };
    auto end_of_it = co_await outcome(
        testing::loop().create_connection(client, "127.0.0.1", port_of(server), tls_options()));
    CHECK(is_exception<ssl::CertificateError>(end_of_it.exception()));
    const std::string text = message_of(end_of_it.exception());
    CHECK(text.find("self-signed certificate") != std::string::npos);
    CHECK(text.find("localhost (127.0.0.1:") != std::string::npos);
    CHECK(text.find("do_handshake") != std::string::npos);
    co_await end(server);
    CHECK_EQ(protocol->calls, Calls{});
    CHECK_EQ(seen.made + seen.lost, 0);
}

CO_TEST("SEM-TLS-03 FLT-TLS-02: a peer that ends in the handshake: ConnectionResetError") {
    auto pair = Socket::pair();
    support::Peer peer(std::move(pair.second));
    auto options = tls_options().sock(std::move(pair.first));
    auto connecting = create_task(open_connection(std::move(options)));
    co_await turns();
    CHECK(!peer.receive().empty());
    peer.socket.close();
    CHECK_THROWS_AS(co_await connecting, ConnectionResetError);
}

CO_TEST(
    "SEM-TLS-02: a handshake that takes too long: ConnectionAbortedError, after 60 s or as said") {
    for (const Duration limit : {Duration(60s), Duration(500ms)}) {
        auto pair = Socket::pair();
        const support::Peer peer(std::move(pair.second));
        auto options = tls_options().sock(std::move(pair.first));
        if (limit < Duration(60s)) options.ssl_handshake_timeout(limit);
        const TimePoint begin = testing::loop().time();
        const auto late = co_await outcome(open_connection(std::move(options)));
        CHECK(is_exception<ConnectionAbortedError>(late.exception()));
        CHECK(message_of(late.exception()).find("SSL handshake is taking longer than") == 0);
        CHECK(testing::loop().time() - begin == limit);
        static_cast<void>(peer.receive());
        CHECK(peer.at_end());
    }
}

CO_TEST("SEM-TLS-02: times that are not positive are a ValueError") {
    for (const Duration time : {Duration(0s), Duration(-1s)}) {
        auto pair = Socket::pair();
        auto options = tls_options().sock(std::move(pair.first)).ssl_handshake_timeout(time);
        CHECK_THROWS_MSG(co_await open_connection(std::move(options)), ValueError,
                         "should be a positive number");
        CHECK_THROWS_AS(
            co_await start_server(echo, "127.0.0.1", 0,
                                  ServerOptions().ssl(server_context()).ssl_shutdown_timeout(time)),
            ValueError);
    }
}

CO_TEST("SEM-TLS-04: a connect that is cancelled in the handshake closes the socket, and leaves "
        "neither timer nor report") {
    const support::Reports reports;
    auto pair = Socket::pair();
    const support::Peer peer(std::move(pair.second));
    auto options = tls_options().sock(std::move(pair.first));
    const auto connecting = create_task(open_connection(std::move(options)));
    co_await turns();
    CHECK(testing::loop().timer_count() == 1);
    connecting.cancel();
    const auto cancelled = co_await outcome(connecting);
    CHECK(cancelled.cancelled());
    co_await turns();
    static_cast<void>(peer.receive());
    CHECK(peer.at_end());
    CHECK(testing::loop().timer_count() == 0);
    CHECK_EQ(reports.messages(), Calls{});
}

CO_TEST("SEM-CON-11: when the handshake fails the transport is closed before the error is seen") {
    auto pair = Socket::pair();
    const support::Peer peer(std::move(pair.second));
    auto options = tls_options().sock(std::move(pair.first));
    auto connecting = create_task(open_connection(std::move(options)));
    co_await turns();
    static_cast<void>(peer.receive());
    peer.send("this is no TLS at all\r\n");
    CHECK_THROWS_AS(co_await connecting, ssl::SSLError);
    static_cast<void>(peer.receive()); // the alert
    CHECK(peer.at_end());
}

CO_TEST("FLT-TLS-02: a peer that speaks plainly on a TLS port, and the reverse: an error at once") {
    const Server secure = co_await serve();
    auto [reader, writer] = co_await open_connection("127.0.0.1", port_of(secure));
    writer.write("GET / HTTP/1.1\r\n\r\n");
    const std::string answer = co_await reader.read(); // an alert at most
    CHECK(answer.find("GET") == std::string::npos);
    writer.close();
    co_await writer.wait_closed();

    const Server plain = co_await start_server(echo, "127.0.0.1", 0);
    auto refused = co_await outcome(open_connection("127.0.0.1", port_of(plain), tls_options()));
    CHECK(is_exception<ssl::SSLError>(refused.exception()) ||
          is_exception<ConnectionAbortedError>(refused.exception()));
    CHECK(testing::loop().time().time_since_epoch() <= 60s);
    co_await end(secure);
    co_await end(plain);
}

CO_TEST("FLT-TLS-02: a byte every ten seconds does not hold a server's handshake beyond its time") {
    const Server server = co_await serve();
    const Socket slow(AF_INET);
    slow.setblocking(false);
    co_await testing::loop().sock_connect(slow, server.sockets()[0].getsockname());
    int sent = 0;
    std::string byte(1, '\x16'); // as a handshake begins
    for (; sent < 20; ++sent) {
        const auto ended = co_await outcome(testing::loop().sock_sendall(slow, byte));
        if (ended.exception() != nullptr) break;
        co_await sleep(10s);
    }
    CHECK(sent >= 1 && sent <= 8);
    co_await end(server);
}

CO_TEST(
    "SEM-SRV-12: a handshake that fails does not stop a server, and is told in debug mode alone") {
    for (const bool debug : {false, true}) {
        support::Reports reports;
        testing::loop().set_debug(debug);
        const Server server = co_await serve();
        auto [reader, writer] = co_await open_connection("127.0.0.1", port_of(server));
        writer.write("no TLS\r\n\r\n");
        co_await reader.read();
        writer.close();
        co_await writer.wait_closed();
        auto good = co_await open_connection("127.0.0.1", port_of(server), tls_options());
        good.writer.write("still here\n");
        CHECK_EQ(co_await good.reader.readline(), "still here\n");
        good.writer.close();
        co_await good.writer.wait_closed();
        co_await end(server);
        testing::loop().set_debug(false);
        CHECK_EQ(reports.messages(),
                 debug ? Calls{"Error on transport creation for incoming connection"} : Calls{});
        static_cast<void>(testing::take_logs());
    }
}

CO_TEST("what an SNI callback throws is reported by a server, and the client is told no") {
    support::Reports reports;
    const ssl::SSLContext context = server_context();
    context.set_sni_callback([](const std::string& name) -> std::optional<ssl::SSLContext> {
        throw KeyError("no host " + name);
    });
    auto options = ServerOptions().ssl(context);
    const Server server = co_await start_server(echo, "127.0.0.1", 0, std::move(options));
    const auto refused =
        co_await outcome(open_connection("127.0.0.1", port_of(server), tls_options()));
    CHECK(is_exception<ssl::SSLError>(refused.exception()));
    CHECK_EQ(reports.lines(),
             Calls{"Error on transport creation for incoming connection: no host localhost"});
    co_await end(server);
}
