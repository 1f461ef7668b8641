// SPDX-License-Identifier: MIT
// Chunks: sizes, who owns them, last in first out, the end of a thread.
#include "base/chunk_pool.h"

#include "asyncio/testing/testing.h"
#include "base/sanitizers.h"

#include <cstring>
#include <set>
#include <thread>
#include <vector>

using asyncio::base::Chunk;

namespace {

// Under sanitizers each chunk is an allocation of its own, so that a use after the end is seen.
constexpr bool is_pooled = !asyncio::base::heap_is_watched;

} // namespace

TEST("chunk pool: sizes are powers of two that hold what was asked for") {
    CHECK_EQ(Chunk::fitting(0), std::size_t{256});
    CHECK_EQ(Chunk::fitting(256), std::size_t{256});
    CHECK_EQ(Chunk::fitting(257), std::size_t{512});
    CHECK_EQ(Chunk::fitting(64 * 1024), std::size_t{64 * 1024});
    for (const int asked : {1, 300, 5000, 70'000, 128 * 1024, 1'000'000}) {
        const auto bytes = static_cast<std::size_t>(asked);
        const Chunk chunk(bytes);
        CHECK_EQ(chunk.size(), Chunk::fitting(bytes));
        std::memset(chunk.data(), 7, chunk.size());
    }
}

TEST("chunk pool: chunks are apart from one another, counted, and given back") {
    const std::size_t before = Chunk::live();
    {
        std::vector<Chunk> chunks;
        for (int i = 0; i < 100; ++i) {
            chunks.emplace_back(std::size_t{256} << (i % 12));
            std::memset(chunks.back().data(), i, chunks.back().size());
        }
        CHECK_EQ(Chunk::live(), before + 100);
        for (int i = 0; i < 100; ++i) {
            const Chunk& chunk = chunks[static_cast<std::size_t>(i)];
            CHECK_EQ(chunk.data()[0], static_cast<char>(i));
            CHECK_EQ(chunk.data()[chunk.size() - 1], static_cast<char>(i));
        }
    }
    CHECK_EQ(Chunk::live(), before);
}

TEST("chunk pool: moving hands the chunk over") {
    Chunk one(1000);
    const char* const data = one.data();
    Chunk other(std::move(one));
    CHECK(!one);
    CHECK_EQ(one.size(), std::size_t{0});
    CHECK(other.data() == data);
    one = std::move(other);
    CHECK(one.data() == data);
    one.reset();
    CHECK(!one);
}

TEST("chunk pool: what was given back last is taken first") {
    Chunk warm(512);
    const char* const data = warm.data();
    warm.reset();
    const Chunk again(512);
    if (is_pooled) CHECK(again.data() == data);
}

TEST("chunk pool: a chunk may be given back on another thread, which then ends") {
    const std::size_t before = Chunk::live();
    Chunk chunk(4096);
    std::thread([taken = std::move(chunk)]() mutable { taken.reset(); }).join();
    std::thread([] { const Chunk own(128 * 1024); }).join();
    CHECK_EQ(Chunk::live(), before);
}

TEST("chunk pool: a list keeps a mebibyte, and what is above it goes back at once") {
    std::thread([] {
        const std::size_t bytes = Chunk::kept_bytes_max;
        const std::size_t kept = 1024 * 1024 / bytes;
        std::vector<Chunk> burst;
        std::set<const char*> first_ones;
        for (std::size_t i = 0; i < kept + 4; ++i) {
            burst.emplace_back(bytes);
            if (i < kept) first_ones.insert(burst.back().data());
        }
        for (Chunk& chunk : burst) chunk.reset(); // the first ones fill the list
        for (std::size_t i = 0; i < kept; ++i) {
            burst[i] = Chunk(bytes);
            if (is_pooled) CHECK(first_ones.count(burst[i].data()) == 1);
        }
    }).join();
}

TEST("chunk pool: chunks beyond the largest kept size come and go like the others") {
    const std::size_t before = Chunk::live();
    for (int i = 0; i < 3; ++i) {
        Chunk large(Chunk::kept_bytes_max + 1);
        CHECK_EQ(large.size(), 2 * Chunk::kept_bytes_max);
        large.data()[0] = 'a';
        large.data()[large.size() - 1] = 'z';
        CHECK_EQ(Chunk::live(), before + 1);
    }
    CHECK_EQ(Chunk::live(), before);
}

TEST("chunk pool: a chunk outlives the thread that took it") {
    const std::size_t before = Chunk::live();
    Chunk kept;
    std::thread([&kept] {
        kept = Chunk(70'000);
        std::memset(kept.data(), 5, kept.size());
    }).join();
    CHECK_EQ(Chunk::live(), before + 1);
    CHECK_EQ(kept.data()[0], 5);
    CHECK_EQ(kept.data()[kept.size() - 1], 5);
    kept.reset();
    CHECK_EQ(Chunk::live(), before);
}
