// SPDX-License-Identifier: MIT
// The fault proxy: each rule does what it says, in one direction.
#include "asyncio/testing/fault_proxy.h"

#include "asyncio/base_events.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/testing.h"
#include "asyncio/wait_for.h"

#include <string>

using namespace asyncio;
using namespace std::chrono_literals;
using testing::FaultProxyOptions;
using testing::FaultRules;

namespace {

Coro<> echo(StreamReader reader, StreamWriter writer) {
    for (;;) {
        const auto data = co_await outcome(reader.read(65536));
        if (!data.has_value() || data.value().empty()) break; // the end, or a reset
        writer.write(data.value());
        static_cast<void>(co_await outcome(writer.drain()));
    }
    writer.close();
}

/// An echo server, a proxy before it, and a connection through both.
struct Through {
    Through(Server echo_server, Server before_it, Stream made)
        : server(std::move(echo_server)), proxy(std::move(before_it)), stream(std::move(made)) {}
    Server server;
    Server proxy;
    Stream stream;

    Coro<> end() {
        stream.writer.transport().abort();
        for (const Server& each : {server, proxy}) {
            each.close();
            each.close_clients();
            co_await each.wait_closed();
        }
        co_await sleep(1min); // what is under way arrives, and ends
    }
};

std::uint16_t port_of(const Server& server) { return server.sockets().at(0).getsockname().port(); }

Coro<Through> connect_through(FaultProxyOptions options) {
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    Server proxy =
        co_await testing::start_fault_proxy("127.0.0.1", port_of(server), std::move(options));
    Stream stream = co_await open_connection("127.0.0.1", port_of(proxy));
    co_return Through(std::move(server), std::move(proxy), std::move(stream));
}

FaultProxyOptions down(FaultRules rules) { return FaultProxyOptions().down(std::move(rules)); }

} // namespace

CO_TEST("fault proxy: without rules, bytes and their end go through both ways") {
    auto through = co_await connect_through(FaultProxyOptions());
    through.stream.writer.write("hello");
    through.stream.writer.write_eof();
    CHECK_EQ(co_await through.stream.reader.read(), "hello");
    co_await through.end();
}

CO_TEST("fault proxy: delay, on the virtual clock") {
    auto through = co_await connect_through(
        FaultProxyOptions().up(FaultRules().delay(2s)).down(FaultRules().delay(3s)));
    const TimePoint began = testing::loop().time();
    through.stream.writer.write("hello");
    CHECK_EQ(co_await through.stream.reader.read(100), "hello");
    CHECK_EQ(Duration(testing::loop().time() - began), Duration(5s));
    co_await through.end();
}

CO_TEST("fault proxy: throttle") {
    auto through = co_await connect_through(down(FaultRules().throttle(10).split(10)));
    const TimePoint began = testing::loop().time();
    through.stream.writer.write(std::string(50, 'x'));
    CHECK_EQ((co_await through.stream.reader.readexactly(50)).size(), std::size_t{50});
    CHECK(testing::loop().time() - began >= 4s);
    co_await through.end();
}

CO_TEST("fault proxy: split, and coalesce") {
    auto through = co_await connect_through(down(FaultRules().split(1)));
    through.stream.writer.write("abc");
    const std::string first = co_await through.stream.reader.read(100);
    CHECK(first.size() < 3);
    CHECK_EQ(first + co_await through.stream.reader.readexactly(
                         static_cast<std::ptrdiff_t>(3 - first.size())),
             "abc");
    co_await through.end();

    auto other = co_await connect_through(down(FaultRules().coalesce(1s)));
    for (int i = 0; i < 5; ++i) {
        other.stream.writer.write("x");
        co_await sleep(100ms);
    }
    CHECK_EQ(co_await other.stream.reader.read(100), "xxxxx");
    co_await other.end();
}

CO_TEST("fault proxy: corrupt and inject") {
    auto through = co_await connect_through(
        FaultProxyOptions().up(FaultRules().corrupt(1)).down(FaultRules().inject(2, "<>")));
    through.stream.writer.write("abcd");
    CHECK_EQ(co_await through.stream.reader.readexactly(6), "ac<>cd");
    co_await through.end();
}

CO_TEST("fault proxy: after so many bytes it stalls, drops, half-closes, closes, or resets") {
    {
        auto through = co_await connect_through(down(FaultRules().stall_after(3)));
        through.stream.writer.write("abcdef");
        CHECK_EQ(co_await through.stream.reader.readexactly(3), "abc");
        CHECK_THROWS_AS(co_await wait_for(through.stream.reader.read(1), 10s), TimeoutError);
        co_await through.end();
    }
    {
        auto through = co_await connect_through(down(FaultRules().drop_after(3)));
        through.stream.writer.write("abcdef");
        through.stream.writer.write_eof();
        CHECK_EQ(co_await through.stream.reader.read(), "abc");
        co_await through.end();
    }
    {
        auto through = co_await connect_through(down(FaultRules().half_close_after(3)));
        through.stream.writer.write("abcdef");
        CHECK_EQ(co_await through.stream.reader.read(), "abc");
        co_await through.end();
    }
    {
        auto through = co_await connect_through(down(FaultRules().close_after(3)));
        through.stream.writer.write("abcdef");
        CHECK_EQ(co_await through.stream.reader.read(), "abc");
        co_await through.end();
    }
    auto through = co_await connect_through(down(FaultRules().reset_after(0)));
    through.stream.writer.write("abcdef");
    const auto end = co_await outcome(through.stream.reader.read());
    CHECK(is_exception<ConnectionResetError>(end.exception()));
    co_await through.end();
}

CO_TEST("fault proxy: the first end counts, whatever order it was told in") {
    auto through =
        co_await connect_through(down(FaultRules().stall_after(3).close_after(2).reset_after(9)));
    through.stream.writer.write("abcdef");
    CHECK_EQ(co_await through.stream.reader.read(), "ab");
    co_await through.end();
}

CO_TEST("fault proxy: a server that is not there is a reset for the client") {
    Server gone = co_await start_server(echo, "127.0.0.1", 0);
    const auto port = port_of(gone);
    gone.close();
    const Server proxy = co_await testing::start_fault_proxy("127.0.0.1", port);
    auto [reader, writer] = co_await open_connection("127.0.0.1", port_of(proxy));
    const auto end = co_await outcome(reader.read());
    CHECK(is_exception<ConnectionResetError>(end.exception()));
    proxy.close();
    co_await proxy.wait_closed();
}
