// SPDX-License-Identifier: MIT
// Striking at the k-th suspension, and what is looked at after each run.
#include "asyncio/testing/sweep.h"

#include "asyncio/base_events.h"
#include "asyncio/testing/system_call_faults.h"

#include <array>
#include <cerrno>
#include <map>

namespace asyncio::testing {

namespace {

constexpr int points_max = 10'000; // a scenario that never ends is a fault of the scenario

using Hits = std::array<int, sweep_modes_count>;

std::map<std::string, Hits>& coverage() {
    static std::map<std::string, Hits> hits;
    return hits;
}

AllocationFaults* allocation_faults = nullptr;

std::string mode_name(SweepMode mode) {
    return mode == SweepMode::none ? "undisturbed" : "M" + std::to_string(static_cast<int>(mode));
}

/// What the victim's sibling fails with.
struct SiblingFailed final : Error {
    SiblingFailed() : Error("the sweep's sibling") {}
};

} // namespace

// ---- one run ------------------------------------------------------------------------------------

Sweep::Sweep(SweepMode mode, int first, int second) : mode_(mode), first_(first), second_(second) {
    if (mode == SweepMode::io_failure) faults_ = std::make_shared<SystemCallFaults>();
}

void Sweep::fail_on(int fd) {
    io_named_ = true;
    if (faults_ != nullptr) faults_->only_on(fd);
}

void Sweep::fail_on_new_sockets() {
    io_named_ = true;
    if (faults_ != nullptr) faults_->only_on_new_sockets();
}

void Sweep::check_timeout(bool expired, const std::exception_ptr& end) {
    const bool cancelled_besides = current_task().cancelling() != 0;
    if (expired && !cancelled_besides && is_exception<CancelledError>(end)) {
        fail("sweep", 0, "a timeout expired, and a CancelledError came out of it");
    }
}

void Sweep::check_group(const std::exception_ptr& end) const {
    if (!struck_ || is_exception<CancelledError>(end)) return;
    if (!is_exception<ExceptionGroup>(end)) {
        fail("sweep", 0, "a task of a group failed, and the group ended with " + repr(end));
    }
}

bool Sweep::explains(const std::exception_ptr& end) const {
    if (may_be(end)) return true;
    fail("sweep", 0, "the victim ended with " + (end != nullptr ? repr(end) : "a value"));
    return false;
}

// A timeout or a group needs a turn or two, in which the victim may come to its end.
bool Sweep::may_be(const std::exception_ptr& end) const {
    if (!struck_) return end == nullptr;
    switch (mode_) {
    case SweepMode::while_waiting:
    case SweepMode::when_woken:
    case SweepMode::twice: return is_exception<CancelledError>(end);
    case SweepMode::io_failure: return end == nullptr || is_exception<OSError>(end);
    case SweepMode::no_memory:
        return end == nullptr || is_exception<std::bad_alloc>(end) ||
               is_exception<ExceptionGroup>(end) || // in which it comes out of a group
               message_of(end) == "can't start new thread";
    default: return end == nullptr || is_exception<CancelledError>(end);
    }
}

// ---- the strike ---------------------------------------------------------------------------------

/// Counts the victim's suspensions and strikes at the one that is asked for.
class SweepInstruments final : public asyncio::detail::LoopInstruments {
    using FutureState = asyncio::detail::FutureState;

public:
    explicit SweepInstruments(Sweep& sweep) : sweep_(sweep), allocations_left_(sweep.first_) {}

    void before_step(FutureState* task) override {
        if (!is_victim(task)) return;
        if (sweep_.mode_ == SweepMode::when_woken && sweep_.seen_++ == sweep_.first_) {
            strike(task);
        }
        if (sweep_.mode_ == SweepMode::no_memory && !sweep_.struck_) {
            label_ = label_of(task);
            allocation_faults->fail_after(allocations_left_);
        }
    }

    void after_step(FutureState* task) override {
        if (sweep_.mode_ == SweepMode::no_memory && armed_for(task)) look_at_allocations();
        if (!is_victim(task)) return;
        if (task->done()) return disarm();
        switch (sweep_.mode_) {
        case SweepMode::none:
        case SweepMode::when_woken:
        case SweepMode::no_memory: return;
        case SweepMode::twice: strike_twice(task); return;
        case SweepMode::io_failure:
            if (!sweep_.failure_ && !sweep_.io_named_) return;
            [[fallthrough]];
        default:
            if (sweep_.seen_++ == sweep_.first_) strike(task);
        }
    }

private:
    bool is_victim(const FutureState* task) const {
        return sweep_.victim_ != 0 && task->id() == sweep_.victim_;
    }
    bool armed_for(const FutureState* task) const { return is_victim(task) && !sweep_.struck_; }

    static const char* label_of(FutureState* task) {
        const bool parked = !task->has(FutureState::not_started) && !task->cell.settled() &&
                            task->waiter() != nullptr;
        return parked ? task->waiter()->label() : "start";
    }
    void note(const char* label) {
        coverage()[label][static_cast<std::size_t>(sweep_.mode_)]++;
        sweep_.struck_ = true;
    }

    void strike(FutureState* task) {
        note(label_of(task));
        switch (sweep_.mode_) {
        case SweepMode::timeout: sweep_.limit_->reschedule(get_running_loop().time()); return;
        case SweepMode::sibling:
            sweep_.alarm_->set_exception(std::make_exception_ptr(SiblingFailed()));
            return;
        case SweepMode::shutdown: get_running_loop().stop(); return;
        case SweepMode::io_failure: fail_io(); return;
        default: asyncio::detail::cancel(task, {});
        }
    }
    void strike_twice(FutureState* task) {
        const int again = sweep_.first_ + 1 + sweep_.second_;
        if (sweep_.seen_ == sweep_.first_ || sweep_.seen_ == again) strike(task);
        if (sweep_.seen_ == again) sweep_.struck_again_ = true;
        ++sweep_.seen_;
    }

    void fail_io() {
        if (sweep_.failure_) return sweep_.failure_();
        for (const Call call : {Call::recv, Call::send, Call::sendmsg, Call::sendfile,
                                Call::accept4, Call::connect, Call::getsockopt}) {
            sweep_.faults_->at(call, ECONNRESET, 0);
        }
    }
    void look_at_allocations() {
        allocations_left_ = allocation_faults->stop();
        if (allocations_left_ < 0) note(label_);
    }
    // The victim has ended: what follows is to go well.
    void disarm() {
        sweep_.failure_ = nullptr;
        if (sweep_.faults_ != nullptr) sweep_.faults_->stop();
    }

    Sweep& sweep_;
    long allocations_left_; // of the victim's, until one fails
    const char* label_ = "start"; // where it waited before this step
};

// ---- all runs -----------------------------------------------------------------------------------

namespace {

Coro<> some_turns() {
    for (int i = 0; i < 20; ++i) co_await yield_now();
}

/// As run() ends: everything is cancelled, and again what goes on. In the end the loop closes.
/// The scenario comes last, since the others use what is in its frame.
void cancel_all(EventLoop& loop, const AnyTask& scenario) {
    for (int round = 0; round < 6 && !all_tasks(loop).empty(); ++round) {
        for (const AnyTask& task : all_tasks(loop)) {
            if (task != scenario || round >= 3) task.cancel();
        }
        loop.run_until_complete(some_turns());
    }
}

/// What the end of a loop may say of tasks that it takes apart.
void forget_reports_of_pending() {
    for (const LogRecord& record : take_logs()) {
        if (record.text.starts_with("Task was destroyed but it is pending!")) continue;
        fail("sweep", 0, "logged as the loop closed: " + record.text);
    }
}

} // namespace

/// The runs of one scenario.
class SweepRuns {
public:
    SweepRuns(const char* name, Coro<> (*scenario)(Sweep&)) : name_(name), scenario_(scenario) {}

    void all() {
        if (run(SweepMode::none, 0, 0); failures() != 0) return;
        for (std::size_t i = 1; i < sweep_modes_count; ++i) {
            const auto mode = static_cast<SweepMode>(i);
            if (mode == SweepMode::no_memory && allocation_faults == nullptr) continue;
            for (int k = 0; k < points_max && failures() == 0 && point(mode, k); ++k) {
            }
        }
    }

private:
    // All runs of the k-th suspension. Returns false if there is none.
    bool point(SweepMode mode, int k) {
        if (mode == SweepMode::shutdown) return run(mode, k, 0).struck_ && run(mode, k, 1).struck_;
        if (mode != SweepMode::twice) return run(mode, k, 0).struck_;
        for (int j = 0; j < points_max && failures() == 0; ++j) {
            const Sweep sweep = run(mode, k, j);
            if (!sweep.struck_again_) return sweep.struck_;
        }
        return true;
    }

    Sweep run(SweepMode mode, int k, int j) {
        const int failed_before = failures();
        Sweep sweep(mode, k, j);
        switch (mode) {
        case SweepMode::shutdown: run_to_shutdown(sweep); break;
        case SweepMode::no_memory: allocation_faults->run([&] { run_to_end(sweep); }); break;
        default: run_to_end(sweep);
        }
        if (failures() != failed_before) {
            fail(name_, 0,
                 "... " + mode_name(mode) + " at suspension " + std::to_string(k) +
                     (mode == SweepMode::twice ? " and " + std::to_string(j) + " after it" : ""));
        }
        return sweep;
    }

    void run_to_end(Sweep& sweep) {
        CaseLoop of_run(CaseClock::virtual_time);
        SweepInstruments instruments(sweep);
        of_run.loop().set_instruments(&instruments);
        const std::size_t watched = watched_descriptors_count();
        of_run.run(scenario_(sweep));
        of_run.check_idle();
        if (watched_descriptors_count() != watched) {
            fail("sweep", 0, "a descriptor is still registered with the loop");
        }
        of_run.loop().set_instruments(nullptr);
        of_run.close();
    }

    // Half of a scenario proves only that nothing of it is left.
    void run_to_shutdown(Sweep& sweep) {
        CaseLoop of_run(CaseClock::virtual_time);
        SweepInstruments instruments(sweep);
        of_run.loop().set_instruments(&instruments);
        const int failed_before = failures();
        run_until_struck(of_run.loop(), sweep);
        if (sweep.struck()) forget_failures_after(failed_before);
        of_run.close();
        forget_reports_of_pending();
    }

    // A loop that closes takes its tasks apart in the order in which they were made. What the
    // others refer to lies in the scenario's frame.
    static void move_last(EventLoop& test_loop, detail::FutureState* scenario) noexcept {
        base::unlink(scenario->all);
        base::link_before(test_loop.core().tasks, scenario->all);
    }

    void run_until_struck(EventLoop& test_loop, Sweep& sweep) {
        const auto task = test_loop.create_task(scenario_(sweep));
        try {
            test_loop.run_until_complete(task);
        } catch (const RuntimeError& error) {
            if (!sweep.struck()) fail(name_, 0, error.what());
        }
        test_loop.set_instruments(nullptr);
        if (sweep.struck() && sweep.second_ == 1) cancel_all(test_loop, task);
        if (!task.done()) move_last(test_loop, task.state());
        if (task.done() && !task.cancelled()) static_cast<void>(task.exception()); // it is seen
    }

    const char* name_;
    Coro<> (*scenario_)(Sweep&);
};

void run_sweep(const char* name, Coro<> (*scenario)(Sweep&)) { SweepRuns(name, scenario).all(); }

void set_allocation_faults(AllocationFaults* faults) noexcept { allocation_faults = faults; }

std::vector<std::string> sweep_coverage() {
    std::vector<std::string> lines;
    for (const auto& [label, hits] : coverage()) {
        std::string line = label + "\t";
        for (std::size_t mode = 1; mode < sweep_modes_count; ++mode) {
            if (mode > 1) line += ' ';
            line += "M" + std::to_string(mode) + "=" + std::to_string(hits[mode]);
        }
        lines.push_back(std::move(line));
    }
    return lines;
}

} // namespace asyncio::testing
