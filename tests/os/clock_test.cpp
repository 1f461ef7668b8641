// SPDX-License-Identifier: MIT
// The monotonic clock.
#include "os/clock.h"

#include "asyncio/testing/testing.h"

#include <chrono>

using asyncio::os::monotonic_ns;

TEST("monotonic_ns: never goes back") {
    std::int64_t last = monotonic_ns();
    for (int i = 0; i < 100'000; ++i) {
        const std::int64_t now = monotonic_ns();
        REQUIRE(now >= last);
        last = now;
    }
}

TEST("monotonic_ns: is the clock of std::chrono::steady_clock") {
    const std::int64_t before = monotonic_ns();
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const std::int64_t after = monotonic_ns();
    CHECK(before <= std::chrono::nanoseconds(now).count());
    CHECK(std::chrono::nanoseconds(now).count() <= after);
}
