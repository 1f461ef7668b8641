// SPDX-License-Identifier: MIT
// asyncio-pstree: the tasks of another process as a tree of who waits for whom.
#include "programs/task_views/command.h"
#include "programs/task_views/tree.h"

int main(int argc, char** argv) {
    return task_views::run_command("asyncio-pstree", &task_views::tree_text, argc, argv);
}
