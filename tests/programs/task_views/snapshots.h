// SPDX-License-Identifier: MIT
// Snapshots for the tests of the views.
#pragma once

#include "asyncio/snapshots.h"

namespace task_views {

inline asyncio::TaskSnapshot task(std::uint64_t id, std::string name,
                                  std::vector<std::uint64_t> awaited_by) {
    asyncio::TaskSnapshot snapshot;
    snapshot.id = id;
    snapshot.name = std::move(name);
    snapshot.awaited_by = std::move(awaited_by);
    snapshot.calls = {{"sleep", "sleep.h", 9}, {"play", "a.cpp", 5}};
    return snapshot;
}

/// A main task that waits for two others, one of which waits for the other, too.
inline std::vector<asyncio::LoopSnapshot> an_album() {
    asyncio::LoopSnapshot loop;
    loop.number = 1;
    loop.answered = true;
    loop.thread = 42;
    loop.tasks = {task(1, "Task-1", {}), task(2, "one", {1}), task(3, "two", {1, 2})};
    loop.tasks[0].calls = {{"wait", "groups.h", 7}, {"main", "a.cpp", 13}};
    return {loop};
}

} // namespace task_views
