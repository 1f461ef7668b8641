// SPDX-License-Identifier: MIT
// Bytes that tell their place: what is lost, twice or out of order is seen.
#pragma once

#include <cstddef>
#include <string>

namespace support {

inline std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 % 251);
    return bytes;
}

} // namespace support
