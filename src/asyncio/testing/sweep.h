// SPDX-License-Identifier: MIT
// The cancel sweep: a scenario run again and again, disturbed at every suspension in turn.
#pragma once

#include "asyncio/taskgroups.h"
#include "asyncio/testing/testing.h"
#include "asyncio/timeouts.h"

#include <memory>
#include <string>

namespace asyncio::testing {

class SystemCallFaults;

/// What happens to the victim at its k-th suspension.
enum class SweepMode {
    none,          // nothing: how it goes undisturbed
    while_waiting, // M1: cancelled while suspended
    when_woken,    // M2: cancelled after its event came, before it resumes
    twice,         // M3: as M1, and again at the j-th suspension of its clean-up
    timeout,       // M4: the timeout around it expires
    sibling,       // M5: another task of its group fails
    shutdown,      // M6: the loop closes over it; for j = 1, all tasks have been cancelled before
    io_failure,    // M7: what it waits for fails with ECONNRESET
    no_memory,     // M8: its k-th allocation fails
};
inline constexpr std::size_t sweep_modes_count = 9;

/// One run of a scenario.
class Sweep {
public:
    /// Makes the task that is swept. Once a run.
    ///
    /// In M4 and M5 its coroutine runs in a timeout or in a group of its own, which is looked at in
    /// its end. For the scenario the victim then ends as it would by a plain cancel.
    template <class T>
    Task<T> victim(Coro<T> coro) {
        if (std::exchange(has_victim_, true)) throw RuntimeError("a scenario has one victim");
        if (mode_ == SweepMode::sibling) return begin(beside_sibling(this, std::move(coro)));
        Task<T> task = mode_ == SweepMode::timeout ? begin(within_timeout(this, std::move(coro)))
                                                   : begin(std::move(coro));
        watch(task.state()->id());
        return task;
    }

    // M7: what the victim waits for, and how that fails. A scenario that names nothing is not run.

    /// The next system call on this socket fails, of each kind.
    void fail_on(int fd);
    /// The same for all sockets that are made from now on.
    void fail_on_new_sockets();
    /// Not a system call, but this: `sweep.fail_by([&] { connection.reset(); })`.
    /// Lifetime  `failure` is not called after the victim has ended.
    void fail_by(base::Function<void()> failure) {
        if (mode_ == SweepMode::io_failure) failure_ = std::move(failure);
    }

    SweepMode mode() const noexcept { return mode_; } // of this run
    /// Was the victim disturbed in this run?
    bool struck() const noexcept { return struck_; }
    /// Is this how an operation has to end after what has happened to it? Undisturbed with a value.
    /// Cancelled in M1 to M3: with that. Else with a value, or with what the strike brings about.
    template <class T>
    bool accounts_for(const Outcome<T>& end) const {
        return explains(end.exception());
    }

private:
    friend class SweepInstruments;
    friend class SweepRuns;
    Sweep(SweepMode mode, int first, int second);

    template <class T>
    static Task<T> begin(Coro<T> coro) {
        return create_task(std::move(coro), TaskOptions().name("victim"));
    }
    template <class T>
    static Coro<T> within_timeout(Sweep* sweep, Coro<T> coro);
    template <class T>
    static Coro<T> beside_sibling(Sweep* sweep, Coro<T> coro);
    static Coro<> sibling(Future<> alarm) { co_await alarm; } // fails when it is told

    void watch(std::uint64_t id) noexcept { victim_ = id; }
    static void check_timeout(bool expired, const std::exception_ptr& end);
    void check_group(const std::exception_ptr& end) const;
    bool explains(const std::exception_ptr& end) const;
    bool may_be(const std::exception_ptr& end) const;

    SweepMode mode_;
    int first_; // k
    int second_; // j, counted from the first cancel
    bool struck_ = false;
    bool struck_again_ = false;
    std::uint64_t victim_ = 0; // its id: a handle would keep it alive
    int seen_ = 0; // suspensions; resumptions in mode when_woken
    Timeout* limit_ = nullptr; // LIFETIME: around the victim, while its body runs
    std::optional<Future<>> alarm_; // fails the sibling
    std::shared_ptr<SystemCallFaults> faults_;
    base::Function<void()> failure_;
    bool io_named_ = false;
    bool has_victim_ = false;
};

/// Runs `scenario` for every mode and every suspension of its victim, until a run ends without
/// having come that far. After each run nothing may be left, as after any case, and no descriptor
/// registered with the loop.
///
/// The scenario sets the stage, makes the victim by `sweep.victim(...)`, waits until all its tasks
/// have ended (`outcome(task)` takes a cancelled one), and checks what must hold: nothing lost, the
/// bystanders unharmed, the same operation works again. In M6 it need not come to its end, and what
/// it checks is not heard; it is cancelled behind its tasks, which may use what lies in its frame.
void run_sweep(const char* name, Coro<> (*scenario)(Sweep&));

/// Labels of the operations at which victims were struck so far, a tab, and how often in each mode:
/// "Lock.acquire\tM1=3 M2=1 M3=2". The runner writes them behind its results.
std::vector<std::string> sweep_coverage();

/// How M8 makes allocations fail. Only an executable that has replaced operator new can say.
class AllocationFaults {
public:
    virtual ~AllocationFaults() = default;
    /// Runs `body`, in which what was freed before is not used again: else few frames would be an
    /// allocation. On any thread.
    virtual void run(base::Function<void()> body) = 0;
    /// Of this thread, the allocation after the next `count` fails.
    virtual void fail_after(long count) noexcept = 0;
    /// Ends that. Returns how many would have been left; negative: it has failed.
    virtual long stop() noexcept = 0;
};
/// From now on run_sweep runs M8, too. Null: not any more.
/// Lifetime  until it is replaced.
void set_allocation_faults(AllocationFaults* faults) noexcept;

template <class T>
Coro<T> Sweep::within_timeout(Sweep* sweep, Coro<T> coro) {
    Timeout limit(std::nullopt);
    sweep->limit_ = &limit; // LIFETIME: a sweep outlives its run
    Outcome<T> end = co_await outcome(limit.with(std::move(coro)));
    sweep->limit_ = nullptr;
    sweep->check_timeout(limit.expired(), end.exception());
    if (is_exception<TimeoutError>(end.exception()) && limit.expired()) throw CancelledError();
    co_return std::move(end).value();
}

template <class T>
Coro<T> Sweep::beside_sibling(Sweep* sweep, Coro<T> coro) {
    // LIFETIME: a sweep outlives its run; the group's tasks have ended before this does.
    std::optional<Task<T>> child;
    const Future<> alarm;
    const auto inside = [&](TaskGroup& group) -> Coro<> {
        group.create_task(sibling(alarm));
        child = group.create_task(std::move(coro));
        sweep->watch(child->state()->id());
        child->add_done_callback([alarm] {
            if (!alarm.done()) alarm.set_result();
        });
        co_return;
    };
    sweep->alarm_ = alarm;
    const Outcome<> group_end = co_await outcome(task_group(inside));
    sweep->alarm_.reset();
    if (!child) group_end.value();
    sweep->check_group(group_end.exception());
    co_return co_await std::move(*child);
}

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
