// SPDX-License-Identifier: MIT
// Faults of the network: bytes one by one, calls that fail, peers that reset or never read.
#include "asyncio/base_events.h"
#include "asyncio/sendfile.h"
#include "asyncio/sleep.h"
#include "asyncio/streams.h"
#include "asyncio/testing/sweep.h"
#include "asyncio/testing/system_call_faults.h"
#include "support/memory.h"
#include "support/pattern.h"
#include "support/peers.h"
#include "support/reports.h"

#include <string>
#include <sys/mman.h>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::connect_tcp;
using support::pattern;
using support::Peer;
using support::turns;
using testing::Call;
using testing::SystemCallFaults;
using Texts = std::vector<std::string>;

namespace {

/// Answers requests of several kinds.
Coro<> answer(StreamReader reader, StreamWriter writer) {
    while (auto request = co_await reader.next_line()) {
        if (*request == "end\n") break;
        const std::string body = co_await reader.readexactly(5);
        const std::string rest = co_await reader.readuntil("--");
        const std::vector<std::string> pieces{*request, body, rest, "\n"};
        writer.writelines(pieces);
        co_await writer.drain();
    }
    writer.write("bye\n");
    writer.close();
}

/// A whole conversation, as text.
Coro<std::string> converse() {
    const Server server = co_await start_server(answer, "127.0.0.1", 0);
    auto [reader, writer] =
        co_await open_connection("127.0.0.1", server.sockets()[0].getsockname().port());
    std::string transcript;
    for (int i = 0; i < 5; ++i) {
        writer.write("request " + std::to_string(i) + "\nbody" + std::to_string(i) + "until--");
        co_await writer.drain();
        transcript += co_await reader.readline() + "|";
        transcript += co_await reader.readline() + "|";
    }
    writer.write("end\n");
    writer.write_eof();
    transcript += co_await reader.read();
    writer.close();
    co_await writer.wait_closed();
    server.close();
    co_await server.wait_closed();
    co_return transcript;
}

} // namespace

// ---- FLT-NET-01: pieces, interruptions, false readiness -----------------------------------------

CO_TEST("FLT-NET-01: bytes one by one, EINTR, EAGAIN, false readiness change nothing of a "
        "conversation") {
    const std::string undisturbed = co_await converse();
    CHECK_EQ(undisturbed.substr(0, 11), "request 0\n|");
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SystemCallFaults faults(seed);
        faults.short_io(1 + seed % 3).every(Call::recv, EINTR).every(Call::send, EINTR);
        faults.random(Call::recv, EAGAIN, 0.3).random(Call::send, EAGAIN, 0.3);
        faults.random(Call::sendmsg, EAGAIN, 0.3).random(Call::accept4, EINTR, 0.3);
        faults.random(Call::epoll_wait, EINTR, 0.2).spurious_readiness(0.3);
        CHECK_EQ(co_await converse(), undisturbed);
        CHECK(faults.faults(Call::recv) > 0 && faults.faults(Call::send) > 0);
    }
}

CO_TEST("FLT-NET-01: a big transfer both ways through calls that do a part") {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        SystemCallFaults faults(seed);
        auto pair = Socket::pair();
        auto options = ConnectOptions().sock(std::move(pair.first));
        Stream stream = co_await open_connection(std::move(options));
        faults.short_io(5000).random(Call::send, EAGAIN, 0.2).random(Call::recv, EAGAIN, 0.2);
        const std::string data = pattern(300'000);
        stream.writer.write(data);
        const Peer peer(std::move(pair.second));
        std::string got;
        while (got.size() < data.size()) {
            char block[4096];
            const ssize_t some = ::recv(peer.socket.fileno(), block, sizeof block, 0);
            if (some > 0) got.append(block, static_cast<std::size_t>(some));
            if (some > 0)
                static_cast<void>(
                    ::send(peer.socket.fileno(), block, static_cast<std::size_t>(some), 0));
            co_await yield_now();
        }
        CHECK(got == data);
        CHECK((co_await stream.reader.readexactly(100'000)) == data.substr(0, 100'000));
        faults.stop();
        stream.writer.transport().abort();
        co_await stream.writer.wait_closed();
    }
}

CO_TEST("FLT-NET-01: an error at the k-th call, for every k: the conversation ends with it, "
        "nothing is left") {
    support::Reports reports;
    const std::vector<std::pair<Call, int>> kinds{
        {Call::recv, ECONNRESET}, {Call::recv, ENOMEM},        {Call::send, EPIPE},
        {Call::send, ENOBUFS},    {Call::sendmsg, ECONNRESET}, {Call::epoll_ctl, ENOMEM},
        {Call::socket, EMFILE},   {Call::connect, ENETUNREACH}};
    for (const auto& [call, error] : kinds) {
        bool reached = true;
        for (std::size_t k = 0; reached && k < 200; ++k) {
            SystemCallFaults faults;
            faults.at(call, error, k);
            const auto end = co_await outcome(wait_for(converse(), 60s));
            reached = faults.faults(call) > 0;
            faults.stop();
            if (!reached) CHECK(end.has_value());
            if (is_exception<TimeoutError>(end.exception())) {
                testing::fail(__FILE__, __LINE__, "it hangs at call " + std::to_string(k));
            }
            for (const AnyTask& task : all_tasks()) {
                if (task != current_task()) task.cancel();
            }
            co_await turns(10);
        }
    }
    testing::take_logs();
}

// ---- FLT-NET-02: resets and half-closing --------------------------------------------------------

CO_TEST("FLT-NET-02: after a FIN what is buffered comes first, then the end; writing still works") {
    auto end = co_await connect_tcp(std::make_shared<StreamReaderProtocol>(StreamReader()));
    const StreamReader reader = end.protocol->reader();
    const StreamWriter writer(*end.transport, end.protocol);
    end.peer.send("one\ntwo");
    end.peer.socket.shutdown(SHUT_WR);
    co_await turns();
    CHECK_EQ(co_await reader.readline(), "one\n");
    CHECK_EQ(co_await reader.readline(), "two");
    CHECK_EQ(co_await reader.readline(), "");
    writer.write("still here");
    co_await writer.drain();
    CHECK_EQ(end.peer.receive(), "still here");
    writer.close();
    co_await writer.wait_closed();
}

CO_TEST("FLT-NET-02: a reset in the middle of reading is an error at once") {
    auto end = co_await connect_tcp(std::make_shared<StreamReaderProtocol>(StreamReader()));
    const StreamReader reader = end.protocol->reader();
    end.peer.send("buffered");
    co_await turns();
    CHECK_EQ(reader.buffered(), "buffered");
    end.peer.reset();
    co_await turns();
    CHECK_THROWS_AS(co_await reader.read(1), ConnectionResetError);
}

CO_TEST(
    "FLT-NET-02: a reset in the middle of writing ends drain() with an error, without a signal") {
    auto end = co_await connect_tcp(std::make_shared<StreamReaderProtocol>(StreamReader()));
    const StreamWriter writer(*end.transport, end.protocol);
    support::fill(*end.transport);
    writer.write(std::string(200'000, 'x'));
    const auto draining = create_task(writer.drain());
    co_await turns();
    end.peer.reset();
    CHECK_THROWS_AS(co_await draining, ConnectionError);
    CHECK_THROWS_AS(co_await writer.wait_closed(), ConnectionError);
}

// ---- FLT-NET-04: peers that do not read ---------------------------------------------------------

CO_TEST(
    "FLT-NET-04: a peer that never reads: every way of writing is held back, memory is bounded") {
    auto end = co_await connect_tcp(std::make_shared<StreamReaderProtocol>(StreamReader()));
    const StreamWriter writer(*end.transport, end.protocol);
    const std::string block(16 * 1024, 'x');
    const std::vector<std::string_view> lines{block, block};
    std::size_t written = 0;
    for (int kind = 0; kind < 2; ++kind) {
        for (;;) {
            kind == 0 ? writer.write(block) : writer.writelines(lines);
            written += block.size() * (kind == 0 ? 1 : 2);
            const auto drained = co_await outcome(wait_for(writer.drain(), 1s));
            if (!drained.has_value()) break;
        }
        CHECK(writer.transport().get_write_buffer_size() < 64 * 1024 + 3 * block.size());
    }
    std::size_t got = 0;
    while (got < written) {
        got += end.peer.receive().size();
        co_await yield_now();
    }
    CHECK_EQ(got, written);
    writer.transport().abort();
    co_await writer.wait_closed();
}

CO_TEST(
    "FLT-NET-04: a hundred thousand small writes to a full socket stay linear, and all arrive") {
    auto end = co_await support::connect_pair();
    const std::size_t before = support::fill(*end.transport);
    std::string expected;
    for (int i = 0; i < 100'000; ++i) {
        const std::string piece = std::to_string(i) + ",";
        end.transport->write(piece);
        expected += piece;
    }
    std::string got;
    while (got.size() < before + expected.size()) {
        got += end.peer.receive();
        co_await yield_now();
    }
    CHECK(got.substr(before) == expected);
    end.transport->abort();
    co_await end.protocol->lost.wait();
}

// ---- FLT-NET-05: limits -------------------------------------------------------------------------

CO_TEST("FLT-NET-05: at the limit and one over it, with the separator split over segments") {
    for (std::size_t length = 98; length <= 102; ++length) {
        for (std::size_t cut = 0; cut <= length + 2; ++cut) {
            const StreamReader reader(100);
            const std::string data = std::string(length, 'x') + "\r\n";
            reader.feed_data(data.substr(0, cut));
            const auto reading = create_task(reader.readuntil("\r\n"));
            co_await yield_now();
            reader.feed_data(data.substr(cut));
            const auto end = co_await outcome(reading);
            CHECK_EQ(end.has_value(), length <= 100);
            if (length > 100) {
                CHECK(is_exception<LimitOverrunError>(end.exception()));
                CHECK_EQ(reader.buffered(), data);
            }
        }
    }
}

CO_TEST("FLT-NET-05: a peer that sends a line without end is held back at twice the limit") {
    auto end = co_await connect_tcp(
        std::make_shared<StreamReaderProtocol>(StreamReader(std::size_t{1000})));
    const StreamReader reader = end.protocol->reader();
    for (int i = 0; i < 100; ++i) {
        static_cast<void>(::send(end.peer.socket.fileno(), std::string(10'000, 'x').data(), 10'000,
                                 MSG_NOSIGNAL));
        co_await yield_now();
    }
    CHECK(reader.buffered().size() <= 2000 + 128 * 1024);
    CHECK(!end.transport->is_reading());
    CHECK_THROWS_AS(co_await reader.readline(), ValueError);
    end.transport->abort();
    co_await turns();
}
