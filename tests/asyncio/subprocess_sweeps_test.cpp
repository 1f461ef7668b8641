// SPDX-License-Identifier: MIT
// Processes under the sweep: whatever strikes a start, a wait or a communicate, no process is left
// that nobody asked for, no status is lost, and the next one is as ever.
#include "asyncio/subprocess.h"

#include "asyncio/asyncio.h"
#include "asyncio/base_events.h"
#include "support/processes.h"
#include "support/sweeps.h"

using namespace asyncio;
using support::Bystander;
using support::has_children;
using support::piped;
using testing::Sweep;

namespace {

Coro<> echo(std::string tag) {
    const auto process = co_await create_subprocess_exec("cat", piped());
    const auto written = co_await process.communicate(tag);
    CHECK_EQ(written.out.value(), tag);
    CHECK_EQ(process.returncode().value(), 0);
}

/// The loop has no process any more.
Coro<> all_are_reaped() {
    while (has_children()) co_await yield_now();
    co_await support::turns_go_by(3); // the last connection_lost()
}

Coro<int> exit_of(Process process) { co_return co_await process.wait(); }

} // namespace

CO_SWEEP("FLT-PROC-04: a start under the sweep gives a process, or leaves none") {
    Bystander bystander;
    const auto victim = sweep.victim(create_subprocess_exec("cat", piped()));
    const auto started = co_await outcome(victim);
    CHECK(sweep.accounts_for(started));
    if (started.has_value()) {
        const auto written = co_await started.value().communicate("first");
        CHECK_EQ(written.out.value(), "first");
    }
    co_await all_are_reaped();
    co_await echo("again");
    CHECK(co_await bystander.unharmed());
}

CO_SWEEP("FLT-PROC-01: a start that fails, under the sweep, leaves nothing") {
    const auto victim = sweep.victim(create_subprocess_exec("no-such-program", piped()));
    const auto started = co_await outcome(victim);
    CHECK(is_exception<FileNotFoundError>(started.exception()) || sweep.accounts_for(started));
    CHECK(!started.has_value());
    CHECK(!has_children());
    co_await echo("again");
}

CO_SWEEP("SEM-PRC-05: a wait under the sweep leaves process and status to the next one") {
    const auto process = co_await create_subprocess_exec("cat", piped());
    const auto other = create_task(exit_of(process));
    const auto victim = sweep.victim(exit_of(process));
    process.stdin_()->close();
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (end.has_value()) CHECK_EQ(end.value(), 0);
    CHECK_EQ(co_await process.wait(), 0);
    CHECK_EQ(co_await other, 0);
    co_await all_are_reaped();
}

CO_SWEEP("FLT-PROC-04: a communicate under the sweep leaves the process, and its output") {
    Bystander bystander;
    const auto process = co_await create_subprocess_exec("cat", piped());
    sweep.fail_by([&process] { process.kill(); });
    const std::string input(300'000, 'x'); // more than a pipe holds
    const auto victim = sweep.victim(process.communicate(input));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (!end.has_value()) {
        const auto rest = co_await process.communicate();
        CHECK(input.starts_with(rest.out.value()));
    } else if (!sweep.struck()) {
        CHECK(end.value().out.value() == input);
    }
    co_await process.wait();
    co_await all_are_reaped();
    co_await echo("again");
    CHECK(co_await bystander.unharmed());
}
