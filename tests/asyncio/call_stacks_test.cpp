// SPDX-License-Identifier: MIT
// The coroutines a task is in: running, suspended, beginning, done; and how far the walk goes.
#include "asyncio/call_stacks.h"

#include "asyncio/generators.h"
#include "asyncio/testing/testing.h"
#include "support/moments.h"

#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using asyncio::detail::CallKind;
using asyncio::detail::calls_all;
using support::Names;

namespace {

Names names_of(const std::vector<detail::Call>& calls) {
    Names names;
    for (const detail::Call& call : calls) names.push_back(detail::name_of_call(call.where));
    return names;
}

Coro<> leaf() { co_await Future<>(); }
Coro<> branch() { co_await leaf(); }
Coro<> root() { co_await branch(); }

// A chain of so many calls, the innermost of which waits.
Coro<> deep(int levels) {
    if (levels > 1) co_await deep(levels - 1);
    if (levels == 1) co_await Future<>();
}

Coro<> ends_with_cancel(Task<> task) {
    task.cancel();
    static_cast<void>(co_await outcome(task));
}

Names calls_from_plain_function(std::size_t most = calls_all) {
    return names_of(detail::calls_here(std::source_location::current(), most));
}

Coro<Names> calls_below_two() { co_return calls_from_plain_function(); }
Coro<Names> calls_below_one() { co_return co_await calls_below_two(); }

AsyncGenerator<Names> names_from_generator() {
    co_yield names_of(detail::calls_here(std::source_location::current()));
}

} // namespace

CO_TEST(
    "calls_of: a suspended task's coroutines, innermost first; none before nor after its life") {
    const auto task = create_task(root());
    CHECK_EQ(names_of(detail::calls_of(task.state())), Names({"root"})); // it has not begun
    co_await yield_now();
    CHECK_EQ(names_of(detail::calls_of(task.state())), Names({"leaf", "branch", "root"}));
    co_await ends_with_cancel(task);
    CHECK(detail::calls_of(task.state()).empty());
}

CO_TEST("calls_of: a plain future is in no coroutine") {
    const Future<> future;
    CHECK(detail::calls_of(future.state()).empty());
    co_return;
}

CO_TEST("calls_of: looks at no more calls than it is told, the innermost ones") {
    const auto task = create_task(deep(1000));
    co_await yield_now();
    CHECK_EQ(detail::calls_of(task.state()).size(), 1000U);
    CHECK_EQ(detail::calls_of(task.state(), 3).size(), 3U);
    CHECK_EQ(detail::calls_of(task.state(), 0).size(), 0U);
    co_await ends_with_cancel(task);
}

CO_TEST("calls_here: a plain function is a call of its own, above the coroutine that called it") {
    const Names names = co_await calls_below_one();
    REQUIRE(names.size() >= 3);
    CHECK_EQ(names[0], "calls_from_plain_function");
    CHECK_EQ(names[1], "calls_below_two");
    CHECK_EQ(names[2], "calls_below_one");
}

CO_TEST("calls_here: outside of a task there is no stack") {
    Names seen{"not called"};
    testing::loop().call_soon([&seen] { seen = calls_from_plain_function(); });
    co_await yield_now();
    CHECK(seen.empty());
}

CO_TEST("calls_here: a generator is told from a coroutine") {
    auto generator = names_from_generator();
    const auto names = co_await generator.next();
    REQUIRE(names.has_value());
    CHECK_EQ(names->front(), "names_from_generator");
    co_await generator.aclose();

    const auto calls = detail::calls_here(std::source_location::current());
    REQUIRE(!calls.empty());
    CHECK(calls.front().kind == CallKind::coroutine);
}

CO_TEST("name_of_call: what the library puts around a callable goes by the callable's name") {
    std::vector<detail::Call> calls;
    const auto look = [&calls](int) -> Coro<> {
        calls = detail::calls_of(current_task().state());
        co_return;
    };
    co_await create_task(look, 1);
    REQUIRE(!calls.empty());
    for (const detail::Call& call : calls) {
        CHECK(!support::contains(detail::name_of_call(call.where), "call_kept"));
    }
    CHECK(!detail::is_wrapper(std::source_location::current()));
}

CO_TEST("is_running: the running task is, one that waits or has not begun is not") {
    CHECK(detail::is_running(current_task().state()));
    const auto task = create_task(leaf());
    CHECK(!detail::is_running(task.state()));
    co_await yield_now();
    CHECK(!detail::is_running(task.state()));
    co_await ends_with_cancel(task);
}

TEST("traceback_text: a line a call, the outermost first") {
    const auto inner = std::source_location::current();
    const auto outer = std::source_location::current();
    const std::string text = detail::traceback_text({inner, outer});
    const std::size_t first = text.find("line " + std::to_string(outer.line()));
    const std::size_t second = text.find("line " + std::to_string(inner.line()));
    CHECK(first < second);
    CHECK(second != std::string::npos);
    CHECK(text.starts_with("  File \""));
    CHECK_EQ(detail::traceback_text({}), "");
}
