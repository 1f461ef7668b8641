// SPDX-License-Identifier: MIT
// Where a byte buffer moves when it is full.
#include "base/byte_buffer.h"

#include <new>

namespace asyncio::base {

namespace {

// A chunk of which less than this part is used is too large to be kept.
constexpr std::size_t wasteful_part = 8;
constexpr std::size_t wasteful_bytes_min = 4096;

} // namespace

// To the front of its chunk if that leaves half of it free, else into one twice as large as needed:
// either is paid for by the bytes that came since the last time.
void ByteBuffer::make_room(std::size_t bytes) {
    const std::size_t kept = size();
    if (kept != 0 && kept + bytes <= chunk_.size() / 2) {
        std::memmove(chunk_.data(), data(), kept);
        begin_ = 0;
        end_ = kept;
        return;
    }
    move_to(Chunk(kept == 0 ? bytes : 2 * (kept + bytes)));
}

void ByteBuffer::move_to(Chunk other) noexcept {
    const std::size_t kept = size();
    if (kept != 0) std::memcpy(other.data(), data(), kept);
    chunk_ = std::move(other);
    begin_ = 0;
    end_ = kept;
}

void ByteBuffer::shrink() noexcept {
    if (empty()) {
        clear();
        return chunk_.reset();
    }
    if (chunk_.size() < wasteful_bytes_min || size() * wasteful_part >= chunk_.size()) return;
    try {
        move_to(Chunk(size()));
    } catch (const std::bad_alloc&) {
        // Then it stays where it is.
    }
}

} // namespace asyncio::base
