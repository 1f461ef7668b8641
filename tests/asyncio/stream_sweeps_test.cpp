// SPDX-License-Identifier: MIT
// The reads and writes of streams under the sweep: every byte comes once, whatever strikes when.
#include "asyncio/streams.h"

#include "support/sweeps.h"

#include <array>
#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::Bystander;
using support::MemoryPair;
using support::turns_go_by;
using testing::Sweep;
using testing::SweepMode;
using Texts = std::vector<std::string>;

namespace {

bool was_reset(const std::exception_ptr& error) {
    return is_exception<ConnectionResetError>(error);
}

/// The victim reads from a connection in memory, to which the pieces come a turn apart. What it did
/// not take the next one gets, in order, and then what is sent afterwards.
Coro<> sweep_read(Sweep* sweep, Coro<std::string> (*read)(StreamReader), Texts pieces) {
    // LIFETIME: a sweep outlives its scenarios.
    Bystander bystander;
    MemoryPair pair;
    sweep->fail_by([&pair] { pair.connection.reset(); });
    const auto victim = sweep->victim(read(pair.first.reader));
    std::string sent;
    for (const std::string& piece : pieces) {
        co_await turns_go_by(2);
        pair.second.writer.write(piece);
        sent += piece;
    }
    const auto end = co_await outcome(victim);
    CHECK(sweep->accounts_for(end));
    if (!was_reset(end.exception())) {
        std::string got = end.has_value() ? end.value() : "";
        pair.second.writer.write("again\n");
        while (!got.ends_with("again\n")) got += co_await pair.first.reader.read(7);
        CHECK_EQ(got, sent + "again\n");
    }
    CHECK(co_await bystander.unharmed());
    co_await pair.close();
}

Coro<std::string> read_some(StreamReader reader) { co_return co_await reader.read(100); }
Coro<std::string> read_exactly(StreamReader reader) { co_return co_await reader.readexactly(9); }
Coro<std::string> read_line(StreamReader reader) { co_return co_await reader.readline(); }
Coro<std::string> read_until(StreamReader reader) { co_return co_await reader.readuntil("--"); }
Coro<std::string> read_next_line(StreamReader reader) {
    auto line = co_await reader.next_line();
    co_return std::move(line).value();
}
Coro<std::string> read_into(StreamReader reader) {
    std::array<std::byte, 8> buffer;
    std::string got;
    got.reserve(32);
    const std::size_t size = co_await reader.read_into(buffer);
    got.append(reinterpret_cast<const char*>(buffer.data()), size);
    co_return got;
}

} // namespace

// ---- reading ------------------------------------------------------------------------------------

CO_SWEEP("StreamReader.read under the sweep: no byte is lost, doubled or out of order") {
    Texts pieces{"some"};
    co_await sweep_read(&sweep, read_some, std::move(pieces));
}

CO_SWEEP("StreamReader.readexactly under the sweep: pieces stay until all have come") {
    Texts pieces{"abc", "def", "ghi"};
    co_await sweep_read(&sweep, read_exactly, std::move(pieces));
}

CO_SWEEP("StreamReader.readline under the sweep: half a line stays for the next reader") {
    Texts pieces{"half a", " line", "\n"};
    co_await sweep_read(&sweep, read_line, std::move(pieces));
}

CO_SWEEP("StreamReader.readuntil under the sweep: a separator in two pieces is found or stays") {
    Texts pieces{"body", "-", "-"};
    co_await sweep_read(&sweep, read_until, std::move(pieces));
}

CO_SWEEP("StreamReader.next_line under the sweep: half a line stays for the next reader") {
    Texts pieces{"li", "ne\n"};
    co_await sweep_read(&sweep, read_next_line, std::move(pieces));
}

CO_SWEEP("StreamReader.read_into under the sweep: no byte is lost, doubled or out of order") {
    Texts pieces{"bytes"};
    co_await sweep_read(&sweep, read_into, std::move(pieces));
}

CO_SWEEP("StreamReader.read to the end under the sweep: what had come is there for the next one") {
    Bystander bystander;
    MemoryPair pair;
    sweep.fail_by([&pair] { pair.connection.reset(); });
    auto read_all = [](StreamReader reader) -> Coro<std::string> {
        co_return co_await reader.read();
    };
    const auto victim = sweep.victim(read_all(pair.first.reader));
    pair.second.writer.write("first ");
    co_await turns_go_by(2);
    pair.second.writer.write("and last");
    if (!pair.second.writer.is_closing()) pair.second.writer.write_eof();
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (!was_reset(end.exception())) {
        std::string got = end.has_value() ? end.value() : "";
        got += co_await pair.first.reader.read();
        CHECK_EQ(got, "first and last");
    }
    CHECK(co_await bystander.unharmed());
    co_await pair.close();
}

CO_SWEEP("a conversation under the sweep: after it was disturbed, answers belong to questions") {
    Bystander bystander;
    MemoryPair pair;
    sweep.fail_by([&pair] { pair.connection.reset(); });
    auto serve = [](StreamReader reader, StreamWriter writer) -> Coro<> {
        while (const auto line = co_await reader.next_line()) {
            co_await writer.write_all("re " + *line);
        }
    };
    auto ask_twice = [](StreamReader reader, StreamWriter writer) -> Coro<> {
        for (const char* question : {"one\n", "two\n"}) {
            co_await writer.write_all(question);
            const std::string answer = co_await reader.readline();
            CHECK(answer.ends_with(question));
        }
    };
    const auto server = create_task(serve(pair.second.reader, pair.second.writer));
    const auto victim = sweep.victim(ask_twice(pair.first.reader, pair.first.writer));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (!was_reset(end.exception())) {
        pair.first.writer.write("last\n");
        std::string answer;
        while (answer != "re last\n") answer = co_await pair.first.reader.readline();
        pair.first.writer.write_eof();
        co_await server;
    }
    static_cast<void>(co_await outcome(server));
    CHECK(co_await bystander.unharmed());
    co_await pair.close();
}

// ---- writing ------------------------------------------------------------------------------------

namespace {

constexpr std::size_t much = 200'000; // more than is under way and may be kept

Coro<> drain(StreamWriter writer) { co_await writer.drain(); }
Coro<> write_much(StreamWriter writer) { co_await writer.write_all(std::string(much, 'v')); }
Coro<> wait_closed(StreamWriter writer) { co_await writer.wait_closed(); }

/// Reads `size` bytes, in portions.
Coro<std::string> take(StreamReader reader, std::size_t size) {
    std::string got;
    while (got.size() < size) got += co_await reader.read(50'000);
    co_return got;
}

} // namespace

CO_SWEEP(
    "StreamWriter.drain under the sweep: what was written goes once, and drain() works again") {
    Bystander bystander;
    MemoryPair pair;
    sweep.fail_by([&pair] { pair.connection.reset(); });
    pair.first.writer.write(std::string(much, 'a'));
    const auto victim = sweep.victim(drain(pair.first.writer));
    const auto second = create_task(drain(pair.first.writer));
    co_await turns_go_by(3);
    const auto reader = create_task(take(pair.second.reader, much));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    const auto got = co_await outcome(reader);
    const auto drained = co_await outcome(second);
    if (!was_reset(got.exception())) {
        CHECK(got.value() == std::string(much, 'a'));
        CHECK(drained.has_value());
        co_await pair.first.writer.write_all("again");
        CHECK_EQ(co_await pair.second.reader.readexactly(5), "again");
    }
    CHECK(co_await bystander.unharmed());
    co_await pair.close();
}

CO_SWEEP("StreamWriter.write_all under the sweep: all of it goes, or nothing") {
    Bystander bystander;
    MemoryPair pair;
    sweep.fail_by([&pair] { pair.connection.reset(); });
    const auto victim = sweep.victim(write_much(pair.first.writer));
    co_await turns_go_by(3);
    auto read_all = [](StreamReader reader) -> Coro<std::string> {
        co_return co_await reader.read();
    };
    const auto reader = create_task(read_all(pair.second.reader));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (!pair.first.writer.is_closing()) {
        pair.first.writer.write("again");
        pair.first.writer.write_eof();
    }
    const auto got = co_await outcome(reader);
    if (got.has_value()) {
        CHECK(got.value().ends_with("again"));
        CHECK(got.value().size() == much + 5 || got.value().size() == 5);
    } else {
        CHECK_EQ(sweep.mode(), SweepMode::io_failure);
    }
    CHECK(co_await bystander.unharmed());
    co_await pair.close();
}

CO_SWEEP("StreamWriter.wait_closed under the sweep: the connection goes on closing") {
    Bystander bystander;
    MemoryPair pair;
    sweep.fail_by([&pair] { pair.connection.reset(); });
    pair.first.writer.write(std::string(much, 'c'));
    pair.first.writer.close();
    const auto victim = sweep.victim(wait_closed(pair.first.writer));
    co_await turns_go_by(3);
    const auto got = co_await outcome(take(pair.second.reader, much));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (!was_reset(got.exception())) {
        CHECK(got.value() == std::string(much, 'c'));
        co_await pair.first.writer.wait_closed();
        CHECK_EQ(co_await pair.second.reader.read(), "");
    }
    CHECK(co_await bystander.unharmed());
    co_await pair.close();
}

CO_SWEEP("StreamWriter.write_eof under the sweep: the answer to the end of a request comes") {
    Bystander bystander;
    MemoryPair pair;
    sweep.fail_by([&pair] { pair.connection.reset(); });
    auto ask = [](StreamReader reader, StreamWriter writer) -> Coro<std::string> {
        co_await yield_now();
        writer.write("request");
        writer.write_eof();
        co_return co_await reader.read();
    };
    auto answer = [](StreamReader reader, StreamWriter writer) -> Coro<> {
        const std::string request = co_await reader.read();
        writer.write("answer to " + request);
        writer.close();
    };
    const auto server = create_task(answer(pair.second.reader, pair.second.writer));
    const auto victim = sweep.victim(ask(pair.first.reader, pair.first.writer));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    std::string got = end.has_value() ? end.value() : "";
    if (sweep.mode() == SweepMode::io_failure && sweep.struck()) {
        static_cast<void>(co_await outcome(server));
    } else {
        if (!end.has_value() && !server.done()) {
            pair.first.writer.write_eof(); // if it has not, it may still
        }
        if (got.empty()) got = co_await pair.first.reader.read();
        CHECK(got.starts_with("answer to "));
        co_await server;
    }
    CHECK(co_await bystander.unharmed());
    co_await pair.close();
}
