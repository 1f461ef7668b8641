// SPDX-License-Identifier: MIT
// Histogram: what it answers lies within three per cent of what was put in.
#include "programs/achat/histogram.h"

#include "asyncio/testing/testing.h"

namespace {

using achat::Histogram;

TEST("histogram: of nothing, every part is 0") {
    const Histogram empty;
    CHECK_EQ(empty.count(), 0U);
    CHECK_EQ(empty.quantile_ns(0.5), 0);
    CHECK_EQ(empty.max_ns(), 0);
}

TEST("histogram: small numbers are exact") {
    Histogram small;
    for (int ns = 1; ns <= 63; ++ns) small.add(ns);
    for (int ns = 1; ns <= 63; ++ns) CHECK_EQ(small.quantile_ns(ns / 63.0), ns);
}

TEST("histogram: one number alone is every part, at every size up to the largest") {
    for (std::int64_t ns = 1; ns > 0; ns = ns < INT64_MAX / 3 ? ns * 3 - 1 : -1) {
        Histogram one;
        one.add(ns + 1);
        CHECK_EQ(one.quantile_ns(0.5), ns + 1);
        CHECK_EQ(one.quantile_ns(1), ns + 1);
        CHECK_EQ(one.max_ns(), ns + 1);
        if (ns == 1) ns = 2;
    }
    Histogram largest;
    largest.add(INT64_MAX);
    CHECK_EQ(largest.quantile_ns(0.99), INT64_MAX);
}

TEST("histogram: a part is never below what it stands for, and at most 1/32 above") {
    Histogram even;
    constexpr std::int64_t count = 100'000;
    for (std::int64_t i = 1; i <= count; ++i) even.add(i * 1000);
    for (const double part : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999}) {
        const double exact = part * count * 1000;
        const auto told = static_cast<double>(even.quantile_ns(part));
        CHECK(told >= exact - 1000);
        CHECK(told <= exact * (1 + 1.0 / 32) + 1000);
    }
    CHECK_EQ(even.quantile_ns(1), count * 1000);
}

TEST("histogram: what took less than nothing took nothing") {
    Histogram one;
    one.add(-5);
    CHECK_EQ(one.count(), 1U);
    CHECK_EQ(one.quantile_ns(1), 0);
}

} // namespace
