// SPDX-License-Identifier: MIT
// Part 1: ten thousand tasks that wait at the same time.
#pragma once

#include "programs/terminal/console.h"

#include <cstddef>

namespace atour {

inline constexpr std::size_t waits_count = 10'000;

/// What a run of ten thousand waits has cost; in C++ here, in Python there.
struct WaitsCost {
    double wall_seconds = 0;
    double processor_seconds = 0;
    double task_bytes = 0; // all waiting tasks together
    double peak_bytes = 0; // of the process until then
};

/// Waits ten thousand times one second, in one second.
asyncio::Coro<WaitsCost> wait_ten_thousand_times(terminal::Console& console);

} // namespace atour
