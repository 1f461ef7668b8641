// SPDX-License-Identifier: MIT
// The tasks as a tree: below each its calls, and below these the tasks that it waits for.
#pragma once

#include "asyncio/snapshots.h"

#include <string>
#include <vector>

namespace task_views {

///     └── (T) Task-1
///         └──  main example.cpp:13
///             ├── (T) one
///             │   └──  work example.cpp:5
///             └── (T) two
///                 └──  work example.cpp:5
///
/// A task that several wait for stands below each of them. Loops that have not answered are named
/// at the end.
/// Throws    ValueError: tasks wait for one another in a circle; it names them.
/// Source    CPython 3.14 asyncio.tools.display_awaited_by_tasks_tree.
std::string tree_text(const std::vector<asyncio::LoopSnapshot>& loops);

} // namespace task_views
