// SPDX-License-Identifier: MIT
// Part 5: a table of figures.
#include "programs/atour/cost.h"

#include "programs/atour/python.h"
#include "programs/terminal/figures.h"

#include <cstdio>

namespace atour {

using namespace terminal;

namespace {

std::string row(std::string_view what, std::string_view here, std::string_view there) {
    char text[160];
    std::snprintf(text, sizeof text, "%-32.*s %14.*s %16.*s\n", static_cast<int>(what.size()),
                  what.data(), static_cast<int>(here.size()), here.data(),
                  static_cast<int>(there.size()), there.data());
    return text;
}

std::string table(const WaitsCost& here, const PythonWaits& python) {
    const bool compared = python.skipped.empty();
    const WaitsCost& there = python.cost;
    const auto line = [&](std::string_view what, std::string (*text)(double),
                          double WaitsCost::* figure, double share) {
        return row(what, text(here.*figure * share), compared ? text(there.*figure * share) : "");
    };
    constexpr double a_task = 1.0 / static_cast<double>(waits_count);
    return row("ten thousand waits of 1 s", "this program",
               compared ? "CPython " + python.version : "") +
           line("time", &time_text, &WaitsCost::wall_seconds, 1) +
           line("processor time", &time_text, &WaitsCost::processor_seconds, 1) +
           line("  for each task", &time_text, &WaitsCost::processor_seconds, a_task) +
           line("memory while all of them wait", &bytes_text, &WaitsCost::task_bytes, 1) +
           line("  for each task", &bytes_text, &WaitsCost::task_bytes, a_task) +
           line("peak memory of the process", &bytes_text, &WaitsCost::peak_bytes, 1);
}

} // namespace

// LIFETIME: `console` is main()'s.
asyncio::Coro<> show_cost(Console& console, Usage start, WaitsCost waits) {
    console.heading("What it cost");
    const Usage tour = usage_since(start);
    const double peak = static_cast<double>(peak_bytes());
    PythonWaits python;
    const auto compare = [&]() -> asyncio::Coro<> { python = co_await wait_in_python(); };
    const auto progress = [] {
        return std::string("CPython does the ten thousand waits, too ...");
    };
    auto work = with_live_line(console, progress, compare());
    const asyncio::Outcome<> end = co_await asyncio::outcome(std::move(work));
    if (end.cancelled()) console.say("Cleaning up: the python3 beside has been ended.");
    end.value(); // passes on what it ended with
    console.say(table(waits, python));
    if (!python.skipped.empty()) console.say("Not compared with CPython: " + python.skipped + ".");
    console.say("The tour itself took " + time_text(tour.wall_seconds) + ", " +
                time_text(tour.processor_seconds) + " of processor time, and " + bytes_text(peak) +
                " at most.");
}

} // namespace atour
