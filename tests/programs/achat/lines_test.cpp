// SPDX-License-Identifier: MIT
// Lines: which names and texts can be used, and how commands are cut.
#include "programs/achat/lines.h"

#include "asyncio/testing/testing.h"

namespace {

using namespace achat;
using namespace std::string_literals;

TEST("lines: each kind begins in its own way") {
    CHECK_EQ(*message_line("ada", "hello"), "<ada> hello\n");
    CHECK_EQ(*notice_line("ada is here"), "* ada is here\n");
    CHECK_EQ(*complaint_line("what?"), "! what?\n");
}

TEST("lines: a name is some bytes of text without blanks") {
    for (const std::string& name :
         {"a"s, "ada"s, "小明"s, "J\xc3\xbcrgen"s, "guest-17"s, std::string(32, 'x')}) {
        CHECK_EQ(fault_of_name(name).value_or(""), "");
    }
    CHECK_EQ(fault_of_name("").value_or(""), "a name is missing");
    CHECK_EQ(fault_of_name(std::string(33, 'x')).value_or(""), "a name has at most 32 bytes");
    for (const std::string& name : {"a b"s, "<ada>"s, "/quit"s, "*"s, "!"s, "a,b"s, "goodbye:"s}) {
        CHECK_EQ(fault_of_name(name).value_or(""),
                 "a name has no blanks and none of < > , : / * !");
    }
    CHECK_EQ(fault_of_name("a\x1b[2J").value_or(""), "that name has control characters");
    CHECK_EQ(fault_of_name("\xff").value_or(""), "that name is not UTF-8");
}

TEST("lines: a text of a thousand bytes can be said, one more can not") {
    CHECK(!fault_of_text(std::string(1000, 'x')));
    CHECK_EQ(fault_of_text(std::string(1001, 'x')).value_or(""), "a line has at most 1000 bytes");
}

TEST("lines: what could move a reader's cursor is not said") {
    for (const std::string& text :
         {"\x1b[2J"s, "a\rb"s, "bell\a"s, "nul\0"s, "del\x7f"s, "\xc2\x9b 2J (C1)"s,
          "\xe2\x80\xae reversed"s, "\xe2\x80\xa8 a line end"s, "\xe2\x81\xa6 isolated"s}) {
        CHECK_EQ(fault_of_text(text).value_or(""), "that line has control characters");
    }
    CHECK(!fault_of_text("tab\tand \xf0\x9f\x98\x80"));
}

// The table of RFC 3629, its edges, and one byte off.
TEST("lines: what is not UTF-8 is not said") {
    for (const std::string& text :
         {"\x80"s, "\xc3"s, "\xc3("s, "\xc0\xaf"s, "\xc1\xbf"s, "\xe0\x9f\xbf"s, "\xe2\x82"s,
          "\xed\xa0\x80"s, "\xed\xbf\xbf"s, "\xf0\x8f\xbf\xbf"s, "\xf4\x90\x80\x80"s,
          "\xf5\x80\x80\x80"s, "\xfe"s, "ok \xe2\x82\xac then \xe2\x82("s}) {
        CHECK_EQ(fault_of_text(text).value_or(""), "that line is not UTF-8");
    }
    for (const std::string& text :
         {"\xc2\xa0"s, "\xdf\xbf"s, "\xe0\xa0\x80"s, "\xed\x9f\xbf"s, "\xee\x80\x80"s,
          "\xf0\x90\x80\x80"s, "\xf4\x8f\xbf\xbf"s, "\xe2\x80\xa7"s, "\xe2\x80\xaf"s}) {
        CHECK_EQ(fault_of_text(text).value_or(""), "");
    }
}

TEST("lines: a command is its first word and the rest without blanks around it") {
    const Command join = split_command("  /join   tea room \r\n");
    CHECK_EQ(join.word, "/join");
    CHECK_EQ(join.rest, "tea room");
    CHECK_EQ(split_command("/who").word, "/who");
    CHECK_EQ(split_command("/who").rest, "");
    CHECK_EQ(split_command("").word, "");
    CHECK_EQ(trimmed(" \t\r\n"), "");
}

} // namespace
