// SPDX-License-Identifier: MIT
// Pool allocator: standard containers and shared_ptr in the blocks of the states' pool.
#pragma once

#include "base/frame_pool.h"

#include <cstddef>

namespace asyncio::base {

/// Memory from the StatePool, which is counted there.
template <class T>
struct PoolAllocator {
    static_assert(alignof(T) <= 8, "the states' pool aligns to 8 bytes");
    using value_type = T;

    PoolAllocator() noexcept = default;
    template <class U>
    PoolAllocator(const PoolAllocator<U>&) noexcept {}

    T* allocate(std::size_t count) { return static_cast<T*>(StatePool::take(count * sizeof(T))); }
    void deallocate(T* memory, std::size_t count) noexcept {
        StatePool::give(memory, count * sizeof(T));
    }
    friend bool operator==(PoolAllocator, PoolAllocator) noexcept { return true; }
};

} // namespace asyncio::base
