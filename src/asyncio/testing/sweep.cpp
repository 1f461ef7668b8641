// SPDX-License-Identifier: MIT
// Striking at the k-th suspension.
#include "asyncio/testing/sweep.h"

#include "asyncio/base_events.h"

#include <array>
#include <map>

namespace asyncio::testing {

namespace {

constexpr int points_max = 10'000; // a scenario that never ends is a fault of the scenario

std::map<std::string, std::array<int, 4>>& coverage() {
    static std::map<std::string, std::array<int, 4>> hits;
    return hits;
}

const char* mode_name(SweepMode mode) {
    static constexpr const char* names[] = {"undisturbed", "M1", "M2", "M3"};
    return names[static_cast<std::size_t>(mode)];
}

} // namespace

/// Counts the victim's suspensions and cancels it at the one that is asked for.
class SweepInstruments final : public detail::LoopInstruments {
public:
    explicit SweepInstruments(Sweep& sweep) : sweep_(sweep) {}

    void before_step(detail::FutureState* task) override {
        if (sweep_.mode_ != SweepMode::when_woken || !is_victim(task)) return;
        if (sweep_.seen_++ == sweep_.first_) strike(task);
    }

    void after_step(detail::FutureState* task) override {
        if (!is_victim(task) || task->done()) return;
        switch (sweep_.mode_) {
        case SweepMode::none:
        case SweepMode::when_woken: return;
        case SweepMode::while_waiting:
            if (sweep_.seen_++ == sweep_.first_) strike(task);
            return;
        case SweepMode::twice:
            if (sweep_.seen_ == sweep_.first_) {
                strike(task);
            } else if (sweep_.seen_ == sweep_.first_ + 1 + sweep_.second_) {
                strike(task);
                sweep_.struck_twice_ = true;
            }
            ++sweep_.seen_;
            return;
        }
    }

private:
    bool is_victim(const detail::FutureState* task) const {
        return sweep_.victim_ != 0 && task->id() == sweep_.victim_;
    }
    void strike(detail::FutureState* task) {
        const bool parked = !task->has(detail::FutureState::not_started) && !task->cell.settled() &&
                            task->waiter() != nullptr;
        coverage()[parked ? task->waiter()->label() : "start"]
                  [static_cast<std::size_t>(sweep_.mode_)]++;
        sweep_.struck_ = true;
        detail::cancel(task, {});
    }

    Sweep& sweep_;
};

void Sweep::watch(std::uint64_t id) {
    if (victim_ != 0) throw RuntimeError("a scenario has one victim");
    victim_ = id;
}

namespace {

// Returns false when the run ended before the point was reached.
bool run_point(const char* name, Coro<> (*scenario)(Sweep&), Sweep& sweep, const std::string& at) {
    SweepInstruments instruments(sweep);
    const int failed_before = failures();
    // LIFETIME: run_case keeps the closure until the scenario has ended.
    run_case([scenario, &sweep] { return scenario(sweep); }, CaseClock::virtual_time,
             [&instruments](EventLoop& test_loop) { test_loop.set_instruments(&instruments); });
    if (failures() != failed_before) fail(name, 0, "... " + at);
    return sweep.struck();
}

} // namespace

void run_sweep(const char* name, Coro<> (*scenario)(Sweep&)) {
    {
        Sweep undisturbed(SweepMode::none, 0, 0);
        run_point(name, scenario, undisturbed, "undisturbed");
        if (failures() != 0) return;
    }
    for (const SweepMode mode : {SweepMode::while_waiting, SweepMode::when_woken}) {
        for (int k = 0; k < points_max; ++k) {
            Sweep sweep(mode, k, 0);
            const std::string at =
                std::string(mode_name(mode)) + " at suspension " + std::to_string(k);
            if (!run_point(name, scenario, sweep, at) || failures() != 0) break;
        }
    }
    for (int k = 0; k < points_max && failures() == 0; ++k) {
        bool reached = false;
        for (int j = 0; j < points_max; ++j) {
            Sweep sweep(SweepMode::twice, k, j);
            const std::string at = "M3 at suspensions " + std::to_string(k) + " and " +
                                   std::to_string(j) + " after it";
            reached = run_point(name, scenario, sweep, at);
            if (!sweep.struck_twice_ || failures() != 0) break;
        }
        if (!reached) break;
    }
}

std::vector<std::string> sweep_coverage() {
    std::vector<std::string> lines;
    for (const auto& [label, hits] : coverage()) {
        lines.push_back(label + " M1=" + std::to_string(hits[1]) +
                        " M2=" + std::to_string(hits[2]) + " M3=" + std::to_string(hits[3]));
    }
    return lines;
}

} // namespace asyncio::testing
