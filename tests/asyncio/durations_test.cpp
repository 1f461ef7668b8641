// SPDX-License-Identifier: MIT
// Durations: what converts, what is refused, and that nothing wraps round.
#include "asyncio/durations.h"

#include "asyncio/testing/testing.h"

#include <limits>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

} // namespace

TEST("any std::chrono duration converts to a Duration, whole or fractional") {
    static_assert(Duration(2s).ns() == 2'000'000'000);
    static_assert(Duration(250ms).ns() == 250'000'000);
    static_assert(Duration(3ns).ns() == 3);
    static_assert(Duration(1h).ns() == 3'600'000'000'000);
    static_assert(Duration(-1s).ns() == -1'000'000'000);
    CHECK_EQ(Duration(0.5s).ns(), 500'000'000);
    CHECK_EQ(Duration(Seconds(0.1)).ns(), 100'000'000);
    CHECK_EQ(Duration(std::chrono::duration<float>(1.5F)).ns(), 1'500'000'000);
    CHECK_EQ(Duration().ns(), 0);
    static_assert(std::is_convertible_v<std::chrono::milliseconds, Duration>);
    static_assert(!std::is_convertible_v<int, Duration> &&
                  !std::is_convertible_v<double, Duration>);
}

TEST("a fraction of a nanosecond is cut off") {
    CHECK_EQ(Duration(std::chrono::duration<double, std::nano>(1.9)).ns(), 1);
    CHECK_EQ(Duration(std::chrono::duration<double, std::nano>(-1.9)).ns(), -1);
    CHECK_EQ(Duration(Seconds(1e-10)).ns(), 0);
}

TEST("FLT-CORE-05: a NaN throws ValueError") {
    CHECK_THROWS_MSG(Duration(Seconds(not_a_number)), ValueError, "NaN");
    CHECK_THROWS_AS(Duration(Seconds(-not_a_number)), ValueError);
    CHECK_THROWS_AS(Duration(std::chrono::duration<float>(std::numeric_limits<float>::quiet_NaN())),
                    ValueError);
}

TEST("FLT-CORE-05: what is infinite or too large is for ever, and does not wrap round") {
    CHECK(Duration(Seconds(infinity)) == Duration::forever());
    CHECK(Duration(Seconds(1e18)) == Duration::forever());
    CHECK(Duration(Seconds(-infinity)).ns() == std::numeric_limits<std::int64_t>::min());
    CHECK(Duration(std::chrono::hours::max()) == Duration::forever());
    CHECK(Duration(std::chrono::seconds::max()) == Duration::forever());
    CHECK(Duration(std::chrono::hours::min()) < Duration(-1h));
    CHECK(Duration(std::chrono::nanoseconds::max()) == Duration::forever());
}

TEST("a deadline after now stops at the ends of time") {
    constexpr auto last = std::numeric_limits<std::int64_t>::max();
    constexpr auto first = std::numeric_limits<std::int64_t>::min();
    static_assert(detail::deadline_after(5, Duration::from_ns(7)) == 12);
    static_assert(detail::deadline_after(5, Duration::from_ns(-7)) == -2);
    static_assert(detail::deadline_after(5, Duration::forever()) == last);
    static_assert(detail::deadline_after(last - 1, Duration(1s)) == last);
    static_assert(detail::deadline_after(-5, Duration::from_ns(first)) == first);
}

TEST("durations compare by length, and show their seconds") {
    CHECK(Duration(1s) < Duration(1001ms));
    CHECK(Duration(1s) == Duration(1000ms));
    CHECK(Duration(-1s) < Duration());
    CHECK(Duration(1500ms).seconds() == 1.5s);
    const std::chrono::nanoseconds as_chrono = Duration(2us);
    CHECK(as_chrono == 2000ns);
}
