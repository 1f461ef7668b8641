// SPDX-License-Identifier: MIT
// AsyncFile: reading, writing, and the position between them.
#include "aiofiles/files.h"

#include "aiofiles/aiofiles.h"
#include "asyncio/testing/testing.h"
#include "support/scratch.h"

#include <array>
#include <unistd.h>

using namespace asyncio;
using aiofiles::AsyncFile;
using aiofiles::Newline;
using aiofiles::OpenOptions;
using aiofiles::UnsupportedOperation;
using aiofiles::Whence;
using support::Scratch;

namespace {

constexpr const char* song = "one\ntwo\nthree";

Coro<std::vector<std::string>> lines_of(AsyncFile file) {
    std::vector<std::string> lines;
    while (auto line = co_await file.next_line()) lines.push_back(*line);
    co_return lines;
}

std::string numbers(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += std::to_string(i) + "\n";
    return text;
}

} // namespace

// ---- reading ------------------------------------------------------------------------------------

CO_TEST("AF02: read gives all, then nothing; of a size, so much") {
    const Scratch scratch;
    const auto file = co_await aiofiles::open(scratch.put("a", song));
    CHECK_EQ(co_await file.read(5), "one\nt");
    CHECK_EQ(co_await file.read(0), "");
    CHECK_EQ(co_await file.read(), "wo\nthree");
    CHECK_EQ(co_await file.read(), "");
    CHECK_EQ(co_await file.read(3), "");
    co_await file.close();
}

CO_TEST("AF02: lines, with their ends, and what is left behind the last one") {
    const Scratch scratch;
    const auto file = co_await aiofiles::open(scratch.put("a", song));
    CHECK_EQ(co_await file.readline(), "one\n");
    CHECK_EQ(co_await file.readline(2), "tw");
    CHECK_EQ(co_await file.readline(0), "");
    const std::vector<std::string> rest{"o\n", "three"};
    CHECK_EQ(co_await lines_of(file), rest);
    CHECK_EQ(co_await file.readline(), "");
    co_await file.seek(0);
    const std::vector<std::string> two{"one\n", "two\n"};
    CHECK_EQ(co_await file.readlines(5), two);
    const std::vector<std::string> last{"three"};
    CHECK_EQ(co_await file.readlines(), last);
    co_await file.close();
}

CO_TEST("AF02: what is ignored at the end is no line, and the reader is behind it") {
    const Scratch scratch;
    const auto options = OpenOptions().errors("ignore");
    const auto file = co_await aiofiles::open(scratch.put("a", "one\n\xff"), "r", options);
    const std::vector<std::string> one{"one\n"};
    CHECK_EQ(co_await file.readlines(), one);
    CHECK_EQ(co_await file.tell(), 5);
    co_await file.close();
}

CO_TEST("AF02: lines that are longer than what is read at once come whole") {
    const Scratch scratch;
    const std::string line(200'000, 'x');
    const auto options = OpenOptions().buffering(100);
    const auto file = co_await aiofiles::open(scratch.put("a", line + "\n" + line), "r", options);
    CHECK_EQ(co_await file.readline(), line + "\n");
    CHECK_EQ(co_await file.readline(), line);
    co_await file.close();
}

CO_TEST("AF02: characters of text are counted, not their bytes") {
    const Scratch scratch;
    const auto options = OpenOptions().buffering(2); // cuts characters
    const auto path = scratch.put("a", "\u4e2d\u6587\r\n\U0001f600!");
    const auto file = co_await aiofiles::open(path, "r", options);
    CHECK_EQ(co_await file.read(3), "\u4e2d\u6587\n");
    CHECK_EQ(co_await file.tell(), 8);
    CHECK_EQ(co_await file.read(1), "\U0001f600");
    CHECK_EQ(co_await file.read(9), "!");
    co_await file.close();
}

CO_TEST("AF02: read1, readinto, peek and readall, of bytes") {
    const Scratch scratch;
    const auto file = co_await aiofiles::open(scratch.put("a", "0123456789"), "rb");
    CHECK_EQ(co_await file.peek(), "0123456789");
    CHECK_EQ(co_await file.read1(4), "0123");
    std::array<std::byte, 4> into{};
    CHECK_EQ(co_await file.readinto(into), 4U);
    CHECK(into[0] == std::byte{'4'} && into[3] == std::byte{'7'});
    CHECK_EQ(co_await file.read1(), "89");
    CHECK_EQ(co_await file.read1(), "");
    co_await file.seek(6);
    CHECK_EQ(co_await file.readinto(into), 4U);
    CHECK_EQ(co_await file.readinto(into), 0U);
    co_await file.seek(8);
    CHECK_EQ(co_await file.readall(), "89");
    co_await file.close();
    const auto text = co_await aiofiles::open(scratch.path("a"));
    CHECK_THROWS_MSG(co_await text.peek(), UnsupportedOperation, "peek is for binary files");
    co_await text.close();
}

CO_TEST("AF01: a signature at the beginning is no text, and is written once") {
    const Scratch scratch;
    const auto options = OpenOptions().encoding("utf-8-sig");
    const auto path = scratch.put("a", "\xef\xbb\xbfone\ntwo");
    const auto file = co_await aiofiles::open(path, "r", options);
    CHECK_EQ(co_await file.readline(), "one\n");
    CHECK_EQ(co_await file.read(), "two");
    co_await file.seek(0);
    CHECK_EQ(co_await file.read(3), "one");
    co_await file.close();
    const auto made = co_await aiofiles::open(scratch.path("b"), "w", options);
    co_await made.write("one");
    co_await made.write("two");
    co_await made.close();
    CHECK_EQ(scratch.get("b"), "\xef\xbb\xbfonetwo");
}

CO_TEST("AF01: what is no text is passed over by the read that fails, and the next goes on") {
    const Scratch scratch;
    const auto file = co_await aiofiles::open(scratch.put("a", "one\nt\xffo\nthree\n"));
    CHECK_EQ(co_await file.readline(), "one\n");
    CHECK_THROWS_AS(co_await file.readline(), aiofiles::UnicodeDecodeError);
    CHECK_EQ(co_await file.readline(), "three\n");
    co_await file.close();
}

// ---- writing ------------------------------------------------------------------------------------

CO_TEST("AF02: what is written reaches the file with flush or close, and at once if it is much") {
    const Scratch scratch;
    const auto file = co_await aiofiles::open(scratch.path("a"), "w");
    CHECK_EQ(co_await file.write("\u4e2d\n"), 2U);
    CHECK_EQ(scratch.get("a"), "");
    co_await file.flush();
    CHECK_EQ(scratch.get("a"), "\u4e2d\n");
    const std::string much(70'000, 'x');
    co_await file.write(much);
    CHECK_EQ(scratch.get("a").size(), 70'004U);
    const std::vector<std::string> lines{"a\n", "b\n"};
    co_await file.writelines(lines);
    co_await file.close();
    CHECK_EQ(scratch.get("a"), "\u4e2d\n" + much + "a\nb\n");
    co_await file.close();
    CHECK(file.closed());
}

CO_TEST("AF01: buffering 0 writes at once, 1 with each line") {
    const Scratch scratch;
    const auto raw = co_await aiofiles::open(scratch.path("a"), "wb", OpenOptions().buffering(0));
    co_await raw.write("x");
    CHECK_EQ(scratch.get("a"), "x");
    const auto lines = co_await aiofiles::open(scratch.path("b"), "w", OpenOptions().buffering(1));
    co_await lines.write("x");
    CHECK_EQ(scratch.get("b"), "");
    co_await lines.write("y\nz");
    CHECK_EQ(scratch.get("b"), "xy\nz");
    co_await raw.close();
    co_await lines.close();
}

CO_TEST("AF01: appending goes to the end, wherever the reader is") {
    const Scratch scratch;
    const auto file = co_await aiofiles::open(scratch.put("a", "one\n"), "a+");
    CHECK_EQ(co_await file.tell(), 4);
    co_await file.seek(0);
    CHECK_EQ(co_await file.read(2), "on");
    co_await file.write("two\n");
    co_await file.flush();
    CHECK_EQ(co_await file.tell(), 8);
    co_await file.seek(0);
    CHECK_EQ(co_await file.read(), "one\ntwo\n");
    co_await file.close();
}

CO_TEST("AF01: exclusive creation refuses what is there") {
    const Scratch scratch;
    const auto file = co_await aiofiles::open(scratch.path("a"), "x");
    CHECK_THROWS_AS(co_await aiofiles::open(scratch.path("a"), "x"), FileExistsError);
    co_await file.close();
}

CO_TEST("AF02: a handle that goes without a close has written all the same") {
    const Scratch scratch;
    {
        const auto file = co_await aiofiles::open(scratch.path("a"), "w");
        co_await file.write("kept");
    }
    CHECK_EQ(scratch.get("a"), "kept");
}

// ---- the position -------------------------------------------------------------------------------

CO_TEST("AF02: reading and writing share one position") {
    const Scratch scratch;
    const auto file = co_await aiofiles::open(scratch.put("a", "0123456789"), "rb+");
    CHECK_EQ(co_await file.read(2), "01");
    CHECK_EQ(co_await file.tell(), 2);
    co_await file.write("ab");
    CHECK_EQ(co_await file.tell(), 4);
    CHECK_EQ(co_await file.read(2), "45");
    CHECK_EQ(co_await file.seek(-1, Whence::current), 5);
    CHECK_EQ(co_await file.read(1), "5");
    CHECK_EQ(co_await file.seek(-2, Whence::end), 8);
    CHECK_EQ(co_await file.truncate(), 8);
    CHECK_EQ(co_await file.read(), "");
    CHECK_EQ(co_await file.truncate(9), 9);
    co_await file.close();
    CHECK_EQ(scratch.get("a"), std::string("01ab4567\0", 9));
}

CO_TEST("AF02: lines can be told and come back to") {
    const Scratch scratch;
    const auto file = co_await aiofiles::open(scratch.put("a", "\u4e2d\r\nb\n"));
    co_await file.readline();
    const auto at = co_await file.tell();
    CHECK_EQ(co_await file.readline(), "b\n");
    co_await file.seek(at);
    CHECK_EQ(co_await file.readline(), "b\n");
    CHECK_THROWS_MSG(co_await file.seek(1, Whence::current), UnsupportedOperation,
                     "can't do nonzero cur-relative seeks");
    CHECK_THROWS_MSG(co_await file.seek(-1, Whence::end), UnsupportedOperation,
                     "can't do nonzero end-relative seeks");
    CHECK_THROWS_MSG(co_await file.seek(-1), ValueError, "negative seek position -1");
    co_await file.close();
}

CO_TEST("AF02: a pipe is read and written, and cannot be moved") {
    int fds[2];
    REQUIRE(::pipe(fds) == 0);
    const auto in = co_await aiofiles::open(fds[0], "rb");
    const auto out = co_await aiofiles::open(fds[1], "wb");
    CHECK(!in.seekable() && !out.seekable());
    co_await out.write("hello");
    co_await out.flush();
    CHECK_EQ(co_await in.read(5), "hello");
    CHECK_THROWS_MSG(co_await in.seek(0), UnsupportedOperation,
                     "underlying stream is not seekable");
    CHECK_THROWS_AS(co_await out.tell(), UnsupportedOperation);
    co_await out.close();
    CHECK_EQ(co_await in.read(), "");
    co_await in.close();
}

// ---- several tasks, and what it is --------------------------------------------------------------

CO_TEST("AF02: operations of several tasks run in the order in which they were begun") {
    const Scratch scratch;
    const auto file = co_await aiofiles::open(scratch.put("a", numbers(5000)));
    std::vector<std::string> lines;
    const auto take = [&]() -> Coro<> {
        while (auto line = co_await file.next_line()) lines.push_back(*line);
    };
    co_await gather(take(), take(), take());
    std::string all;
    for (const std::string& line : lines) all += line;
    CHECK_EQ(all, numbers(5000));
    co_await file.close();
}

CO_TEST("AF02: what a file says of itself, and that a closed one does nothing") {
    const Scratch scratch;
    const std::string path = scratch.put("a", song);
    const auto file = co_await aiofiles::open(path);
    CHECK_EQ(file.name(), path);
    CHECK_EQ(file.mode(), "r");
    CHECK(file.readable() && !file.writable() && file.seekable() && !file.isatty());
    CHECK(file.fileno() > 2);
    CHECK_THROWS_MSG(co_await file.write("x"), UnsupportedOperation, "not writable");
    CHECK_THROWS_AS(co_await file.truncate(), UnsupportedOperation);
    co_await file.close();
    CHECK_THROWS_MSG(co_await file.read(), ValueError, "I/O operation on closed file.");
    CHECK_THROWS_AS(co_await file.write("x"), ValueError);
    CHECK_THROWS_AS(file.fileno(), ValueError);
    const auto out = co_await aiofiles::open(path, "w");
    CHECK_THROWS_MSG(co_await out.read(), UnsupportedOperation, "not readable");
    co_await out.close();
}
