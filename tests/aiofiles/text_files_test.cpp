// SPDX-License-Identifier: MIT
// Text files: each way of ending lines, each encoding, read and written through files.
#include "aiofiles/aiofiles.h"

#include "asyncio/testing/testing.h"
#include "support/scratch.h"

#include <vector>

using namespace asyncio;
using aiofiles::AsyncFile;
using aiofiles::Newline;
using aiofiles::OpenOptions;
using support::Scratch;

namespace {

constexpr const char* mixed = "lf\ncr\rcrlf\r\nend";
using Lines = std::vector<std::string>;

Coro<Lines> lines_of(std::string path, OpenOptions options) {
    const AsyncFile file = co_await aiofiles::open(std::move(path), "r", std::move(options));
    Lines lines;
    while (auto line = co_await file.next_line()) lines.push_back(*line);
    co_await file.close();
    co_return lines;
}

Coro<std::string> written(const Scratch& scratch, std::string text, OpenOptions options) {
    // LIFETIME: `scratch`: the case's.
    const AsyncFile file = co_await aiofiles::open(scratch.path("out"), "w", std::move(options));
    co_await file.write(std::move(text));
    co_await file.close();
    co_return scratch.get("out");
}

OpenOptions by(Newline newline, int buffering = -1) {
    OpenOptions options;
    options.newline(newline);
    if (buffering > 0) options.buffering(buffering);
    return options;
}

} // namespace

CO_TEST("AF01: lines end as the mode of newlines says, wherever they are cut") {
    const Scratch scratch;
    const std::string path = scratch.put("a", mixed);
    for (const int buffering : {-1, 2, 3, 7}) {
        const Lines universal = co_await lines_of(path, by(Newline::universal, buffering));
        CHECK_EQ(universal, (Lines{"lf\n", "cr\n", "crlf\n", "end"}));
        const Lines untouched = co_await lines_of(path, by(Newline::untranslated, buffering));
        CHECK_EQ(untouched, (Lines{"lf\n", "cr\r", "crlf\r\n", "end"}));
        const Lines lf = co_await lines_of(path, by(Newline::lf, buffering));
        CHECK_EQ(lf, (Lines{"lf\n", "cr\rcrlf\r\n", "end"}));
        const Lines cr = co_await lines_of(path, by(Newline::cr, buffering));
        CHECK_EQ(cr, (Lines{"lf\ncr\r", "crlf\r", "\nend"}));
        const Lines crlf = co_await lines_of(path, by(Newline::crlf, buffering));
        CHECK_EQ(crlf, (Lines{"lf\ncr\rcrlf\r\n", "end"}));
    }
}

CO_TEST("AF01: a CR at the very end ends its line") {
    const Scratch scratch;
    for (const Newline newline : {Newline::universal, Newline::untranslated}) {
        const Lines lines = co_await lines_of(scratch.put("a", "one\rtwo\r"), by(newline, 4));
        REQUIRE(lines.size() == 2);
        CHECK_EQ(lines[1], newline == Newline::universal ? "two\n" : "two\r");
    }
}

CO_TEST("AF01: LF is written as the mode of newlines says; a CR stays one") {
    const Scratch scratch;
    const std::string text = "a\nb\r\nc";
    CHECK_EQ(co_await written(scratch, text, by(Newline::universal)), text);
    CHECK_EQ(co_await written(scratch, text, by(Newline::untranslated)), text);
    CHECK_EQ(co_await written(scratch, text, by(Newline::lf)), text);
    CHECK_EQ(co_await written(scratch, text, by(Newline::cr)), "a\rb\r\rc");
    CHECK_EQ(co_await written(scratch, text, by(Newline::crlf)), "a\r\nb\r\r\nc");
}

CO_TEST("AF01: text goes to the file in its encoding, and comes back") {
    const Scratch scratch;
    const std::string text = "na\u00efve caf\u00e9\n";
    for (const char* encoding : {"utf-8", "utf-8-sig", "latin-1"}) {
        const auto options = OpenOptions().encoding(encoding);
        const std::string bytes = co_await written(scratch, text, options);
        const Lines back = co_await lines_of(scratch.path("out"), options);
        REQUIRE(back.size() == 1);
        CHECK_EQ(back[0], text);
        CHECK_EQ(bytes.starts_with("\xef\xbb\xbf"), std::string(encoding) == "utf-8-sig");
    }
    const auto latin = OpenOptions().encoding("latin-1");
    CHECK_EQ(co_await written(scratch, text, latin), "na\xefve caf\xe9\n");
}

CO_TEST("AF01: what an encoding lacks is refused, and nothing of it is written") {
    const Scratch scratch;
    const auto file =
        co_await aiofiles::open(scratch.path("a"), "w", OpenOptions().encoding("ascii"));
    co_await file.write("plain\n");
    CHECK_THROWS_MSG(co_await file.write("caf\u00e9"), aiofiles::UnicodeEncodeError,
                     "'ascii' codec can't encode character '\\xe9' in position 3");
    co_await file.close();
    CHECK_EQ(scratch.get("a"), "plain\n");
    const auto lenient = OpenOptions().encoding("ascii").errors("backslashreplace");
    CHECK_EQ(co_await written(scratch, "caf\u00e9", lenient), "caf\\xe9");
}

CO_TEST("AF01: errors of reading are replaced as it was asked for") {
    const Scratch scratch;
    const std::string path = scratch.put("a", "caf\xe9 ole\n");
    for (const auto& [errors, line] :
         {std::pair{"replace", "caf\ufffd ole\n"}, std::pair{"ignore", "caf ole\n"},
          std::pair{"backslashreplace", "caf\\xe9 ole\n"}}) {
        const Lines lines = co_await lines_of(path, OpenOptions().errors(errors));
        REQUIRE(lines.size() == 1);
        CHECK_EQ(lines[0], line);
    }
}
