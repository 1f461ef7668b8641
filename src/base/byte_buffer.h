// SPDX-License-Identifier: MIT
// Byte buffer: bytes that come in behind and go out in front, in one piece, in a borrowed chunk.
#pragma once

#include "base/chunk_pool.h"

#include <cstring>
#include <string_view>
#include <utility>

namespace asyncio::base {

/// Bytes in the order in which they came. It holds no memory until the first, and can let go of it
/// when it is empty.
///
/// Cost      each byte is copied in once, and O(1) times more while the buffer grows.
class ByteBuffer {
public:
    std::size_t size() const noexcept { return end_ - begin_; }
    bool empty() const noexcept { return begin_ == end_; }
    const char* data() const noexcept { return chunk_.data() + begin_; }
    std::string_view view() const noexcept { return {data(), size()}; }
    std::size_t capacity() const noexcept { return chunk_.size(); }

    /// Throws std::bad_alloc; it is unchanged then.
    void append(std::string_view bytes) {
        if (bytes.empty()) return; // its address may be null
        if (chunk_.size() - end_ < bytes.size()) [[unlikely]]
            make_room(bytes.size());
        std::memcpy(chunk_.data() + end_, bytes.data(), bytes.size());
        end_ += bytes.size();
    }
    /// Takes a chunk whose first `bytes` are filled, and gives its own. It must be empty.
    Chunk exchange(Chunk chunk, std::size_t bytes) noexcept {
        begin_ = 0;
        end_ = bytes;
        return std::exchange(chunk_, std::move(chunk));
    }
    /// The first `bytes` are done with.
    void consume(std::size_t bytes) noexcept {
        begin_ += bytes;
        if (begin_ == end_) begin_ = end_ = 0;
    }
    void clear() noexcept { begin_ = end_ = 0; }
    /// Gives back what it does not need: all of it when empty, most of it when nearly so.
    void shrink() noexcept;

private:
    void make_room(std::size_t bytes);
    void move_to(Chunk other) noexcept;

    Chunk chunk_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

} // namespace asyncio::base
