// SPDX-License-Identifier: MIT
// The byte buffer: first in first out, growth, what it gives back.
#include "base/byte_buffer.h"

#include "asyncio/testing/testing.h"

#include <algorithm>
#include <string>

using asyncio::base::ByteBuffer;
using asyncio::base::Chunk;

TEST("byte buffer: gives bytes out in the order in which they came, in one piece") {
    ByteBuffer buffer;
    CHECK(buffer.empty());
    CHECK_EQ(buffer.capacity(), std::size_t{0});
    buffer.append("abc");
    buffer.append("de");
    CHECK_EQ(buffer.view(), "abcde");
    buffer.consume(2);
    CHECK_EQ(buffer.view(), "cde");
    buffer.append("f");
    CHECK_EQ(buffer.view(), "cdef");
    buffer.consume(4);
    CHECK(buffer.empty());
}

TEST("byte buffer: agrees with a string over many sizes of pieces") {
    ByteBuffer buffer;
    std::string model;
    unsigned state = 1;
    std::size_t capacity_max = 0;
    for (int step = 0; step < 20'000; ++step) {
        state = state * 1103515245U + 12345U;
        const std::string piece((state >> 8) % 700, static_cast<char>('a' + step % 26));
        buffer.append(piece);
        model += piece;
        const std::size_t gone = (state >> 16) % (model.size() + 1);
        buffer.consume(gone);
        model.erase(0, gone);
        capacity_max = std::max(capacity_max, buffer.capacity());
        if (step % 16 == 0) buffer.shrink();
        if (buffer.view() != model) FAIL("step " + std::to_string(step));
    }
    CHECK(capacity_max <= 16 * 1024);
}

TEST("byte buffer: appending byte by byte while it is nearly full copies little") {
    ByteBuffer buffer;
    buffer.append(std::string(1000, 'x'));
    std::size_t moves = 0;
    const char* at = buffer.data();
    for (int i = 0; i < 100'000; ++i) {
        buffer.append("y");
        buffer.consume(1);
        if (buffer.data() != at + 1) ++moves;
        at = buffer.data();
    }
    CHECK(moves < 200);
    CHECK(buffer.capacity() <= 4096);
}

TEST("byte buffer: gives its chunk back when it is empty, and most of one that is nearly so") {
    const std::size_t before = Chunk::live();
    ByteBuffer buffer;
    buffer.append(std::string(100'000, 'x'));
    buffer.consume(99'990);
    buffer.shrink();
    CHECK_EQ(buffer.view(), std::string(10, 'x'));
    CHECK_EQ(buffer.capacity(), Chunk::bytes_min);
    buffer.consume(10);
    buffer.shrink();
    CHECK_EQ(buffer.capacity(), std::size_t{0});
    CHECK_EQ(Chunk::live(), before);
}

TEST("byte buffer: exchanges its chunk for a filled one") {
    ByteBuffer buffer;
    Chunk filled(1024);
    filled.data()[0] = 'z';
    const char* const data = filled.data();
    const Chunk own = buffer.exchange(std::move(filled), 1);
    CHECK(!own);
    CHECK_EQ(buffer.view(), "z");
    CHECK(buffer.data() == data);
}
