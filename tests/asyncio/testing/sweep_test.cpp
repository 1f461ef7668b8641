// SPDX-License-Identifier: MIT
// The cancel sweep: at which suspensions it strikes, how often, and that it finds what is lost.
#include "asyncio/testing/sweep.h"

#include "asyncio/locks.h"
#include "support/child_process.h"

#include <map>
#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::failed_checks;
using testing::Sweep;
using testing::SweepMode;

namespace {

std::map<SweepMode, int> runs;    // of the scenario below
std::map<SweepMode, int> strikes;

Coro<> three_waits() {
    for (int i = 0; i < 3; ++i) co_await sleep(1s);
}

// A clean-up that waits, too.
Coro<> wait_again_when_cancelled() {
    const auto end = co_await outcome(sleep(1h));
    if (end.cancelled()) co_await sleep(1s);
    end.value();
}

Coro<> count_runs(Sweep& sweep) {
    static_cast<void>(co_await outcome(sweep.victim(three_waits())));
    ++runs[sweep.mode()];
    if (sweep.struck()) ++strikes[sweep.mode()];
}

// Loses the lock if it is cancelled between taking it and giving it back.
Coro<> hold_carelessly(Lock& lock) {
    co_await lock.acquire();
    co_await sleep(1s);
    lock.release();
}
Coro<> hold_carefully(Lock& lock) {
    const auto guard = co_await lock.scoped();
    co_await sleep(1s);
}

template <Coro<> (*hold)(Lock&)>
Coro<> lock_is_free_afterwards(Sweep& sweep) {
    Lock lock;
    static_cast<void>(co_await outcome(sweep.victim(hold(lock))));
    CHECK(!lock.locked());
}

} // namespace

TEST("run_sweep: strikes at every suspension once, waiting and woken, and stops behind the last") {
    runs.clear();
    strikes.clear();
    testing::run_sweep("count_runs", &count_runs);
    CHECK_EQ(runs[SweepMode::none], 1);
    CHECK_EQ(strikes[SweepMode::none], 0);
    CHECK_EQ(strikes[SweepMode::while_waiting], 3);
    CHECK_EQ(runs[SweepMode::while_waiting], 4); // the last one came to no such suspension
    CHECK_EQ(strikes[SweepMode::when_woken], 4); // before the first step, too
    CHECK(strikes[SweepMode::twice] >= 3);
}

TEST("run_sweep: finds what a careless scenario loses, and nothing in a careful one") {
    CHECK(failed_checks([] {
              testing::run_sweep("careless", &lock_is_free_afterwards<hold_carelessly>);
          }) > 0);
    CHECK_EQ(failed_checks(
                 [] { testing::run_sweep("careful", &lock_is_free_afterwards<hold_carefully>); }),
             0);
}

TEST("run_sweep: the second strike comes at the suspensions of the clean-up") {
    runs.clear();
    strikes.clear();
    testing::run_sweep("clean-up", [](Sweep& sweep) -> Coro<> {
        static_cast<void>(co_await outcome(sweep.victim(wait_again_when_cancelled())));
        if (sweep.struck()) ++strikes[sweep.mode()];
    });
    CHECK_EQ(strikes[SweepMode::while_waiting], 1);
    CHECK_EQ(strikes[SweepMode::twice], 2); // of the second run the clean-up had no such suspension
}

TEST("sweep_coverage: names the operations at which victims were struck") {
    testing::run_sweep("coverage", &lock_is_free_afterwards<hold_carefully>);
    bool named = false;
    for (const std::string& line : testing::sweep_coverage()) {
        named = named || line.starts_with("sleep M1=");
    }
    CHECK(named);
}

CO_SWEEP("CO_SWEEP: a scenario has one victim") {
    const auto task = sweep.victim(three_waits());
    auto second = three_waits();
    CHECK_THROWS_AS(sweep.victim(std::move(second)), RuntimeError);
    for (const AnyTask& other : all_tasks()) {
        if (other != current_task() && !(other == task)) other.cancel();
    }
    static_cast<void>(co_await outcome(task));
    co_await yield_now();
}
