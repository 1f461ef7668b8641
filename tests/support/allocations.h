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

/// While it lives, the frame pools have no free block, so that each class of frames and states
/// begins with an allocation.
class DrainedPools {
public:
    DrainedPools() {
        if (!allocations_can_fail()) throw std::logic_error("the pools would never be empty");
    }

private:
    asyncio::base::FramePool::FreeBlocksAside frames_;
    asyncio::base::StatePool::FreeBlocksAside states_;
};

} // namespace support
