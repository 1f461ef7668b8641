// SPDX-License-Identifier: MIT
// gather: who holds whom, deep nesting, gather_or_cancel, and the cancel sweep.
#include "asyncio/gather.h"

#include "asyncio/testing/sweep.h"
#include "support/work.h"

using namespace asyncio;
using namespace std::chrono_literals;
using support::fail;
using support::give;
using support::note_end;

namespace {

// Takes `time` to end when it is cancelled.
Coro<> end_slowly(bool& ended, Duration time) {
    const Outcome<> end = co_await outcome(sleep(1h));
    co_await sleep(time);
    ended = true;
    end.value();
}

Coro<> fail_when_cancelled(const char* text) {
    const Outcome<> end = co_await outcome(sleep(1h));
    if (end.cancelled()) throw ValueError(text);
}

Coro<> let_others_end() {
    while (all_tasks().size() > 1) co_await sleep(10s);
    testing::take_logs(); // nobody has seen what they failed with
}

} // namespace

// ---- who holds whom -----------------------------------------------------------------------------

CO_TEST(
    "a gather that is dropped stops nothing; failures of its children are reported, each once") {
    bool ended = false;
    gather(note_end(ended, 1s), fail("first", 2s), fail("second", 3s));
    co_await sleep(10s);
    CHECK(ended);
    const auto logs = testing::take_logs();
    REQUIRE(logs.size() == 2);
    CHECK(logs[0].text.find("first") != std::string::npos);
    CHECK(logs[1].text.find("second") != std::string::npos);
}

CO_TEST("a gather that is dropped between its last child's end and its own leaves nothing") {
    Future<int> child;
    {
        const auto outer = gather(child);
        child.set_result(1);
    }
    co_await sleep(1s);
}

CO_TEST("a gather of a future that nobody will complete leaves nothing when it is dropped") {
    const auto waits = create_task([]() -> Coro<> { co_await gather(Future<int>()); });
    co_await sleep(1s);
    waits.cancel();
    const auto end = co_await outcome(waits);
    CHECK(end.cancelled());
    gather(Future<int>(), Future<int>());
}

CO_TEST("a gather lets go of its children when it is done") {
    auto child = create_task(give(1, 1s));
    auto outer = gather(child);
    co_await outer;
    CHECK_EQ(child.state()->refs, 1U);
}

TEST("a loop that closes over a gather at work leaves nothing") {
    const auto before = testing::Baseline::now().blocks;
    {
        EventLoop one;
        auto outer = one.create_task([]() -> Coro<> { co_await gather(sleep(1h), sleep(2h)); }());
        one.call_soon([&one] { one.stop(); });
        one.run_forever();
        one.call_soon([&one] { one.stop(); });
        one.run_forever();
    }
    CHECK_EQ(testing::Baseline::now().blocks, before);
    testing::take_logs(); // tasks that were pending
}

TEST("a loop that closes between a child's end and the gather's leaves nothing") {
    const auto before = testing::Baseline::now().blocks;
    {
        EventLoop one;
        const Future<int> child(one);
        const auto outer = gather(child);
        one.call_soon([&] {
            child.set_result(1);
            one.stop();
        });
        one.run_forever();
        one.close();
        CHECK(!outer.done());
    }
    CHECK_EQ(testing::Baseline::now().blocks, before);
}

CO_TEST("somebody else may complete the outer future") {
    Future<int> child;
    auto outer = gather(child);
    outer.set_result(std::tuple(7));
    child.set_result(1);
    CHECK_EQ(std::get<0>(co_await outer), 7);
    co_await sleep(1s);
}

// ---- nesting ------------------------------------------------------------------------------------

namespace {

Coro<> nest(int depth) {
    if (depth == 0) {
        co_await sleep(1h);
    } else {
        co_await gather(nest(depth - 1));
    }
}

} // namespace

CO_TEST("a cancel passes 20,000 gathers inside of one another without recursion") {
    const auto outermost = create_task(nest(20'000));
    co_await sleep(1s);
    outermost.cancel();
    const auto end = co_await outcome(outermost);
    CHECK(end.cancelled());
}

CO_TEST("gathers of gathers pass a cancel on, and say whether anybody took it") {
    Future<int> child;
    auto inner = gather(child);
    auto outer = gather(inner);
    auto outermost = gather(outer);
    CHECK(outermost.cancel("deep"));
    CHECK(child.cancelled());
    CHECK_THROWS_MSG(co_await outermost, CancelledError, "deep");
    CHECK_THROWS_MSG(inner.result(), CancelledError, "deep");
    CHECK_THROWS_MSG(outer.result(), CancelledError, "deep");
}

CO_TEST("children are cancelled in argument order, also through gathers of gathers") {
    std::vector<int> order;
    const auto note = [&order](int number) -> Coro<> {
        const Outcome<> end = co_await outcome(sleep(1h));
        order.push_back(number);
        end.value();
    };
    auto outer = gather(note(1), gather(note(2), gather(note(3)), note(4)), note(5));
    co_await sleep(1s);
    outer.cancel();
    const auto end = co_await outcome(outer);
    CHECK(end.cancelled());
    co_await sleep(1s);
    const std::vector<int> expected{1, 2, 3, 4, 5};
    CHECK_EQ(order, expected);
}

CO_TEST("two tasks that gather one another can be cancelled") {
    std::vector<Task<>> tasks;
    const auto waits_for = [&tasks](std::size_t other) -> Coro<> {
        co_await yield_now();
        co_await gather(tasks[other]);
    };
    tasks.push_back(create_task(waits_for(1)));
    tasks.push_back(create_task(waits_for(0)));
    co_await sleep(1s);
    tasks[0].cancel();
    const auto ends = co_await gather_outcomes(tasks[0], tasks[1]);
    CHECK(std::get<0>(ends).cancelled());
    CHECK(std::get<1>(ends).cancelled());
}

// ---- gather_or_cancel ---------------------------------------------------------------------------

CO_TEST("gather_or_cancel gives the results in order if all goes well") {
    const auto results = co_await gather_or_cancel(give(1, 2s), give(2, 1s));
    CHECK_EQ(std::get<0>(results), 1);
    CHECK_EQ(std::get<1>(results), 2);
}

CO_TEST("gather_or_cancel fails when the others have been cancelled and have ended") {
    bool ended = false;
    const auto sibling = create_task(end_slowly(ended, 5s));
    CHECK_THROWS_MSG(co_await gather_or_cancel(sibling, fail("first", 1s)), ValueError, "first");
    CHECK(ended);
    CHECK(sibling.cancelled());
    CHECK_EQ(testing::loop().time().time_since_epoch(), 6s);
}

CO_TEST("gather_or_cancel of a range does the same") {
    std::vector<Task<>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(create_task(sleep(1h)));
    tasks.push_back(create_task(fail("one of four", 1s)));
    CHECK_THROWS_MSG(co_await gather_or_cancel(tasks), ValueError, "one of four");
    for (int i = 0; i < 3; ++i) CHECK(tasks[static_cast<std::size_t>(i)].cancelled());
}

CO_TEST("gather_or_cancel takes the cancellation of a child for a failure") {
    const auto child = create_task(sleep(1h));
    const auto sibling = create_task(sleep(1h));
    auto outer = gather_or_cancel(child, sibling);
    co_await sleep(1s);
    child.cancel("one");
    CHECK_THROWS_MSG(co_await outer, CancelledError, "one");
    CHECK(sibling.cancelled());
}

CO_TEST("gather_or_cancel that is cancelled waits for all children") {
    bool first = false;
    bool second = false;
    auto outer = gather_or_cancel(end_slowly(first, 1s), end_slowly(second, 3s));
    co_await sleep(1s);
    CHECK(outer.cancel("stop"));
    CHECK_THROWS_MSG(co_await outer, CancelledError, "stop");
    CHECK(first);
    CHECK(second);
}

CO_TEST("gather_or_cancel: a second error is reported, the first one is thrown") {
    CHECK_THROWS_MSG(co_await gather_or_cancel(fail("first", 1s), fail_when_cancelled("second")),
                     ValueError, "first");
    const auto logs = testing::take_logs();
    REQUIRE(logs.size() == 1);
    CHECK(logs[0].text.find("second") != std::string::npos);
}

CO_TEST("gather_or_cancel: a child that had failed before the call cancels the others in it") {
    Future<> failed;
    failed.set_exception(ValueError("before"));
    bool ran = false;
    CHECK_THROWS_MSG(co_await gather_or_cancel(note_end(ran, 0s), failed), ValueError, "before");
    CHECK(!ran);
}

// ---- sweeps -------------------------------------------------------------------------------------

namespace {

Coro<> gather_two(Future<int> first, bool& second) { co_await gather(first, note_end(second, 2s)); }

} // namespace

CO_SWEEP("gather under the cancel sweep: children end, bystanders go on") {
    bool bystander_ended = false;
    bool second = false;
    const Future<int> first;
    testing::loop().call_later(1s, [first] {
        if (!first.done()) first.set_result(1);
    });
    auto bystander = create_task(note_end(bystander_ended, 3s));
    auto victim = sweep.victim(gather_two(first, second));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    co_await bystander;
    CHECK(bystander_ended);
    if (!sweep.struck()) CHECK(second);
}

CO_SWEEP("gather_or_cancel under the cancel sweep: no child is left running") {
    bool first = false;
    bool second = false;
    auto victim = sweep.victim([](bool& a, bool& b) -> Coro<> {
        co_await gather_or_cancel(end_slowly(a, 1s), end_slowly(b, 2s), fail("no", 3s));
    }(first, second));
    const auto end = co_await outcome(victim);
    CHECK(!end.has_value());
    if (first || second) CHECK(first && second);
    // Woken by the failure and cancelled before it looked: then nobody has seen the failure.
    if (sweep.mode() == testing::SweepMode::when_woken && sweep.struck()) testing::take_logs();
    // Without memory for the next child there is no gather, and those that were made go on.
    if (sweep.mode() == testing::SweepMode::no_memory) co_await let_others_end();
    CHECK_EQ(testing::loop().timer_count(), 0U);
}

CO_SWEEP(
    "gather_outcomes under the cancel sweep: it ends cancelled, when all children have ended") {
    bool slow = false;
    auto victim = sweep.victim([](bool& ended) -> Coro<> {
        co_await gather_outcomes(give(1, 1s), note_end(ended, 2s), fail("no", 0s));
    }(slow));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (sweep.mode() == testing::SweepMode::no_memory) co_await let_others_end();
    CHECK_EQ(testing::loop().timer_count(), 0U);
}
