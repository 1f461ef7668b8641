// SPDX-License-Identifier: MIT
// Parts 3 and 4: tasks that do not end well, and leave nothing behind.
#pragma once

#include "programs/terminal/console.h"

namespace atour {

/// Three tasks in a group; one fails, the others are cancelled, each cleans up.
asyncio::Coro<> fail_in_a_group(terminal::Console& console);

/// A task that would take an hour, and has a quarter of a second.
asyncio::Coro<> run_out_of_time(terminal::Console& console);

} // namespace atour
