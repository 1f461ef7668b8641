// SPDX-License-Identifier: MIT
// Text cuts: lines and characters in bytes that come piece by piece.
#include "aiofiles/text_cuts.h"

#include "asyncio/testing/testing.h"

using namespace aiofiles;
using namespace aiofiles::detail;

namespace {

Manner text(Newline newline = Newline::universal) {
    return Manner(Mode("r+"), OpenOptions().newline(newline));
}

std::size_t line(Newline newline, std::string_view bytes, bool final = false) {
    return line_bytes(text(newline), bytes, 0, final);
}

std::size_t cut(const Manner& manner, std::string_view bytes, std::size_t count,
                bool final = false) {
    std::size_t counted = 0;
    return cut_bytes(manner, bytes, count, final, counted);
}

} // namespace

TEST("AF01: universal lines end with LF, CR or CR LF, however they are cut") {
    for (const Newline newline : {Newline::universal, Newline::untranslated}) {
        CHECK_EQ(line(newline, "ab\ncd"), 3U);
        CHECK_EQ(line(newline, "ab\rcd"), 3U);
        CHECK_EQ(line(newline, "ab\r\ncd"), 4U);
        CHECK_EQ(line(newline, "ab"), no_end);
        CHECK_EQ(line(newline, "ab\r"), no_end); // an LF may follow
        CHECK_EQ(line(newline, "ab\r", true), 3U);
    }
}

TEST("AF01: a chosen line end is the only one") {
    CHECK_EQ(line(Newline::lf, "a\r\nb\n"), 3U);
    CHECK_EQ(line(Newline::cr, "a\n\rb"), 3U);
    CHECK_EQ(line(Newline::crlf, "a\rb\nc\r\nd"), 7U);
    CHECK_EQ(line(Newline::crlf, "a\r"), no_end);
    CHECK_EQ(line_bytes(text(Newline::crlf), "a\r\n", 2, false), 3U); // cut within the end
    CHECK_EQ(line_bytes(text(), "a\r\n", 2, false), 3U);
}

TEST("AF02: a translated CR LF counts as one character") {
    CHECK_EQ(cut(text(), "a\r\nbc", 3), 4U);
    CHECK_EQ(cut(text(), "\r\r\n\n", 3), 4U);
    CHECK_EQ(cut(text(), "a\r", 2), 1U); // an LF may follow
    CHECK_EQ(cut(text(), "a\r", 2, true), 2U);
    CHECK_EQ(cut(text(Newline::untranslated), "a\r\nbc", 3), 3U);
    CHECK_EQ(cut(text(), "\u4e2d\u6587", 1), 3U);
    CHECK_EQ(cut(Manner(Mode("rb"), OpenOptions()), "\u4e2d", 1), 1U);
}

TEST("AF01: reading translates line ends to LF, writing from it") {
    CHECK_EQ(to_text(text(), "a\r\nb\rc\n\r"), "a\nb\nc\n\n");
    CHECK_EQ(to_text(text(Newline::untranslated), "a\r\nb\r"), "a\r\nb\r");
    CHECK_EQ(to_bytes(text(), "a\nb\r\n"), "a\nb\r\n");
    CHECK_EQ(to_bytes(text(Newline::crlf), "a\nb\n"), "a\r\nb\r\n");
    CHECK_EQ(to_bytes(text(Newline::cr), "a\nb"), "a\rb");
}
