// SPDX-License-Identifier: MIT
// Other programs on the other side: CPython's asyncio over its ssl, and OpenSSL's own.
#include "asyncio/base_events.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/testing.h"
#include "ssl/ssl.h"
#include "support/peers.h"
#include "support/programs.h"
#include "support/tls_streams.h"

using namespace asyncio;
using namespace std::chrono_literals;
using support::port_of;
using support::Program;
using support::server_context;
using support::tls_options;

namespace {

// Prints its port; answers lines in capitals, in the clear until STARTTLS, then under TLS; "bulk"
// with all that comes up to the count, in reverse. argv[1]: certificate, argv[2]: "tls" or "plain".
constexpr const char* python_server = R"(
import asyncio, ssl, sys
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(sys.argv[1])
async def serve(reader, writer):
    while line := await reader.readline():
        word = line.split()
        if word[0] == b"bulk":
            writer.write((await reader.readexactly(int(word[1])))[::-1])
        elif word[0] == b"STARTTLS":
            writer.write(b"go ahead\n")
            await writer.drain()
            await writer.start_tls(context)
        elif word[0] == b"cut":
            writer.write(b"half a li")
            await writer.drain()
            writer.get_extra_info("socket")._sock.shutdown(2)
        else:
            writer.write(line.upper())
        await writer.drain()
    writer.close()
async def main():
    tls = context if sys.argv[2] == "tls" else None
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
)";

// Five connections at once to a server of ours; prints "ok". argv: port, authority.
constexpr const char* python_client = R"(
import asyncio, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
context.set_alpn_protocols(["talk"])
async def talk(i):
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", int(sys.argv[1]), ssl=context, server_hostname="localhost")
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "talk"
    for n in range(10):
        writer.write(f"line {i} {n}\n".encode())
        await writer.drain()
        assert await reader.readline() == f"line {i} {n}\n".encode()
    data = bytes(range(251)) * 4000
    writer.write(b"%d\n" % len(data) + data)
    assert await reader.readexactly(len(data)) == data
    writer.write(b"end\n")
    assert await reader.read() == b"bye"
    writer.close()
    await writer.wait_closed()
async def main():
    await asyncio.gather(*(talk(i) for i in range(5)))
    try:
        await asyncio.open_connection(
            "127.0.0.1", int(sys.argv[1]), ssl=ssl.create_default_context(),
            server_hostname="localhost")
    except ssl.SSLCertVerificationError:
        print("ok", flush=True)
asyncio.run(main())
)";

Coro<> talk_back(StreamReader reader, StreamWriter writer) {
    while (auto line = co_await reader.next_line()) {
        if (line->compare(0, 5, "line ") == 0) {
            writer.write(*line);
        } else if (*line == "end\n") {
            break;
        } else {
            writer.write(co_await reader.readexactly(std::stol(*line)));
        }
        co_await writer.drain();
    }
    writer.write("bye");
    writer.close();
    co_await writer.wait_closed();
}

Coro<Server> serve(const ssl::SSLContext context) {
    auto options = ServerOptions().ssl(context);
    co_return co_await start_server(talk_back, "127.0.0.1", 0, std::move(options));
}

std::vector<std::string> python(const char* script, std::string first, std::string second) {
    return {"python3", "-c", script, std::move(first), std::move(second)};
}

Coro<> converse(Stream stream) {
    auto [reader, writer] = stream;
    for (int i = 0; i < 20; ++i) {
        writer.write("line " + std::to_string(i) + "\n");
        co_await writer.drain();
        CHECK_EQ(co_await reader.readline(), "LINE " + std::to_string(i) + "\n");
    }
    std::string data(1'000'000, '\0');
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 31 % 251);
    writer.write("bulk 1000000\n");
    writer.write(data);
    const std::string back = co_await reader.readexactly(1'000'000);
    CHECK(back == std::string(data.rbegin(), data.rend()));
}

// All that a program prints until `text` is in it.
Coro<std::string> printed(const Program& program, std::string text) {
    // LIFETIME: the case holds `program` until it has ended.
    std::string got;
    while (got.find(text) == std::string::npos) {
        co_await testing::loop().readable(program.output());
        const std::string more = program.some();
        if (more.empty()) break;
        got += more;
    }
    co_return got;
}

// The connections have ended, and so have those who talked over them.
Coro<> handlers_end(Server server) {
    co_await server.wait_closed();
    while (all_tasks().size() > 1) co_await sleep(1ms);
}

} // namespace

CO_TEST_REAL_TIME(
    "CPython as a server over TLS: lines, a megabyte there and back, an orderly end") {
    const Program server(python(python_server, support::certificate(), "tls"));
    auto stream = co_await open_connection("127.0.0.1", server.line(), tls_options());
    co_await converse(stream);
    stream.writer.close();
    co_await stream.writer.wait_closed();
}

CO_TEST_REAL_TIME("CPython as a server that is asked to go over to TLS in the middle") {
    const Program server(python(python_server, support::certificate(), "plain"));
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.line());
    writer.write("hello\n");
    CHECK_EQ(co_await reader.readline(), "HELLO\n");
    writer.write("STARTTLS\n");
    CHECK_EQ(co_await reader.readline(), "go ahead\n");
    auto options = StartTlsOptions().server_hostname("localhost");
    co_await writer.start_tls(support::client_context(), std::move(options));
    Stream upgraded{reader, writer};
    co_await converse(upgraded);
    writer.close();
    co_await writer.wait_closed();
}

CO_TEST_REAL_TIME("FLT-TLS-04: CPython that cuts the connection in a line: SSLEOFError, no line") {
    const Program server(python(python_server, support::certificate(), "tls"));
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.line(), tls_options());
    writer.write("cut\n");
    const auto line = co_await outcome(reader.readline());
    CHECK(is_exception<ssl::SSLEOFError>(line.exception()));
    writer.close();
    static_cast<void>(co_await outcome(writer.wait_closed()));
}

CO_TEST_REAL_TIME(
    "CPython as five clients of ours over TLS; one that does not trust us is refused") {
    const ssl::SSLContext context = server_context();
    context.set_alpn_protocols({"other", "talk"});
    const Server server = co_await serve(context);
    const std::string port = std::to_string(port_of(server));
    const Program clients(python(python_client, port, support::authority()));
    co_await testing::loop().readable(clients.output());
    CHECK_EQ(clients.line(), "ok");
    server.close();
    co_await handlers_end(server);
}

CO_TEST_REAL_TIME(
    "openssl s_client as a client of ours: its verdict, and an echo, by each version") {
    const Server server = co_await serve(server_context());
    const std::string port = std::to_string(port_of(server));
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
        const std::string command =
            "(printf 'line x\\nend\\n'; sleep 5) | openssl s_client -connect 127.0.0.1:" + port +
            " " + version + " -CAfile " + support::authority() +
            " -verify_hostname localhost -verify_return_error 2>&1";
        const Program client(std::vector<std::string>{"sh", "-c", command});
        const std::string got = co_await printed(client, "bye");
        CHECK(got.find("Verify return code: 0 (ok)") != std::string::npos);
        CHECK(got.find("line x\n") != std::string::npos);
    }
    server.close();
    co_await handlers_end(server);
}

CO_TEST_REAL_TIME("openssl s_client that renegotiates is refused, and TLS 1.1 is not spoken") {
    const Server server = co_await serve(server_context());
    const std::string port = std::to_string(port_of(server));
    const std::string base =
        " | openssl s_client -connect 127.0.0.1:" + port + " -CAfile " + support::authority();
    const Program renegotiates(
        std::vector<std::string>{"sh", "-c", "(printf 'R\\n'; sleep 5)" + base + " -tls1_2 2>&1"});
    const std::string got = co_await printed(renegotiates, "no renegotiation");
    CHECK(got.find("no renegotiation") != std::string::npos);
    const Program old(std::vector<std::string>{
        "sh", "-c", "true" + base + " -tls1_1 -cipher ALL:@SECLEVEL=0 2>&1"});
    const std::string refused = co_await printed(old, "protocol version");
    CHECK(refused.find("alert protocol version") != std::string::npos);
    server.close();
    server.abort_clients();
    co_await handlers_end(server);
    static_cast<void>(testing::take_logs()); // the handler's error: the client's alert
}

CO_TEST_REAL_TIME("openssl s_server as a server: an echo in reverse, with either version") {
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
        const Program server(std::vector<std::string>{
            "sh", "-c",
            std::string("exec openssl s_server -accept 127.0.0.1:0 -rev ") + version + " -cert " +
                support::certificate() + " 2>&1"});
        const std::string said = co_await printed(server, "ACCEPT 127.0.0.1:");
        const std::size_t at = said.find("ACCEPT 127.0.0.1:") + 17;
        std::string port = said.substr(at, said.find('\n', at) - at);
        auto [reader, writer] = co_await open_connection("127.0.0.1", port, tls_options());
        writer.write("abcdef\n");
        CHECK_EQ(co_await reader.readline(), "fedcba\n");
        writer.close();
        co_await writer.wait_closed();
    }
}
