// SPDX-License-Identifier: MIT
// achat: a chat over TCP, and a load of clients for it. Begin to read at server.cpp.
#include "programs/achat/arguments.h"
#include "programs/achat/demo.h"

#include <cstdio>

namespace {

enum ExitStatus { all_well = 0, failed = 1, wrong_arguments = 2, interrupted = 130 };

int complain(const std::string& text, ExitStatus status) {
    std::fprintf(stderr, "achat: %s\n", text.c_str());
    return status;
}

ExitStatus run_task(const achat::Arguments& arguments) {
    terminal::Console console;
    switch (arguments.task) {
    case achat::Arguments::Task::help: console.title(achat::usage_text()); return all_well;
    case achat::Arguments::Task::serve:
        asyncio::run(achat::serve(console, arguments.host, arguments.port));
        return all_well;
    case achat::Arguments::Task::demo: break;
    }
    const achat::CallMeter meter;
    const bool is_well = asyncio::run(achat::demo(console, meter, arguments.plan));
    return is_well ? all_well : failed;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run_task(achat::parse_arguments({argv + 1, argv + argc}));
    } catch (const achat::UsageError& error) {
        return complain(std::string(error.what()) + "; achat --help says what it takes",
                        wrong_arguments);
    } catch (const asyncio::KeyboardInterrupt&) {
        return interrupted;
    } catch (const std::exception&) {
        const std::exception_ptr error = std::current_exception();
        return complain(asyncio::type_name(error) + ": " + asyncio::message_of(error), failed);
    }
}
