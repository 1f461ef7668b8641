// SPDX-License-Identifier: MIT
// The table: a row for each task and each that waits for it.
#include "programs/task_views/table.h"

#include "asyncio/testing/testing.h"
#include "programs/task_views/snapshots.h"

namespace {

const std::string heading =
    "thread  task id  task name  coroutine stack  awaiter chain  awaiter name  awaiter id\n"
    "------------------------------------------------------------------------------------\n";

TEST("SEM-INT-08: a row for each pair of a task and its awaiter, columns as wide as needed") {
    auto loops = task_views::an_album();
    loops[0].tasks[2].awaited_by.push_back(255); // of another loop, or gone
    CHECK_EQ(
        task_views::table_text(loops),
        heading +
            "42      0x1      Task-1     wait -> main                                  0x0\n"
            "42      0x2      one        sleep -> play    wait -> main   Task-1        0x1\n"
            "42      0x3      two        sleep -> play    wait -> main   Task-1        0x1\n"
            "42      0x3      two        sleep -> play    sleep -> play  one           0x2\n"
            "42      0x3      two        sleep -> play                   Unknown       0xff\n");
}

TEST("SEM-INT-12: no tasks are no rows; a task without a name has a placeholder") {
    CHECK_EQ(task_views::table_text({}), heading);
    auto loops = task_views::an_album();
    loops[0].tasks = {task_views::task(1, "", {})};
    CHECK_EQ(task_views::table_text(loops),
             heading +
                 "42      0x1      (no name)  sleep -> play                                 0x0\n");
}

TEST("table: loops that do not answer are named") {
    asyncio::LoopSnapshot silent;
    silent.number = 5;
    CHECK_EQ(task_views::table_text({silent}), heading + "loop 5 does not answer\n");
}

} // namespace
