// SPDX-License-Identifier: MIT
// What files throw besides OSError and its family.
#pragma once

#include "asyncio/exceptions.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace aiofiles {

/// The file was not opened for that: "not readable".
/// Source    Python's io.UnsupportedOperation.
struct UnsupportedOperation final : asyncio::OSError {
    using OSError::OSError;
};

/// Text and bytes that do not go together.
/// Source    Python's UnicodeError, a ValueError.
class UnicodeError : public asyncio::ValueError {
public:
    /// start     where: the byte that cannot be decoded, the character that cannot be encoded
    UnicodeError(const std::string& message, std::size_t start)
        : ValueError(message), start_(start) {}
    std::size_t start() const noexcept { return start_; } // in the piece that was looked at

private:
    std::size_t start_;
};

/// "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"
struct UnicodeDecodeError final : UnicodeError {
    UnicodeDecodeError(std::string_view encoding, unsigned char byte, std::size_t start,
                       std::string_view reason);
};

/// "'ascii' codec can't encode character U+00E9 in position 0: ordinal not in range(128)"
struct UnicodeEncodeError final : UnicodeError {
    UnicodeEncodeError(std::string_view encoding, char32_t character, std::size_t start,
                       std::string_view reason);
};

} // namespace aiofiles
