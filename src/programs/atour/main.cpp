// SPDX-License-Identifier: MIT
// atour: a tour of asyncio in C++. Begin to read here: tour() is its table of contents.
#include "programs/atour/arguments.h"
#include "programs/atour/cost.h"
#include "programs/atour/endings.h"
#include "programs/atour/sums.h"
#include "programs/atour/waits.h"
#include "programs/terminal/console.h"

#include <cstdio>

namespace {

enum ExitStatus { all_well = 0, failed = 1, wrong_arguments = 2, interrupted = 130 };

// LIFETIME: `console` is main()'s.
asyncio::Coro<> visit_parts(terminal::Console& console, atour::SumsJob job) {
    const terminal::Usage start = terminal::usage_now();
    const atour::WaitsCost waits = co_await atour::wait_ten_thousand_times(console);
    co_await atour::hash_folder(console, std::move(job));
    co_await atour::fail_in_a_group(console);
    co_await atour::run_out_of_time(console);
    co_await atour::show_cost(console, start, waits);
}

// Ctrl-C cancels this task where it waits. Each part says what it has to clean up, and passes the
// cancellation on.
asyncio::Coro<> tour(terminal::Console& console, atour::SumsJob job) {
    asyncio::current_task().set_name("tour");
    console.title("A tour of asyncio in C++: one process, and one thread that runs all tasks.\n"
                  "Ctrl-C ends it in order.");
    const asyncio::Outcome<> end = co_await asyncio::outcome(visit_parts(console, std::move(job)));
    if (end.cancelled()) {
        co_await asyncio::yield_now(); // for the live line's task to end too
        const bool alone = asyncio::all_tasks().size() == 1;
        console.title(alone ? "\nEnded by Ctrl-C; no task is left." : "\nEnded by Ctrl-C.");
    }
    end.value();
}

int complain(const std::string& text, ExitStatus status) {
    std::fprintf(stderr, "atour: %s\n", text.c_str());
    return status;
}

} // namespace

int main(int argc, char** argv) {
    try {
        const atour::Arguments arguments = atour::parse_arguments({argv + 1, argv + argc});
        terminal::Console console;
        if (arguments.help) {
            console.title(atour::usage_text());
            return all_well;
        }
        // Now, so that a wrong name is known before the tour begins.
        atour::SumsJob job = atour::open_sums(arguments.folder, arguments.sums_file);
        asyncio::run(tour(console, std::move(job)));
        return all_well;
    } catch (const atour::UsageError& error) {
        return complain(std::string(error.what()) + "; atour --help says what it takes",
                        wrong_arguments);
    } catch (const asyncio::KeyboardInterrupt&) {
        return interrupted;
    } catch (const std::exception&) {
        const std::exception_ptr error = std::current_exception();
        return complain(asyncio::type_name(error) + ": " + asyncio::message_of(error), failed);
    }
}
