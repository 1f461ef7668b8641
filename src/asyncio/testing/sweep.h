// SPDX-License-Identifier: MIT
// The cancel sweep: a scenario run again and again, cancelled at every suspension in turn.
#pragma once

#include "asyncio/testing/testing.h"

#include <string>

namespace asyncio::testing {

/// What happens to the victim at its k-th suspension.
enum class SweepMode {
    none,           // nothing: how it goes undisturbed
    while_waiting,  // M1: cancelled while suspended
    when_woken,     // M2: cancelled after its event came, before it resumes
    twice,          // M3: as M1, and again at the j-th suspension of its clean-up
};

/// One run of a scenario.
class Sweep {
public:
    /// Makes the task that is swept. Once a run.
    template <class T>
    Task<T> victim(Coro<T> coro) {
        Task<T> task = create_task(std::move(coro), TaskOptions().name("victim"));
        watch(task.state()->id());
        return task;
    }

    SweepMode mode() const noexcept { return mode_; } // of this run
    /// Was the victim cancelled in this run?
    bool struck() const noexcept { return struck_; }

private:
    friend class SweepInstruments;
    friend void run_sweep(const char*, Coro<> (*)(Sweep&));
    Sweep(SweepMode mode, int first, int second) : mode_(mode), first_(first), second_(second) {}
    void watch(std::uint64_t id);

    SweepMode mode_;
    int first_;  // k
    int second_; // j, counted from the first cancel
    bool struck_ = false;
    bool struck_twice_ = false;
    std::uint64_t victim_ = 0; // its id: a handle would keep it alive
    int seen_ = 0; // suspensions, or resumptions in mode when_woken
};

/// Runs `scenario` for every mode and every suspension of its victim, until a run ends without
/// having come that far. After each run nothing may be left, as after any case.
///
/// The scenario sets the stage, makes the victim by `sweep.victim(...)`, waits until all its tasks
/// have ended (`outcome(task)` takes a cancelled one), and checks what must hold: nothing lost, the
/// bystanders unharmed, the same operation works again.
void run_sweep(const char* name, Coro<> (*scenario)(Sweep&));

/// Labels of the operations at which victims were cancelled so far, with how often in each mode:
/// "Lock.acquire M1=3 M2=1 M3=2".
std::vector<std::string> sweep_coverage();

} // namespace asyncio::testing

// NOLINTBEGIN(cppcoreguidelines-macro-usage)
#ifndef ASYNCIO_TESTING_NO_SHORT_MACROS
/// A case that is a scenario of the sweep; `sweep` is in scope.
#define CO_SWEEP(name)                                                                            \
    static ::asyncio::Coro<> ASYNCIO_TESTING_NAME(asyncio_scenario_)(::asyncio::testing::Sweep&); \
    static void ASYNCIO_TESTING_NAME(asyncio_case_)() {                                           \
        ::asyncio::testing::run_sweep(name, &ASYNCIO_TESTING_NAME(asyncio_scenario_));            \
    }                                                                                             \
    static const ::asyncio::testing::Registration ASYNCIO_TESTING_NAME(asyncio_registered_)(      \
        __FILE__, name, &ASYNCIO_TESTING_NAME(asyncio_case_));                                    \
    static ::asyncio::Coro<> ASYNCIO_TESTING_NAME(asyncio_scenario_)(                             \
        [[maybe_unused]] ::asyncio::testing::Sweep & sweep)
#endif
// NOLINTEND(cppcoreguidelines-macro-usage)
