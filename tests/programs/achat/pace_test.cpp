// SPDX-License-Identifier: MIT
// Pace: a burst passes, then so many a second, and a silence saves up for another burst.
#include "programs/achat/pace.h"

#include "asyncio/testing/testing.h"

namespace {

using namespace std::chrono_literals;
using achat::Pace;

constexpr asyncio::TimePoint start{1h};

TEST("pace: a burst passes at once, and the next one waits for its turn") {
    Pace pace(10, 5);
    for (int i = 0; i < 5; ++i) CHECK(pace.delay(start) <= 0ns);
    CHECK_EQ(pace.delay(start) / 1ms, 100);
    CHECK_EQ(pace.delay(start) / 1ms, 200);
}

TEST("pace: who keeps the pace never waits") {
    Pace pace(10, 5);
    for (int i = 0; i < 100; ++i) CHECK(pace.delay(start + i * 100ms) <= 0ns);
}

TEST("pace: a silence saves up for a burst, but for no more than one") {
    Pace pace(10, 5);
    for (int i = 0; i < 5; ++i) CHECK(pace.delay(start) <= 0ns);
    for (int i = 0; i < 5; ++i) CHECK(pace.delay(start + 1h) <= 0ns);
    CHECK(pace.delay(start + 1h) > 0ns);
}

} // namespace
