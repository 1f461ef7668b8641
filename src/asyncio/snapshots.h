// SPDX-License-Identifier: MIT
// Snapshots: the tasks of a process as values and as text, for those who look at it from outside.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace asyncio {

/// One coroutine that a task is in.
struct CallSnapshot {
    std::string function;
    std::string file;
    unsigned line = 0;
    friend bool operator==(const CallSnapshot&, const CallSnapshot&) = default;
};

/// An unfinished task.
struct TaskSnapshot {
    std::uint64_t id = 0; // unique in its process
    std::string name;
    bool cancelling = false;
    std::vector<CallSnapshot> calls; // innermost first; none: it has not begun to wait
    std::vector<std::uint64_t> awaited_by; // the ids of the tasks that wait for it
    friend bool operator==(const TaskSnapshot&, const TaskSnapshot&) = default;
};

/// A loop and its tasks, in the order of their creation.
struct LoopSnapshot {
    unsigned number = 0;
    bool answered = false; // false: it was busy, or not running; nothing more is known of it
    long thread = 0; // as `top` numbers threads
    std::vector<TaskSnapshot> tasks;
    friend bool operator==(const LoopSnapshot&, const LoopSnapshot&) = default;
};

/// The text that an inspected process answers with: a line a fact, fields apart by tabs.
std::string snapshot_text(const std::vector<LoopSnapshot>& loops);

/// What such a text says.
/// Throws    ValueError: it is none, or it is not whole.
std::vector<LoopSnapshot> parse_snapshot(std::string_view text);

} // namespace asyncio
