// SPDX-License-Identifier: MIT
// Cold parts: names, messages and gathers of one task do not get into each other's way.
#include "asyncio/cold_parts.h"

#include "asyncio/gather.h"
#include "asyncio/graph.h"
#include "support/work.h"

using namespace asyncio;
using namespace std::chrono_literals;
using support::note_end;

namespace {

AnyTask task_named(std::string_view name) {
    for (const AnyTask& task : all_tasks()) {
        if (task.get_name() == name) return task;
    }
    return AnyTask();
}

Coro<int> name_itself(std::string name, int result) {
    current_task().set_name(std::move(name));
    co_await sleep(1s);
    co_return result;
}

} // namespace

CO_TEST("a child of a gather that is given a name is waited for as before") {
    const auto outer = gather(name_itself("a", 1), name_itself("b", 2));
    co_await sleep(0.5s);
    CHECK(to_string(task_named("a")).ends_with(" cb=[gather]>"));
    const auto& results = co_await outer;
    CHECK_EQ(std::get<0>(results), 1);
    CHECK_EQ(std::get<1>(results), 2);
    CHECK(!task_named("a"));
}

CO_TEST("a child of a gather is told to the gather first, then to whoever asked later") {
    const auto outer = gather(name_itself("a", 1));
    co_await sleep(0.5s);
    std::vector<std::string> told;
    const AnyTask child = task_named("a");
    child.add_done_callback([&](const AnyTask&) { told.push_back("later"); });
    outer.add_done_callback([&] { told.push_back("gather"); });
    CHECK(to_string(child).find(" cb=[gather, ") != std::string::npos);
    co_await outer;
    co_await sleep(0s);
    CHECK_EQ(told, (std::vector<std::string>{"later", "gather"})); // whose future takes two turns
}

CO_TEST("SEM-INT-02: a named child of a gather is awaited by who awaits the gather") {
    const auto outer = gather(name_itself("a", 1));
    const auto parent = create_task(
        [](Future<std::tuple<int>> future) -> Coro<> { co_await future; }(outer), "parent");
    co_await sleep(0.5s);
    const auto graph = capture_call_graph(AnyFuture(task_named("a")));
    REQUIRE(graph.has_value());
    REQUIRE(graph->awaited_by.size() == 1);
    CHECK(graph->awaited_by[0].future == parent);
    co_await parent;
}

CO_TEST("the message of a cancel reaches a child of a gather, named or not") {
    std::vector<std::string> messages;
    const auto listen = [&](bool named) -> Coro<> {
        if (named) current_task().set_name("listener");
        const Outcome<> end = co_await outcome(sleep(1h));
        try {
            end.value();
        } catch (const CancelledError& error) {
            messages.emplace_back(error.what());
            throw;
        }
    };
    auto outer = gather(listen(false), listen(true));
    co_await sleep(1s);
    CHECK(outer.cancel("enough"));
    const auto end = co_await outcome(outer);
    CHECK(end.cancelled());
    CHECK_EQ(messages, (std::vector<std::string>{"enough", "enough"}));
}

CO_TEST("a child that a dropped gather has let go of can be named, and ends by itself") {
    bool ended = false;
    gather(note_end(ended, 1s));
    co_await sleep(0.5s);
    REQUIRE(all_tasks().size() == 2);
    const AnyTask child = all_tasks()[1];
    CHECK(to_string(child).find(" cb=") == std::string::npos);
    child.set_name("orphan");
    co_await child;
    CHECK(ended);
    CHECK_EQ(child.get_name(), "orphan");
}

CO_TEST("in debug mode children of a gather know their origin and their gather") {
    get_running_loop().set_debug(true);
    const auto outer = gather(name_itself("a", 1));
    co_await sleep(0.5s);
    const std::string text = to_string(task_named("a"));
    CHECK(text.find(" cb=[gather]") != std::string::npos);
    CHECK(text.find("created at") != std::string::npos);
    co_await outer;
    get_running_loop().set_debug(false);
}

TEST("a loop that closes takes children of a gather apart") {
    AnyFuture outer;
    {
        EventLoop loop;
        loop.run_until_complete([](AnyFuture& kept) -> Coro<> {
            kept = gather(sleep(1h), sleep(2h));
            co_await sleep(0s);
        }(outer));
    }
    CHECK(!outer.done());
    testing::take_logs(); // tasks destroyed while pending
}
