// SPDX-License-Identifier: MIT
// Histogram: how long things took, in a fixed amount of memory, to about three per cent.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace achat {

/// Counts durations in buckets: 32 for each power of two.
///
/// Cost      to add: a few instructions, nothing is allocated.
class Histogram {
public:
    void add(std::int64_t ns) noexcept;
    std::uint64_t count() const noexcept { return count_; }
    std::int64_t max_ns() const noexcept { return max_ns_; }
    /// What so large a part of them is not longer than; 0 if there are none.
    /// part      0 to 1: 0.99 is the 99th percentile
    std::int64_t quantile_ns(double part) const noexcept;

private:
    static constexpr unsigned bits = 5; // of a number that tell its bucket, besides the highest
    static constexpr std::size_t buckets = (64 - bits) << bits;
    static std::size_t bucket_of(std::uint64_t ns) noexcept;
    static std::uint64_t largest_in(std::size_t bucket) noexcept;

    std::array<std::uint64_t, buckets> counts_{};
    std::uint64_t count_ = 0;
    std::int64_t max_ns_ = 0;
};

} // namespace achat
