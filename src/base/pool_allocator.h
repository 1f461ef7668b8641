// SPDX-License-Identifier: MIT
// Pool allocator: standard containers and shared_ptr in the blocks of the states' pool.
#pragma once

#include "base/frame_pool.h"

#include <cstddef>
#include <cstdint>
#include <new>

namespace asyncio::base {

/// Memory from the StatePool, which is counted there.
template <class T>
struct PoolAllocator {
    static_assert(alignof(T) <= 8, "the states' pool aligns to 8 bytes");
    using value_type = T;

    PoolAllocator() noexcept = default;
    template <class U>
    PoolAllocator(const PoolAllocator<U>&) noexcept {}

    /// Throws    std::bad_alloc.
    T* allocate(std::size_t count) {
        if (count > SIZE_MAX / sizeof(T)) throw std::bad_array_new_length();
        return static_cast<T*>(StatePool::take(count * sizeof(T)));
    }
    /// Gives back what allocate(count) returned; on any thread.
    void deallocate(T* memory, std::size_t count) noexcept {
        StatePool::give(memory, count * sizeof(T));
    }
    friend bool operator==(PoolAllocator, PoolAllocator) noexcept { return true; }
};

} // namespace asyncio::base
