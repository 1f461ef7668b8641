// SPDX-License-Identifier: MIT
// What tasks are called in both views.
#pragma once

#include "asyncio/snapshots.h"

#include <string>

namespace task_views {

std::string id_text(std::uint64_t id); // "0x1f"
std::string name_text(const asyncio::TaskSnapshot& task); // "(no name)" of one that has none

} // namespace task_views
