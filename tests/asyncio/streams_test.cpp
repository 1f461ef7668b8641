// SPDX-License-Identifier: MIT
// Streams over TCP.
#include "asyncio/streams.h"

#include "asyncio/base_events.h"
#include "asyncio/testing/sweep.h"

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

Coro<> echo_lines(StreamReader reader, StreamWriter writer) {
    while (auto line = co_await reader.next_line()) {
        writer.write(*line);
        co_await writer.drain();
    }
    writer.close();
}

} // namespace

CO_TEST("start_server and open_connection: lines go there and back, and the end too") {
    const Server server = co_await start_server(echo_lines, "127.0.0.1", 0);
    const auto port = server.sockets()[0].getsockname().port();
    {
        auto [reader, writer] = co_await open_connection("127.0.0.1", port);
        writer.write("one\ntwo\n");
        co_await writer.drain();
        CHECK_EQ(co_await reader.readline(), "one\n");
        CHECK_EQ(co_await reader.readline(), "two\n");
        writer.write_eof();
        CHECK_EQ(co_await reader.readline(), "");
        CHECK(reader.at_eof());
        writer.close();
        co_await writer.wait_closed();
    }
    server.close();
    co_await server.wait_closed();
}
