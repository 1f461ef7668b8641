// SPDX-License-Identifier: MIT
// Codec: what CPython's codecs make of the same bytes.
#include "aiofiles/codecs.h"

#include "aiofiles/errors.h"
#include "asyncio/testing/testing.h"

using namespace aiofiles;

TEST("AF01: encodings have Python's names and aliases, and are told by the usual ones") {
    CHECK_EQ(std::string(Codec("UTF8").encoding()), "utf-8");
    CHECK_EQ(std::string(Codec("utf_8_sig").encoding()), "utf-8-sig");
    CHECK_EQ(std::string(Codec("US-ASCII").encoding()), "ascii");
    CHECK_EQ(std::string(Codec("ISO-8859-1").encoding()), "latin-1");
    CHECK_THROWS_MSG(Codec("klingon"), asyncio::LookupError, "unknown encoding: klingon");
    CHECK_THROWS_MSG(Codec("utf-8", "shrug"), asyncio::LookupError,
                     "unknown error handler name 'shrug'");
}

TEST("AF01: text that is UTF-8 comes through, of one to four bytes a character") {
    const std::string text = "a\u00e9\u4e2d\U0001f600\n";
    CHECK_EQ(Codec().decode(std::string(text)), text);
    CHECK_EQ(Codec().encode(text), text);
    CHECK_EQ(characters_in(text), 5U);
}

TEST("AF01: broken UTF-8 is a typed error that says where and why") {
    const Codec codec;
    CHECK_THROWS_MSG(codec.decode("ab\xff"), UnicodeDecodeError,
                     "'utf-8' codec can't decode byte 0xff in position 2: invalid start byte");
    CHECK_THROWS_MSG(codec.decode("\xe4\xb8"), UnicodeDecodeError, "unexpected end of data");
    CHECK_THROWS_MSG(codec.decode("\xe4z\x80"), UnicodeDecodeError, "invalid continuation byte");
    CHECK_THROWS_AS(codec.decode("\xc0\x80"), UnicodeDecodeError);         // overlong
    CHECK_THROWS_AS(codec.decode("\xed\xa0\x80"), UnicodeDecodeError);     // a surrogate
    CHECK_THROWS_AS(codec.decode("\xf4\x90\x80\x80"), UnicodeDecodeError); // above U+10FFFF
}

TEST("AF01: errors may be left out, replaced or escaped") {
    const std::string bytes = "a\xff\xe4\xb8z";
    CHECK_EQ(Codec("utf-8", "ignore").decode(std::string(bytes)), "az");
    CHECK_EQ(Codec("utf-8", "replace").decode(std::string(bytes)), "a\ufffd\ufffdz");
    CHECK_EQ(Codec("utf-8", "backslashreplace").decode(std::string(bytes)), "a\\xff\\xe4\\xb8z");
    const std::string text = "a\u00e9\u4e2d\U0001f600";
    CHECK_EQ(Codec("ascii", "ignore").encode(text), "a");
    CHECK_EQ(Codec("ascii", "replace").encode(text), "a???");
    CHECK_EQ(Codec("ascii", "backslashreplace").encode(text), "a\\xe9\\u4e2d\\U0001f600");
    CHECK_EQ(Codec("latin-1", "replace").encode(text), "a\xe9??");
}

TEST("AF01: ascii and latin-1 are one byte a character") {
    CHECK_EQ(Codec("latin-1").decode("\xe9\x80"), "\u00e9\u0080");
    CHECK_EQ(Codec("latin-1").encode("\u00e9\u0080"), "\xe9\x80");
    CHECK_THROWS_MSG(Codec("ascii").decode("a\x80"), UnicodeDecodeError,
                     "'ascii' codec can't decode byte 0x80 in position 1: ordinal not in range");
    CHECK_THROWS_MSG(Codec("ascii").encode("a\u00e9"), UnicodeEncodeError,
                     "'ascii' codec can't encode character '\\xe9' in position 1: ordinal not in "
                     "range(128)");
    CHECK_THROWS_AS(Codec("latin-1").encode("\u4e2d"), UnicodeEncodeError);
}

TEST("bytes_of: counts whole characters, and waits for the rest of one") {
    const Codec codec;
    std::size_t counted = 0;
    CHECK_EQ(codec.bytes_of("a\u00e9\u4e2dz", 3, false, counted), 6U);
    CHECK_EQ(counted, 3U);
    CHECK_EQ(codec.bytes_of("a\xe4\xb8", 5, false, counted), 1U);
    CHECK_EQ(counted, 1U);
    CHECK_EQ(codec.bytes_of("a\xe4\xb8", 5, true, counted), 3U);
    CHECK_EQ(counted, 2U);
}
