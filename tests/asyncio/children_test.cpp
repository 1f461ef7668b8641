// SPDX-License-Identifier: MIT
// What combinators are given: which ranges count, what is moved out, repeated handles, whose loop.
#include "asyncio/children.h"

#include "asyncio/events.h"
#include "asyncio/testing/testing.h"

#include <array>
#include <deque>
#include <memory>
#include <vector>

using namespace asyncio;

namespace {

Coro<int> one() { co_return 1; }

using Coros = std::vector<Coro<int>>;
using Tasks = std::vector<Task<int>>;

// A coroutine is handed over by move only; a handle also by copy.
static_assert(detail::Child<Coro<int>>);
static_assert(!detail::Child<Coro<int>&>);
static_assert(detail::Child<Task<int>&>);
static_assert(!detail::Child<int>);

static_assert(detail::Children<Coros>);
static_assert(!detail::Children<Coros&>);
static_assert(detail::Children<const Tasks&>);
static_assert(!detail::Children<std::vector<int>>);

static_assert(detail::Handles<Tasks> && detail::Handles<const Tasks&>);
static_assert(detail::Handles<std::array<AnyFuture, 2>&>);
static_assert(!detail::Handles<Coros>);

template <class H>
bool any_marked(const std::vector<H>& handles) {
    for (const H& handle : handles) {
        if (handle.state()->has(detail::FutureState::marked)) return true;
    }
    return false;
}

} // namespace

CO_TEST("elements_of: copies handles out of an lvalue, and leaves the range as it is") {
    const Tasks tasks{create_task(one()), create_task(one())};
    const auto copies = detail::elements_of(tasks);
    REQUIRE(copies.size() == 2);
    CHECK(copies[0] == tasks[0]);
    CHECK(copies[1] == tasks[1]);
    CHECK_EQ(co_await tasks[0], 1);
    CHECK_EQ(co_await tasks[1], 1);
}

CO_TEST("elements_of: moves coroutines out of an rvalue, in their order") {
    std::deque<Coro<int>> coros;
    coros.push_back(one());
    coros.push_back(one());
    const detail::Frame* const first = coros[0].frame();
    auto taken = detail::elements_of(std::move(coros));
    REQUIRE(taken.size() == 2);
    CHECK(taken[0].frame() == first);
    CHECK(!coros[0]); // NOLINT(bugprone-use-after-move): that is what is asked
    for (Coro<int>& coro : taken) CHECK_EQ(co_await std::move(coro), 1);
}

CO_TEST("drop_repeated: keeps the first of each, in order, and leaves no mark") {
    const Task<int> a = create_task(one());
    const Task<int> b = create_task(one());
    const Task<int> c = create_task(one());
    Tasks handles{a, b, a, c, b, a};
    detail::drop_repeated(handles);
    CHECK(handles == Tasks({a, b, c}));
    CHECK(!any_marked(handles));
    detail::drop_repeated(handles);
    CHECK_EQ(handles.size(), 3U);
    Tasks none;
    detail::drop_repeated(none);
    CHECK(none.empty());
    for (const Task<int>& task : handles) co_await task;
}

CO_TEST("join_loop: the first handle settles the loop, one of another is a ValueError") {
    EventLoop other;
    const Future<> ours;
    const Future<> theirs(other);
    detail::LoopCore* loop = nullptr;
    detail::join_loop_of(loop, ours);
    CHECK(loop == &testing::loop().core());
    CHECK_THROWS_MSG(detail::join_loop_of(loop, theirs), ValueError, "different loop");
    detail::LoopCore* theirs_first = nullptr;
    detail::join_loop_of(theirs_first, theirs);
    CHECK(theirs_first == &other.core());
    co_return;
}

TEST("join_loop: an empty handle is a ValueError, one of a loop that is gone a RuntimeError") {
    detail::LoopCore* loop = nullptr;
    CHECK_THROWS_AS(detail::join_loop_of(loop, AnyFuture()), ValueError);
    auto gone = std::make_unique<EventLoop>();
    const Future<> left(*gone);
    gone.reset();
    CHECK_THROWS_MSG(detail::join_loop_of(loop, left), RuntimeError, "closed");
}
