// SPDX-License-Identifier: MIT
// Streams over TCP: writers, drains, the end, clients and servers.
#include "asyncio/streams.h"

#include "asyncio/base_events.h"
#include "asyncio/gather.h"
#include "asyncio/testing/sweep.h"
#include "asyncio/wait_for.h"
#include "support/peers.h"
#include "support/reports.h"

#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::Peer;
using support::turns;
using Texts = std::vector<std::string>;

namespace {

Coro<> echo_lines(StreamReader reader, StreamWriter writer) {
    while (auto line = co_await reader.next_line()) {
        writer.write(*line);
        co_await writer.drain();
    }
    writer.close();
}

/// A stream whose other end is in the test's hands.
struct End {
    End(Stream both, Socket other) : stream(std::move(both)), peer(std::move(other)) {}
    Stream stream;
    Peer peer;
};

Coro<End> open_pair(std::size_t limit = 64 * 1024) {
    auto pair = Socket::pair();
    auto options = ConnectOptions().sock(std::move(pair.first)).limit(limit);
    Stream stream = co_await open_connection(std::move(options));
    co_return End(std::move(stream), std::move(pair.second));
}

/// Over TCP, where a peer can reset.
Coro<End> open_tcp() {
    const Socket listener(AF_INET);
    listener.bind(*Address::from_literal("127.0.0.1", 0));
    listener.listen(1);
    Stream stream = co_await open_connection("127.0.0.1", listener.getsockname().port());
    Address peer;
    os::Descriptor accepted(os::accept_now(listener.fileno(), peer));
    co_return End(std::move(stream), Socket(std::move(accepted)));
}

std::size_t fill(const StreamWriter& writer) { return support::fill(writer.transport()); }

/// Fills the writer until its protocol is paused.
void overfill(const StreamWriter& writer) {
    fill(writer);
    writer.write(std::string(100'000, 'x'));
}

Coro<> shut(StreamWriter writer) {
    writer.transport().abort();
    static_cast<void>(co_await outcome(writer.wait_closed()));
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

CO_TEST("copies of a reader or a writer are equal, those of another connection are not") {
    const auto one = co_await open_pair();
    const auto other = co_await open_pair();
    const Stream copy = one.stream;
    CHECK(copy.reader == one.stream.reader);
    CHECK(copy.writer == one.stream.writer);
    CHECK(!(copy.reader == other.stream.reader));
    CHECK(!(copy.writer == other.stream.writer));
    co_await shut(one.stream.writer);
    CHECK(copy.writer == one.stream.writer); // also when it is gone
    co_await shut(other.stream.writer);
}

// ---- writing ------------------------------------------------------------------------------------

CO_TEST("SEM-SW-01: write() sends at once; drain() waits only above the high-water mark") {
    auto end = co_await open_pair();
    const StreamWriter& writer = end.stream.writer;
    const testing::Turns turns_before;
    writer.write("abc");
    const std::vector<std::string> lines{"d", "e"};
    writer.writelines(lines);
    co_await writer.drain();
    CHECK_EQ(turns_before.count(), 0);
    CHECK_EQ(end.peer.receive(), "abcde");
    fill(writer);
    co_await writer.drain(); // something is buffered, but not too much
    CHECK_EQ(turns_before.count(), 0);
    writer.write(std::string(100'000, 'x'));
    const auto draining = create_task(writer.drain());
    co_await turns();
    CHECK(!draining.done());
    while (!draining.done()) {
        end.peer.receive();
        co_await yield_now();
    }
    co_await draining;
    CHECK(writer.transport().get_write_buffer_size() <= 16 * 1024);
    co_await shut(writer);
}

CO_TEST("SEM-SW-02: ten drains of a paused writer are released by one resume") {
    auto end = co_await open_pair();
    overfill(end.stream.writer);
    std::vector<Task<>> drains;
    for (int i = 0; i < 10; ++i) drains.push_back(create_task(end.stream.writer.drain()));
    co_await turns();
    for (const auto& drain : drains) CHECK(!drain.done());
    while (!drains[0].done()) {
        end.peer.receive();
        co_await yield_now();
    }
    for (const auto& drain : drains) CHECK(drain.done());
    co_await gather(std::move(drains));
    co_await shut(end.stream.writer);
}

CO_TEST("SEM-SW-03: drain() throws what the connection failed with") {
    auto end = co_await open_tcp();
    end.peer.reset();
    co_await turns();
    CHECK_THROWS_AS(co_await end.stream.writer.drain(), ConnectionResetError);
    CHECK_THROWS_AS(co_await end.stream.reader.read(1), ConnectionResetError);
}

CO_TEST("SEM-SW-03: drain() after the end is a ConnectionResetError") {
    auto end = co_await open_pair();
    end.stream.writer.close();
    co_await end.stream.writer.wait_closed();
    CHECK_THROWS_MSG(co_await end.stream.writer.drain(), ConnectionResetError, "Connection lost");
}

CO_TEST("SEM-SW-04: writing and draining for a closed peer ends with a connection error") {
    auto end = co_await open_tcp();
    end.peer.socket.close();
    bool failed = false;
    for (int i = 0; i < 1000 && !failed; ++i) {
        end.stream.writer.write("test");
        const auto drained = co_await outcome(end.stream.writer.drain());
        failed = is_exception<ConnectionError>(drained.exception());
    }
    CHECK(failed);
    testing::take_logs(); // perhaps some writes were dropped
}

CO_TEST("SEM-SW-04: drain() of a closing writer takes a turn, so that the loss is seen") {
    auto end = co_await open_pair();
    end.stream.writer.close();
    const testing::Turns turns_before;
    CHECK_THROWS_AS(co_await end.stream.writer.drain(), ConnectionResetError);
    CHECK_EQ(turns_before.count(), 1);
}

CO_TEST("SEM-SW-04: drain() of a closing writer that is full waits on after that turn") {
    auto end = co_await open_pair();
    overfill(end.stream.writer);
    end.stream.writer.close();
    const auto draining = create_task(end.stream.writer.drain());
    co_await turns(5);
    CHECK(!draining.done());
    end.stream.writer.transport().abort();
    co_await draining;
}

CO_TEST("SEM-SW-05: the loss of the connection releases drains, with its error if it has one") {
    {
        auto end = co_await open_pair();
        overfill(end.stream.writer);
        const auto draining = create_task(end.stream.writer.drain());
        co_await turns();
        end.stream.writer.transport().abort();
        co_await draining;
    }
    auto end = co_await open_tcp();
    overfill(end.stream.writer);
    const auto draining = create_task(end.stream.writer.drain());
    co_await turns();
    end.peer.reset();
    CHECK_THROWS_AS(co_await draining, ConnectionError);
}

CO_SWEEP(
    "drain() that is cancelled at whatever suspension leaves the line, and what was written goes") {
    auto end = co_await open_pair();
    const std::size_t size = fill(end.stream.writer) + 100'000;
    end.stream.writer.write(std::string(100'000, 'x'));
    const auto victim = sweep.victim(
        [](StreamWriter writer) -> Coro<> { co_await writer.drain(); }(end.stream.writer));
    const auto bystander = create_task(end.stream.writer.drain());
    std::size_t got = 0;
    while (got < size) {
        got += end.peer.receive().size();
        co_await yield_now();
    }
    static_cast<void>(co_await outcome(victim));
    co_await bystander;
    CHECK_EQ(got, size);
    co_await end.stream.writer.drain();
    co_await shut(end.stream.writer);
}

CO_TEST("write_all: writes and drains") {
    auto end = co_await open_pair();
    co_await end.stream.writer.write_all("abc");
    CHECK_EQ(end.peer.receive(), "abc");
    co_await shut(end.stream.writer);
}

// ---- the end ------------------------------------------------------------------------------------

CO_TEST("SEM-SW-06: close() is seen at once, and wait_closed() waits for the end") {
    auto end = co_await open_pair();
    end.peer.send("never read");
    const StreamWriter& writer = end.stream.writer;
    CHECK(!writer.is_closing());
    writer.close();
    CHECK(writer.is_closing());
    co_await writer.wait_closed();
    co_await writer.wait_closed();
    CHECK_EQ(to_string(writer.transport()), "<SocketTransport closed>");
}

CO_TEST("SEM-SW-06: wait_closed() throws what the connection was lost with") {
    auto end = co_await open_tcp();
    const auto waiting = create_task(end.stream.writer.wait_closed());
    co_await turns();
    end.peer.reset();
    CHECK_THROWS_AS(co_await waiting, ConnectionResetError);
    CHECK_THROWS_AS(co_await end.stream.writer.wait_closed(), ConnectionResetError);
}

CO_TEST("SEM-SW-07: an error that nobody waits for is not reported") {
    support::Reports reports;
    {
        auto end = co_await open_tcp();
        end.peer.reset();
        co_await turns(5);
    }
    co_await turns();
    CHECK_EQ(reports.messages(), Texts{});
}

CO_TEST("SEM-SW-08: closing the writer shows the reader the end") {
    auto end = co_await open_pair();
    const auto reading = create_task(end.stream.reader.read());
    co_await turns();
    end.stream.writer.close();
    CHECK_EQ(co_await reading, "");
    CHECK(end.stream.reader.at_eof());
}

CO_TEST("SEM-SW-09: the last handle of an unclosed writer closes the transport") {
    auto end = std::make_optional(co_await open_pair());
    const Peer peer(std::move(end->peer.socket));
    end.reset();
    co_await turns();
    CHECK(peer.at_end());
    CHECK_EQ(testing::take_logs().size(), std::size_t{0});
}

TEST("SEM-SW-09: in debug mode an unclosed writer is logged, also when its loop is closed") {
    std::optional<Stream> kept;
    auto pair = Socket::pair();
    {
        EventLoop loop(LoopOptions().debug(true));
        kept = loop.run_until_complete([](Socket socket) -> Coro<Stream> {
            auto options = ConnectOptions().sock(std::move(socket));
            co_return co_await open_connection(std::move(options));
        }(std::move(pair.first)));
        auto other = Socket::pair();
        loop.run_until_complete([](Socket socket) -> Coro<> {
            auto options = ConnectOptions().sock(std::move(socket));
            static_cast<void>(co_await open_connection(std::move(options)));
            co_await yield_now();
        }(std::move(other.first)));
        const auto logs = testing::take_logs();
        REQUIRE(logs.size() == 1);
        CHECK(logs[0].text.find("unclosed StreamWriter") != std::string::npos);
    }
    CHECK(kept->writer.is_closing());
    kept.reset();
    const auto logs = testing::take_logs();
    REQUIRE(logs.size() == 1);
    CHECK(logs[0].text.find("unclosed transport") != std::string::npos);
}

// ---- servers ------------------------------------------------------------------------------------

namespace {

Coro<> fails(StreamReader, StreamWriter) {
    co_await yield_now();
    throw ValueError("in the handler");
}

/// Connects to `server` by hand.
Peer connect_to(const Server& server) {
    Socket socket(AF_INET);
    const int begun = os::connect_now(socket.fileno(), server.sockets()[0].getsockname());
    CHECK(begun == 0 || begun == -EINPROGRESS);
    return Peer(std::move(socket));
}

} // namespace

CO_TEST("SEM-SW-10: a failing client callback is reported once, and its connection is closed") {
    support::Reports reports;
    const Server server = co_await start_server(fails, "127.0.0.1", 0);
    const Peer peer = connect_to(server);
    co_await turns(8);
    CHECK_EQ(reports.messages(), Texts{"Unhandled exception in client_connected_cb"});
    CHECK_EQ(message_of(reports.seen.at(0).exception), "in the handler");
    CHECK(peer.at_end());
    server.close();
    co_await server.wait_closed();
}

CO_TEST("SEM-SW-10: a cancelled client callback closes its connection without a report") {
    support::Reports reports;
    const Server server = co_await start_server(
        [](StreamReader reader, StreamWriter) -> Coro<> { co_await reader.read(); }, "127.0.0.1",
        0);
    const Peer peer = connect_to(server);
    co_await turns(5);
    for (const AnyTask& task : all_tasks()) {
        if (task != current_task()) task.cancel();
    }
    co_await turns(5);
    CHECK_EQ(reports.messages(), Texts{});
    CHECK(peer.at_end());
    server.close();
    co_await server.wait_closed();
}

CO_TEST("a client callback may be a plain function, which keeps the streams") {
    std::vector<Stream> streams;
    const Server server = co_await start_server(
        [&streams](StreamReader reader, StreamWriter writer) {
            streams.push_back({std::move(reader), std::move(writer)});
        },
        "127.0.0.1", 0);
    const Peer peer = connect_to(server);
    co_await turns(5);
    REQUIRE(streams.size() == 1);
    peer.send("hello\n");
    CHECK_EQ(co_await streams[0].reader.readline(), "hello\n");
    CHECK(streams[0].writer.peername() == peer.socket.getsockname());
    CHECK(streams[0].writer.sockname() == server.sockets()[0].getsockname());
    streams.clear();
    server.close();
    co_await server.wait_closed();
}

CO_TEST("the captures of a client callback live until its last task has ended") {
    auto text = std::make_shared<std::string>("kept");
    const std::weak_ptr<std::string> watch = text;
    Event go;
    std::string seen;
    Peer peer{Socket()};
    {
        auto callback = [text, &go, &seen](StreamReader, StreamWriter) -> Coro<> {
            co_await go.wait();
            seen = *text;
        };
        text.reset();
        const Server server = co_await start_server(std::move(callback), "127.0.0.1", 0);
        peer = connect_to(server);
        co_await turns(5);
        server.close();
    }
    peer.socket.close();
    co_await turns(5);
    CHECK(!watch.expired());
    go.set();
    co_await turns(5);
    CHECK_EQ(seen, "kept");
    CHECK(watch.expired());
}

CO_TEST("client callbacks run as they are begun: eagerly if the loop's tasks do") {
    testing::loop().set_task_factory(eager_task_factory);
    std::string seen;
    const Server server = co_await start_server(
        [&seen](StreamReader, StreamWriter writer) -> Coro<> {
            seen = "ran";
            writer.close();
            co_return;
        },
        "127.0.0.1", 0);
    const Peer peer = connect_to(server);
    while (seen.empty()) co_await yield_now();
    server.close();
    co_await server.wait_closed();
    testing::loop().set_task_factory(nullptr);
}

CO_TEST("a limit of zero is refused before anything listens or connects") {
    CHECK_THROWS_AS(co_await start_server(fails, "127.0.0.1", 0, ServerOptions().limit(0)),
                    ValueError);
    auto pair = Socket::pair();
    auto options = ConnectOptions().sock(std::move(pair.first)).limit(0);
    CHECK_THROWS_AS(co_await open_connection(std::move(options)), ValueError);
}

CO_TEST("the limit that was asked for holds for the reader") {
    auto end = co_await open_pair(10);
    end.peer.send(std::string(100, 'x'));
    CHECK_THROWS_AS(co_await end.stream.reader.readline(), ValueError);
    co_await shut(end.stream.writer);
}

CO_TEST("large pieces arrive whole, and in order with small ones") {
    auto end = co_await open_tcp();
    std::string data;
    for (int i = 0; i < 40; ++i) {
        data += std::string(static_cast<std::size_t>(i % 7) * 20'000 + 10,
                            static_cast<char>('a' + i % 26));
        data += '\n';
    }
    const auto sending = create_task([](const Peer* peer, std::string all) -> Coro<> {
        // LIFETIME: the case awaits this.
        co_await testing::loop().sock_sendall(peer->socket, std::move(all));
    }(&end.peer, data));
    std::string got;
    while (got.size() < data.size()) got += co_await end.stream.reader.read(50'000);
    CHECK(got == data);
    co_await sending;
    co_await shut(end.stream.writer);
}

CO_TEST("FLT-NET-06: close() while others read and drain: all wake, none hangs") {
    auto end = co_await open_pair();
    overfill(end.stream.writer);
    const auto reading = create_task(end.stream.reader.readline());
    const auto second = create_task(end.stream.reader.readline());
    const auto draining = create_task(end.stream.writer.drain());
    const auto closing = create_task(end.stream.writer.wait_closed());
    co_await turns();
    CHECK_THROWS_AS(co_await second, RuntimeError);
    end.stream.writer.close();
    while (!closing.done()) {
        end.peer.receive();
        co_await yield_now();
    }
    CHECK_EQ(co_await reading, "");
    co_await draining;
    co_await closing;
}
