// SPDX-License-Identifier: MIT
// Connecting, serving and name look-ups under the sweep: no socket is left, nothing listens on.
#include "asyncio/connections.h"

#include "asyncio/servers.h"
#include "asyncio/wait_for.h"
#include "support/hanging_hosts.h"
#include "support/resolver.h"
#include "support/sweeps.h"
#include "support/transports.h"

#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::Bystander;
using support::FakeResolver;
using support::HangingHosts;
using support::Recorder;
using support::turns_go_by;
using testing::Sweep;
using testing::SweepMode;

namespace {

Coro<> echo(StreamReader reader, StreamWriter writer) {
    for (;;) {
        const auto line = co_await outcome(reader.next_line());
        if (line.cancelled()) line.value();
        if (!line.has_value() || !line.value()) break; // its client may be one that resets
        co_await writer.write_all(*line.value());
    }
    writer.close();
}

Coro<Server> echo_server() { return start_server(echo, "127.0.0.1", 0); }

std::uint16_t port_of(const Server& server) { return server.sockets().at(0).getsockname().port(); }

/// Ends a server and all that it serves.
Coro<> end(Server server) {
    server.close();
    server.abort_clients();
    co_await server.wait_closed();
}

Coro<> hang_up(Stream stream) {
    stream.writer.transport().abort();
    static_cast<void>(co_await outcome(stream.writer.wait_closed()));
}

/// Asks, and checks that the answer is its own.
Coro<> exchange(Stream stream, std::string tag) {
    co_await stream.writer.write_all(tag + "\n");
    CHECK_EQ(co_await stream.reader.readline(), tag + "\n");
}

/// The victim connects. Whether it does or not, the next one does, to the same server, and is
/// heard.
Coro<> sweep_connecting(Sweep* sweep, Coro<Stream> (*connect)(std::uint16_t)) {
    // LIFETIME: a sweep outlives its scenarios.
    Bystander bystander;
    const Server server = co_await echo_server();
    sweep->fail_on_new_sockets();
    const auto victim = sweep->victim(connect(port_of(server)));
    auto made = co_await outcome(victim);
    CHECK(sweep->accounts_for(made));
    if (made.has_value()) {
        co_await exchange(made.value(), "first");
        co_await hang_up(made.value());
    }
    const Stream again = co_await connect(port_of(server));
    co_await exchange(again, "again");
    co_await hang_up(again);
    CHECK(co_await bystander.unharmed());
    co_await end(server);
}

/// Sweeps a scenario whose names are known: `server` has two addresses, at the first nobody is, and
/// `here` has one. Not the scenario's own, since the loop that is closed over it leaves look-ups to
/// their threads.
void sweep_with_names(const char* name, Coro<> (*scenario)(Sweep&)) {
    FakeResolver resolver;
    resolver.know("server", {"127.0.0.9", "127.0.0.1"});
    resolver.know("here", {"127.0.0.1"});
    testing::run_sweep(name, scenario);
}

Coro<Stream> by_number(std::uint16_t port) { return open_connection("127.0.0.1", port); }
Coro<Stream> by_name(std::uint16_t port) { return open_connection("server", port); }
Coro<Stream> staggered(std::uint16_t port) { // in M7 the one that hangs is the last
    auto options = ConnectOptions().happy_eyeballs_delay(1s);
    auto connecting = open_connection("server", port, std::move(options));
    co_return co_await wait_for(std::move(connecting), 60s);
}

} // namespace

// ---- clients ------------------------------------------------------------------------------------

CO_SWEEP("open_connection under the sweep: no socket is left, and the next one is answered") {
    co_await sweep_connecting(&sweep, by_number);
}

TEST("open_connection by name under the sweep: of two addresses, one of which refuses") {
    sweep_with_names("by name",
                     [](Sweep& sweep) -> Coro<> { return sweep_connecting(&sweep, by_name); });
}

TEST("happy eyeballs under the sweep: neither who hangs nor who wins leaves a socket") {
    sweep_with_names("happy eyeballs", [](Sweep& sweep) -> Coro<> {
        HangingHosts hanging({"127.0.0.9"});
        co_await sweep_connecting(&sweep, staggered);
    });
}

CO_SWEEP("create_connection of a socket under the sweep: it is taken over, or closed") {
    Bystander bystander;
    auto pair = Socket::pair();
    const auto protocol = std::make_shared<Recorder>();
    auto factory = [protocol] { return protocol; };
    auto options = ConnectOptions().sock(std::move(pair.first));
    const auto victim =
        sweep.victim(testing::loop().create_connection(factory, std::move(options)));
    const auto made = co_await outcome(victim);
    CHECK(sweep.accounts_for(made));
    if (made.has_value()) made.value().transport->abort();
    co_await turns_go_by(3);
    CHECK_EQ(protocol->count("made"), protocol->count("lost"));
    protocol->transport = TransportRef();
    CHECK(co_await bystander.unharmed());
}

CO_SWEEP("connect_accepted_socket under the sweep: the socket is taken over, or closed") {
    Bystander bystander;
    auto pair = Socket::pair();
    const auto protocol = std::make_shared<Recorder>();
    auto factory = [protocol] { return protocol; };
    const auto victim =
        sweep.victim(testing::loop().connect_accepted_socket(factory, std::move(pair.first)));
    const auto made = co_await outcome(victim);
    CHECK(sweep.accounts_for(made));
    if (made.has_value()) made.value().transport->abort();
    co_await turns_go_by(3);
    CHECK_EQ(protocol->count("made"), protocol->count("lost"));
    protocol->transport = TransportRef();
    CHECK(co_await bystander.unharmed());
}

// ---- names --------------------------------------------------------------------------------------

TEST("getaddrinfo under the sweep: the waiter leaves, and what fails is not remembered") {
    sweep_with_names("getaddrinfo", [](Sweep& sweep) -> Coro<> {
        const auto victim = sweep.victim(testing::loop().getaddrinfo("here", 80));
        const auto found = co_await outcome(victim);
        CHECK(sweep.accounts_for(found));
        if (found.has_value()) CHECK_EQ(found.value().size(), std::size_t{1});
        // One that is still under way may be shared; the one after it is asked anew.
        static_cast<void>(co_await testing::loop().getaddrinfo("here", 80));
        const int asked = FakeResolver::current().asked.load();
        const auto again = co_await testing::loop().getaddrinfo("here", 80);
        CHECK_EQ(again.at(0).address.port(), 80);
        CHECK_EQ(FakeResolver::current().asked.load(), asked + 1);
        CHECK_EQ(FakeResolver::current().live.load(), 0);
    });
}

CO_SWEEP("getnameinfo under the sweep: the waiter leaves, and the next one works") {
    const Address address = *Address::from_literal("127.0.0.1", 80);
    constexpr int numbers = NI_NUMERICHOST | NI_NUMERICSERV;
    const auto victim = sweep.victim(testing::loop().getnameinfo(address, numbers));
    const auto found = co_await outcome(victim);
    CHECK(sweep.accounts_for(found));
    const auto again = co_await testing::loop().getnameinfo(address, numbers);
    CHECK_EQ(again.first + " " + again.second, "127.0.0.1 80");
}

// ---- servers ------------------------------------------------------------------------------------

namespace {

/// Does nobody listen on this port?
Coro<bool> is_free(std::uint16_t port) {
    const auto made = co_await outcome(open_connection("127.0.0.1", port));
    if (made.has_value()) co_await hang_up(made.value());
    co_return is_exception<ConnectionRefusedError>(made.exception());
}

/// A port on which nobody listens.
std::uint16_t some_port() {
    const Socket socket(AF_INET);
    socket.bind(*Address::from_literal("127.0.0.1", 0));
    return socket.getsockname().port();
}

Coro<Server> serve_on(std::uint16_t port) {
    return start_server(echo, "here", port, ServerOptions().reuse_address(true));
}

/// A client of the server, which has been answered.
Coro<Stream> client_of(Server server) {
    Stream stream = co_await open_connection("127.0.0.1", port_of(server));
    co_await exchange(stream, "hello");
    co_return stream;
}

} // namespace

TEST("start_server under the sweep: it serves, or nothing listens") {
    sweep_with_names("start_server", [](Sweep& sweep) -> Coro<> {
        Bystander bystander;
        const std::uint16_t port = some_port();
        const auto victim = sweep.victim(serve_on(port));
        const auto made = co_await outcome(victim);
        CHECK(sweep.accounts_for(made));
        if (made.has_value()) co_await end(made.value());
        CHECK(co_await is_free(port));
        const Server again = co_await serve_on(port);
        co_await hang_up(co_await client_of(again));
        CHECK(co_await bystander.unharmed());
        co_await end(again);
    });
}

CO_SWEEP("create_server on a socket under the sweep: it serves, or the socket is closed") {
    Socket socket(AF_INET);
    socket.bind(*Address::from_literal("127.0.0.1", 0));
    const std::uint16_t port = socket.getsockname().port();
    auto options = ServerOptions().sock(std::move(socket));
    const auto victim = sweep.victim(start_server(echo, std::move(options)));
    const auto made = co_await outcome(victim);
    CHECK(sweep.accounts_for(made));
    if (made.has_value()) {
        co_await hang_up(co_await client_of(made.value()));
        co_await end(made.value());
    }
    CHECK(co_await is_free(port));
}

CO_SWEEP("start_serving under the sweep: it serves from then on, or from the next call on") {
    Bystander bystander;
    auto options = ServerOptions().start_serving(false);
    const Server server = co_await start_server(echo, "127.0.0.1", 0, std::move(options));
    const auto victim = sweep.victim(server.start_serving());
    const auto begun = co_await outcome(victim);
    CHECK(sweep.accounts_for(begun));
    co_await server.start_serving();
    co_await hang_up(co_await client_of(server));
    CHECK(co_await bystander.unharmed());
    co_await end(server);
}

CO_SWEEP(
    "serve_forever under the sweep: who leaves it has closed the server and awaited its clients") {
    Bystander bystander;
    const Server server = co_await echo_server();
    const std::uint16_t port = port_of(server);
    const Stream client = co_await client_of(server);
    const auto victim = sweep.victim(server.serve_forever());
    co_await sleep(1s);
    if (!sweep.struck()) server.close(); // ends it by a CancelledError
    co_await sleep(1s);
    co_await exchange(client, "served to its end");
    co_await hang_up(client);
    const auto ended = co_await outcome(victim);
    const bool began =
        sweep.mode() != SweepMode::when_woken && sweep.mode() != SweepMode::no_memory;
    if (began) CHECK(ended.cancelled());
    if (!began) co_await end(server);
    CHECK(!server.is_serving());
    CHECK(co_await is_free(port));
    CHECK(co_await bystander.unharmed());
    co_await server.wait_closed();
}

CO_SWEEP("Server.wait_closed under the sweep: nothing is changed, and the next one waits") {
    Bystander bystander;
    const Server server = co_await echo_server();
    const Stream client = co_await client_of(server);
    server.close();
    const auto victim = sweep.victim(server.wait_closed());
    co_await sleep(1s);
    co_await exchange(client, "still served");
    co_await hang_up(client);
    const auto ended = co_await outcome(victim);
    CHECK(sweep.accounts_for(ended));
    co_await server.wait_closed();
    CHECK(co_await bystander.unharmed());
}

CO_SWEEP("Server.shutdown under the sweep: in its time or cancelled, no connection is left") {
    Bystander bystander;
    const Server server = co_await echo_server();
    const std::uint16_t port = port_of(server);
    const Stream stays = co_await client_of(server);
    const Stream leaves = co_await client_of(server);
    const auto victim = sweep.victim(server.shutdown(10s));
    co_await sleep(1s);
    co_await hang_up(leaves);
    const auto ended = co_await outcome(victim);
    CHECK(sweep.accounts_for(ended));
    if (server.is_serving()) co_await end(server); // it had not begun
    co_await server.wait_closed();
    CHECK_EQ(co_await stays.reader.read(), "");
    CHECK(co_await is_free(port));
    co_await hang_up(stays);
    CHECK(co_await bystander.unharmed());
}

CO_SWEEP("Server.with under the sweep: the body is cancelled, then the server is closed") {
    Bystander bystander;
    const Server server = co_await echo_server();
    const std::uint16_t port = port_of(server);
    auto body = [](Server served) -> Coro<> {
        const Stream client = co_await client_of(served);
        const auto waited = co_await outcome(sleep(1s));
        client.writer.transport().abort();
        waited.value();
    };
    auto run = [](Server served, Coro<> inside) -> Coro<> {
        co_await served.with(std::move(inside));
    };
    const auto victim = sweep.victim(run(server, body(server)));
    const auto ended = co_await outcome(victim);
    CHECK(sweep.accounts_for(ended));
    if (server.is_serving()) co_await end(server); // it had not begun
    co_await server.wait_closed();
    CHECK(co_await is_free(port));
    CHECK(co_await bystander.unharmed());
}

CO_SWEEP("close_clients under the sweep: a handler that is struck harms no other client") {
    Bystander bystander;
    std::optional<Task<>> handler;
    Sweep* const swept = &sweep;
    auto serve = [swept, &handler](StreamReader reader, StreamWriter writer) -> Coro<> {
        if (handler) return echo(std::move(reader), std::move(writer));
        handler = swept->victim(echo(std::move(reader), std::move(writer)));
        return [](Task<> task) -> Coro<> { static_cast<void>(co_await outcome(task)); }(*handler);
    };
    const Server server = co_await start_server(serve, "127.0.0.1", 0);
    auto talk = [](Stream stream) -> Coro<> {
        for (int i = 0; i < 3; ++i) co_await exchange(stream, std::to_string(i));
    };
    const Stream first = co_await open_connection("127.0.0.1", port_of(server));
    first.writer.write("first\n");
    static_cast<void>(co_await outcome(first.reader.readline()));
    const Stream second = co_await open_connection("127.0.0.1", port_of(server));
    co_await talk(second);
    server.close();
    server.close_clients();
    co_await server.wait_closed();
    static_cast<void>(co_await outcome(*handler));
    CHECK_EQ(co_await second.reader.read(), "");
    co_await hang_up(first);
    co_await hang_up(second);
    CHECK(co_await bystander.unharmed());
}
