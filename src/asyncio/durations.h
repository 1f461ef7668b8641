// SPDX-License-Identifier: MIT
// Durations and times: what Python writes as float seconds.
#pragma once

#include "asyncio/exceptions.h"

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace asyncio {

using Clock = std::chrono::steady_clock; // the loop's clock; a testing loop has its own epoch
using TimePoint = std::chrono::time_point<Clock, std::chrono::nanoseconds>;
using Seconds = std::chrono::duration<double>;

/// A length of time in nanoseconds; any std::chrono duration converts to it, floating ones too.
///
/// Infinite and too large ones are `forever`; a NaN throws ValueError.
class Duration {
public:
    constexpr Duration() noexcept = default;
    template <class Rep, class Period>
    constexpr Duration(std::chrono::duration<Rep, Period> time) : ns_(to_ns(time)) {}

    /// So many nanoseconds; INT64_MAX is for ever.
    static constexpr Duration from_ns(std::int64_t ns) noexcept {
        Duration time;
        time.ns_ = ns;
        return time;
    }
    /// What no clock reaches.
    static constexpr Duration forever() noexcept { return from_ns(INT64_MAX); }

    constexpr std::int64_t ns() const noexcept { return ns_; } // nanoseconds
    /// As Python's float.
    constexpr Seconds seconds() const noexcept { return std::chrono::nanoseconds(ns_); }
    constexpr operator std::chrono::nanoseconds() const noexcept {
        return std::chrono::nanoseconds(ns_);
    }
    friend constexpr auto operator<=>(Duration, Duration) noexcept = default;

    /// A time that far from `time`; the ends of the clock instead of what lies beyond them.
    friend constexpr TimePoint operator+(TimePoint time, Duration distance) noexcept {
        const std::int64_t from = time.time_since_epoch().count();
        std::int64_t to = 0;
        if (__builtin_add_overflow(from, distance.ns_, &to)) {
            to = distance.ns_ > 0 ? INT64_MAX : INT64_MIN;
        }
        return TimePoint(std::chrono::nanoseconds(to));
    }

private:
    template <class Rep, class Period>
    static constexpr std::int64_t to_ns(std::chrono::duration<Rep, Period> time) {
        if constexpr (std::chrono::treat_as_floating_point_v<Rep>) {
            const auto ns =
                std::chrono::duration_cast<std::chrono::duration<long double, std::nano>>(time)
                    .count();
            if (ns != ns) throw ValueError("Invalid delay: NaN (not a number)");
            if (ns >= 9.2e18L) return INT64_MAX;
            if (ns <= -9.2e18L) return INT64_MIN;
            return static_cast<std::int64_t>(ns);
        } else {
            return integer_to_ns(time);
        }
    }

    template <class Rep, class Period>
    static constexpr std::int64_t integer_to_ns(std::chrono::duration<Rep, Period> time) {
        const auto exact = static_cast<long double>(time.count()) *
                           static_cast<long double>(Period::num) /
                           static_cast<long double>(Period::den) * 1e9L;
        if (exact >= 9.2e18L) return INT64_MAX;
        if (exact <= -9.2e18L) return INT64_MIN;
        return std::chrono::duration_cast<std::chrono::duration<std::int64_t, std::nano>>(time)
            .count();
    }

    std::int64_t ns_ = 0;
};

namespace detail {

/// `now + delay` without wrapping round.
constexpr std::int64_t deadline_after(std::int64_t now, Duration delay) noexcept {
    return (TimePoint(std::chrono::nanoseconds(now)) + delay).time_since_epoch().count();
}

} // namespace detail

} // namespace asyncio
