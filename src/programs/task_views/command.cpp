// SPDX-License-Identifier: MIT
// Arguments, errors, and what is printed.
#include "programs/task_views/command.h"

#include "asyncio/runners.h"
#include "os/errors.h"
#include "programs/task_views/asking.h"

#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

namespace task_views {

namespace {

int usage(const char* program, bool asked_for) {
    std::fprintf(asked_for ? stdout
                           : stderr, // tidy: print: what it is asked with is its own affair
                 "usage: %s PID\n\nShows the tasks of a running program that has an "
                 "asyncio::Inspection.\n",
                 program);
    return asked_for ? 0 : 2;
}

std::optional<long> process_number(std::string_view text) {
    long number = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = result.ec == std::errc() && result.ptr == text.data() + text.size();
    if (!whole || number <= 0) return std::nullopt;
    return number;
}

int show(const char* program, View view, long process) {
    try {
        const std::string text = view(asyncio::run(ask_process(process)));
        std::fputs(text.c_str(), stdout); // tidy: print: what it is for
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", program, error.what()); // tidy: print: what it is for
    } catch (const asyncio::KeyboardInterrupt&) { // nothing to say
    }
    return 1;
}

} // namespace

int run_command(const char* program, View view, int argc, char** argv) {
    const std::string_view argument = argc == 2 ? argv[1] : "";
    if (argument == "-h" || argument == "--help") return usage(program, true);
    const std::optional<long> process = process_number(argument);
    return process ? show(program, view, *process) : usage(program, false);
}

} // namespace task_views
