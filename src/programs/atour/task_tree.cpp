// SPDX-License-Identifier: MIT
// The task tree, drawn from asyncio's call graph.
#include "programs/atour/task_tree.h"

#include "asyncio/asyncio.h"

#include <algorithm>
#include <vector>

namespace atour {

namespace {

struct Node {
    asyncio::FutureCallGraph graph;
    std::string name;
    bool is_root = true; // nobody waits for it
};

struct Line {
    std::string name; // indented
    std::string place;
};

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// The innermost call that stands in this program: what asyncio does inside of it is its own matter.
std::string place_of(const asyncio::FutureCallGraph& graph) {
    for (const asyncio::FrameCallGraphEntry& call : graph.call_stack) {
        const std::string_view path = call.where.file_name();
        const bool is_ours = path.find("programs/atour/") != std::string_view::npos;
        if (!is_ours || call.kind == asyncio::FrameCallGraphEntry::Kind::function) continue;
        return call.function + ", " + std::string(file_name(path)) + " line " +
               std::to_string(call.where.line());
    }
    return "not begun yet";
}

bool waits_for(const Node& waiter, const Node& other) {
    const auto& waiters = other.graph.awaited_by;
    return std::any_of(waiters.begin(), waiters.end(), [&waiter](const auto& graph) {
        return graph.future == waiter.graph.future;
    });
}

// A task that waits for itself in a circle would never end the tree: `depth` does.
void draw(const std::vector<Node>& nodes, const Node& node, std::size_t depth,
          std::vector<Line>& lines) {
    lines.push_back({std::string(2 * depth, ' ') + node.name, place_of(node.graph)});
    if (depth == nodes.size()) return;
    for (const Node& other : nodes) {
        if (waits_for(node, other)) draw(nodes, other, depth + 1, lines);
    }
}

} // namespace

std::string task_tree() {
    std::vector<Node> nodes;
    for (const asyncio::AnyTask& task : asyncio::all_tasks()) {
        if (auto graph = asyncio::capture_call_graph(task)) {
            const bool is_root = graph->awaited_by.empty();
            nodes.push_back({std::move(*graph), task.get_name(), is_root});
        }
    }
    std::vector<Line> lines;
    for (const Node& node : nodes) {
        if (node.is_root) draw(nodes, node, 0, lines);
    }
    std::size_t width = 0;
    for (const Line& line : lines) width = std::max(width, line.name.size());
    std::string text;
    for (Line& line : lines) {
        line.name.resize(width + 2, ' ');
        text += line.name + line.place + "\n";
    }
    return text;
}

} // namespace atour
