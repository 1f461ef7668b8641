// SPDX-License-Identifier: MIT
// Usage: what this process has used so far of time, processor and memory.
#pragma once

#include <cstddef>

namespace terminal {

struct Usage {
    double wall_seconds = 0;      // on a clock that only goes forward
    double processor_seconds = 0; // of all threads
};

Usage usage_now();

/// What has been used since `earlier`.
Usage usage_since(const Usage& earlier);

std::size_t resident_bytes(); // in memory at present; 0 if /proc does not say
std::size_t peak_bytes();     // the most that ever was

} // namespace terminal
