// SPDX-License-Identifier: MIT
// Ids and names as text.
#include "programs/task_views/names.h"

#include <charconv>

namespace task_views {

std::string id_text(std::uint64_t id) {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, id, 16).ptr;
    return "0x" + std::string(digits, end);
}

std::string name_text(const asyncio::TaskSnapshot& task) {
    return task.name.empty() ? "(no name)" : task.name;
}

} // namespace task_views
