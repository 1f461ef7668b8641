// SPDX-License-Identifier: MIT
// Other programs at the other end of datagrams, Unix sockets and pipes: CPython's asyncio in both
// roles, netcat, socat.
#include "asyncio/base_events.h"
#include "asyncio/datagram_sockets.h"
#include "asyncio/pipes.h"
#include "asyncio/sleep.h"
#include "asyncio/timeouts.h"
#include "asyncio/unix_connections.h"
#include "support/datagrams.h"
#include "support/programs.h"
#include "support/scratch.h"

#include <string>
#include <unistd.h>

using namespace asyncio;
using namespace std::chrono_literals;
using support::Program;
using support::python;
using support::Scratch;

namespace {

// Prints its port; answers each datagram in upper case. (Before 3.13 it sends no empty one.)
constexpr const char* python_datagram_server = R"(
import asyncio
class Upper(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport
    def datagram_received(self, data, addr):
        self.transport.sendto(data.upper(), addr)
async def main():
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Upper, local_addr=("127.0.0.1", 0))
    print(transport.get_extra_info("sockname")[1], flush=True)
    await asyncio.sleep(100)
asyncio.run(main())
)";

// Asks at the port it is given, one after the other; prints "ok".
constexpr const char* python_datagram_client = R"(
import asyncio, sys
class Client(asyncio.DatagramProtocol):
    def __init__(self):
        self.answers = asyncio.Queue()
    def datagram_received(self, data, addr):
        self.answers.put_nowait(data)
async def main():
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_datagram_endpoint(
        Client, remote_addr=("127.0.0.1", int(sys.argv[1])))
    for data in [b"hello", b"x" * 60000] + [b"%d" % n for n in range(50)]:
        transport.sendto(data)
        assert await client.answers.get() == data
    print("ok", flush=True)
asyncio.run(main())
)";

// Serves at the path it is given; answers each line in upper case.
constexpr const char* python_unix_server = R"(
import asyncio, sys
async def serve(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_unix_server(serve, sys.argv[1])
    print("ready", flush=True)
    await server.serve_forever()
asyncio.run(main())
)";

// Talks to the path it is given, with ten connections at once; prints "ok".
constexpr const char* python_unix_client = R"(
import asyncio, sys
async def talk(i):
    reader, writer = await asyncio.open_unix_connection(sys.argv[1])
    for n in range(20):
        writer.write(f"line {i} {n}\n".encode())
        await writer.drain()
        assert await reader.readline() == f"line {i} {n}\n".encode()
    writer.write_eof()
    assert await reader.read() == b"bye"
    writer.close()
    await writer.wait_closed()
async def main():
    await asyncio.gather(*(talk(i) for i in range(10)))
    print("ok", flush=True)
asyncio.run(main())
)";

constexpr auto patience = 30s; // with other programs, also on a busy machine

/// Sends back what it gets, `count` times.
Coro<> send_back(DatagramSocket socket, int count) {
    for (int i = 0; i < count; ++i) {
        const Datagram got = co_await timeout(patience, socket.recvfrom());
        co_await socket.sendto(got.data, got.from);
    }
}

Coro<std::string> ask(DatagramSocket socket, std::string question) {
    co_await socket.sendto(std::move(question));
    Datagram answer = co_await timeout(patience, socket.recvfrom());
    co_return std::move(answer.data);
}

Coro<> talk_back(StreamReader reader, StreamWriter writer) {
    while (auto line = co_await reader.next_line()) co_await writer.write_all(*line);
    writer.write("bye");
    writer.close();
}

/// What a program prints up to its end.
Coro<std::string> all_of(const Program* program) {
    // LIFETIME: the case awaits this.
    const StreamReader reader;
    const auto protocol = std::make_shared<StreamReaderProtocol>(reader);
    auto factory = [protocol] { return protocol; };
    Descriptor output(::dup(program->output()));
    co_await testing::loop().connect_read_pipe(factory, std::move(output));
    co_return co_await reader.read();
}

Program shell(const std::string& command) {
    return Program(std::vector<std::string>{"sh", "-c", command});
}

/// Waits until somebody has bound to it: the program tells nobody.
Coro<> is_bound(std::string path) {
    while (::access(path.c_str(), F_OK) != 0) co_await sleep(5ms);
}

} // namespace

// ---- datagrams ----------------------------------------------------------------------------------

CO_TEST_REAL_TIME("CPython as a server of datagrams: small and large ones") {
    const Program server(python(python_datagram_server));
    auto options = DatagramOptions().remote_addr("127.0.0.1", server.line());
    const DatagramSocket socket = co_await open_datagram_socket(std::move(options));
    for (int i = 0; i < 20; ++i) {
        const std::string number = std::to_string(i);
        CHECK_EQ(co_await ask(socket, "line " + number), "LINE " + number);
    }
    CHECK(co_await ask(socket, std::string(60'000, 'x')) == std::string(60'000, 'X'));
    socket.close();
    co_await yield_now();
}

CO_TEST_REAL_TIME("CPython as a client of our datagrams") {
    const DatagramSocket socket = co_await open_datagram_socket(support::local());
    const std::string port = std::to_string(socket.sockname().port());
    const Program client(python(python_datagram_client, port));
    co_await send_back(socket, 52);
    CHECK_EQ(co_await all_of(&client), "ok\n");
    socket.close();
    co_await yield_now();
}

CO_TEST_REAL_TIME("netcat as a client of our datagrams") {
    const DatagramSocket socket = co_await open_datagram_socket(support::local());
    const std::string port = std::to_string(socket.sockname().port());
    const Program netcat = shell("printf hello | nc -u -W 1 127.0.0.1 " + port);
    co_await send_back(socket, 1);
    CHECK_EQ(co_await all_of(&netcat), "hello");
    socket.close();
    co_await yield_now();
}

CO_TEST_REAL_TIME("socat as a receiver of our Unix datagrams, which answers who has a name") {
    const Scratch folder;
    const std::string there = folder.path("there");
    const std::string words = "UNIX-RECVFROM:" + there;
    const Program socat(std::vector<std::string>{"socat", words, "EXEC:tr a-z A-Z"});
    co_await is_bound(there);
    auto options = DatagramOptions().family(AF_UNIX);
    options.local_addr(folder.path("here")).remote_addr(there);
    const DatagramSocket socket = co_await open_datagram_socket(std::move(options));
    CHECK_EQ(co_await ask(socket, "hello"), "HELLO");
    socket.close();
    co_await yield_now();
}

// ---- Unix sockets -------------------------------------------------------------------------------

CO_TEST_REAL_TIME("CPython as a server at a path: lines, and the end in both directions") {
    const Scratch folder;
    const Program server(python(python_unix_server, folder.path("server")));
    CHECK_EQ(server.line(), "ready");
    auto [reader, writer] = co_await open_unix_connection(folder.path("server"));
    for (int i = 0; i < 20; ++i) {
        co_await writer.write_all("line " + std::to_string(i) + "\n");
        CHECK_EQ(co_await reader.readline(), "LINE " + std::to_string(i) + "\n");
    }
    writer.write_eof();
    CHECK_EQ(co_await reader.read(), "");
    writer.close();
    co_await writer.wait_closed();
}

CO_TEST_REAL_TIME("CPython as ten clients of our server at a path") {
    const Scratch folder;
    const Server server = co_await start_unix_server(talk_back, folder.path("server"));
    const Program clients(python(python_unix_client, folder.path("server")));
    CHECK_EQ(co_await all_of(&clients), "ok\n");
    co_await server.shutdown(10s);
}

CO_TEST_REAL_TIME("netcat and socat as clients of our server at a path, and at an abstract name") {
    const Scratch folder;
    const std::string path = folder.path("server");
    const std::string name = "asyncio-peers-" + std::to_string(::getpid());
    const Server server = co_await start_unix_server(talk_back, path);
    const Server nameless = co_await start_unix_server(talk_back, std::string(1, '\0') + name);
    const std::string lines = "printf 'line 1\\nline 2\\n' | ";
    for (const std::string& client : {"nc -N -U " + path, "socat -t 10 - UNIX-CONNECT:" + path,
                                      "socat -t 10 - ABSTRACT-CONNECT:" + name}) {
        const Program program = shell(lines + client);
        CHECK_EQ(co_await all_of(&program), "line 1\nline 2\nbye");
    }
    co_await server.shutdown(10s);
    co_await nameless.shutdown(10s);
}

// ---- pipes --------------------------------------------------------------------------------------

CO_TEST_REAL_TIME("what a program prints is read up to its end, all of it") {
    const Program program = shell("seq 1 100000");
    const std::string printed = co_await all_of(&program);
    CHECK_EQ(printed.size(), std::size_t{588'895});
    CHECK(printed.ends_with("\n99999\n100000\n"));
}
