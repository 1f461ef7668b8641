// SPDX-License-Identifier: MIT
// sendfile over sockets and transports: by the kernel, by hand, and how it ends.
#include "asyncio/sendfile.h"

#include "asyncio/base_events.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/sweep.h"
#include "support/memory_file.h"
#include "support/pattern.h"
#include "support/peers.h"
#include "support/pipes.h"
#include "support/reports.h"

#include <string>

using namespace asyncio;
using namespace std::chrono_literals;
using support::connect_pair;
using support::connect_tcp;
using support::MemoryFile;
using support::NoKernelSendfile;
using support::pattern;
using support::receive_all;
using support::Recorder;
using support::turns;

namespace {

Coro<> close(const support::Connection<Recorder>* end) {
    // LIFETIME: the case awaits this.
    end->transport->abort();
    co_await end->protocol->lost.wait();
}

} // namespace

CO_TEST("SEM-SNF-01: sends a part of a file, in order with what is written before and after") {
    for (const bool kernel : {true, false}) {
        std::optional<NoKernelSendfile> without;
        if (!kernel) without.emplace();
        auto end = co_await connect_tcp();
        const std::string content = pattern(3'000'000);
        const MemoryFile file(content);
        end.transport->write("head");
        const auto sending = create_task(testing::loop().sendfile(
            *end.transport, file.fileno(), SendfileOptions().offset(1000).count(2'500'000)));
        const std::string got = co_await receive_all(&end.peer, 4 + 2'500'000);
        CHECK_EQ(co_await sending, std::uint64_t{2'500'000});
        CHECK(got == "head" + content.substr(1000, 2'500'000));
        CHECK_EQ(file.position(), off_t{2'501'000});
        end.transport->write("tail");
        CHECK_EQ(end.peer.receive(), "tail");
        co_await close(&end);
    }
}

CO_TEST("SEM-SNF-01: behind unsent bytes, which go first") {
    auto end = co_await connect_tcp();
    const std::size_t before = support::fill(*end.transport);
    const MemoryFile file("from the file");
    const auto sending = create_task(testing::loop().sendfile(*end.transport, file.fileno()));
    co_await turns();
    CHECK(!sending.done());
    const std::string got = co_await receive_all(&end.peer, before + 13);
    CHECK_EQ(got.substr(before), "from the file");
    CHECK_EQ(co_await sending, std::uint64_t{13});
    co_await close(&end);
}

CO_TEST("SEM-SNF-02: what the kernel cannot send is read and written, or refused") {
    EventLoop& loop = testing::loop();
    const NoKernelSendfile without;
    auto end = co_await connect_pair();
    const MemoryFile file("by hand");
    CHECK_EQ(co_await loop.sendfile(*end.transport, file.fileno()), std::uint64_t{7});
    CHECK_EQ(end.peer.receive(), "by hand");
    CHECK_EQ(file.position(), off_t{7});
    CHECK_THROWS_AS(
        co_await loop.sendfile(*end.transport, file.fileno(), SendfileOptions().fallback(false)),
        SendfileNotAvailableError);
    CHECK(end.transport->get_protocol() == end.protocol);
    CHECK(end.transport->is_reading());
    end.peer.send("goes on");
    co_await end.protocol->got_data.wait();
    co_await close(&end);
}

CO_TEST("SEM-SNF-02: a pipe is no regular file: it is read and written") {
    EventLoop& loop = testing::loop();
    auto end = co_await connect_pair();
    support::Pipe pipe;
    CHECK_EQ(::write(pipe.out(), "piped", 5), ssize_t{5});
    pipe.write_end.reset();
    CHECK_THROWS_AS(
        co_await loop.sendfile(*end.transport, pipe.in(), SendfileOptions().fallback(false)),
        SendfileNotAvailableError);
    CHECK_EQ(co_await loop.sendfile(*end.transport, pipe.in()), std::uint64_t{5});
    CHECK_EQ(end.peer.receive(), "piped");
    co_await close(&end);
}

CO_TEST("SEM-SNF-02: a transport that only writes refuses when writing is not wanted") {
    support::QuietTransport transport;
    const MemoryFile file("x");
    CHECK_THROWS_MSG(co_await testing::loop().sendfile(transport, file.fileno()), RuntimeError,
                     "not supported");
}

CO_TEST("SEM-SNF-03: while the kernel sends, writing is a RuntimeError") {
    auto end = co_await connect_tcp();
    const MemoryFile file(pattern(8'000'000));
    const auto sending = create_task(testing::loop().sendfile(*end.transport, file.fileno()));
    co_await turns();
    CHECK(!sending.done());
    CHECK_THROWS_MSG(end.transport->write("x"), RuntimeError, "sendfile is in progress");
    CHECK_THROWS_AS(co_await testing::loop().sendfile(*end.transport, file.fileno()), RuntimeError);
    CHECK_EQ((co_await receive_all(&end.peer, 8'000'000)).size(), std::size_t{8'000'000});
    co_await sending;
    end.transport->write("x");
    co_await close(&end);
}

CO_TEST("SEM-SNF-04: a closing transport is a RuntimeError, and the file stays where it is") {
    auto end = co_await connect_tcp();
    const MemoryFile file("x");
    end.transport->close();
    CHECK_THROWS_AS(co_await testing::loop().sendfile(*end.transport, file.fileno()), RuntimeError);
    CHECK_EQ(file.position(), off_t{0});
    co_await end.protocol->lost.wait();
}

CO_TEST(
    "SEM-SNF-05: a peer that leaves midway: ConnectionError, and the file shows how far it came") {
    for (const bool kernel : {true, false}) {
        std::optional<NoKernelSendfile> without;
        if (!kernel) without.emplace();
        auto end = co_await connect_tcp();
        const MemoryFile file(pattern(30'000'000));
        const auto sending = create_task(testing::loop().sendfile(*end.transport, file.fileno()));
        co_await receive_all(&end.peer, 100'000);
        CHECK(!sending.done());
        end.peer.reset();
        CHECK_THROWS_AS(co_await sending, ConnectionError);
        CHECK(file.position() >= 65536 && file.position() < 30'000'000);
        CHECK(end.transport->is_closing());
        co_await end.protocol->lost.wait();
        CHECK(end.protocol->loss != nullptr);
    }
}

CO_SWEEP("sendfile that is cancelled at whatever suspension leaves the transport as it was") {
    auto end = co_await connect_tcp();
    const MemoryFile file(pattern(6'000'000));
    const auto victim = sweep.victim(testing::loop().sendfile(*end.transport, file.fileno()));
    std::string got;
    while (!victim.done()) {
        got += end.peer.receive();
        co_await yield_now();
    }
    static_cast<void>(co_await outcome(victim));
    end.transport->write("after");
    while (got.size() < static_cast<std::size_t>(file.position()) + 5) {
        got += end.peer.receive();
        co_await yield_now();
    }
    CHECK_EQ(got.substr(got.size() - 5), "after");
    CHECK(end.transport->is_reading());
    co_await close(&end);
}

CO_TEST("SEM-SNF-06: sock_sendfile checks its arguments") {
    EventLoop& loop = testing::loop();
    const auto [one, other] = Socket::pair();
    const MemoryFile file("content");
    using O = SendfileOptions;
    CHECK_THROWS_AS(co_await loop.sock_sendfile(one, file.fileno(), O().count(0)), ValueError);
    CHECK_THROWS_AS(co_await loop.sock_sendfile(one, file.fileno(), O().count(-1)), ValueError);
    CHECK_THROWS_AS(co_await loop.sock_sendfile(one, file.fileno(), O().offset(-1)), ValueError);
    const Socket datagram(AF_INET, SOCK_DGRAM);
    CHECK_THROWS_AS(co_await loop.sock_sendfile(datagram, file.fileno()), ValueError);
    CHECK_EQ(file.position(), off_t{0});
}

CO_TEST("sock_sendfile: by the kernel and by hand") {
    for (const bool kernel : {true, false}) {
        std::optional<NoKernelSendfile> without;
        if (!kernel) without.emplace();
        auto pair = Socket::pair();
        const Socket one = std::move(pair.first);
        const support::Peer peer(std::move(pair.second));
        const std::string content = pattern(1'000'000);
        const MemoryFile file(content);
        const auto sending = create_task(testing::loop().sock_sendfile(one, file.fileno()));
        CHECK((co_await receive_all(&peer, content.size())) == content);
        CHECK_EQ(co_await sending, std::uint64_t{1'000'000});
        CHECK_EQ(file.position(), off_t{1'000'000});
        if (!kernel) {
            CHECK_THROWS_AS(co_await testing::loop().sock_sendfile(
                                one, file.fileno(), SendfileOptions().fallback(false)),
                            SendfileNotAvailableError);
        }
    }
}

CO_TEST("SEM-SNF-07: an empty file, and an offset at the end, send nothing") {
    auto end = co_await connect_tcp();
    const MemoryFile empty("");
    const MemoryFile file("content");
    EventLoop& loop = testing::loop();
    CHECK_EQ(co_await loop.sendfile(*end.transport, empty.fileno()), std::uint64_t{0});
    CHECK_EQ(co_await loop.sendfile(*end.transport, file.fileno(), SendfileOptions().offset(7)),
             std::uint64_t{0});
    CHECK_EQ(file.position(), off_t{0});
    co_await close(&end);
}
