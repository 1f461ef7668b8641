// SPDX-License-Identifier: MIT
// PoolAllocator: containers and shared_ptr in the states' pool, and what the pool counts.
#include "base/pool_allocator.h"

#include "asyncio/testing/testing.h"

#include <cstdint>
#include <limits>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using asyncio::base::frame_stats;
using asyncio::base::PoolAllocator;

TEST("pool allocator: a container's memory is counted by the pool, and given back") {
    const std::size_t before = frame_stats().live_blocks;
    {
        std::list<std::uint64_t, PoolAllocator<std::uint64_t>> list;
        for (std::uint64_t i = 0; i < 100; ++i) list.push_back(i);
        CHECK_EQ(frame_stats().live_blocks, before + 100);
        list.pop_front();
        CHECK_EQ(frame_stats().live_blocks, before + 99);
        CHECK_EQ(list.front(), std::uint64_t{1});
        CHECK_EQ(list.back(), std::uint64_t{99});
    }
    CHECK_EQ(frame_stats().live_blocks, before);
}

TEST("pool allocator: an array is as long as it was asked for, also beyond the largest block") {
    PoolAllocator<std::uint64_t> allocator;
    const std::size_t before = frame_stats().live_blocks;
    for (const std::size_t count : {std::size_t{1}, std::size_t{128}, std::size_t{100'000}}) {
        std::uint64_t* const memory = allocator.allocate(count);
        CHECK_EQ(reinterpret_cast<std::uintptr_t>(memory) % alignof(std::uint64_t),
                 std::uintptr_t{0});
        for (std::size_t i = 0; i < count; ++i) memory[i] = i;
        CHECK_EQ(memory[count - 1], std::uint64_t{count - 1});
        allocator.deallocate(memory, count);
    }
    CHECK_EQ(frame_stats().live_blocks, before);
}

TEST("pool allocator: a size that does not fit into a size_t is a bad_array_new_length") {
    PoolAllocator<std::uint64_t> allocator;
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max() / sizeof(std::uint64_t);
    CHECK_THROWS_AS(allocator.allocate(most + 2), std::bad_array_new_length);
}

TEST("pool allocator: object and counts of a shared_ptr are one block") {
    const std::size_t before = frame_stats().live_blocks;
    auto text = std::allocate_shared<std::string>(PoolAllocator<std::string>(), "short");
    CHECK_EQ(frame_stats().live_blocks, before + 1);
    const std::weak_ptr<std::string> watcher = text;
    text.reset();
    CHECK(watcher.expired());
    CHECK_EQ(frame_stats().live_blocks,
             before + 1); // a weak_ptr keeps the counts, and so the block
}

TEST("pool allocator: all are equal, of whatever type, so that memory may change hands") {
    const PoolAllocator<int> ints;
    const PoolAllocator<std::string> texts(ints);
    CHECK(texts == PoolAllocator<std::string>());
    const std::size_t before = frame_stats().live_blocks;
    std::vector<int, PoolAllocator<int>> numbers(10, 7);
    std::thread([taken = std::move(numbers)]() mutable { taken = {}; }).join();
    CHECK_EQ(frame_stats().live_blocks, before);
}
