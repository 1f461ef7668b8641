// SPDX-License-Identifier: MIT
// Chunk pool: buffers for bytes on their way, from a last-in first-out list per thread and size.
#pragma once

#include <bit>
#include <cstddef>
#include <utility>

namespace asyncio::base {

/// A buffer that is borrowed from the pool. Move-only; it is given back when it goes.
///
/// Sizes are powers of two. Those up to `kept_bytes_max` come from free lists, so that a few warm
/// ones serve all connections of a thread; nothing is cleared. What a list may not keep goes back
/// to the system.
///
/// Thread    any; the free lists are the calling thread's.
/// Cost      a few ns while the free list serves it.
class Chunk {
public:
    static constexpr std::size_t bytes_min = 256;
    static constexpr std::size_t kept_bytes_max = 128 * 1024;

    Chunk() noexcept = default; // none
    /// One of at least `bytes`.  Throws std::bad_alloc.
    explicit Chunk(std::size_t bytes) : size_(fitting(bytes)) { data_ = take(size_); }
    Chunk(Chunk&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    Chunk& operator=(Chunk&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~Chunk() { reset(); }

    /// Gives it back now; then it is none.
    void reset() noexcept {
        if (data_ != nullptr) give(std::exchange(data_, nullptr), std::exchange(size_, 0));
    }

    char* data() const noexcept { return data_; } // null: none
    std::size_t size() const noexcept { return size_; }
    explicit operator bool() const noexcept { return data_ != nullptr; }

    /// The size that a chunk for `bytes` has.
    static std::size_t fitting(std::size_t bytes) noexcept {
        return bytes <= bytes_min ? bytes_min : std::bit_ceil(bytes);
    }
    /// How many are borrowed by this thread, and by those that have ended.
    static std::size_t live() noexcept;

private:
    static char* take(std::size_t bytes);
    static void give(char* data, std::size_t bytes) noexcept;

    char* data_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace asyncio::base
