// SPDX-License-Identifier: MIT
// Figures: how numbers read, at the edges of their units.
#include "programs/terminal/figures.h"

#include "asyncio/testing/testing.h"

namespace {

using namespace terminal;

TEST("figures: thousands are grouped") {
    CHECK_EQ(grouped(0), "0");
    CHECK_EQ(grouped(999), "999");
    CHECK_EQ(grouped(1'000), "1,000");
    CHECK_EQ(grouped(1'234'567), "1,234,567");
}

TEST("figures: a time has three digits and the unit that fits") {
    CHECK_EQ(time_text(0), "0.00 us");
    CHECK_EQ(time_text(0.0000018), "1.80 us");
    CHECK_EQ(time_text(0.0183), "18.3 ms");
    CHECK_EQ(time_text(1.016), "1.02 s");
    CHECK_EQ(time_text(99.96), "100 s");
    CHECK_EQ(tenths_text(0.04), "0.0 s");
    CHECK_EQ(tenths_text(61), "61.0 s");
}

TEST("figures: a long time is told in minutes or hours") {
    CHECK_EQ(long_time_text(59), "59.0 s");
    CHECK_EQ(long_time_text(65), "1 min 5 s");
    CHECK_EQ(long_time_text(10'000), "2 h 46 min");
}

TEST("figures: bytes are told in the unit that fits") {
    CHECK_EQ(bytes_text(412), "412 B");
    CHECK_EQ(bytes_text(1'024), "1.00 KiB");
    CHECK_EQ(bytes_text(4.1 * 1024 * 1024), "4.10 MiB");
    CHECK_EQ(bytes_text(20.0 * 1024 * 1024 * 1024), "20.0 GiB");
}

TEST("figures: one file is no files") {
    CHECK_EQ(count_text(0, "file"), "0 files");
    CHECK_EQ(count_text(1, "file"), "1 file");
    CHECK_EQ(count_text(10'000, "file"), "10,000 files");
}

TEST("figures: what would move a terminal's cursor is a question mark") {
    CHECK_EQ(printable("a\x1b[2Jb\nc\x7f"), "a?[2Jb?c?");
    CHECK_EQ(printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
}

} // namespace
