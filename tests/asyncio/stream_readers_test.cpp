// SPDX-License-Identifier: MIT
// StreamReader: every read, its ends, its limit, cancelling, and how it holds a transport back.
#include "asyncio/streams.h"

#include "asyncio/base_events.h"
#include "asyncio/gather.h"
#include "asyncio/testing/sweep.h"
#include "base/chunk_pool.h"
#include "support/transports.h"

#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::QuietTransport;

namespace {

StreamReader reader_of(std::string_view data, std::size_t limit = 64 * 1024) {
    StreamReader reader(limit);
    reader.feed_data(data);
    return reader;
}

StreamReader ended(std::string_view data, std::size_t limit = 64 * 1024) {
    StreamReader reader = reader_of(data, limit);
    reader.feed_eof();
    return reader;
}

void feed_later(const StreamReader& reader, std::string data) {
    testing::loop().call_soon([reader, data = std::move(data)] { reader.feed_data(data); });
}

void end_later(const StreamReader& reader) {
    testing::loop().call_soon([reader] { reader.feed_eof(); });
}

std::exception_ptr failure() { return std::make_exception_ptr(ValueError("broken")); }

} // namespace

// ---- read ---------------------------------------------------------------------------------------

TEST("SEM-SR-01: a limit of zero is a ValueError") {
    CHECK_THROWS_AS(StreamReader(0), ValueError);
    CHECK_EQ(StreamReader().buffered(), "");
}

CO_TEST("SEM-SR-02: read(n) gives up to n bytes at once when there are some") {
    const StreamReader reader = reader_of("abcdef");
    const testing::Turns turns;
    CHECK_EQ(co_await reader.read(4), "abcd");
    CHECK_EQ(co_await reader.read(100), "ef");
    CHECK_EQ(co_await reader.read(0), "");
    CHECK_EQ(turns.count(), 0);
}

CO_TEST("SEM-SR-02: read(n) waits for the first bytes, and gives nothing at the end") {
    const StreamReader reader;
    feed_later(reader, "abc");
    CHECK_EQ(co_await reader.read(2), "ab");
    end_later(reader);
    CHECK_EQ(co_await reader.read(2), "c");
    CHECK_EQ(co_await reader.read(2), "");
    CHECK_EQ(co_await reader.read(2), "");
}

CO_TEST("SEM-SR-03: read() collects all up to the end, also beyond the limit") {
    const StreamReader reader(4);
    QuietTransport transport;
    reader.set_transport(transport);
    for (int i = 0; i < 10; ++i) feed_later(reader, "0123456789");
    end_later(reader);
    CHECK_EQ((co_await reader.read()).size(), std::size_t{100});
    CHECK_EQ(co_await reader.read(-1), "");
    CHECK(transport.is_reading());
}

CO_TEST("SEM-SR-03: read() with the end there gives what is left without waiting") {
    const StreamReader reader = ended("rest");
    const testing::Turns turns;
    CHECK_EQ(co_await reader.read(), "rest");
    CHECK_EQ(co_await reader.read(), "");
    CHECK_EQ(turns.count(), 0);
}

CO_TEST("read_into: fills a buffer with what is there, and gives 0 at the end") {
    const StreamReader reader = ended("abcdef");
    std::byte into[4];
    CHECK_EQ(co_await reader.read_into(into), std::size_t{4});
    CHECK_EQ(std::string_view(reinterpret_cast<char*>(into), 4), "abcd");
    CHECK_EQ(co_await reader.read_into(into), std::size_t{2});
    CHECK_EQ(co_await reader.read_into(into), std::size_t{0});
    CHECK_EQ(co_await reader.read_into({}), std::size_t{0});
}

CO_TEST("SEM-SR-04: readexactly waits for exactly n bytes, also beyond the limit") {
    const StreamReader reader(3);
    QuietTransport transport;
    reader.set_transport(transport);
    for (int i = 0; i < 4; ++i) feed_later(reader, "01234");
    CHECK_EQ(co_await reader.readexactly(18), "012340123401234012");
    CHECK_EQ(reader.buffered(), "34");
    CHECK_EQ(co_await reader.readexactly(0), "");
    CHECK_THROWS_AS(co_await reader.readexactly(-1), ValueError);
}

CO_TEST("SEM-SR-04: readexactly at the end throws what is left, and empties the buffer") {
    const StreamReader reader = reader_of("part");
    end_later(reader);
    try {
        co_await reader.readexactly(10);
        FAIL("it did not throw");
    } catch (const IncompleteReadError& error) {
        CHECK_EQ(error.partial, "part");
        CHECK_EQ(error.expected.value_or(0), std::size_t{10});
    }
    CHECK(reader.at_eof());
}

// ---- lines --------------------------------------------------------------------------------------

CO_TEST("SEM-SR-05: readline gives a line with its LF; at the end the rest, then nothing") {
    const StreamReader reader;
    feed_later(reader, "on");
    feed_later(reader, "e\ntwo\nthr");
    CHECK_EQ(co_await reader.readline(), "one\n");
    CHECK_EQ(co_await reader.readline(), "two\n");
    feed_later(reader, "ee");
    end_later(reader);
    CHECK_EQ(co_await reader.readline(), "three");
    CHECK_EQ(co_await reader.readline(), "");
}

CO_TEST("SEM-SR-06: a line over the limit is dropped with its LF, and what follows is kept") {
    const StreamReader reader = reader_of("12345678\nnext\n", 7);
    CHECK_THROWS_AS(co_await reader.readline(), ValueError);
    CHECK_EQ(co_await reader.readline(), "next\n");
}

CO_TEST("SEM-SR-06: if its LF has not come, the whole buffer is dropped") {
    const StreamReader reader = reader_of("12345678", 7);
    CHECK_THROWS_MSG(co_await reader.readline(), ValueError, "chunk exceed the limit");
    CHECK_EQ(reader.buffered(), "");
    feed_later(reader, "tail\n");
    CHECK_EQ(co_await reader.readline(), "tail\n");
}

CO_TEST("SEM-SR-06: a waiting readline fails as soon as the limit is passed") {
    const StreamReader reader(4);
    feed_later(reader, "123");
    feed_later(reader, "456");
    CHECK_THROWS_AS(co_await reader.readline(), ValueError);
}

CO_TEST("SEM-SR-07: the limit does not count the separator") {
    const StreamReader reader = reader_of("1234567\n12345678\n", 7);
    CHECK_EQ(co_await reader.readline(), "1234567\n");
    CHECK_THROWS_AS(co_await reader.readline(), ValueError);
}

CO_TEST("SEM-SR-19: next_line gives every line, a last one without LF, then nothing") {
    const StreamReader reader = ended("a\nb\n\nc");
    std::vector<std::string> lines;
    while (auto line = co_await reader.next_line()) lines.push_back(*line);
    CHECK_EQ(lines, (std::vector<std::string>{"a\n", "b\n", "\n", "c"}));
    CHECK(!(co_await reader.next_line()).has_value());
}

// ---- readuntil ----------------------------------------------------------------------------------

CO_TEST("SEM-SR-08: readuntil includes the separator, also one that comes in pieces") {
    const StreamReader reader;
    for (const char piece : std::string("first--AAA--second")) feed_later(reader, {piece});
    CHECK_EQ(co_await reader.readuntil("--AAA--"), "first--AAA--");
    CHECK_EQ(co_await reader.readexactly(6), "second");
}

CO_TEST("SEM-SR-08: where the pieces are cut changes nothing") {
    const std::string data = "ab\r\n\r\r\ncd\r\n";
    for (std::size_t cut = 0; cut <= data.size(); ++cut) {
        const StreamReader reader;
        feed_later(reader, data.substr(0, cut));
        feed_later(reader, data.substr(cut));
        CHECK_EQ(co_await reader.readuntil("\r\n"), "ab\r\n");
        CHECK_EQ(co_await reader.readuntil("\r\n"), "\r\r\n");
        CHECK_EQ(co_await reader.readuntil("\r\n"), "cd\r\n");
    }
}

CO_TEST("SEM-SR-09: readuntil at the end throws what is left, without a wanted size") {
    const StreamReader reader = ended("some data");
    try {
        co_await reader.readuntil("\n");
        FAIL("it did not throw");
    } catch (const IncompleteReadError& error) {
        CHECK_EQ(error.partial, "some data");
        CHECK(!error.expected.has_value());
    }
    CHECK_EQ(reader.buffered(), "");
}

CO_TEST("SEM-SR-10: readuntil over the limit tells how, and leaves all where it is") {
    const StreamReader reader = reader_of("some dataAAA", 3);
    try {
        co_await reader.readuntil("AAA");
        FAIL("it did not throw");
    } catch (const LimitOverrunError& error) {
        CHECK_EQ(std::string(error.what()), "Separator is found, but chunk is longer than limit");
        CHECK_EQ(error.consumed, std::size_t{9});
    }
    CHECK_EQ(reader.buffered(), "some dataAAA");

    const StreamReader other = reader_of("some dataAA", 3);
    try {
        co_await other.readuntil("AAA");
        FAIL("it did not throw");
    } catch (const LimitOverrunError& error) {
        CHECK_EQ(std::string(error.what()), "Separator is not found, and chunk exceed the limit");
        CHECK_EQ(error.consumed, std::size_t{9});
    }
    CHECK_EQ(co_await other.read(100), "some dataAA");
}

CO_TEST("SEM-SR-11: of several separators the match that ends first wins") {
    CHECK_EQ(co_await reader_of("xxABCDyy").readuntil("ABCD", "BC"), "xxABC");
    CHECK_EQ(co_await reader_of("foo\r\nbar\n").readuntil("\n", "\r\n"), "foo\r\n");
    CHECK_EQ(co_await reader_of("a;b,c").readuntil(",", ";"), "a;");
    const StreamReader reader;
    feed_later(reader, "data\r");
    feed_later(reader, "\nmore");
    CHECK_EQ(co_await reader.readuntil("\r\n", "\n"), "data\r\n");
}

CO_TEST("SEM-SR-12: an empty separator or none is a ValueError") {
    const StreamReader reader = reader_of("abc");
    CHECK_THROWS_AS(co_await reader.readuntil(""), ValueError);
    CHECK_THROWS_AS(co_await reader.readuntil("\n", ""), ValueError);
    CHECK_THROWS_AS(co_await reader.readuntil(std::vector<std::string>()), ValueError);
    CHECK_EQ(reader.buffered(), "abc");
}

// ---- ends and failures --------------------------------------------------------------------------

CO_TEST("SEM-SR-13: at_eof is true only at the end with nothing left") {
    const StreamReader reader = reader_of("some\n");
    CHECK(!reader.at_eof());
    reader.feed_eof();
    CHECK(!reader.at_eof());
    CHECK_EQ(co_await reader.readline(), "some\n");
    CHECK(reader.at_eof());
    CHECK(!StreamReader().at_eof());
}

CO_TEST("SEM-SR-14: set_exception fails the present read and all later ones") {
    const StreamReader reader;
    const auto waiting = create_task(reader.readline());
    co_await yield_now();
    CHECK(reader.exception() == nullptr);
    reader.set_exception(failure());
    CHECK_THROWS_AS(co_await waiting, ValueError);
    CHECK_EQ(message_of(reader.exception()), "broken");
    CHECK_THROWS_AS(co_await reader.read(1), ValueError);
    CHECK_THROWS_AS(co_await reader.read(), ValueError);
    CHECK_THROWS_AS(co_await reader.readexactly(1), ValueError);
    CHECK_THROWS_AS(co_await reader.readuntil("x"), ValueError);
    CHECK_THROWS_AS(co_await reader.next_line(), ValueError);
}

CO_TEST("SEM-SR-14: bytes that are buffered do not come any more") {
    const StreamReader reader = reader_of("data\n");
    reader.set_exception(failure());
    CHECK_THROWS_AS(co_await reader.readline(), ValueError);
    CHECK_THROWS_AS(co_await reader.read(1), ValueError);
}

CO_TEST("SEM-SR-15: set_exception after the reading task was cancelled is safe") {
    const StreamReader reader;
    const auto waiting = create_task(reader.readline());
    co_await yield_now();
    waiting.cancel();
    reader.set_exception(failure());
    const auto end = co_await outcome(waiting);
    CHECK(end.cancelled());
}

CO_TEST("SEM-SR-16: a second read while one waits throws, and does not disturb the first") {
    const StreamReader reader;
    const auto first = create_task(reader.readline());
    co_await yield_now();
    CHECK_THROWS_MSG(co_await reader.read(1), RuntimeError, "already waiting");
    reader.feed_data("line\n");
    // It is woken, but has not run: its place is still taken.
    CHECK_THROWS_AS(co_await reader.read(1), RuntimeError);
    CHECK_EQ(co_await first, "line\n");
    reader.feed_data("x");
    CHECK_EQ(co_await reader.read(1), "x");
}

CO_TEST("SEM-SR-17: a cancelled read takes nothing") {
    const StreamReader reader;
    const auto waiting = create_task(reader.readexactly(6));
    co_await yield_now();
    reader.feed_data("abc");
    waiting.cancel();
    CHECK((co_await outcome(waiting)).cancelled());
    reader.feed_data("def");
    CHECK_EQ(co_await reader.readexactly(6), "abcdef");
}

CO_TEST("SEM-SR-17: a read that is cancelled after it was woken takes nothing") {
    const StreamReader reader;
    const auto waiting = create_task(reader.readline());
    co_await yield_now();
    reader.feed_data("line\n");
    waiting.cancel();
    CHECK((co_await outcome(waiting)).cancelled());
    CHECK_EQ(co_await reader.readline(), "line\n");
}

CO_SWEEP("SEM-SR-17: cancelled at whatever suspension, a reader loses no byte") {
    const StreamReader reader;
    std::string got;
    got.reserve(64); // a line that the victim cannot keep is none that the reader has lost
    const auto victim = sweep.victim([](StreamReader from, std::string* into) -> Coro<> {
        // LIFETIME: the scenario awaits this.
        while (auto line = co_await from.next_line()) *into += *line;
    }(reader, &got));
    for (const char* piece : {"on", "e\ntw", "o\n", "three\nfo", "ur\n"}) {
        co_await yield_now();
        reader.feed_data(piece);
    }
    co_await yield_now();
    reader.feed_eof();
    static_cast<void>(co_await outcome(victim));
    CHECK_EQ(got + co_await reader.read(), "one\ntwo\nthree\nfour\n");
}

CO_TEST("a line that comes in fifty pieces is one resumption") {
    const StreamReader reader;
    const auto waiting = create_task(reader.readline());
    co_await yield_now();
    for (int i = 0; i < 50; ++i) {
        reader.feed_data("piece ");
        CHECK(!waiting.done());
        co_await yield_now();
    }
    reader.feed_data("\n");
    co_await yield_now();
    co_await yield_now();
    REQUIRE(waiting.done());
    CHECK_EQ((co_await waiting).size(), std::size_t{301});
}

// ---- holding the transport back -----------------------------------------------------------------

CO_TEST("SEM-SR-18: over twice the limit the transport is paused; at the limit it goes on") {
    QuietTransport transport;
    const StreamReader reader(4);
    reader.set_transport(transport);
    reader.feed_data("12345678");
    CHECK(transport.is_reading());
    reader.feed_data("9");
    CHECK(!transport.is_reading());
    CHECK_EQ(co_await reader.read(4), "1234");
    CHECK(!transport.is_reading());
    CHECK_EQ(co_await reader.read(1), "5");
    CHECK(transport.is_reading());
}

CO_TEST("SEM-SR-18: a read that must wait lets the transport go on") {
    QuietTransport transport;
    const StreamReader reader(2);
    reader.set_transport(transport);
    reader.feed_data("12345");
    CHECK(!transport.is_reading());
    const auto waiting = create_task(reader.readexactly(20));
    co_await yield_now();
    CHECK(transport.is_reading());
    reader.feed_data("678901234567890");
    CHECK_EQ(co_await waiting, "12345678901234567890");
}

CO_TEST("SEM-SR-18: a transport that cannot pause is not asked again") {
    support::UnpausableTransport transport;
    const StreamReader reader(1);
    reader.set_transport(transport);
    reader.feed_data("123");
    reader.feed_data("456");
    CHECK_EQ(transport.asked, 1);
    CHECK_EQ(co_await reader.read(100), "123456");
}

CO_TEST("set_transport: a reader has one") {
    QuietTransport transport;
    const StreamReader reader;
    reader.set_transport(transport);
    CHECK_THROWS_AS(reader.set_transport(transport), RuntimeError);
    co_return;
}

CO_TEST("SEM-SR-20: data after the end is an error, empty data is ignored") {
    const StreamReader reader;
    const auto waiting = create_task(reader.read(1));
    co_await yield_now();
    reader.feed_data("");
    co_await yield_now();
    CHECK(!waiting.done());
    reader.feed_eof();
    CHECK_THROWS_AS(reader.feed_data("x"), RuntimeError);
    CHECK_EQ(co_await waiting, "");
}

// ---- memory -------------------------------------------------------------------------------------

CO_TEST("a reader that is empty and waits holds no buffer") {
    const std::size_t before = base::Chunk::live();
    const StreamReader reader;
    reader.feed_data("line\n");
    CHECK(base::Chunk::live() > before);
    CHECK_EQ(co_await reader.readline(), "line\n");
    const auto waiting = create_task(reader.readline());
    co_await yield_now();
    CHECK_EQ(base::Chunk::live(), before);
    reader.feed_eof();
    CHECK_EQ(co_await waiting, "");
}

CO_TEST("outcome of a read throws nothing") {
    const StreamReader reader = ended("ab");
    const auto end = co_await outcome(reader.readexactly(3));
    CHECK(is_exception<IncompleteReadError>(end.exception()));
    CHECK_EQ((co_await outcome(StreamReader(reader_of("ab\n")).readline())).value(), "ab\n");
}

CO_TEST("a read works in two statements, and keeps the stream") {
    auto pending = reader_of("kept\n").readline();
    CHECK_EQ(co_await pending, "kept\n");
}

TEST("FLT-NET-05: a line of ten million bytes in small pieces is searched once") {
    detail::ReaderState& state = *new detail::ReaderState(std::size_t{1} << 30);
    detail::ReadLine line;
    const std::string piece(1000, 'x');
    for (int i = 0; i < 10'000; ++i) {
        state.feed_data(piece);
        CHECK(!line.ready(state));
    }
    state.feed_data("\n");
    CHECK(line.ready(state));
    CHECK_EQ(line.take(state).size(), std::size_t{10'000'001});
    state.release();
}
