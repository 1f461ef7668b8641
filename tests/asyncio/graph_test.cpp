// SPDX-License-Identifier: MIT
// The call graph: what it sees, what it leaves out, and how it is written down.
#include "asyncio/graph.h"

#include "asyncio/gather.h"
#include "asyncio/generators.h"
#include "asyncio/shield.h"
#include "asyncio/taskgroups.h"
#include "asyncio/testing/testing.h"
#include "asyncio/timeouts.h"
#include "asyncio/wait.h"

#include <cstdio>
#include <sstream>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

// The name of a case's body without its line.
std::string plain(std::string name) {
    const std::size_t body = name.find("asyncio_body_");
    if (body == std::string::npos) return name;
    const std::size_t begin = body + std::string_view("asyncio_body").size();
    return name.erase(begin, name.find_first_not_of("_0123456789", begin) - begin);
}

// "inner < outer [main: body]": the calls, and who waits with their own.
std::string shape(const FutureCallGraph& graph) {
    std::string text;
    for (const FrameCallGraphEntry& call : graph.call_stack) {
        text += (text.empty() ? "" : " < ") + plain(call.function);
    }
    if (graph.cut) text += " ...";
    for (const FutureCallGraph& waiter : graph.awaited_by) {
        const AnyTask task{detail::StateRef(waiter.future.state())};
        const std::string name = waiter.future.is_task() ? task.get_name() : "future";
        text += (text.empty() ? "[" : " [") + name + ": " + shape(waiter) + "]";
    }
    return text;
}
std::string shape(const std::optional<FutureCallGraph>& graph) {
    return graph ? shape(*graph) : "nothing";
}

unsigned line_here(std::source_location where = std::source_location::current()) {
    return where.line();
}

std::string text_of_id(const AnyFuture& future) {
    char text[32];
    std::snprintf(text, sizeof text, "id=%#zx", reinterpret_cast<std::uintptr_t>(future.state()));
    return text;
}

// The innermost: runs below its callers without having suspended, or after it has.
Coro<std::string> capture() { co_return shape(capture_call_graph()); }
Coro<std::string> capture_later() {
    co_await yield_now();
    co_return shape(capture_call_graph());
}

template <class F>
Coro<std::string> inner(F leaf) {
    co_return co_await leaf();
}
template <class F>
Coro<std::string> outer(F leaf) {
    co_return co_await inner(leaf);
}

std::optional<FutureCallGraph> look_from_outside() { return capture_call_graph(); }

Coro<> wait_on(Future<> future) { co_await future; }
Coro<> wait_below(Future<> future) { co_await wait_on(std::move(future)); }
Coro<> wait_deep(int levels, Future<> future) {
    if (levels == 0) {
        co_await future;
    } else {
        co_await wait_deep(levels - 1, std::move(future));
    }
}
Coro<> wait_for_task(Task<> task) { co_await task; }

} // namespace

// ---- INT-01 -------------------------------------------------------------------------------------

CO_TEST("SEM-INT-01: the current task's calls stand innermost first, down to its root coroutine") {
    current_task().set_name("me");
    const auto task = create_task(outer(&capture), "task");
    CHECK_EQ(co_await task, "capture < inner < outer [me: asyncio_body]");
}

CO_TEST("SEM-INT-01: calls that have suspended in between stand as if they had not") {
    const auto task = create_task(outer(&capture_later), "task");
    const std::string seen = co_await task;
    CHECK(seen.starts_with("capture_later < inner < outer ["));
}

CO_TEST("SEM-INT-01: a call that awaits stands at the line of its await") {
    std::optional<FutureCallGraph> graph;
    unsigned inner_line = 0;
    unsigned outer_line = 0;
    const auto innermost = [&]() -> Coro<> {
        graph = capture_call_graph(), inner_line = line_here();
        co_return;
    };
    const auto outermost = [&]() -> Coro<> {
        co_await yield_now();
        outer_line = line_here() + 1;
        co_await innermost();
    };
    co_await create_task(outermost());
    REQUIRE(graph && graph->call_stack.size() == 2);
    CHECK_EQ(graph->call_stack[0].where.line(), inner_line);
    CHECK_EQ(graph->call_stack[1].where.line(), outer_line);
    CHECK(std::string_view(graph->call_stack[1].where.file_name()).ends_with("graph_test.cpp"));
}

CO_TEST("SEM-INT-01: a plain function that captures is a call of its own, above its coroutine") {
    const auto graph = look_from_outside();
    REQUIRE(graph && graph->call_stack.size() == 2);
    CHECK_EQ(graph->call_stack[0].function, "look_from_outside");
    CHECK(graph->call_stack[0].kind == FrameCallGraphEntry::Kind::function);
    CHECK(graph->call_stack[1].kind == FrameCallGraphEntry::Kind::coroutine);
    co_return;
}

CO_TEST("SEM-INT-01: awaited_by holds the waiting tasks with their own calls and waiters") {
    Future<> future;
    const auto a = create_task(wait_below(future), "a");
    const auto b = create_task(wait_for_task(a), "b");
    const auto c = create_task(wait_for_task(b), "c");
    co_await yield_now();
    CHECK_EQ(shape(capture_call_graph(a)),
             "wait_on < wait_below [b: wait_for_task [c: wait_for_task]]");
    future.set_result();
    co_await c;
}

CO_TEST(
    "SEM-INT-01: a task that has not started stands in its coroutine, one that is done nowhere") {
    Future<> future;
    const auto task = create_task(wait_below(future), "task");
    CHECK_EQ(shape(capture_call_graph(task)), "wait_below");
    future.set_result();
    co_await task;
    CHECK_EQ(shape(capture_call_graph(task)), "");
}

CO_TEST("SEM-INT-01: an asynchronous generator is a call like others") {
    std::string running;
    Future<> future;
    const auto numbers = [](std::string* seen, Future<> wait) -> AsyncGenerator<int> {
        *seen = shape(capture_call_graph());
        co_await wait;
        co_yield 1;
    };
    const auto consume = [&]() -> Coro<> {
        auto generator = numbers(&running, future);
        co_await generator.next();
    };
    const auto task = create_task(consume(), "task");
    co_await yield_now();
    const auto graph = capture_call_graph(task);
    REQUIRE(graph && graph->call_stack.size() == 2);
    CHECK_EQ(plain(graph->call_stack[0].function), "asyncio_body.<lambda>");
    CHECK(graph->call_stack[0].kind == FrameCallGraphEntry::Kind::generator);
    CHECK_EQ(running, "asyncio_body.<lambda> < asyncio_body.<lambda>");
    future.set_result();
    co_await task;
}

CO_TEST("SEM-INT-01: below an eager start the new task's calls are captured, not its creator's") {
    std::string seen;
    const auto look = [&]() -> Coro<> {
        seen = shape(capture_call_graph());
        co_return;
    };
    const auto start = [&]() -> Coro<> {
        create_task(look(), TaskOptions().eager_start(true));
        co_return;
    };
    co_await start();
    CHECK_EQ(seen, "asyncio_body.<lambda>");
    const auto after = capture_call_graph();
    CHECK_EQ(shape(after), "asyncio_body");
}

CO_TEST("SEM-INT-01: what the library puts around a callable is not in the stack") {
    Future<> future;
    const auto task = create_task(&wait_below, future);
    co_await yield_now();
    CHECK_EQ(shape(capture_call_graph(task)), "wait_on < wait_below");
    future.set_result();
    co_await task;
}

// ---- INT-02 -------------------------------------------------------------------------------------

CO_TEST("SEM-INT-02: children of a task group are awaited by the group's parent") {
    Future<> future;
    std::optional<FutureCallGraph> graph;
    const auto run_group = [&]() -> Coro<> {
        const auto body = [&](TaskGroup& group) -> Coro<> {
            group.create_task(wait_on(future), "child");
            co_return;
        };
        co_await task_group(body);
    };
    const auto parent = create_task(run_group(), "parent");
    co_await yield_now();
    co_await yield_now();
    for (const AnyTask& task : all_tasks()) {
        if (task.get_name() == "child") graph = capture_call_graph(task);
    }
    REQUIRE(graph);
    CHECK(shape(graph).starts_with("wait_on [parent: "));
    CHECK(shape(graph).ends_with("asyncio_body.<lambda>]"));
    future.set_result();
    co_await parent;
}

CO_TEST("SEM-INT-02: children of a gather are awaited by the task that awaits the gather") {
    Future<> future;
    const auto child = create_task(wait_on(future), "child");
    const auto run_gather = [&]() -> Coro<> { co_await gather(child, wait_on(future)); };
    const auto parent = create_task(run_gather(), "parent");
    co_await yield_now();
    CHECK_EQ(shape(capture_call_graph(child)), "wait_on [parent: asyncio_body.<lambda>]");
    future.set_result();
    co_await parent;
}

CO_TEST("SEM-INT-02: gathers of gathers are seen through") {
    Future<> future;
    const auto child = create_task(wait_on(future), "child");
    const auto run_gather = [&]() -> Coro<> {
        auto low = gather(child);
        co_await gather(low);
    };
    const auto parent = create_task(run_gather(), "parent");
    co_await yield_now();
    CHECK_EQ(shape(capture_call_graph(child)), "wait_on [parent: asyncio_body.<lambda>]");
    future.set_result();
    co_await parent;
}

CO_TEST("SEM-INT-02: what a shield protects is awaited by the task that awaits the shield") {
    Future<> future;
    const auto child = create_task(wait_on(future), "child");
    const auto protect = [&]() -> Coro<> { co_await shield(child); };
    const auto parent = create_task(protect(), "parent");
    co_await yield_now();
    CHECK_EQ(shape(capture_call_graph(child)), "wait_on [parent: asyncio_body.<lambda>]");
    future.set_result();
    co_await parent;
}

CO_TEST("SEM-INT-02: the members of a wait are awaited by the task that waits for them") {
    Future<> future;
    const std::vector<Task<>> children(1, create_task(wait_on(future), "child"));
    const auto wait_for_all = [&]() -> Coro<> { co_await wait(children); };
    const auto parent = create_task(wait_for_all(), "parent");
    co_await yield_now();
    CHECK_EQ(shape(capture_call_graph(children[0])), "wait_on [parent: asyncio_body.<lambda>]");
    future.set_result();
    co_await parent;
}

CO_TEST("SEM-INT-02: the body of a timeout is a call of the task it limits") {
    Future<> future;
    const auto limited = [&]() -> Coro<> { co_await timeout(1s, wait_on(future)); };
    const auto task = create_task(limited(), "task");
    co_await yield_now();
    CHECK(shape(capture_call_graph(task)).starts_with("wait_on < "));
    CHECK(shape(capture_call_graph(task)).ends_with("asyncio_body.<lambda>"));
    future.set_result();
    co_await task;
}

CO_TEST("SEM-INT-02: a plain await of a task makes its awaiter known") {
    Future<> future;
    const auto child = create_task(wait_on(future), "child");
    const auto parent = create_task(wait_for_task(child), "parent");
    co_await yield_now();
    CHECK_EQ(shape(capture_call_graph(child)), "wait_on [parent: wait_for_task]");
    parent.cancel();
    CHECK_EQ(shape(capture_call_graph(future)), ""); // it has left the line
    const auto end = co_await outcome(parent);
    CHECK(end.cancelled());
}

CO_TEST("SEM-INT-02: a waiter that is told by hand is in the graph until it is taken back") {
    Future<> future;
    const auto watcher = create_task(sleep(1h), "watcher");
    co_await yield_now();
    add_awaited_by(future, watcher);
    CHECK(shape(capture_call_graph(future)).starts_with("[watcher: "));
    discard_awaited_by(future, watcher);
    discard_awaited_by(future, watcher);
    CHECK_EQ(shape(capture_call_graph(future)), "");
    add_awaited_by(future, watcher);
    future.set_result();
    CHECK_EQ(shape(capture_call_graph(future)), "");
    watcher.cancel();
    const auto end = co_await outcome(watcher);
    CHECK(end.cancelled());
}

// ---- INT-03 and INT-04 --------------------------------------------------------------------------

CO_TEST("SEM-INT-03: a task awaited by several tasks lists each of them") {
    Future<> future;
    const auto child = create_task(wait_on(future), "child");
    const auto a = create_task(wait_for_task(child), "a");
    const auto b = create_task(wait_for_task(child), "b");
    co_await yield_now();
    CHECK_EQ(shape(capture_call_graph(child)), "wait_on [a: wait_for_task] [b: wait_for_task]");
    future.set_result();
    co_await a;
    co_await b;
}

CO_TEST("SEM-INT-03: a task that waits by two ways is listed once") {
    Future<> future;
    const auto child = create_task(wait_on(future), "child");
    const auto twice = [&]() -> Coro<> { co_await gather(child, child); };
    const auto parent = create_task(twice(), "parent");
    co_await yield_now();
    CHECK_EQ(shape(capture_call_graph(child)), "wait_on [parent: asyncio_body.<lambda>]");
    future.set_result();
    co_await parent;
}

CO_TEST("SEM-INT-04: of a plain future the stack is empty, and awaited_by lists its waiters") {
    Future<> future;
    const auto a = create_task(wait_on(future), "a");
    const auto b = create_task(wait_below(future), "b");
    co_await yield_now();
    CHECK_EQ(shape(capture_call_graph(future)), "[a: wait_on] [b: wait_on < wait_below]");
    future.set_result();
    co_await a;
    co_await b;
}

CO_TEST("SEM-INT-04: the text of a plain future begins with * Future(id=") {
    const Future<> future;
    CHECK_EQ(format_call_graph(future), "* Future(" + text_of_id(future) + ")");
    co_return;
}

// ---- INT-05 -------------------------------------------------------------------------------------

CO_TEST("SEM-INT-05: a positive limit keeps the outermost calls of every stack") {
    Future<> future;
    const auto a = create_task(wait_below(future), "a");
    const auto wait_two = [](Task<> task) -> Coro<> { co_await wait_for_task(task); };
    const auto b = create_task(wait_two(a), "b");
    co_await yield_now();
    CHECK_EQ(shape(capture_call_graph(a, CallGraphOptions().limit(1))),
             "wait_below [b: asyncio_body.<lambda>]");
    CHECK_EQ(shape(capture_call_graph(a, CallGraphOptions().limit(-1))),
             "wait_on [b: wait_for_task]");
    CHECK_EQ(shape(capture_call_graph(a, CallGraphOptions().limit(0))), "[b: ]");
    CHECK_EQ(shape(capture_call_graph(a, CallGraphOptions().limit(9))),
             "wait_on < wait_below [b: wait_for_task < asyncio_body.<lambda>]");
    future.set_result();
    co_await b;
}

namespace {

std::vector<std::string> limited; // what limits 1, -1, 0, -2 leave of the current task's stack

Coro<> capture_limited() {
    for (const int limit : {1, -1, 0, -2}) {
        limited.push_back(shape(capture_call_graph(CallGraphOptions().limit(limit))));
    }
    co_return;
}
Coro<> call_limited() { co_await capture_limited(); }
Coro<> call_call_limited() { co_await call_limited(); }

} // namespace

CO_TEST(
    "SEM-INT-05: of the current task a limit keeps the outermost, or the innermost if negative") {
    limited.clear();
    auto task = create_task(call_call_limited());
    while (!task.done()) co_await yield_now();
    const std::vector<std::string> wanted{"call_call_limited", "capture_limited", "",
                                          "capture_limited < call_limited"};
    CHECK_EQ(limited, wanted);
}

CO_TEST("SEM-INT-05: depth skips the innermost calls of the current task alone") {
    std::string one, two, far;
    current_task().set_name("me");
    const auto look = [&]() -> Coro<> {
        one = shape(capture_call_graph(CallGraphOptions().depth(1)));
        two = shape(capture_call_graph(CallGraphOptions().depth(2)));
        far = shape(capture_call_graph(CallGraphOptions().depth(9)));
        co_return;
    };
    const auto call = [&]() -> Coro<> { co_await look(); };
    const auto task = create_task(call(), "task");
    co_await wait_for_task(task);
    const std::string waiter = " [me: wait_for_task < asyncio_body]";
    CHECK_EQ(one, "asyncio_body.<lambda> < asyncio_body.<lambda>" + waiter);
    CHECK_EQ(two, "asyncio_body.<lambda>" + waiter);
    CHECK_EQ(far, waiter.substr(1));
    CHECK_EQ(shape(capture_call_graph(CallGraphOptions().depth(1).limit(-1))), "asyncio_body");
}

// ---- INT-06 -------------------------------------------------------------------------------------

TEST("SEM-INT-06: without a running loop and without an argument it is a RuntimeError") {
    CHECK_THROWS_MSG(capture_call_graph(), RuntimeError, "outside of a running event loop");
    CHECK_THROWS_AS(format_call_graph(), RuntimeError);
    std::ostringstream out;
    CHECK_THROWS_AS(print_call_graph(out), RuntimeError);
}

TEST("SEM-INT-06: with an argument no running loop is needed") {
    EventLoop loop;
    const Future<> future(loop);
    CHECK_EQ(format_call_graph(future), "* Future(" + text_of_id(future) + ")");
}

CO_TEST("SEM-INT-06: in a callback, where no task runs, there is nothing, and the text is empty") {
    std::string graph = "not called", text = "not called";
    testing::loop().call_soon([&] {
        graph = shape(capture_call_graph());
        text = format_call_graph();
    });
    co_await yield_now();
    CHECK_EQ(graph, "nothing");
    CHECK_EQ(text, "");
}

// ---- INT-07 -------------------------------------------------------------------------------------

namespace {

std::string written;
unsigned written_line = 0;

Coro<> write_graph() {
    written = format_call_graph(), written_line = line_here();
    co_return;
}

} // namespace

CO_TEST("SEM-INT-07: the text has a line for the task, each call, and the waiters four blanks in") {
    const auto task = create_task(write_graph(), "it's");
    const unsigned line = line_here() + 1;
    while (!task.done()) co_await task;
    const std::string file = std::source_location::current().file_name();
    const AnyTask me = current_task();
    const std::string wanted = "* Task(name=\"it's\", " + text_of_id(task) +
                               ")\n"
                               "  + Call stack:\n"
                               "  |   File '" +
                               file + "', line " + std::to_string(written_line) +
                               ", in async write_graph()\n"
                               "  + Awaited by:\n"
                               "    * Task(name='" +
                               me.get_name() + "', " + text_of_id(me) +
                               ")\n"
                               "      + Call stack:\n"
                               "      |   File '" +
                               file + "', line " + std::to_string(line) +
                               ", in async asyncio_body()";
    CHECK_EQ(plain(written), wanted);
}

namespace {

std::string text_in_plain_function() { return format_call_graph(); }

} // namespace

CO_TEST("SEM-INT-07: asynchronous calls are marked as such, plain ones are not") {
    const std::string text = text_in_plain_function();
    CHECK(text.find(", in text_in_plain_function()") != std::string::npos);
    CHECK(plain(text).find(", in async asyncio_body()") != std::string::npos);
    co_return;
}

CO_TEST("SEM-INT-07: print_call_graph writes the text and a line end") {
    std::ostringstream out;
    const Future<> future;
    print_call_graph(out, future);
    CHECK_EQ(out.str(), format_call_graph(future) + "\n");
    std::ostringstream current;
    print_call_graph(current);
    CHECK(current.str().starts_with("* Task(name="));
    co_return;
}

// ---- what no statement says ---------------------------------------------------------------------

CO_TEST("capture_call_graph: tasks that wait for each other in a circle do not recurse for ever") {
    Future<> start;
    std::vector<Task<>> ring;
    const auto wait_for_next = [&](std::size_t next) -> Coro<> {
        co_await start;
        co_await ring[next];
    };
    for (std::size_t i = 0; i < 3; ++i) {
        ring.push_back(create_task(wait_for_next((i + 1) % 3), "t" + std::to_string(i)));
    }
    start.set_result();
    co_await yield_now();
    co_await yield_now();
    const std::string call = "asyncio_body.<lambda>";
    CHECK_EQ(shape(capture_call_graph(ring[0])),
             call + " [t2: " + call + " [t1: " + call + " [t0: " + call + " ...]]]");
    CHECK(format_call_graph(ring[0]).ends_with("+ Awaited by: ..."));
    for (const Task<>& task : ring) task.cancel();
    for (const Task<>& task : ring) {
        const auto end = co_await outcome(task);
        CHECK(end.cancelled());
    }
}

CO_TEST("capture_call_graph: a line of ten thousand waiting tasks is cut, not a stack overflow") {
    Future<> future;
    std::vector<Task<>> line;
    line.push_back(create_task(wait_on(future)));
    for (int i = 0; i < 10'000; ++i) line.push_back(create_task(wait_for_task(line.back())));
    co_await yield_now();
    {
        const auto graph = capture_call_graph(line.front());
        const FutureCallGraph* last = &*graph;
        while (!last->awaited_by.empty()) last = &last->awaited_by.front();
        CHECK(last->cut);
    }
    future.set_result();
    co_await line.back();
}

CO_TEST("capture_call_graph: a hundred thousand nested calls are walked") {
    Future<> future;
    const auto task = create_task(wait_deep(100'000, future));
    co_await yield_now();
    CHECK_EQ(task.get_stack(3).size(), 3U);
    const auto graph = capture_call_graph(task, CallGraphOptions().limit(-1));
    REQUIRE(graph && graph->call_stack.size() == 1);
    CHECK_EQ(graph->call_stack[0].function, "wait_deep");
    future.set_result();
    co_await task;
}
