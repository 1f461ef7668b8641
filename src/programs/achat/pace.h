// SPDX-License-Identifier: MIT
// Pace: who says too much is listened to more slowly.
#pragma once

#include "asyncio/durations.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace achat {

/// Lets so many pass in a second, and a burst of those that were saved up before.
class Pace {
public:
    Pace(std::size_t per_second, std::size_t burst)
        : interval_(std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second),
          saved_max_(interval_ * burst) {}

    /// Counts one, which comes at `now`.
    /// Returns   how long it is to wait; zero or less: not at all.
    std::chrono::nanoseconds delay(asyncio::TimePoint now) {
        due_ = std::max(due_, now - saved_max_) + interval_;
        return due_ - now;
    }

private:
    std::chrono::nanoseconds interval_;
    std::chrono::nanoseconds saved_max_; // a burst, in the time that it saves up in
    asyncio::TimePoint due_{std::chrono::nanoseconds(INT64_MIN / 2)}; // of the last one
};

} // namespace achat
