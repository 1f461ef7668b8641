// SPDX-License-Identifier: MIT
// The tasks as a table: one row for each pair of a task and one that waits for it.
#pragma once

#include "asyncio/snapshots.h"

#include <string>
#include <vector>

namespace task_views {

/// A line of headings, a rule, and the rows; then a line for each loop that has not answered.
/// Source    CPython 3.14 asyncio.tools.display_awaited_by_tasks_table.
std::string table_text(const std::vector<asyncio::LoopSnapshot>& loops);

} // namespace task_views
