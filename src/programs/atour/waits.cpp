// SPDX-License-Identifier: MIT
// Part 1: each wait is a task of its own, and one thread is enough for all of them.
#include "programs/atour/waits.h"

#include "programs/terminal/figures.h"
#include "programs/terminal/usage.h"

#include <algorithm>

namespace atour {

using namespace terminal;

using namespace std::chrono_literals;

namespace {

struct Waits {
    std::size_t begun = 0;
    std::size_t ended = 0;
    double task_bytes = 0; // of the process, for all of them together
};

// LIFETIME: `console` is main()'s, `waits` wait_ten_thousand_times()'s, which awaits the group.
asyncio::Coro<> wait_a_second(Waits& waits) {
    ++waits.begun;
    co_await asyncio::sleep(1s);
    ++waits.ended;
}

// The group ends when all of its tasks have ended.
asyncio::Coro<> wait_together(Waits& waits) {
    const double bytes_before = static_cast<double>(resident_bytes());
    const auto body = [&](asyncio::TaskGroup& group) -> asyncio::Coro<> {
        for (std::size_t i = 0; i < waits_count; ++i) group.create_task(wait_a_second(waits));
        co_await asyncio::sleep(500ms); // now all of them wait
        waits.task_bytes = static_cast<double>(resident_bytes()) - bytes_before;
    };
    co_await asyncio::task_group(body);
}

std::string progress_text(const Waits& waits, const Usage& start) {
    return tenths_text(usage_since(start).wall_seconds) + ": " +
           grouped(waits.begun - waits.ended) + " tasks wait, " + grouped(waits.ended) +
           " are done";
}

} // namespace

asyncio::Coro<WaitsCost> wait_ten_thousand_times(Console& console) {
    console.heading("Ten thousand waits at once");
    console.say(grouped(waits_count) + " tasks wait for one second each, all on one thread.");
    const Usage start = usage_now();
    Waits waits;
    auto work =
        with_live_line(console, [&] { return progress_text(waits, start); }, wait_together(waits));
    const asyncio::Outcome<> end = co_await asyncio::outcome(std::move(work));
    const Usage used = usage_since(start);
    if (end.cancelled()) {
        console.say("Cleaning up: " + grouped(waits.begun - waits.ended) +
                    " waits were cancelled, and their tasks have ended.");
    }
    end.value(); // passes on what it ended with

    console.say("All of them took " + time_text(used.wall_seconds) +
                " together; one after the other it would be " +
                long_time_text(static_cast<double>(waits_count)) + ".");
    WaitsCost cost;
    cost.wall_seconds = used.wall_seconds;
    cost.processor_seconds = used.processor_seconds;
    cost.task_bytes = std::max(waits.task_bytes, 0.0); // other memory may have become free
    cost.peak_bytes = static_cast<double>(peak_bytes());
    co_return cost;
}

} // namespace atour
