// SPDX-License-Identifier: MIT
// Asking a process for its tasks.
#pragma once

#include "asyncio/coroutines.h"
#include "asyncio/snapshots.h"

#include <vector>

namespace task_views {

/// What the Inspection of a process answers.
///
/// Throws    ProcessLookupError: there is no such process. PermissionError: it is another user's.
///           RuntimeError: it has no Inspection. ValueError: what answers is none.
/// Cancel    nothing is left.
asyncio::Coro<std::vector<asyncio::LoopSnapshot>> ask_process(long process);

} // namespace task_views
