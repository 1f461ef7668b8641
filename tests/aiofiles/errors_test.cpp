// SPDX-License-Identifier: MIT
// Errors: whose children they are, as in Python, and what they say.
#include "aiofiles/errors.h"

#include "asyncio/testing/testing.h"

using namespace aiofiles;

TEST("AF06: an unsupported operation is an OSError, what is no text a ValueError") {
    static_assert(std::is_base_of_v<asyncio::OSError, UnsupportedOperation>);
    static_assert(std::is_base_of_v<asyncio::ValueError, UnicodeDecodeError>);
    static_assert(std::is_base_of_v<UnicodeError, UnicodeEncodeError>);
    CHECK_EQ(std::string(UnsupportedOperation("not readable").what()), "not readable");
}

TEST("AF01: errors of text say where") {
    const UnicodeDecodeError decode("utf-8", 0xFF, 7, "invalid start byte");
    CHECK_EQ(decode.start(), 7U);
    CHECK_EQ(std::string(decode.what()),
             "'utf-8' codec can't decode byte 0xff in position 7: invalid start byte");
    const UnicodeEncodeError encode("ascii", U'\u4e2d', 3, "ordinal not in range(128)");
    CHECK_EQ(encode.start(), 3U);
    CHECK_EQ(std::string(encode.what()),
             "'ascii' codec can't encode character '\\u4e2d' in position 3: ordinal not in "
             "range(128)");
}
