// SPDX-License-Identifier: MIT
// Snapshots: what is written is what is read, and anything else is refused.
#include "asyncio/snapshots.h"

#include "asyncio/exceptions.h"
#include "asyncio/testing/testing.h"

using namespace asyncio;

namespace {

std::vector<LoopSnapshot> some_loops() {
    TaskSnapshot main;
    main.id = 1;
    main.name = "Task-1";
    main.calls = {{"TaskGroup::wait", "taskgroups.h", 40}, {"main_", "a b.cpp", 12}};
    TaskSnapshot odd;
    odd.id = 7;
    odd.name = "tab\tline\nback\\slash 中文";
    odd.cancelling = true;
    odd.awaited_by = {1, 1, 99};
    LoopSnapshot loop;
    loop.number = 3;
    loop.answered = true;
    loop.thread = 4711;
    loop.tasks = {main, odd};
    LoopSnapshot silent;
    silent.number = 4;
    return {loop, silent};
}

void check_refused(const std::string& text) {
    try {
        parse_snapshot(text);
    } catch (const ValueError&) {
        return;
    }
    CHECK_EQ(text, "something that is refused");
}

TEST("snapshots: the text says what was taken down, whatever names are made of") {
    const std::vector<LoopSnapshot> loops = some_loops();
    CHECK(parse_snapshot(snapshot_text(loops)) == loops);
    CHECK(parse_snapshot(snapshot_text({})).empty());
}

TEST("snapshots: a text that was cut anywhere is refused") {
    const std::string text = snapshot_text(some_loops());
    for (std::size_t size = 0; size < text.size(); ++size) check_refused(text.substr(0, size));
}

TEST("snapshots: lines that nobody writes are refused, and named") {
    const std::string begin = "asyncio-inspection 1\n";
    check_refused("GET / HTTP/1.1\n");
    check_refused("asyncio-inspection 2\nend\n");
    check_refused(begin + "call\tf\tx.cpp\t1\nend\n");
    check_refused(begin + "task\t1\tname\tpending\nend\n");
    check_refused(begin + "loop\t1\t1\nend\n");
    check_refused(begin + "loop\tone\t1\t2\nend\n");
    check_refused(begin + "loop\t1\t1\t2\ntask\t-1\tname\tpending\nend\n");
    check_refused(begin + "loop\t1\t1\t99999999999999999999999\nend\n");
    check_refused(begin + "end\nend\n");
    CHECK_THROWS_MSG(parse_snapshot(begin + "hello\n"), ValueError, "not a snapshot: 'hello'");
}

} // namespace
