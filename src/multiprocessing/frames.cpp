// SPDX-License-Identifier: MIT
// Headers and payloads. A payload is received where it stays: results are as large as they like.
#include "multiprocessing/frames.h"

#include "asyncio/exceptions.h"

#include <cstring>
#include <utility>

namespace multiprocessing {

namespace {

constexpr std::uint32_t frame_mark = 0x4d504631; // "MPF1"

struct Header {
    std::uint32_t mark;
    std::uint32_t kind;
    std::uint64_t payload_bytes;
};
static_assert(sizeof(Header) == frame_header_bytes);

} // namespace

std::array<char, frame_header_bytes> frame_header(FrameKind kind,
                                                  std::uint64_t payload_bytes) noexcept {
    const Header header{frame_mark, static_cast<std::uint32_t>(kind), payload_bytes};
    std::array<char, frame_header_bytes> bytes{};
    std::memcpy(bytes.data(), &header, sizeof header);
    return bytes;
}

std::span<char> FrameReader::room() noexcept {
    if (filled_ < frame_header_bytes) return std::span(header_).subspan(filled_);
    return std::span(payload_).subspan(filled_ - frame_header_bytes);
}

void FrameReader::took(std::size_t bytes_count) {
    const bool had_header = filled_ >= frame_header_bytes;
    filled_ += bytes_count;
    if (had_header || filled_ < frame_header_bytes) return;
    Header header{};
    std::memcpy(&header, header_.data(), sizeof header);
    const bool known = header.kind >= static_cast<std::uint32_t>(FrameKind::start) &&
                       header.kind <= static_cast<std::uint32_t>(FrameKind::end);
    if (header.mark != frame_mark || !known) {
        throw asyncio::OSError("a worker's connection carries something else than messages");
    }
    if (header.payload_bytes > payload_.max_size()) throw std::bad_alloc();
    kind_ = static_cast<FrameKind>(header.kind);
    payload_.resize(static_cast<std::size_t>(header.payload_bytes));
}

std::optional<Frame> FrameReader::next() {
    if (filled_ < frame_header_bytes || filled_ - frame_header_bytes < payload_.size()) {
        return std::nullopt;
    }
    filled_ = 0;
    return Frame{kind_, std::exchange(payload_, std::string())};
}

} // namespace multiprocessing
