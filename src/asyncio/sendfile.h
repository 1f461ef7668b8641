// SPDX-License-Identifier: MIT
// sendfile: a file to a peer, by the kernel where it can.
#pragma once

#include "asyncio/events.h"

#include <cstdint>
#include <optional>

namespace asyncio {

/// The keyword arguments of loop.sendfile and loop.sock_sendfile.
///
/// The file is a descriptor that is open for reading. Where the kernel can, it copies from the file
/// to the socket; where it cannot (no regular file, a transport that encrypts), the loop's executor
/// reads and the transport writes. Either way the file's position is behind what was sent at the
/// end, also if it ended badly.
///
/// Source    CPython 3.14 loop.sendfile, loop.sock_sendfile.
class SendfileOptions {
public:
    SendfileOptions() noexcept {}
    /// Where to begin in the file; 0.
    SendfileOptions& offset(std::int64_t bytes) {
        offset_ = bytes;
        return *this;
    }
    /// How much to send; nothing: to the end.
    SendfileOptions& count(std::optional<std::int64_t> bytes) {
        count_ = bytes;
        return *this;
    }
    /// Read and write where the kernel cannot send the file; true. Else it throws
    /// SendfileNotAvailableError.
    SendfileOptions& fallback(bool allowed) {
        fallback_ = allowed;
        return *this;
    }

    std::int64_t offset() const noexcept { return offset_; }
    std::optional<std::int64_t> count() const noexcept { return count_; }
    bool fallback() const noexcept { return fallback_; }

private:
    std::int64_t offset_ = 0;
    std::optional<std::int64_t> count_;
    bool fallback_ = true;
};

} // namespace asyncio
