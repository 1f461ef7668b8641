// SPDX-License-Identifier: MIT
// Part 5: what the tour has cost, beside the same in CPython.
#pragma once

#include "programs/atour/console.h"
#include "programs/atour/usage.h"
#include "programs/atour/waits.h"

namespace atour {

/// start     when the tour began
/// waits     what part 1 has cost
asyncio::Coro<> show_cost(Console& console, Usage start, WaitsCost waits);

} // namespace atour
