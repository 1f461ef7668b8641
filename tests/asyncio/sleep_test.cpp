// SPDX-License-Identifier: MIT
// sleep: turns, results, cancellation.
#include "asyncio/sleep.h"

#include "asyncio/testing/sweep.h"

#include <limits>

using namespace asyncio;
using namespace std::chrono_literals;

CO_TEST("SEM-SLP-01: sleep(d, v) resumes after d with v") {
    const TimePoint before = testing::loop().time();
    const std::string value = co_await sleep(2s, std::string("v"));
    CHECK_EQ(value, "v");
    CHECK_EQ(testing::loop().time() - before, 2s);
}

CO_TEST("SEM-SLP-01: sleep of zero or less yields exactly one turn and returns v") {
    for (const Duration delay : {Duration(0s), Duration(-1s)}) {
        const testing::Turns turns;
        const int value = co_await sleep(delay, 7);
        CHECK_EQ(value, 7);
        CHECK_EQ(turns.count(), 1);
    }
    CHECK_EQ(testing::loop().time().time_since_epoch(), 0s);
}

CO_TEST("SEM-SLP-01: a call of the deadline's turn that cancels the sleeper is in time") {
    const auto task = create_task(sleep(1s));
    co_await sleep(0s);
    testing::loop().call_later(1s, [&task] { CHECK(task.cancel("late")); });
    const auto end = co_await outcome(task);
    CHECK(end.cancelled());
    CHECK_EQ(testing::loop().time().time_since_epoch(), 1s);
}

CO_TEST("SEM-SLP-01: a sleeper whose deadline is there, and who is cancelled before, ends once") {
    std::optional<Task<>> task;
    testing::loop().call_later(1s, [&task] { CHECK(task->cancel()); }); // stands before the sleep
    task = create_task(sleep(1s));
    const auto end = co_await outcome(*task);
    CHECK(end.cancelled());
    co_await sleep(1s);
    CHECK_EQ(testing::loop().timer_count(), 0u);
}

CO_TEST("SEM-SLP-02: sleep(0) lets callbacks scheduled before it run first") {
    bool ran = false;
    testing::loop().call_soon([&ran] { ran = true; });
    co_await sleep(0s);
    CHECK(ran);
}

CO_TEST("SEM-SLP-03: a NaN delay raises ValueError") {
    const Seconds nan(std::numeric_limits<double>::quiet_NaN());
    CHECK_THROWS_MSG(co_await sleep(nan), ValueError, "NaN");
}

CO_TEST("SEM-SLP-04: cancelling a sleeping task cancels its timer at once") {
    auto task = create_task(sleep(3600s));
    co_await sleep(0s);
    CHECK_EQ(testing::loop().timer_count(), 1U);
    task.cancel();
    CHECK_EQ(testing::loop().timer_count(), 0U);
    CHECK_THROWS_AS(co_await task, CancelledError);
}

namespace {

Coro<> nap_twice(int& naps) {
    co_await sleep(1s);
    ++naps;
    co_await sleep(0s);
    ++naps;
}

} // namespace

CO_SWEEP("sleep under the cancel sweep: the timer goes, the task ends cancelled") {
    int naps = 0;
    auto task = sweep.victim(nap_twice(naps));
    const auto end = co_await outcome(task);
    CHECK(sweep.accounts_for(end));
    if (!sweep.struck()) CHECK_EQ(naps, 2);
    CHECK_EQ(testing::loop().timer_count(), 0U);
}
