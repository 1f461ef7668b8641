// SPDX-License-Identifier: MIT
// What both programs do with their arguments, and with errors.
#pragma once

#include "asyncio/snapshots.h"

#include <string>
#include <vector>

namespace task_views {

/// How snapshots are shown. Throws ValueError: they cannot be.
using View = std::string (*)(const std::vector<asyncio::LoopSnapshot>& loops);

/// Asks the process that the one argument names, and prints what `view` makes of its answer.
/// Returns   the exit status: 1: it cannot be asked or shown; 2: the arguments are wrong.
int run_command(const char* program, View view, int argc, char** argv);

} // namespace task_views
