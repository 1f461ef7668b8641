// SPDX-License-Identifier: MIT
// MemoryBIO: bytes on their way between TLS and what carries them.
#pragma once

#include "base/byte_buffer.h"

#include <memory>
#include <string>
#include <string_view>

struct bio_st; // OpenSSL's BIO

namespace asyncio::ssl {

/// Bytes in the order in which they came. A handle: copies are the same one.
///
/// Thread    one at a time.
/// Source    CPython 3.14 ssl.MemoryBIO.
class MemoryBIO {
public:
    MemoryBIO() : state_(std::make_shared<State>()) {}

    /// How many bytes are in it.
    std::size_t pending() const noexcept { return state_->bytes.size(); }
    /// Has the end come, and is all read?
    bool eof() const noexcept { return state_->ended && state_->bytes.empty(); }
    /// Takes out up to `bytes`; all if negative.
    std::string read(std::ptrdiff_t bytes = -1) const;
    /// Puts in a copy.
    /// Throws    ValueError: after write_eof().
    std::size_t write(std::string_view bytes) const;
    /// No more will come.
    void write_eof() const noexcept { state_->ended = true; }

    /// What is in it. Valid until the next call of anything.
    std::string_view view() const noexcept { return state_->bytes.view(); }
    /// Takes out the first `bytes`.
    void consume(std::size_t bytes) const noexcept { state_->take(bytes); }

    /// For the library's own use: a BIO of OpenSSL over it, which the caller owns.
    bio_st* bio() const;

private:
    struct State {
        base::ByteBuffer bytes;
        bool ended = false;
        void take(std::size_t count) noexcept {
            bytes.consume(count);
            if (bytes.empty()) bytes.shrink(); // an idle connection holds no buffer
        }
    };
    struct Callbacks; // OpenSSL's view of it

    std::shared_ptr<State> state_;
};

} // namespace asyncio::ssl
