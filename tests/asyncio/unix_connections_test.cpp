// SPDX-License-Identifier: MIT
// Unix sockets: streams, servers and their files, what is refused.
#include "asyncio/unix_connections.h"

#include "asyncio/base_events.h"
#include "asyncio/testing/sweep.h"
#include "asyncio/testing/system_call_faults.h"
#include "support/datagrams.h"
#include "support/peers.h"
#include "support/scratch.h"
#include "support/system_calls.h"

#include <cctype>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

using namespace asyncio;
using support::Recorder;
using support::Scratch;
using support::turns;

namespace {

bool exists(const std::string& path) {
    struct stat facts{};
    return ::stat(path.c_str(), &facts) == 0;
}

std::shared_ptr<Recorder> new_recorder() { return std::make_shared<Recorder>(); }

Coro<> upper(StreamReader reader, StreamWriter writer) {
    while (auto line = co_await reader.next_line()) {
        for (char& c : *line) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        co_await writer.write_all(*line);
    }
    writer.close();
}

Coro<std::string> ask(std::string path) {
    auto [reader, writer] = co_await open_unix_connection(std::move(path));
    co_await writer.write_all("hello\n");
    std::string answer = co_await reader.readline();
    writer.close();
    co_await writer.wait_closed();
    co_return answer;
}

Coro<> end(Server server) {
    server.close();
    co_await server.wait_closed();
}

} // namespace

CO_TEST("SEM-UNX-06: streams over a Unix socket: lines, names of the ends, an orderly close") {
    Scratch folder;
    const std::string path = folder.path("server");
    const Server server = co_await start_unix_server(upper, path);
    CHECK_EQ(co_await ask(path), "HELLO\n");
    auto [reader, writer] = co_await open_unix_connection(path);
    CHECK_EQ(writer.peername().path(), path);
    CHECK_EQ(writer.sockname().family(), AF_UNIX);
    CHECK_EQ(writer.sockname().path(), ""); // a client has no name
    writer.write("a\nb\n");
    writer.write_eof();
    CHECK_EQ(co_await reader.read(), "A\nB\n");
    writer.close();
    co_await writer.wait_closed();
    co_await end(server);
}

CO_TEST("SEM-UNX-06: sockets that are given instead of paths: bound, and connected") {
    Scratch folder;
    const std::string path = folder.path("server");
    Socket bound(AF_UNIX);
    bound.bind(Address::from_path(path));
    const Server server = co_await start_unix_server(upper, ServerOptions().sock(std::move(bound)));
    Socket connected(AF_UNIX);
    connected.connect(Address::from_path(path));
    auto [reader, writer] =
        co_await open_unix_connection(ConnectOptions().sock(std::move(connected)));
    co_await writer.write_all("x\n");
    CHECK_EQ(co_await reader.readline(), "X\n");
    writer.close();
    co_await writer.wait_closed();
    co_await end(server);
    CHECK(!exists(path)); // given bound, and removed all the same
}

CO_TEST("SEM-UNX-01: a stale socket file is replaced, another file is an error that names it") {
    Scratch folder;
    const std::string path = folder.path("server");
    Socket(AF_UNIX).bind(Address::from_path(path));
    CHECK_THROWS_AS(co_await ask(path), ConnectionRefusedError);
    const Server server = co_await start_unix_server(upper, path);
    CHECK_EQ(co_await ask(path), "HELLO\n");
    co_await end(server);
    const std::string file = folder.path("file");
    {
        const Descriptor made(::creat(file.c_str(), 0600));
    }
    try {
        co_await testing::loop().create_unix_server(new_recorder, file);
        FAIL("it was bound");
    } catch (const OSError& error) {
        CHECK_EQ(error.errnum(), EADDRINUSE);
        CHECK(std::string(error.what()).find(file) != std::string::npos);
    }
    CHECK(exists(file));
}

CO_TEST("SEM-UNX-01: a path and a socket, neither, or a socket of another kind is a ValueError") {
    EventLoop& loop = testing::loop();
    const auto serve = [&loop](ServerOptions options) {
        return loop.create_unix_server(new_recorder, std::move(options));
    };
    const auto connect = [&loop](ConnectOptions options) {
        return loop.create_unix_connection(new_recorder, std::move(options));
    };
    CHECK_THROWS_AS(co_await serve(ServerOptions()), ValueError);
    CHECK_THROWS_AS(co_await serve(ServerOptions().sock(Socket(AF_INET))), ValueError);
    CHECK_THROWS_AS(co_await serve(ServerOptions().sock(Socket(AF_UNIX, SOCK_DGRAM))), ValueError);
    CHECK_THROWS_AS(co_await connect(ConnectOptions()), ValueError);
    CHECK_THROWS_AS(co_await connect(ConnectOptions().sock(Socket(AF_INET))), ValueError);
    CHECK_THROWS_AS(co_await connect(ConnectOptions().sock(Socket(AF_UNIX, SOCK_DGRAM))),
                    ValueError);
    CHECK_THROWS_AS(
        co_await loop.create_unix_server(new_recorder, "x", ServerOptions().sock(Socket(AF_UNIX))),
        ValueError);
    CHECK_THROWS_AS(co_await loop.create_unix_connection(new_recorder, "x",
                                                         ConnectOptions().sock(Socket(AF_UNIX))),
                    ValueError);
}

CO_TEST("SEM-UNX-03: after an error of bind no socket is left, and no permission is typed") {
    Scratch folder;
    const std::size_t before = os::open_descriptors_count();
    EventLoop& loop = testing::loop();
    CHECK_THROWS_AS(co_await loop.create_unix_server(new_recorder, folder.path("no") + "/folder"),
                    FileNotFoundError);
    {
        support::KeepSystemCalls keep;
        os::system_calls.bind = [](int, const sockaddr*, socklen_t) {
            errno = EACCES;
            return -1;
        };
        CHECK_THROWS_AS(co_await loop.create_unix_server(new_recorder, folder.path("x")),
                        PermissionError);
    }
    CHECK_EQ(os::open_descriptors_count(), before);
}

CO_TEST("SEM-UNX-04: close() removes the socket file, unless it is asked not to") {
    Scratch folder;
    const std::string path = folder.path("server");
    for (const bool cleanup : {true, false}) {
        const Server server =
            co_await start_unix_server(upper, path, ServerOptions().cleanup_socket(cleanup));
        CHECK(exists(path));
        server.close();
        CHECK_EQ(exists(path), !cleanup);
        server.close();
        co_await server.wait_closed();
    }
}

CO_TEST("SEM-UNX-04: a server that never served, or was forgotten, leaves no file either") {
    Scratch folder;
    const std::string path = folder.path("server");
    co_await start_unix_server(upper, path, ServerOptions().start_serving(false));
    CHECK(!exists(path));
}

CO_TEST("FLT-NET-09: a socket file that another server has put there since is not removed") {
    Scratch folder;
    const std::string path = folder.path("server");
    const Server first = co_await start_unix_server(upper, path);
    CHECK_EQ(::rename(path.c_str(), folder.path("moved").c_str()), 0); // keeps the inode in use
    const Server second = co_await start_unix_server(upper, path);
    co_await end(first);
    CHECK(exists(path));
    CHECK_EQ(co_await ask(path), "HELLO\n");
    co_await end(second);
    CHECK(!exists(path));
}

CO_TEST("FLT-NET-09: a path of 108 bytes is an OSError with ENAMETOOLONG on both sides") {
    const std::string path(108, 'x');
    for (const bool serve : {true, false}) {
        try {
            if (serve) co_await start_unix_server(upper, path);
            if (!serve) co_await open_unix_connection(path);
            FAIL("it was taken");
        } catch (const OSError& error) {
            CHECK_EQ(error.errnum(), ENAMETOOLONG);
        }
    }
}

CO_TEST("SEM-UNX-05: an abstract name has no file, and is not looked for as one") {
    Scratch folder;
    const std::string path = folder.path("file");
    const std::string name = std::string(1, '\0') + path;
    Socket(AF_UNIX).bind(Address::from_path(path)); // what an unlink by mistake would remove
    const Server server = co_await start_unix_server(upper, name);
    CHECK_EQ(co_await ask(name), "HELLO\n");
    co_await end(server);
    CHECK(exists(path));
}

CO_SWEEP("open_unix_connection that is cancelled at whatever suspension leaves no socket") {
    Scratch folder;
    const std::string path = folder.path("server");
    const Server server = co_await start_unix_server(upper, path);
    sweep.fail_on_new_sockets();
    const auto victim = sweep.victim(open_unix_connection(path));
    auto made = co_await outcome(victim);
    CHECK(sweep.accounts_for(made));
    if (made.has_value()) {
        made.value().writer.close();
        co_await outcome(made.value().writer.wait_closed());
    }
    co_await end(server);
}

CO_SWEEP("start_unix_server that is cancelled at whatever suspension listens no more") {
    Scratch folder;
    const std::string path = folder.path("server");
    sweep.fail_on_new_sockets();
    const auto victim = sweep.victim(start_unix_server(upper, path));
    const auto served = co_await outcome(victim);
    CHECK(sweep.accounts_for(served));
    if (served.has_value()) co_await end(served.value());
    const Server again = co_await start_unix_server(upper, path);
    CHECK_EQ(co_await ask(path), "HELLO\n");
    co_await end(again);
}
