// SPDX-License-Identifier: MIT
// The tree: calls below their task, tasks below who waits for them.
#include "programs/task_views/tree.h"

#include "asyncio/exceptions.h"
#include "asyncio/testing/testing.h"
#include "programs/task_views/snapshots.h"

namespace {

TEST("SEM-INT-09 SEM-INT-10: calls hang below their task, who is awaited below the innermost") {
    CHECK_EQ(task_views::tree_text(task_views::an_album()), R"(└── (T) Task-1
    └──  main a.cpp:13
        └──  wait groups.h:7
            ├── (T) one
            │   └──  play a.cpp:5
            │       └──  sleep sleep.h:9
            │           └── (T) two
            │               └──  play a.cpp:5
            │                   └──  sleep sleep.h:9
            └── (T) two
                └──  play a.cpp:5
                    └──  sleep sleep.h:9
)");
}

TEST("tree: a task that waits for one of another loop, or for one that is gone, is a root") {
    auto loops = task_views::an_album();
    loops[0].tasks = {task_views::task(8, "alone", {77})};
    loops[0].tasks[0].calls.clear(); // it has not begun to wait
    CHECK_EQ(task_views::tree_text(loops), "└── (T) alone\n");
}

TEST("SEM-INT-11: tasks that wait for one another are no tree, and are named") {
    auto loops = task_views::an_album();
    loops[0].tasks[1].awaited_by = {1, 3};
    CHECK_THROWS_MSG(task_views::tree_text(loops), asyncio::ValueError,
                     "the tasks wait in a circle, which is no tree:\n"
                     "one (0x2) → two (0x3) → one (0x2)");
    loops[0].tasks = {task_views::task(1, "itself", {1})};
    CHECK_THROWS_MSG(task_views::tree_text(loops), asyncio::ValueError,
                     "the tasks wait in a circle, which is no tree:\n"
                     "itself (0x1) → itself (0x1)");
}

TEST("SEM-INT-12: no tasks are no trees; a task without a name has a placeholder") {
    CHECK_EQ(task_views::tree_text({}), "");
    auto loops = task_views::an_album();
    loops[0].tasks = {task_views::task(8, "", {})};
    loops[0].tasks[0].calls.clear();
    CHECK_EQ(task_views::tree_text(loops), "└── (T) (no name)\n");
}

TEST("tree: loops that do not answer are named behind the others") {
    auto loops = task_views::an_album();
    loops[0].tasks.clear();
    loops.emplace_back().number = 6;
    CHECK_EQ(task_views::tree_text(loops), "loop 6 does not answer\n");
}

} // namespace
