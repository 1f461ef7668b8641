// SPDX-License-Identifier: MIT
// Allocations that fail on demand. The executable that uses them replaces operator new.
#pragma once

#include "base/frame_pool.h"

#include <cstddef>
#include <new>
#include <stdexcept>

namespace support {

/// Of this thread: how many allocations succeed before one fails; negative: all succeed.
extern thread_local long allocations_left;
extern thread_local bool fail_all_allocations;

/// Makes the allocation after the next `count` fail on this thread: one, and once.
inline void fail_allocation_after(long count) noexcept { allocations_left = count; }
/// Ends that. Returns whether the allocation did fail.
inline bool allocation_failed() noexcept {
    const bool failed = allocations_left < 0;
    allocations_left = -1;
    return failed;
}

/// Is it this operator new that the executable calls, and not one of a sanitizer's runtime?
bool allocations_can_fail() noexcept;

/// Holds every free block of the frame pools, so that each frame and state is an allocation.
class DrainedPools {
public:
    DrainedPools() {
        if (!allocations_can_fail()) throw std::logic_error("the pools would never be empty");
        for (std::size_t bytes = 16; bytes <= asyncio::base::FramePool::largest; bytes += 16) {
            drain<asyncio::base::FramePool>(bytes, frames_);
        }
        for (std::size_t bytes = 8; bytes <= asyncio::base::StatePool::largest; bytes += 8) {
            drain<asyncio::base::StatePool>(bytes, states_);
        }
    }
    DrainedPools(const DrainedPools&) = delete;
    DrainedPools& operator=(const DrainedPools&) = delete;
    ~DrainedPools() {
        give_back<asyncio::base::FramePool>(frames_);
        give_back<asyncio::base::StatePool>(states_);
    }

private:
    struct Block {
        Block* next;
    };
    struct Blocks { // of one size; the list itself must not allocate
        Block* first[129] = {};
    };

    template <class Pool>
    static void drain(std::size_t bytes, Blocks& blocks) noexcept {
        Block*& first = blocks.first[bytes / 8];
        fail_all_allocations = true;
        try {
            for (;;) first = ::new (Pool::take(bytes)) Block{first};
        } catch (const std::bad_alloc&) {
        }
        fail_all_allocations = false;
    }
    template <class Pool>
    static void give_back(Blocks& blocks) noexcept {
        for (std::size_t eighth = 0; eighth <= 128; ++eighth) {
            while (Block* block = blocks.first[eighth]) {
                blocks.first[eighth] = block->next;
                Pool::give(block, eighth * 8);
            }
        }
    }

    Blocks frames_;
    Blocks states_;
};

} // namespace support
