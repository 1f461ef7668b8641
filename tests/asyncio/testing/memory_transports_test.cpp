// SPDX-License-Identifier: MIT
// Connections in memory behave as those of sockets, and cost no time.
#include "asyncio/testing/memory_transports.h"

#include "asyncio/base_events.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/sweep.h"
#include "support/reports.h"
#include "support/transports.h"

#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::Recorder;
using testing::memory_streams;
using testing::MemoryConnection;
using testing::MemoryOptions;
using Calls = std::vector<std::string>;

namespace {

struct Pair {
    explicit Pair(const MemoryOptions& options = MemoryOptions())
        : connection(one, other, options) {}
    ~Pair() { one->transport = other->transport = TransportRef(); }
    std::shared_ptr<Recorder> one = std::make_shared<Recorder>();
    std::shared_ptr<Recorder> other = std::make_shared<Recorder>();
    MemoryConnection connection;
};

} // namespace

CO_TEST("memory: made, data, eof, lost, in the order of sockets") {
    Pair pair;
    co_await yield_now();
    CHECK_EQ(pair.one->calls, Calls{"made"});
    pair.connection.first().write("hello");
    pair.connection.first().write(" you");
    co_await pair.other->got_data.wait();
    CHECK_EQ(pair.other->data, "hello you");
    pair.connection.first().close();
    CHECK_EQ(pair.one->count("lost"), 0);
    co_await pair.one->lost.wait();
    co_await pair.other->lost.wait();
    CHECK_EQ(pair.one->calls, (Calls{"made", "lost"}));
    CHECK_EQ(pair.other->calls, (Calls{"made", "data", "eof", "lost"}));
}

CO_TEST("memory: a half-closed connection goes on the other way") {
    Pair pair;
    pair.other->keep_open = true;
    co_await yield_now();
    pair.connection.first().write("last words");
    pair.connection.first().write_eof();
    CHECK_THROWS_AS(pair.connection.first().write("x"), RuntimeError);
    co_await pair.other->got_eof.wait();
    CHECK_EQ(pair.other->data, "last words");
    pair.connection.second().write("understood");
    co_await pair.one->got_data.wait();
    CHECK_EQ(pair.one->data, "understood");
}

CO_TEST("memory: marks, pausing, and a close() that waits until all is taken") {
    Pair pair(MemoryOptions().capacity(1000));
    co_await yield_now();
    Transport& writer = pair.connection.first();
    Transport& reader = pair.connection.second();
    reader.pause_reading();
    writer.set_write_buffer_limits(100, 10);
    writer.write(std::string(1100, 'x'));
    CHECK_EQ(writer.get_write_buffer_size(), std::size_t{100});
    CHECK_EQ(pair.one->count("pause"), 0);
    writer.write("y");
    CHECK_EQ(pair.one->count("pause"), 1);
    writer.close();
    for (int i = 0; i < 3; ++i) co_await yield_now();
    CHECK_EQ(pair.one->count("lost"), 0);
    reader.resume_reading();
    co_await pair.one->lost.wait();
    CHECK_EQ(pair.one->count("resume"), 1);
    co_await pair.other->lost.wait();
    CHECK_EQ(pair.other->data.size(), std::size_t{1101});
}

CO_TEST("memory: bytes and their end take the latency, on the virtual clock") {
    Pair pair(MemoryOptions().latency(2s));
    co_await yield_now();
    const TimePoint began = testing::loop().time();
    pair.connection.first().write("hello");
    co_await pair.other->got_data.wait();
    CHECK_EQ(Duration(testing::loop().time() - began), Duration(2s));
    pair.connection.first().close();
    co_await pair.other->got_eof.wait();
    CHECK_EQ(Duration(testing::loop().time() - began), Duration(4s));
    co_await pair.other->lost.wait();
    co_await pair.one->lost.wait();
}

CO_TEST("memory: pieces of any size") {
    Pair pair(MemoryOptions().piece(1));
    pair.connection.first().write("hello");
    while (pair.other->data.size() < 5) co_await yield_now();
    CHECK_EQ(pair.other->count("data"), 5);
    CHECK_EQ(pair.other->data, "hello");
}

CO_TEST("memory: abort() loses what had not gone, and both ends are told") {
    Pair pair(MemoryOptions().capacity(10));
    co_await yield_now();
    pair.connection.second().pause_reading();
    pair.connection.first().write(std::string(100, 'x'));
    pair.connection.first().abort();
    co_await pair.one->lost.wait();
    CHECK(pair.one->loss == nullptr);
    pair.connection.second().resume_reading();
    co_await pair.other->lost.wait();
    CHECK_EQ(pair.other->data.size(), std::size_t{10});
}

CO_TEST(
    "memory: an end that is closing ends when its peer aborts, with what it had still to send") {
    Pair pair(MemoryOptions().capacity(10));
    co_await yield_now();
    pair.connection.second().pause_reading();
    pair.connection.first().write("more than is under way");
    pair.connection.first().close();
    co_await yield_now();
    CHECK_EQ(pair.one->count("lost"), 0);
    pair.connection.second().abort();
    co_await pair.other->lost.wait();
    co_await pair.one->lost.wait();
}

CO_TEST("memory: the end of a connection aborts an end that is closing") {
    std::optional<Pair> pair(std::in_place, MemoryOptions().capacity(10));
    const auto one = pair->one;
    co_await yield_now();
    pair->connection.second().pause_reading();
    pair->connection.first().write("more than is under way");
    pair->connection.first().close();
    pair.reset();
    co_await one->lost.wait();
}

CO_TEST("memory: reset() is a ConnectionResetError for both") {
    Pair pair;
    co_await yield_now();
    pair.connection.reset();
    co_await pair.one->lost.wait();
    co_await pair.other->lost.wait();
    CHECK(is_exception<ConnectionResetError>(pair.one->loss));
    CHECK(is_exception<ConnectionResetError>(pair.other->loss));
}

CO_TEST("memory: an exception of a protocol ends its connection and is reported") {
    class Throws : public Recorder {
    public:
        void data_received(std::string_view) override { throw ValueError("no"); }
    };
    support::Reports reports;
    const auto one = std::make_shared<Recorder>();
    const auto other = std::make_shared<Throws>();
    const MemoryConnection connection(one, other);
    co_await yield_now();
    connection.first().write("x");
    co_await other->lost.wait();
    co_await one->lost.wait();
    CHECK_EQ(message_of(other->loss), "no");
    CHECK_EQ(reports.seen.size(), std::size_t{1});
    one->transport = other->transport = TransportRef();
}

CO_TEST("memory: streams talk as over a network") {
    auto ends = memory_streams(MemoryOptions().latency(1s).piece(3));
    auto& client = ends.first;
    auto& server = ends.second;
    client.writer.write("question\n");
    CHECK_EQ(co_await server.reader.readline(), "question\n");
    server.writer.write("answer\n");
    server.writer.close();
    CHECK_EQ(co_await client.reader.readline(), "answer\n");
    CHECK_EQ(co_await client.reader.read(), "");
    client.writer.close();
    co_await client.writer.wait_closed();
    CHECK_EQ(Duration(testing::loop().time() - TimePoint()), Duration(2s));
}

TEST("memory: connections that are open when their loop closes leave nothing") {
    const auto before = testing::Baseline::now();
    {
        EventLoop loop;
        loop.run_until_complete([]() -> Coro<> {
            const auto one = std::make_shared<Recorder>();
            const auto other = std::make_shared<Recorder>();
            const MemoryConnection connection(one, other);
            co_await yield_now();
            connection.first().write("never read");
            one->transport = other->transport = TransportRef();
        }());
    }
    CHECK_EQ(testing::Baseline::now().blocks, before.blocks);
}
