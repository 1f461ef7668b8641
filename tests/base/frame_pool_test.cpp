// SPDX-License-Identifier: MIT
// The frame pool: sizes, reuse, caps, blocks that change threads, threads that end.
#include "base/frame_pool.h"

#include "asyncio/testing/testing.h"

#include <cstdint>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

using asyncio::base::frame_stats;
using asyncio::base::FramePool;
using asyncio::base::FrameStats;
using asyncio::base::StatePool;

namespace {

struct Piece {
    unsigned char* memory;
    std::size_t bytes;

    static Piece take(std::size_t bytes, unsigned char mark) {
        auto* memory = static_cast<unsigned char*>(FramePool::take(bytes));
        std::memset(memory, mark, bytes);
        return {memory, bytes};
    }
    bool holds(unsigned char mark) const {
        for (std::size_t i = 0; i < bytes; ++i) {
            if (memory[i] != mark) return false;
        }
        return true;
    }
    void give() const { FramePool::give(memory, bytes); }
};

// Under sanitizers every block comes from the heap, and nothing is kept.
bool pooled() {
    const std::size_t before = frame_stats().cached_blocks;
    FramePool::give(FramePool::take(48), 48);
    return frame_stats().cached_blocks > before || before > 0;
}

template <class F>
void on_another_thread(F f) {
    std::thread(f).join();
}

} // namespace

TEST("frame pool: blocks of every size are aligned, apart from one another, and counted") {
    const FrameStats before = frame_stats();
    std::vector<Piece> pieces;
    for (std::size_t bytes = 1; bytes <= 1100; ++bytes) {
        pieces.push_back(Piece::take(bytes, static_cast<unsigned char>(bytes)));
        CHECK_EQ(reinterpret_cast<std::uintptr_t>(pieces.back().memory) % 16, 0U);
    }
    CHECK_EQ(frame_stats().live_blocks - before.live_blocks, pieces.size());
    CHECK_EQ(frame_stats().large_blocks - before.large_blocks, 1100 - FramePool::largest);
    for (const Piece& piece : pieces) CHECK(piece.holds(static_cast<unsigned char>(piece.bytes)));
    for (const Piece& piece : pieces) piece.give();
    CHECK_EQ(frame_stats().live_blocks, before.live_blocks);
    CHECK_EQ(frame_stats().large_blocks, before.large_blocks);
}

TEST("frame pool: states are aligned to 8 bytes and apart from frames") {
    const std::size_t before = frame_stats().live_blocks;
    std::set<void*> seen;
    for (int i = 0; i < 100; ++i) {
        void* state = StatePool::take(88);
        CHECK_EQ(reinterpret_cast<std::uintptr_t>(state) % 8, 0U);
        CHECK(seen.insert(state).second);
    }
    for (void* state : seen) StatePool::give(state, 88);
    CHECK_EQ(frame_stats().live_blocks, before);
}

TEST("frame pool: the block given back last is the next one taken") {
    if (!pooled()) return;
    void* first = FramePool::take(100);
    void* second = FramePool::take(100);
    FramePool::give(first, 100);
    FramePool::give(second, 100);
    CHECK(FramePool::take(97) == second); // the same class
    CHECK(FramePool::take(112) == first);
    FramePool::give(second, 97);
    FramePool::give(first, 112);
}

TEST("frame pool: what a burst has given back is there for the next one, until it is trimmed") {
    if (!pooled()) return;
    constexpr std::size_t bytes = 512;
    constexpr std::size_t count = 16 * FramePool::idle_bytes_max / bytes;
    const FrameStats before = frame_stats();
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < count; ++i) blocks.push_back(FramePool::take(bytes));
    const FrameStats high = frame_stats();
    CHECK(high.slabs - before.slabs >= count * bytes / FramePool::slab_bytes);
    for (void* block : blocks) FramePool::give(block, bytes);
    CHECK_EQ(frame_stats().slabs, high.slabs);
    CHECK(asyncio::base::pools_are_swollen);
    asyncio::base::trim_pools();
    CHECK(!asyncio::base::pools_are_swollen);
    const FrameStats after = frame_stats();
    CHECK_EQ(after.live_blocks, before.live_blocks);
    CHECK(after.cached_blocks - before.cached_blocks <= FramePool::idle_bytes_max / bytes);
    CHECK(after.slabs - before.slabs <= FramePool::idle_bytes_max / FramePool::slab_bytes + 3);
}

TEST("frame pool: a free list keeps at most its cap; what is above goes to the store at once") {
    if (!pooled()) return;
    if (!pooled()) return;
    constexpr std::size_t bytes = 1024;
    constexpr std::size_t cap = FramePool::cached_bytes_max / bytes;
    const FrameStats before = frame_stats();
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < cap + cap / 4; ++i) blocks.push_back(FramePool::take(bytes));
    for (void* block : blocks) FramePool::give(block, bytes);
    CHECK(frame_stats().cached_blocks - before.cached_blocks <= cap);
    asyncio::base::trim_pools();
    CHECK(frame_stats().cached_blocks - before.cached_blocks <= FramePool::idle_bytes_max / bytes);
    CHECK_EQ(frame_stats().live_blocks, before.live_blocks);
}

TEST("frame pool: a block may be given back on another thread") {
    const std::size_t before = frame_stats().live_blocks;
    std::vector<Piece> pieces;
    for (int i = 0; i < 5000; ++i) pieces.push_back(Piece::take(200, 7));
    on_another_thread([&pieces] {
        for (const Piece& piece : pieces) {
            CHECK(piece.holds(7));
            piece.give();
        }
    });
    CHECK_EQ(frame_stats().live_blocks, before);
}

TEST("frame pool: a thread that ends gives all its lists back") {
    const FrameStats before = frame_stats();
    for (int round = 0; round < 50; ++round) {
        on_another_thread([] {
            std::vector<Piece> pieces;
            for (std::size_t bytes = 16; bytes <= 1024; bytes += 16) {
                for (int i = 0; i < 20; ++i) pieces.push_back(Piece::take(bytes, 1));
            }
            for (const Piece& piece : pieces) piece.give();
        });
    }
    const FrameStats after = frame_stats();
    CHECK_EQ(after.live_blocks, before.live_blocks);
    CHECK_EQ(after.cached_blocks, before.cached_blocks);
    CHECK(after.slabs - before.slabs <= 64); // one a class may stay: those of one thread, not of 50
}

TEST("frame pool: blocks that outlive their thread stay good") {
    const std::size_t before = frame_stats().live_blocks;
    std::vector<Piece> pieces;
    on_another_thread([&pieces] {
        for (int i = 0; i < 1000; ++i) pieces.push_back(Piece::take(64, 9));
    });
    CHECK_EQ(frame_stats().live_blocks - before, 1000U);
    for (const Piece& piece : pieces) {
        CHECK(piece.holds(9));
        piece.give();
    }
    CHECK_EQ(frame_stats().live_blocks, before);
}

namespace {

// Made before the thread's first use of the pool, so that it is destroyed after the lists are.
struct LastUser {
    Piece kept{nullptr, 0};
    ~LastUser() {
        const Piece fresh = Piece::take(320, 4);
        CHECK(fresh.holds(4));
        fresh.give();
        if (kept.memory == nullptr) return;
        CHECK(kept.holds(3));
        kept.give();
    }
};
thread_local LastUser last_user;

} // namespace

TEST("frame pool: works in the destructors of a thread that is ending") {
    const std::size_t before = frame_stats().live_blocks;
    on_another_thread([] {
        last_user.kept = {nullptr, 0}; // it exists from here on
        last_user.kept = Piece::take(320, 3);
    });
    CHECK_EQ(frame_stats().live_blocks, before);
}

TEST("frame pool: threads that pass blocks round neither lose nor mix them up") {
    const std::size_t before = frame_stats().live_blocks;
    std::mutex lock;
    std::vector<std::pair<Piece, unsigned char>> common;
    const auto work = [&](unsigned seed) {
        for (int i = 0; i < 20'000; ++i) {
            seed = seed * 1664525U + 1013904223U;
            const auto mark = static_cast<unsigned char>(seed >> 24);
            const Piece mine = Piece::take(1 + (seed >> 8) % 1000, mark);
            const std::scoped_lock hold(lock);
            common.emplace_back(mine, mark);
            std::swap(common.back(), common[seed % common.size()]);
            if (common.size() < 200) continue;
            const auto [other, others_mark] = common.back();
            common.pop_back();
            CHECK(other.holds(others_mark));
            other.give();
        }
    };
    std::thread one(work, 1U);
    std::thread two(work, 2U);
    one.join();
    two.join();
    for (const auto& [piece, mark] : common) {
        CHECK(piece.holds(mark));
        piece.give();
    }
    CHECK_EQ(frame_stats().live_blocks, before);
}
