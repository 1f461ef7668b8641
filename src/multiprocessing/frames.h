// SPDX-License-Identifier: MIT
// Messages between a pool and its workers: bytes in, messages out, no I/O.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace multiprocessing {

/// What a message says.
enum class FrameKind : std::uint32_t {
    start = 1, // to a worker: how to begin; an initializer's call, or nothing
    ready,     // from a worker: it has begun
    failed,    // from a worker: the initializer has thrown this
    call,      // to a worker: a function's name, then its calls
    reply,     // from a worker: what the calls gave
    end,       // to a worker: there is no more
};

/// One message.
struct Frame {
    FrameKind kind = FrameKind::end;
    std::string payload;
};

/// How large the header of a message is.
inline constexpr std::size_t frame_header_bytes = 16;

/// What stands in front of a payload: a mark, the kind, the size; in the machine's own byte order,
/// for both ends are one program on one machine.
std::array<char, frame_header_bytes> frame_header(FrameKind kind,
                                                  std::uint64_t payload_bytes) noexcept;

/// Reads messages from a stream of bytes that come in pieces of any size.
///
///     bytes go to room(); then took(how many); then next().
class FrameReader {
public:
    /// Where the next bytes go; never empty while next() has given what there is.
    std::span<char> room() noexcept;
    /// So many bytes were put into the room.
    /// Throws    OSError: they are no message; the other side speaks something else.
    ///           std::bad_alloc: it is too large.
    void took(std::size_t bytes_count);
    /// The message that is complete, or nothing.
    std::optional<Frame> next();
    /// Is nothing of the next message here?
    bool between_frames() const noexcept { return filled_ == 0; }

private:
    std::array<char, frame_header_bytes> header_{};
    std::string payload_;
    FrameKind kind_{};
    std::size_t filled_ = 0; // of header and payload together
};

} // namespace multiprocessing
