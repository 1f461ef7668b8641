// SPDX-License-Identifier: MIT
// The task tree: which tasks there are, who waits for whom, and where each of them stands.
#pragma once

#include <string>

namespace atour {

/// One line a task; below a task, indented, those that it waits for.
///
/// Thread    the loop's own, in a task.
std::string task_tree();

} // namespace atour
