// SPDX-License-Identifier: MIT
// Which bucket a number is in, and what a bucket stands for.
#include "programs/achat/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace achat {

// Numbers of up to six bits have a bucket each; of a larger one the six highest bits tell it.
std::size_t Histogram::bucket_of(std::uint64_t ns) noexcept {
    const auto width = static_cast<unsigned>(std::bit_width(ns));
    if (width <= bits + 1) return ns;
    const unsigned dropped = width - (bits + 1);
    return (std::size_t{dropped} << bits) + (ns >> dropped);
}

std::uint64_t Histogram::largest_in(std::size_t bucket) noexcept {
    if (bucket < (2U << bits)) return bucket;
    const std::size_t dropped = (bucket >> bits) - 1;
    const std::uint64_t head = bucket - (dropped << bits);
    return ((head + 1) << dropped) - 1;
}

void Histogram::add(std::int64_t ns) noexcept {
    ns = std::max<std::int64_t>(ns, 0);
    ++counts_[bucket_of(static_cast<std::uint64_t>(ns))];
    ++count_;
    max_ns_ = std::max(max_ns_, ns);
}

std::int64_t Histogram::quantile_ns(double part) const noexcept {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
        seen += counts_[bucket];
        if (seen >= wanted && seen != 0) {
            return std::min(static_cast<std::int64_t>(largest_in(bucket)), max_ns_);
        }
    }
    return 0;
}

} // namespace achat
