// SPDX-License-Identifier: MIT
// The cancel sweep: at which suspensions it strikes, how often, and that it finds what is lost.
#include "asyncio/testing/sweep.h"

#include "asyncio/base_events.h"
#include "asyncio/locks.h"
#include "support/allocations.h"
#include "support/child_process.h"

#include <cerrno>
#include <map>
#include <memory>
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
    CHECK_EQ(strikes[SweepMode::timeout], 3);
    CHECK_EQ(strikes[SweepMode::sibling], 3);
    CHECK_EQ(strikes[SweepMode::shutdown], 3); // and ended, of two runs, when all was cancelled
    CHECK_EQ(strikes[SweepMode::io_failure], 0); // it has named nothing that could fail
}

namespace {

// How victims have ended, in the order of the runs.
std::vector<std::string> ends;

Coro<> note_ends(Sweep& sweep) {
    const auto end = co_await outcome(sweep.victim(three_waits()));
    CHECK(sweep.accounts_for(end));
    if (sweep.struck() && sweep.mode() != SweepMode::no_memory) {
        ends.push_back(type_name(end.exception()));
    }
}

Coro<> wait_in_vain(Future<> future) { co_await future; }

Coro<> fail_what_is_awaited(Sweep& sweep) {
    const Future<> future;
    sweep.fail_by([future] { future.set_exception(os::os_error(ECONNRESET, "recv")); });
    const auto victim = sweep.victim(wait_in_vain(future));
    co_await sleep(1s);
    if (!future.done()) future.set_result();
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (is_exception<ConnectionResetError>(end.exception())) ++strikes[sweep.mode()];
}

// Receives from a socket, of which nobody but the sweep says that it fails.
Coro<> fail_a_socket(Sweep& sweep) {
    const auto pair = Socket::pair();
    sweep.fail_on(pair.second.fileno());
    const auto victim = sweep.victim(testing::loop().sock_recv(pair.second, 10));
    co_await sleep(1s);
    co_await testing::loop().sock_sendall(pair.first, "x"); // is not the victim's
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (is_exception<ConnectionResetError>(end.exception())) ++strikes[sweep.mode()];
}

Coro<> three_allocations() {
    for (int i = 0; i < 3; ++i) {
        const auto made = std::make_unique<std::string>();
        co_await sleep(1s);
    }
}

Coro<> count_allocations(Sweep& sweep) {
    const auto end = co_await outcome(sweep.victim(three_allocations()));
    CHECK(sweep.accounts_for(end));
    if (is_exception<std::bad_alloc>(end.exception())) ++strikes[sweep.mode()];
}

struct Leaks { // a descriptor, if its owner is taken apart
    explicit Leaks(Sweep& sweep) : from(sweep) {}
    Leaks(const Leaks&) = delete;
    Leaks& operator=(const Leaks&) = delete;
    ~Leaks() {
        if (from.mode() == SweepMode::shutdown && from.struck())
            static_cast<void>(Socket(AF_INET).detach().release());
    }
    Sweep& from;
};

} // namespace

TEST("run_sweep: a timeout and a group that end the victim are seen as a cancel of it") {
    ends.clear();
    testing::run_sweep("note_ends", &note_ends);
    CHECK(ends.size() >= 3U + 4U + 3U + 3U + 3U);
    for (const std::string& end : ends) CHECK(end.ends_with("CancelledError"));
}

TEST("run_sweep: what the victim waits for fails, by a call of the scenario's or of the system") {
    strikes.clear();
    testing::run_sweep("by a call", &fail_what_is_awaited);
    CHECK_EQ(strikes[SweepMode::io_failure], 1);
    testing::run_sweep("by the system", &fail_a_socket);
    CHECK_EQ(strikes[SweepMode::io_failure], 2);
    CHECK_EQ(strikes.size(), 1U); // in no other mode
}

TEST("run_sweep: every allocation of the victim's fails once") {
    if (!support::allocations_can_fail()) return;
    strikes.clear();
    testing::run_sweep("count_allocations", &count_allocations);
    CHECK(strikes[SweepMode::no_memory] >= 3); // and of sleep() one, for its timer
}

TEST("run_sweep: the loop closes over the victim, and what that leaves is found") {
    CHECK(failed_checks([] {
              testing::run_sweep("leaks", [](Sweep& sweep) -> Coro<> {
                  const Leaks leaks(sweep);
                  static_cast<void>(co_await outcome(sweep.victim(three_waits())));
              });
          }) > 0);
}

TEST("run_sweep: a descriptor that is still registered with the loop is found") {
    CHECK(failed_checks([] {
              testing::run_sweep("registered", [](Sweep& sweep) -> Coro<> {
                  static const auto pair = Socket::pair();
                  testing::loop().add_reader(pair.first.fileno(), [] {});
                  static_cast<void>(co_await outcome(sweep.victim(three_waits())));
              });
          }) > 0);
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
        const bool closed_over = line.find(" M6=0") == std::string::npos;
        named = named || (line.starts_with("sleep\tM1=") && closed_over);
    }
    CHECK(named);
}

CO_SWEEP("CO_SWEEP: a scenario has one victim") {
    if (sweep.mode() == SweepMode::sibling) co_return; // there the second one fails in its group
    const auto task = sweep.victim(three_waits());
    auto second = three_waits();
    CHECK_THROWS_AS(sweep.victim(std::move(second)), RuntimeError);
    for (const AnyTask& other : all_tasks()) {
        if (other != current_task() && !(other == task)) other.cancel();
    }
    static_cast<void>(co_await outcome(task));
    co_await yield_now();
}
