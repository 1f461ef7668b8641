// SPDX-License-Identifier: MIT
// Modes and options: Python's letters, and what contradicts itself.
#include "aiofiles/modes.h"

#include "asyncio/testing/testing.h"

#include <fcntl.h>

using namespace aiofiles;
using aiofiles::detail::Manner;
using aiofiles::detail::Mode;

TEST("AF01: r, w, a, x and + are the flags of open(2)") {
    CHECK_EQ(Mode("r").flags(), O_RDONLY);
    CHECK_EQ(Mode("rb+").flags(), O_RDWR);
    CHECK_EQ(Mode("w").flags(), O_WRONLY | O_CREAT | O_TRUNC);
    CHECK_EQ(Mode("+w").flags(), O_RDWR | O_CREAT | O_TRUNC);
    CHECK_EQ(Mode("ab").flags(), O_WRONLY | O_CREAT | O_APPEND);
    CHECK_EQ(Mode("xt").flags(), O_WRONLY | O_CREAT | O_EXCL);
    CHECK(Mode("rb").binary && !Mode("r").binary);
}

TEST("AF01: other modes are refused in Python's words") {
    for (const char* mode : {"z", "rr", "r++", "rw+z"}) {
        CHECK_THROWS_MSG(Mode(mode), asyncio::ValueError, "invalid mode: '" + std::string(mode));
    }
    for (const char* mode : {"", "b", "rw", "+"}) {
        CHECK_THROWS_MSG(Mode(mode), asyncio::ValueError,
                         "must have exactly one of create/read/write/append mode");
    }
    CHECK_THROWS_MSG(Mode("rbt"), asyncio::ValueError, "can't have text and binary mode at once");
}

TEST("AF01: options that are for text are refused for bytes, and the other way round") {
    const Mode binary("rb");
    CHECK_THROWS_MSG(Manner(binary, OpenOptions().encoding("utf-8")), asyncio::ValueError,
                     "binary mode doesn't take an encoding argument");
    CHECK_THROWS_AS(Manner(binary, OpenOptions().errors("ignore")), asyncio::ValueError);
    CHECK_THROWS_AS(Manner(binary, OpenOptions().newline(Newline::lf)), asyncio::ValueError);
    CHECK_THROWS_MSG(Manner(Mode("w"), OpenOptions().buffering(0)), asyncio::ValueError,
                     "can't have unbuffered text I/O");
    CHECK_EQ(Manner(Mode("wb"), OpenOptions().buffering(0)).buffer_bytes, 0U);
    CHECK(Manner(Mode("w"), OpenOptions().buffering(1)).by_line);
    CHECK_EQ(Manner(Mode("w"), OpenOptions().buffering(100)).buffer_bytes, 100U);
}
