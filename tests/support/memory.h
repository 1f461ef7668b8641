// SPDX-License-Identifier: MIT
// How much memory the process uses.
#pragma once

#include "base/sanitizers.h"

#include <cstddef>
#include <cstdio>
#include <unistd.h>

namespace support {

/// Not under a sanitizer that keeps freed memory to catch its use.
inline constexpr bool memory_can_be_measured = !asyncio::base::heap_is_watched;

/// The resident set of this process.
inline std::size_t resident_bytes() {
    std::FILE* file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr) return 0;
    unsigned long all = 0;
    unsigned long resident = 0;
    if (std::fscanf(file, "%lu %lu", &all, &resident) != 2) resident = 0;
    std::fclose(file);
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace support
