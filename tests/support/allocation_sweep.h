// SPDX-License-Identifier: MIT
// An operation again and again, with its k-th allocation failing, for every k.
#pragma once

#include "asyncio/sleep.h"
#include "asyncio/testing/testing.h"
#include "support/allocations.h"

namespace support {

inline constexpr long allocations_max = 500; // an operation that needs more is a fault of the test

struct Left { // what must be as before after a failure
    static Left now() {
        asyncio::EventLoop& loop = asyncio::get_running_loop();
        return {asyncio::all_tasks().size(), loop.timer_count(),
                asyncio::testing::Baseline::now().blocks};
    }
    std::size_t tasks;
    std::size_t timers;
    std::size_t blocks;
    bool operator==(const Left&) const = default;
};

// Runs `operation` with the k-th allocation failing, k = 0, 1, 2 ..., until it succeeds untouched.
// It must not leave anything, neither when it fails nor when it succeeds. Returns the last k.
template <class F>
long sweep_allocations(F operation, bool throws = true) {
    operation(); // once in peace: what is made at first use is made
    for (long k = 0; k < allocations_max; ++k) {
        const DrainedPools drained;
        const Left before = Left::now();
        bool threw = false;
        fail_allocation_after(k);
        try {
            operation();
        } catch (const std::bad_alloc&) {
            threw = true;
        }
        const bool failed = allocation_failed();
        CHECK_EQ(threw, failed && throws);
        CHECK(Left::now() == before);
        if (asyncio::testing::failures() != 0) return k;
        if (!failed) return k;
    }
    FAIL("it never succeeded");
}

// The same for what is awaited. Tasks that it has made may still end on their own.
template <class F>
asyncio::Coro<long> sweep_awaited(F body) {
    co_await body();
    for (long k = 0; k < allocations_max; ++k) {
        const DrainedPools drained;
        const Left before = Left::now();
        bool threw = false;
        fail_allocation_after(k);
        try {
            co_await body();
        } catch (const std::bad_alloc&) {
            threw = true;
        }
        const bool failed = allocation_failed();
        CHECK_EQ(threw, failed);
        co_await asyncio::sleep(std::chrono::seconds(100));
        CHECK(Left::now() == before);
        if (asyncio::testing::failures() != 0) co_return k;
        if (!failed) co_return k;
    }
    FAIL("it never succeeded");
}

} // namespace support
