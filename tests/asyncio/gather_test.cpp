// SPDX-License-Identifier: MIT
// gather: results, first failures, cancellation, repeated children, loops.
#include "asyncio/gather.h"

#include "asyncio/testing/sweep.h"

#include <memory>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

Coro<int> give(int value, Duration after) {
    co_await sleep(after);
    co_return value;
}

Coro<std::unique_ptr<int>> give_pointer(int value) {
    co_await yield_now();
    co_return std::make_unique<int>(value);
}

// The scenarios below hold for tasks that start at once, too.
class WithFactory {
public:
    explicit WithFactory(bool eager) {
        if (eager) testing::loop().set_task_factory(&eager_task_factory);
    }
    ~WithFactory() { testing::loop().set_task_factory(nullptr); }
};

} // namespace

// ---- results -----------------------------------------------------------------------------------------

CO_TEST("SEM-GATH-01: results come in argument order, whatever the completion order") {
    for (const bool eager : {false, true}) {
        const WithFactory factory(eager);
        const auto results =
            co_await gather(give(1, 3s), give(2, 1s), sleep(2s, std::string("three")), sleep(1s));
        CHECK_EQ(std::get<0>(results), 1);
        CHECK_EQ(std::get<1>(results), 2);
        CHECK_EQ(std::get<2>(results), "three");
        CHECK(std::get<3>(results) == std::monostate());
    }
    CHECK_EQ(testing::loop().time().time_since_epoch(), 6s); // 3 s each, not 7
}

CO_TEST("SEM-GATH-01: a range gives a vector in its order") {
    std::vector<Coro<int>> children;
    for (int i = 0; i < 5; ++i) children.push_back(give(i, std::chrono::seconds(5 - i)));
    const std::vector<int> results = co_await gather(std::move(children));
    const std::vector<int> expected{0, 1, 2, 3, 4};
    CHECK_EQ(results, expected);
}

CO_TEST("gather: an lvalue range of tasks is copied, and may be used again") {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(create_task(give(i, 1s)));
    const std::vector<int> first = co_await gather(tasks);
    const std::vector<int> second = co_await gather(tasks);
    CHECK_EQ(first, second);
    CHECK_EQ(tasks[2].result(), 2);
}

CO_TEST("gather: results that cannot be copied are moved out, of arguments and of ranges") {
    auto both = co_await gather(give_pointer(1), give_pointer(2));
    CHECK_EQ(*std::get<1>(both), 2);
    std::vector<Coro<std::unique_ptr<int>>> children;
    for (int i = 0; i < 3; ++i) children.push_back(give_pointer(i));
    auto all = co_await gather(std::move(children));
    REQUIRE(all.size() == 3);
    CHECK_EQ(*all[2], 2);
}

CO_TEST("gather: a result that others can see is copied, not taken away") {
    const auto task = create_task(sleep(1s, std::string("a text too long to be kept in place")));
    const auto results = co_await gather(task);
    CHECK_EQ(std::get<0>(results), task.result());
}

CO_TEST("gather: works in two statements") {
    auto pending = gather(give(1, 1s), give(2, 2s));
    co_await sleep(5s);
    CHECK(pending.done());
    const auto& results = co_await pending;
    CHECK_EQ(std::get<1>(results), 2);
    CHECK_EQ(testing::loop().time().time_since_epoch(), 5s);
}

namespace {

template <class... A>
concept CanGather = requires(A&&... given) { gather(std::forward<A>(given)...); };

} // namespace

TEST("gather: a coroutine that would have to be copied does not compile") {
    CHECK(CanGather<Coro<int>>);
    CHECK(!CanGather<Coro<int>&>);
    CHECK(CanGather<Task<int>&>);
    CHECK(CanGather<std::vector<Coro<int>>>);
    CHECK(!CanGather<std::vector<Coro<int>>&>);
    CHECK(CanGather<std::vector<Task<int>>&>);
}

// ---- failures and cancellation -----------------------------------------------------------------------

namespace {

Coro<int> fail_after(Duration after, const char* text) {
    co_await sleep(after);
    throw ValueError(text);
}

Coro<> set_after(Duration after, bool& ended) {
    co_await sleep(after);
    ended = true;
}

} // namespace

CO_TEST("SEM-GATH-01: results come in argument order, whatever the completion order") {
    const auto results = co_await gather(give(1, 3s), give(2, 1s), give(3, 2s));
    CHECK(results == std::tuple(1, 2, 3));
}

CO_TEST("SEM-GATH-02: the first exception completes the outer at once and the others go on") {
    bool ended = false;
    CHECK_THROWS_MSG(co_await gather(fail_after(1s, "first"), set_after(5s, ended)), ValueError,
                     "first");
    CHECK_EQ(testing::loop().time().time_since_epoch(), 1s);
    CHECK(!ended);
    co_await sleep(5s);
    CHECK(ended);
}

CO_TEST("SEM-GATH-03: later exceptions of siblings are not reported") {
    CHECK_THROWS_MSG(co_await gather(fail_after(1s, "first"), fail_after(2s, "second")), ValueError,
                     "first");
    co_await sleep(5s);
    CHECK(testing::take_logs().empty());
}

CO_TEST("SEM-GATH-04: gather_outcomes gives exceptions and cancellations as values") {
    auto slow = create_task(give(1, 100s));
    testing::loop().call_later(1s, [&slow] { slow.cancel(); });
    const auto ends = co_await gather_outcomes(give(7, 1s), fail_after(2s, "bad"), slow);
    CHECK_EQ(std::get<0>(ends).value(), 7);
    CHECK(is_exception<ValueError>(std::get<1>(ends).exception()));
    CHECK(std::get<2>(ends).cancelled());
    CHECK_EQ(testing::loop().time().time_since_epoch(), 2s);
}

CO_TEST("SEM-GATH-05: a child cancelled by others fails the outer, which is not cancelled itself") {
    auto child = create_task(give(1, 100s));
    auto other = create_task(give(2, 5s));
    auto outer = gather(child, other);
    co_await sleep(0s);
    child.cancel();
    CHECK_THROWS_AS(co_await outer, CancelledError);
    CHECK(!outer.cancelled());
    CHECK_EQ(co_await other, 2);
}

CO_TEST("SEM-GATH-06: cancelling the outer cancels all unfinished children") {
    auto a = create_task(give(1, 100s));
    auto b = create_task(give(2, 100s));
    auto outer = gather(a, b);
    co_await sleep(0s);
    CHECK(outer.cancel());
    CHECK_THROWS_AS(co_await outer, CancelledError);
    CHECK(a.cancelled());
    CHECK(b.cancelled());
}

CO_TEST("SEM-GATH-07: cancelling a gather of outcomes ends it with CancelledError") {
    auto a = create_task(give(1, 100s));
    auto outer = gather_outcomes(a, give(2, 1s));
    co_await sleep(2s);
    outer.cancel("enough");
    CHECK_THROWS_AS(co_await outer, CancelledError);
    CHECK(a.cancelled());
}

CO_TEST("SEM-GATH-08: after a failure, cancelling the outer leaves the survivors alone") {
    auto survivor = create_task(give(1, 5s));
    auto outer = gather(fail_after(1s, "bad"), survivor);
    co_await sleep(2s);
    CHECK(!outer.cancel());
    CHECK_EQ(co_await survivor, 1);
}

CO_TEST("SEM-GATH-09: the same awaitable given twice is awaited once, its result repeated") {
    auto task = create_task(give(5, 1s));
    const auto results = co_await gather(task, give(6, 2s), task);
    CHECK(results == std::tuple(5, 6, 5));
}

CO_TEST("SEM-GATH-10: no arguments give a completed future") {
    auto nothing = gather();
    CHECK(nothing.done());
    co_await nothing;
}

TEST("SEM-GATH-10: no arguments and no loop raise RuntimeError") {
    CHECK_THROWS_AS(gather(), RuntimeError);
}

TEST("SEM-GATH-11: children of different loops give ValueError") {
    EventLoop one;
    EventLoop two;
    const Future<int> a(one);
    const Future<int> b(two);
    CHECK_THROWS_AS(gather(a, b), ValueError);
}

CO_SWEEP("gather under the cancel sweep: the children end, nothing is left") {
    bool first = false;
    bool second = false;
    const auto both = [](bool& x, bool& y) -> Coro<> {
        co_await gather(set_after(1s, x), set_after(2s, y));
    };
    auto task = sweep.victim(both(first, second));
    const auto end = co_await outcome(task);
    CHECK_EQ(end.cancelled(), sweep.struck() && !(first && second && !end.cancelled()));
    co_await sleep(5s);
}
