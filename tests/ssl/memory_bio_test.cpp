// SPDX-License-Identifier: MIT
// MemoryBIO: bytes in, bytes out, the end.
#include "ssl/memory_bio.h"

#include "asyncio/exceptions.h"
#include "asyncio/testing/testing.h"

using namespace asyncio;
using ssl::MemoryBIO;

TEST("MemoryBIO: bytes come out in the order in which they went in, in pieces of any size") {
    const MemoryBIO bio;
    CHECK_EQ(bio.write("hello, "), 7u);
    CHECK_EQ(bio.write("world"), 5u);
    CHECK_EQ(bio.pending(), 12u);
    CHECK_EQ(bio.read(3), "hel");
    CHECK_EQ(bio.view(), "lo, world");
    bio.consume(4);
    CHECK_EQ(bio.read(), "world");
    CHECK_EQ(bio.pending(), 0u);
    CHECK_EQ(bio.read(), "");
}

TEST("MemoryBIO: it is at its end when all is read, not before; after it nothing is written") {
    const MemoryBIO bio;
    CHECK(!bio.eof());
    bio.write("last");
    bio.write_eof();
    CHECK(!bio.eof());
    CHECK_THROWS_AS(bio.write("more"), ValueError);
    CHECK_EQ(bio.read(), "last");
    CHECK(bio.eof());
}

TEST("MemoryBIO: copies are the same bytes") {
    const MemoryBIO bio;
    const MemoryBIO same = bio;
    bio.write("x");
    CHECK_EQ(same.pending(), 1u);
}
