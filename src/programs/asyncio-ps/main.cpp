// SPDX-License-Identifier: MIT
// asyncio-ps: the tasks of another process as a table.
#include "programs/task_views/command.h"
#include "programs/task_views/table.h"

int main(int argc, char** argv) {
    return task_views::run_command("asyncio-ps", &task_views::table_text, argc, argv);
}
