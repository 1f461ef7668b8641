// SPDX-License-Identifier: MIT
// Fixed array: objects that never move, made one by one in one block of the states' pool.
#pragma once

#include "base/frame_pool.h"

#include <cstddef>
#include <new>
#include <utility>

namespace asyncio::base {

/// Room for a number of `T`s that is known beforehand. T need not be movable.
///
/// Cost      one block from the pool; none for a capacity of 0.
template <class T>
class FixedArray {
    static_assert(alignof(T) <= 8, "the states' pool aligns to 8 bytes");

public:
    FixedArray() noexcept = default;
    FixedArray(const FixedArray&) = delete; // others hold the addresses of its objects
    FixedArray& operator=(const FixedArray&) = delete;
    ~FixedArray() { reset(); }

    /// Makes the room, once. Throws std::bad_alloc.
    void reserve(std::size_t capacity) {
        if (capacity != 0) items_ = static_cast<T*>(StatePool::take(capacity * sizeof(T)));
        capacity_ = capacity;
    }

    /// Makes the next object. There must be room.
    template <class... Args>
    T& emplace(Args&&... args) {
        T* item = ::new (static_cast<void*>(items_ + size_)) T(std::forward<Args>(args)...);
        ++size_;
        return *item;
    }

    /// Destroys all and gives the room back.
    void reset() noexcept {
        while (size_ != 0) items_[--size_].~T();
        if (items_ != nullptr) StatePool::give(items_, capacity_ * sizeof(T));
        items_ = nullptr;
        capacity_ = 0;
    }

    std::size_t size() const noexcept { return size_; } // made so far
    std::size_t capacity() const noexcept { return capacity_; } // what reserve() was told
    T& operator[](std::size_t i) noexcept { return items_[i]; }
    T* begin() noexcept { return items_; }
    T* end() noexcept { return items_ + size_; }

private:
    T* items_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

} // namespace asyncio::base
