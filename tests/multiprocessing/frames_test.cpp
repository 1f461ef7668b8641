// SPDX-License-Identifier: MIT
// Messages: whole and cut, large and empty, and what is none.
#include "multiprocessing/frames.h"

#include "asyncio/exceptions.h"
#include "asyncio/testing/testing.h"

#include <algorithm>
#include <string_view>
#include <vector>

using namespace multiprocessing;

namespace {

std::string framed(FrameKind kind, std::string_view payload) {
    const auto header = frame_header(kind, payload.size());
    return std::string(header.data(), header.size()).append(payload);
}

/// Gives a reader the bytes, as many at a time as it has room for and `piece_bytes` allows.
std::vector<Frame> read_in_pieces(std::string_view bytes, std::size_t piece_bytes) {
    FrameReader reader;
    std::vector<Frame> frames;
    for (;;) {
        while (auto frame = reader.next()) frames.push_back(std::move(*frame));
        if (bytes.empty()) return frames;
        const auto room = reader.room();
        const std::size_t count = std::min({room.size(), bytes.size(), piece_bytes});
        std::copy_n(bytes.data(), count, room.data());
        reader.took(count);
        bytes.remove_prefix(count);
    }
}

} // namespace

TEST("MP01: where the bytes of messages are cut changes nothing") {
    const std::string bytes = framed(FrameKind::call, "one") + framed(FrameKind::end, "") +
                              framed(FrameKind::reply, std::string(1000, 'x'));
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        const auto frames = read_in_pieces(bytes, piece);
        CHECK_EQ(frames.size(), 3U);
        CHECK(frames[0].kind == FrameKind::call && frames[0].payload == "one");
        CHECK(frames[1].kind == FrameKind::end && frames[1].payload.empty());
        CHECK(frames[2].kind == FrameKind::reply && frames[2].payload == std::string(1000, 'x'));
    }
}

TEST("MP01: a reader says whether a message has begun") {
    FrameReader reader;
    CHECK(reader.between_frames());
    const std::string bytes = framed(FrameKind::call, "abc");
    std::copy_n(bytes.data(), 1, reader.room().data());
    reader.took(1);
    CHECK(!reader.between_frames());
    CHECK(!reader.next());
}

TEST("MP01: bytes that are no message are an error, whatever is wrong with them") {
    const std::string good = framed(FrameKind::call, "abc");
    for (const std::size_t at : {0U, 3U, 4U, 7U}) { // of the mark, of the kind
        std::string bad = good;
        bad[at] = '\x7f';
        CHECK_THROWS_AS(read_in_pieces(bad, 64), asyncio::OSError);
    }
    std::string no_kind = good;
    no_kind[4] = '\0';
    CHECK_THROWS_AS(read_in_pieces(no_kind, 64), asyncio::OSError);
}

TEST("MP01: a message that says it is larger than memory is bad_alloc, and nothing is allocated") {
    std::string bytes = framed(FrameKind::reply, "");
    std::fill(bytes.begin() + 8, bytes.begin() + 16, '\xff');
    CHECK_THROWS_AS(read_in_pieces(bytes, 64), std::bad_alloc);
}
