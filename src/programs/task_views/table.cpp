// SPDX-License-Identifier: MIT
// Rows, and columns as wide as what is in them.
#include "programs/task_views/table.h"

#include "programs/task_views/names.h"

#include <algorithm>
#include <array>

namespace task_views {

using namespace asyncio;

namespace {

constexpr std::size_t columns = 7;
using Row = std::array<std::string, columns>;

// "sleep -> work -> main"
std::string chain_text(const TaskSnapshot& task) {
    std::string text;
    for (const CallSnapshot& call : task.calls) {
        if (!text.empty()) text += " -> ";
        text += call.function;
    }
    return text;
}

const TaskSnapshot* find_task(const LoopSnapshot& loop, std::uint64_t id) {
    const auto is_it = [id](const TaskSnapshot& task) { return task.id == id; };
    const auto found = std::find_if(loop.tasks.begin(), loop.tasks.end(), is_it);
    return found != loop.tasks.end() ? &*found : nullptr;
}

void add_rows(std::vector<Row>& rows, const LoopSnapshot& loop, const TaskSnapshot& task) {
    Row row{std::to_string(loop.thread), id_text(task.id), name_text(task), chain_text(task)};
    row.back() = id_text(0);
    if (task.awaited_by.empty()) rows.push_back(row);
    for (const std::uint64_t id : task.awaited_by) {
        const TaskSnapshot* waiter = find_task(loop, id);
        row[4] = waiter != nullptr ? chain_text(*waiter) : "";
        row[5] = waiter != nullptr ? name_text(*waiter) : "Unknown";
        row[6] = id_text(id);
        rows.push_back(row);
    }
}

std::string row_text(const Row& row, const std::array<std::size_t, columns>& widths) {
    std::string line;
    for (std::size_t i = 0; i < columns; ++i) {
        line += row[i];
        line.append(widths[i] - row[i].size() + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line + '\n';
}

} // namespace

std::string table_text(const std::vector<LoopSnapshot>& loops) {
    std::vector<Row> rows{{"thread", "task id", "task name", "coroutine stack", "awaiter chain",
                           "awaiter name", "awaiter id"}};
    std::string silent;
    for (const LoopSnapshot& loop : loops) {
        for (const TaskSnapshot& task : loop.tasks) add_rows(rows, loop, task);
        if (!loop.answered) silent += "loop " + std::to_string(loop.number) + " does not answer\n";
    }
    std::array<std::size_t, columns> widths{};
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < columns; ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string text = row_text(rows.front(), widths);
    text += std::string(text.size() - 1, '-') + '\n';
    for (std::size_t i = 1; i < rows.size(); ++i) text += row_text(rows[i], widths);
    return text + silent;
}

} // namespace task_views
