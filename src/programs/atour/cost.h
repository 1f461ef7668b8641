// SPDX-License-Identifier: MIT
// Part 5: what the tour has cost, beside the same in CPython.
#pragma once

#include "programs/atour/waits.h"
#include "programs/terminal/console.h"
#include "programs/terminal/usage.h"

namespace atour {

/// start     when the tour began
/// waits     what part 1 has cost
asyncio::Coro<> show_cost(terminal::Console& console, terminal::Usage start, WaitsCost waits);

} // namespace atour
