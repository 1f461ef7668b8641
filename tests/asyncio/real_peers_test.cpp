// SPDX-License-Identifier: MIT
// Other programs on the other side: CPython's asyncio as client and as server, and netcat.
#include "asyncio/base_events.h"
#include "asyncio/gather.h"
#include "asyncio/sleep.h"
#include "asyncio/streams.h"
#include "asyncio/testing/testing.h"
#include "support/programs.h"

#include <string>

using namespace asyncio;
using namespace std::chrono_literals;
using support::Program;
using support::python;

namespace {

// Prints its port; sends back lines, then all up to the end, in reverse.
constexpr const char* python_server = R"(
import asyncio
async def serve(reader, writer):
    while (line := await reader.readline()).strip() != b"bulk":
        if not line:
            break
        writer.write(line.upper())
        await writer.drain()
    writer.write((await reader.read())[::-1])
    await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
)";

// Talks to the port it is given, with ten connections at once; prints "ok".
constexpr const char* python_client = R"(
import asyncio, sys
async def talk(i):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    for n in range(20):
        writer.write(f"line {i} {n}\n".encode())
        await writer.drain()
        assert await reader.readline() == f"line {i} {n}\n".encode()
    data = bytes(range(251)) * 4000
    writer.write(b"%d\n" % len(data) + data)
    assert await reader.readexactly(len(data)) == data
    assert await reader.readline() == b"done\n"
    writer.write_eof()
    assert await reader.read() == b"bye"
    writer.close()
    await writer.wait_closed()
async def main():
    await asyncio.gather(*(talk(i) for i in range(10)))
    print("ok", flush=True)
asyncio.run(main())
)";

Coro<> talk_back(StreamReader reader, StreamWriter writer) {
    while (auto line = co_await reader.next_line()) {
        if (line->compare(0, 5, "line ") == 0) {
            writer.write(*line);
        } else {
            writer.write(co_await reader.readexactly(std::stol(*line)));
            writer.write("done\n");
        }
        co_await writer.drain();
    }
    writer.write("bye");
    writer.close();
}

} // namespace

CO_TEST_REAL_TIME("CPython as a server: lines, a megabyte to the end, an orderly close") {
    const Program server(python(python_server));
    const std::string port = server.line();
    auto [reader, writer] = co_await open_connection("127.0.0.1", port);
    for (int i = 0; i < 20; ++i) {
        writer.write("line " + std::to_string(i) + "\n");
        co_await writer.drain();
        CHECK_EQ(co_await reader.readline(), "LINE " + std::to_string(i) + "\n");
    }
    std::string data(1'000'000, '\0');
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 31 % 251);
    writer.write("bulk\n");
    writer.write(data);
    writer.write_eof();
    const std::string back = co_await reader.read();
    CHECK(back == std::string(data.rbegin(), data.rend()));
    writer.close();
    co_await writer.wait_closed();
}

CO_TEST_REAL_TIME(
    "CPython as ten clients of ours: lines, a megabyte there and back, half-closed ends") {
    const Server server = co_await start_server(talk_back, "127.0.0.1", 0);
    const auto port = server.sockets()[0].getsockname().port();
    const Program clients(python(python_client, std::to_string(port)));
    co_await testing::loop().readable(clients.output());
    CHECK_EQ(clients.line(), "ok");
    server.close();
    co_await server.wait_closed();
}

CO_TEST_REAL_TIME("CPython that dies in the middle is an end or an error, not a hang") {
    Program server(python(python_server));
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.line());
    writer.write("line\n");
    CHECK_EQ(co_await reader.readline(), "LINE\n");
    server.end();
    const auto end = co_await outcome(reader.readline());
    CHECK(is_exception<ConnectionError>(end.exception()) || end.value().empty());
}

CO_TEST_REAL_TIME("netcat as a client of ours: lines, and the end in both directions") {
    const Server server = co_await start_server(talk_back, "127.0.0.1", 0);
    const auto port = std::to_string(server.sockets()[0].getsockname().port());
    const std::string command = "printf 'line 1\\nline 2\\n' | nc -N 127.0.0.1 " + port;
    const std::vector<std::string> words{"sh", "-c", command};
    const Program netcat(words);
    std::string got;
    while (got.find("bye") == std::string::npos) {
        co_await testing::loop().readable(netcat.output());
        got += netcat.some();
    }
    CHECK_EQ(got, "line 1\nline 2\nbye");
    server.close();
    co_await server.wait_closed();
}
