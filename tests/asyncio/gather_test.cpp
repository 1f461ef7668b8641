// SPDX-License-Identifier: MIT
// gather: results, first failures, cancellation, repeated children, loops.
#include "asyncio/gather.h"

#include "asyncio/testing/sweep.h"
#include "support/work.h"

#include <memory>

using namespace asyncio;
using namespace std::chrono_literals;
using support::fail;
using support::give;
using support::note_end;

namespace {

// Takes its time when it is cancelled.
Coro<> end_slowly(bool& ended) {
    const Outcome<> end = co_await outcome(sleep(1h));
    co_await sleep(1s);
    ended = true;
    end.value();
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

std::string text(const std::exception_ptr& error) { return error ? repr(error) : "nothing"; }

} // namespace

// ---- results ------------------------------------------------------------------------------------

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

TEST("gather: coroutines that would have to be copied do not compile") {
    static_assert(detail::Child<Coro<int>>);
    static_assert(!detail::Child<Coro<int>&>);
    static_assert(detail::Child<Task<int>&>);
    static_assert(!detail::Child<int>);
    static_assert(detail::Children<std::vector<Coro<int>>>);
    static_assert(!detail::Children<std::vector<Coro<int>>&>);
    static_assert(detail::Children<std::vector<Task<int>>&>);
    static_assert(!detail::Children<Coro<int>>);
}

// ---- failures -----------------------------------------------------------------------------------

CO_TEST("SEM-GATH-02: the first exception completes it at once, the others go on uncancelled") {
    for (const bool eager : {false, true}) {
        const WithFactory factory(eager);
        const TimePoint before = testing::loop().time();
        bool ended = false;
        CHECK_THROWS_MSG(co_await gather(fail("first", 1s), note_end(ended, 5s)), ValueError,
                         "first");
        CHECK_EQ(testing::loop().time() - before, 1s);
        co_await sleep(10s);
        CHECK(ended);
    }
}

CO_TEST("SEM-GATH-02: a child that has failed already completes it in the call") {
    Future<> failed;
    failed.set_exception(ValueError("before"));
    bool ended = false;
    auto outer = gather(note_end(ended, 5s), failed);
    CHECK(outer.done());
    CHECK_THROWS_MSG(outer.result(), ValueError, "before");
    co_await sleep(10s);
    CHECK(ended);
}

CO_TEST("SEM-GATH-03: later exceptions of siblings are not reported, while the outer lives") {
    auto outer = gather(fail("first", 1s), fail("second", 2s), fail("with it", 1s));
    CHECK_THROWS_MSG(co_await outer, ValueError, "first");
    co_await sleep(10s); // the case fails if anything is logged
}

CO_TEST("SEM-GATH-03: later exceptions of siblings are not reported, when the outer is gone") {
    CHECK_THROWS_MSG(co_await gather(fail("first", 1s), fail("second", 2s)), ValueError, "first");
    co_await sleep(10s);
}

CO_TEST("SEM-GATH-03: nor are those of children that had failed before the call") {
    Future<> first;
    Future<> second;
    first.set_exception(ValueError("first"));
    second.set_exception(ValueError("second"));
    CHECK_THROWS_MSG(co_await gather(first, second), ValueError, "first");
}

CO_TEST("SEM-GATH-04: outcomes hold values, exceptions and cancellations; all have ended") {
    for (const bool eager : {false, true}) {
        const WithFactory factory(eager);
        const TimePoint before = testing::loop().time();
        const auto cancelled = create_task(sleep(1h));
        testing::loop().call_later(1s, [&cancelled] { cancelled.cancel("enough"); });
        const auto ends = co_await gather_outcomes(give(7, 3s), fail("no", 1s), cancelled);
        CHECK_EQ(testing::loop().time() - before, 3s);
        CHECK_EQ(std::get<0>(ends).value(), 7);
        CHECK_EQ(text(std::get<1>(ends).exception()), "ValueError('no')");
        CHECK(std::get<2>(ends).cancelled());
        CHECK_EQ(message_of(std::get<2>(ends).exception()), "enough");
    }
}

CO_TEST("SEM-GATH-04: outcomes of a range") {
    std::vector<Coro<>> children;
    children.push_back(fail("no", 1s));
    children.push_back(fail("neither", 0s));
    const auto ends = co_await gather_outcomes(std::move(children));
    REQUIRE(ends.size() == 2);
    CHECK_EQ(text(ends[0].exception()), "ValueError('no')");
    CHECK_EQ(text(ends[1].exception()), "ValueError('neither')");
}

CO_TEST("SEM-GATH-05: a child cancelled by others fails the outer with CancelledError") {
    bool ended = false;
    const auto child = create_task(sleep(1h));
    const auto sibling = create_task(note_end(ended, 5s));
    const auto outer = gather(child, sibling);
    co_await yield_now();
    child.cancel("by another");
    CHECK_THROWS_MSG(co_await outer, CancelledError, "by another");
    CHECK(!outer.cancelled());
    CHECK_EQ(text(outer.exception()), "CancelledError('by another')");
    CHECK(!sibling.done());
    co_await sibling;
    CHECK(ended);
}

CO_TEST("a failure that nobody looks at is reported once, as the outer's") {
    {
        auto outer = gather(fail("unseen", 1s), fail("later", 2s));
        co_await sleep(10s);
        CHECK(outer.done());
    }
    const auto logs = testing::take_logs();
    REQUIRE(logs.size() == 1);
    CHECK(logs[0].text.find("never retrieved") != std::string::npos);
    CHECK(logs[0].text.find("unseen") != std::string::npos);
}

// ---- cancellation -------------------------------------------------------------------------------

CO_TEST("SEM-GATH-06: cancelling the outer cancels all unfinished children") {
    for (const bool eager : {false, true}) {
        const WithFactory factory(eager);
        const auto done = create_task(give(1, 0s));
        const auto first = create_task(sleep(1h));
        const auto second = create_task(sleep(2h));
        co_await sleep(1s);
        auto outer = gather(done, first, second);
        CHECK(outer.cancel("stop"));
        CHECK(!outer.done()); // it ends as its children do
        CHECK_THROWS_MSG(co_await outer, CancelledError, "stop");
        CHECK_EQ(done.result(), 1);
        CHECK(first.cancelled());
        CHECK(second.cancelled());
    }
}

CO_TEST("SEM-GATH-06: cancelling the task that awaits it cancels the children") {
    const auto child = create_task(sleep(1h));
    const auto parent = create_task([&]() -> Coro<> { co_await gather(child, sleep(2h)); });
    co_await sleep(1s);
    parent.cancel("stop");
    CHECK_THROWS_MSG(co_await parent, CancelledError, "stop");
    CHECK(parent.cancelled());
    CHECK(child.cancelled());
}

CO_TEST("SEM-GATH-06: there is nothing to cancel once all children are done") {
    Future<int> child;
    auto outer = gather(child);
    child.set_result(3);
    CHECK(!outer.done());
    CHECK(!outer.cancel());
    CHECK_EQ(std::get<0>(co_await outer), 3);
}

CO_TEST("a child that answers the cancel of the outer with a value does not undo it") {
    const auto stubborn = create_task([]() -> Coro<int> {
        const auto end = co_await outcome(sleep(1h));
        co_return end.cancelled() ? 1 : 2;
    });
    co_await yield_now();
    auto outer = gather(stubborn);
    outer.cancel("stop");
    CHECK_THROWS_MSG(co_await outer, CancelledError, "stop");
    CHECK_EQ(stubborn.result(), 1);
}

CO_TEST("SEM-GATH-07: cancelling the outer ends outcomes with CancelledError, not with a list") {
    auto outer = gather_outcomes(sleep(1h), give(1, 0s), sleep(2h));
    co_await sleep(1s);
    CHECK(outer.cancel("with a message"));
    CHECK_THROWS_MSG(co_await outer, CancelledError, "with a message");
    CHECK(!outer.cancelled());
}

CO_TEST("SEM-GATH-07: outcomes that are cancelled wait until all children have ended") {
    bool ended = false;
    auto outer = gather_outcomes(end_slowly(ended), sleep(2h));
    co_await sleep(1s);
    outer.cancel();
    CHECK_THROWS_AS(co_await outer, CancelledError);
    CHECK(ended);
}

CO_TEST("SEM-GATH-07: what children failed with before outcomes were cancelled is not reported") {
    auto outer = gather_outcomes(fail("first", 1s), sleep(1h));
    co_await sleep(2s);
    outer.cancel();
    CHECK_THROWS_AS(co_await outer, CancelledError); // the case fails if anything is logged
}

CO_TEST("SEM-GATH-08: after it failed by a child, cancelling it leaves the others alone") {
    bool ended = false;
    auto outer = gather(fail("first", 1s), note_end(ended, 5s));
    CHECK_THROWS_AS(co_await outer, ValueError);
    CHECK(!outer.cancel());
    co_await sleep(10s);
    CHECK(ended);
}

// ---- repeated children, none, and loops ---------------------------------------------------------

CO_TEST("SEM-GATH-09: the same awaitable is awaited once, its result stands at each place") {
    int runs = 0;
    const auto count = [](int& counter) -> Coro<std::string> {
        co_await sleep(1s);
        ++counter;
        co_return "once";
    };
    const auto task = create_task(count, std::ref(runs));
    const auto results = co_await gather(task, give(5, 2s), task);
    CHECK_EQ(std::get<0>(results), "once");
    CHECK_EQ(std::get<2>(results), "once");
    CHECK_EQ(runs, 1);
    const std::vector<Task<std::string>> again{task, task, task}; // done by now
    const auto all = co_await gather(again);
    CHECK_EQ(all[2], "once");
}

CO_TEST("FLT-TASK-07: a child given twice is counted once, fails once and is cancelled once") {
    const std::vector<Task<>> twice(2, create_task(sleep(1h)));
    auto outer = gather(twice);
    co_await yield_now();
    outer.cancel();
    CHECK_EQ(twice[0].cancelling(), 1);
    CHECK_THROWS_AS(co_await outer, CancelledError);
    const std::vector<Task<>> failing(2, create_task(fail("once", 1s)));
    CHECK_THROWS_MSG(co_await gather(failing), ValueError, "once");
}

CO_TEST("FLT-TASK-07: a child given twice is known also where tasks start in the call") {
    const WithFactory eager(true);
    Future<int> twice;
    const auto awaits = [](Future<int> future) -> Coro<int> { co_return co_await future; };
    auto outer = gather(twice, awaits(twice), twice); // its line grows between the two places
    twice.set_result(4);
    const auto results = co_await outer;
    CHECK_EQ(std::get<0>(results) + std::get<1>(results) + std::get<2>(results), 12);
}

CO_TEST("SEM-GATH-10: no arguments give a future that is done, with an empty list") {
    const auto outer = gather();
    CHECK(outer.done());
    CHECK(outer.result() == std::tuple<>());
    CHECK_EQ(&outer.get_loop(), &testing::loop());
    const auto none = gather(std::vector<Coro<int>>());
    CHECK(none.done());
    CHECK(none.result().empty());
    co_return;
}

TEST("SEM-GATH-10: without a running loop it belongs to the current one; without that, "
     "RuntimeError") {
    CHECK_THROWS_AS(gather(), RuntimeError);
    EventLoop own;
    set_event_loop(&own);
    CHECK_EQ(&gather().get_loop(), &own);
    set_event_loop(nullptr);
}

TEST("SEM-GATH-11: children of different loops are a ValueError, and none has been touched") {
    EventLoop one;
    EventLoop other;
    const Future<int> a(one);
    const Future<int> b(other);
    CHECK_THROWS_AS(gather(a, b), ValueError);
    const std::vector<Future<int>> both{a, b};
    CHECK_THROWS_AS(gather(both), ValueError);
    a.set_result(1);
    b.set_result(2);
}

TEST("SEM-GATH-11: without a running loop futures lend theirs") {
    EventLoop one;
    const Future<int> a(one);
    auto outer = gather(a, give(2, 0s));
    CHECK_EQ(&outer.get_loop(), &one);
    a.set_result(1);
    const auto results = one.run_until_complete(outer);
    CHECK_EQ(std::get<1>(results), 2);
}

CO_TEST("SEM-GATH-11: a future of another loop than the running one is a ValueError") {
    EventLoop other;
    const Future<int> stranger(other);
    CHECK_THROWS_AS(gather(give(1, 0s), stranger), ValueError);
    co_return;
}

// ---- turns --------------------------------------------------------------------------------------

CO_TEST("SEM-HOP-03: 2 turns after the last child ended") {
    Future<int> first;
    Future<int> last;
    std::uint64_t ended = 0;
    testing::loop().call_soon([&] {
        first.set_result(1);
        testing::loop().call_soon([&] {
            last.set_result(2);
            ended = testing::loop().turn_count();
        });
    });
    co_await gather(first, last);
    CHECK_EQ(testing::loop().turn_count() - ended, 2U);
}

CO_TEST("SEM-HOP-03: 2 turns after the first failure") {
    Future<int> fails;
    Future<int> pending;
    std::uint64_t ended = 0;
    testing::loop().call_soon([&] {
        fails.set_exception(ValueError("no"));
        ended = testing::loop().turn_count();
    });
    const auto end = co_await outcome(gather(fails, pending));
    CHECK(end.has_exception());
    CHECK_EQ(testing::loop().turn_count() - ended, 2U);
}

CO_TEST("SEM-HOP-03: 0 turns if all children were done at the call, or there are none") {
    const auto done = create_task(give(1, 0s));
    co_await sleep(1s);
    const testing::Turns turns;
    co_await gather(done, done);
    co_await gather();
    CHECK_EQ(turns.count(), 0);
}
