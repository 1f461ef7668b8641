// SPDX-License-Identifier: MIT
// Inspection: what others see of a program's loops and tasks while it runs.
#include "asyncio/inspection.h"

#include "asyncio/gather.h"
#include "asyncio/runners.h"
#include "asyncio/sleep.h"
#include "asyncio/taskgroups.h"
#include "asyncio/testing/testing.h"
#include "asyncio/threads.h"
#include "asyncio/unix_connections.h"
#include "os/process.h"

#include <algorithm>
#include <future>
#include <thread>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

Coro<std::string> read_all() {
    auto [reader, writer] = co_await open_unix_connection(inspection_name(os::process_number()));
    const std::string text = co_await reader.read();
    writer.close();
    co_return text;
}

// Asks this process, from a thread and a loop of their own; without that loop.
std::vector<LoopSnapshot> look() {
    std::vector<LoopSnapshot> loops = parse_snapshot(run(read_all()));
    const auto is_mine = [](const LoopSnapshot& loop) {
        return loop.thread == os::thread_number();
    };
    loops.erase(std::remove_if(loops.begin(), loops.end(), is_mine), loops.end());
    return loops;
}

const TaskSnapshot* find_task(const std::vector<LoopSnapshot>& loops, std::string_view name) {
    for (const LoopSnapshot& loop : loops) {
        for (const TaskSnapshot& task : loop.tasks) {
            if (task.name == name) return &task;
        }
    }
    return nullptr;
}

Coro<> play() { co_await sleep(3600s); }
Coro<> album() { co_await play(); }

// What a main task sees of itself and two others, one of which is being cancelled.
Coro<std::vector<LoopSnapshot>> seen_from_inside() {
    std::vector<LoopSnapshot> loops;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        const auto one = group.create_task(album(), "one");
        const auto two = group.create_task(album(), "two");
        co_await sleep(0s);
        loops = co_await to_thread(&look);
        one.cancel();
        two.cancel();
    };
    co_await task_group(body);
    co_return loops;
}

TEST("inspection: tasks are seen with their names, where they wait, and who waits for them") {
    const Inspection inspection;
    const auto loops = run(seen_from_inside());
    CHECK_EQ(loops.size(), 1U);
    CHECK(loops.at(0).answered);
    CHECK_EQ(loops.at(0).thread, os::thread_number());
    const TaskSnapshot* one = find_task(loops, "one");
    CHECK(one != nullptr && find_task(loops, "two") != nullptr);
    CHECK_EQ(one->calls.size(), 2U);
    CHECK_EQ(one->calls.at(0).function, "play");
    CHECK_EQ(one->calls.at(1).function, "album");
    CHECK(one->calls.at(0).file.find("inspection_test.cpp") != std::string::npos);
    CHECK(one->calls.at(0).line > 0);
    CHECK(!one->cancelling);
    CHECK_EQ(loops.at(0).tasks.size(), 3U);
    CHECK(loops.at(0).tasks.at(0).awaited_by.empty()); // the main task
}

Coro<std::vector<LoopSnapshot>> seen_through_gather() {
    const auto child = create_task(play(), "child");
    const auto waiting = create_task(gather(child), "waiting");
    co_await sleep(0s);
    auto loops = co_await to_thread(&look);
    waiting.cancel();
    co_await gather_outcomes(waiting);
    co_return loops;
}

TEST("SEM-INT-02: who waits by way of a gather is seen from outside, too") {
    const Inspection inspection;
    const auto loops = run(seen_through_gather());
    const TaskSnapshot* child = find_task(loops, "child");
    const TaskSnapshot* waiting = find_task(loops, "waiting");
    CHECK(child != nullptr && waiting != nullptr);
    CHECK(child->awaited_by == std::vector<std::uint64_t>{waiting->id});
}

TEST("inspection: a loop that is stuck is named, and holds up nobody else") {
    const Inspection inspection(InspectionOptions().patience(50ms));
    std::promise<void> stuck;
    std::promise<void> go_on;
    std::thread other([&] {
        const auto stick = [&]() -> Coro<> {
            stuck.set_value();
            go_on.get_future().wait(); // blocks its loop
            co_return;
        };
        run(stick());
    });
    stuck.get_future().wait();
    const auto loops = run(seen_from_inside());
    go_on.set_value();
    other.join();
    CHECK_EQ(loops.size(), 2U);
    CHECK_EQ(std::count_if(loops.begin(), loops.end(),
                           [](const LoopSnapshot& loop) { return loop.answered; }),
             1);
    CHECK(find_task(loops, "one") != nullptr);
}

TEST("inspection: there is one in a process; without it nobody answers") {
    {
        const Inspection inspection;
        CHECK_THROWS_AS(Inspection(), OSError);
        CHECK_EQ(look().size(), 0U); // no loop but the one that looks
    }
    CHECK_THROWS_AS(run(read_all()), ConnectionRefusedError);
    const Inspection again;
    CHECK_EQ(look().size(), 0U);
}

TEST("inspection: many may look at the same time, and some go away without reading") {
    const Inspection inspection;
    const auto crowd = []() -> Coro<> {
        std::vector<Coro<std::string>> readers;
        for (int i = 0; i < 50; ++i) readers.push_back(read_all());
        for (int i = 0; i < 20; ++i) {
            co_await open_unix_connection(inspection_name(os::process_number()));
        }
        const auto texts = co_await gather(std::move(readers));
        for (const std::string& text : texts) CHECK_EQ(parse_snapshot(text).size(), 1U);
    };
    run(crowd());
}

} // namespace
