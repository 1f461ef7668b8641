// SPDX-License-Identifier: MIT
// as_completed: the order of ends, both ways of iterating, timeouts, and leaving early.
#include "asyncio/as_completed.h"

#include "asyncio/gather.h"
#include "asyncio/testing/sweep.h"
#include "asyncio/timeouts.h"
#include "support/work.h"

using namespace asyncio;
using namespace std::chrono_literals;
using support::fail;
using support::give;
using support::three;

namespace {

Duration now() { return testing::loop().time().time_since_epoch(); }

template <class R>
concept CanIterate = requires(R range) { as_completed(std::forward<R>(range)); };

} // namespace

CO_TEST("SEM-ASC-01: plain iteration gives the results in completion order") {
    std::vector<Coro<int>> children;
    for (int i = 1; i <= 4; ++i) children.push_back(give(i, std::chrono::seconds(5 - i)));
    std::vector<int> results;
    std::vector<Duration> times;
    for (auto&& next : as_completed(std::move(children))) {
        results.push_back(co_await next);
        times.push_back(now());
    }
    const std::vector<int> expected{4, 3, 2, 1};
    const std::vector<Duration> at{1s, 2s, 3s, 4s};
    CHECK_EQ(results, expected);
    CHECK(times == at);
}

CO_TEST("SEM-ASC-01: an exception comes in its turn, and the iteration goes on behind it") {
    std::vector<Coro<int>> children;
    children.push_back(give(1, 3s));
    children.push_back(fail<int>("second", 2s));
    children.push_back(give(3, 1s));
    std::string seen;
    for (auto&& next : as_completed(std::move(children))) {
        const Outcome<int> end = co_await outcome(std::move(next));
        seen += end.has_value() ? std::to_string(end.value()) : message_of(end.exception());
    }
    CHECK_EQ(seen, "3second1");
}

CO_TEST("SEM-ASC-02: next() gives the very handles that were passed in") {
    const auto tasks = three(2s, 3s, 1s);
    auto it = as_completed(tasks);
    std::vector<Task<int>> order;
    while (auto task = co_await it.next()) order.push_back(*task);
    const std::vector<Task<int>> expected{tasks[2], tasks[0], tasks[1]};
    CHECK(order == expected);
    CHECK(!(co_await it.next()).has_value());
}

CO_TEST("SEM-ASC-02: of coroutines next() gives new tasks") {
    std::vector<Coro<int>> children;
    children.push_back(give(1, 2s));
    children.push_back(give(2, 1s));
    auto it = as_completed(std::move(children));
    const std::optional<Task<int>> first = co_await it.next();
    REQUIRE(first.has_value());
    CHECK(first->done());
    CHECK_EQ(first->result(), 2);
    const std::optional<Task<int>> second = co_await it.next();
    CHECK_EQ(second->result(), 1);
}

CO_TEST("SEM-ASC-03: after the timeout next() throws for each member that is not done") {
    const auto tasks = three(1s, 10s, 20s);
    auto it = as_completed(tasks, 5s);
    const auto first = co_await it.next();
    CHECK(*first == tasks[0]);
    CHECK_THROWS_AS(co_await it.next(), TimeoutError);
    CHECK_EQ(now(), 5s);
    CHECK_THROWS_AS(co_await it.next(), TimeoutError);
    CHECK(!(co_await it.next()).has_value());
    CHECK_EQ(co_await tasks[2], 3); // it was not cancelled
}

CO_TEST(
    "SEM-ASC-03: after the timeout plain iteration's awaitables throw, what was done is given") {
    std::vector<Coro<int>> children;
    children.push_back(give(1, 1s));
    children.push_back(give(2, 2s));
    children.push_back(give(3, 20s));
    auto it = as_completed(std::move(children), Duration(5s));
    co_await sleep(6s); // nobody looked in time
    std::string seen;
    for (auto&& next : it) {
        const Outcome<int> end = co_await outcome(std::move(next));
        seen += end.has_value() ? std::to_string(end.value()) : type_name(end.exception());
    }
    CHECK_EQ(seen, "12TimeoutError");
    co_await sleep(20s);
}

CO_TEST("SEM-ASC-03: several that wait when the time is up all throw") {
    const auto tasks = three(1h, 1h, 1h);
    auto it = as_completed(tasks, 1s);
    const auto ends = co_await gather_outcomes(it.next(), it.next(), it.next());
    CHECK(is_exception<TimeoutError>(std::get<0>(ends).exception()));
    CHECK(is_exception<TimeoutError>(std::get<1>(ends).exception()));
    CHECK(is_exception<TimeoutError>(std::get<2>(ends).exception()));
    for (const auto& task : tasks) task.cancel();
    co_await gather_outcomes(tasks);
}

CO_TEST("SEM-ASC-04: a timer that is not needed is cancelled when the last member completes") {
    auto it = as_completed(three(1s, 2s, 3s), 1h);
    while (auto task = co_await it.next()) {
    }
    CHECK_EQ(testing::loop().timer_count(), 0U);
}

CO_TEST("SEM-ASC-04: nor is a timer left when the iterator is dropped") {
    const auto tasks = three(1s, 2s, 3s);
    {
        auto it = as_completed(tasks, 1h);
        co_await it.next();
    }
    CHECK_EQ(testing::loop().timer_count(), 2U); // the members' own
    co_await sleep(5s);
}

CO_TEST("SEM-ASC-05: it can be resumed after leaving the loop early, with the remaining ones") {
    auto it = as_completed(three(1s, 2s, 3s));
    std::vector<int> seen;
    for (auto&& next : it) {
        seen.push_back(co_await next);
        break;
    }
    CHECK_EQ(now(), 1s);
    for (auto&& next : it) seen.push_back(co_await next);
    const std::vector<int> expected{1, 2, 3};
    CHECK_EQ(seen, expected);
}

CO_TEST("SEM-ASC-05: what was begun in one way can be ended in the other") {
    auto it = as_completed(three(1s, 2s, 3s));
    const auto first = co_await it.next();
    CHECK_EQ(first->result(), 1);
    int sum = 0;
    for (auto&& next : it) sum += co_await next;
    CHECK_EQ(sum, 5);
}

CO_TEST("SEM-ASC-06: several awaitables may be awaited concurrently") {
    const auto tasks = three(3s, 1s, 2s);
    std::vector<Task<int>> readers;
    for (auto&& next : as_completed(tasks)) readers.push_back(create_task(std::move(next)));
    const auto results = co_await gather(readers);
    const std::vector<int> expected{2, 3, 1};
    CHECK_EQ(results, expected);
    CHECK_EQ(now(), 3s);
}

CO_TEST("SEM-ASC-07: a member given twice counts once") {
    auto tasks = three(1s, 2s, 3s);
    tasks.push_back(tasks[0]);
    tasks.push_back(tasks[2]);
    auto it = as_completed(tasks);
    int count = 0;
    while (co_await it.next()) ++count;
    CHECK_EQ(count, 3);
}

TEST("SEM-ASC-07: a single future or coroutine does not compile") {
    static_assert(CanIterate<std::vector<Task<int>>&>);
    static_assert(CanIterate<std::vector<Coro<int>>>);
    static_assert(!CanIterate<std::vector<Coro<int>>&>);
    static_assert(!CanIterate<Task<int>&>);
    static_assert(!CanIterate<Coro<int>>);
}

TEST("SEM-ASC-07: without a running or current loop it is a RuntimeError") {
    std::vector<Coro<int>> children;
    children.push_back(give(1, 0s));
    CHECK_THROWS_AS(as_completed(std::move(children)), RuntimeError);
}

TEST("SEM-ASC-07: a current loop that does not run yet is good enough") {
    EventLoop own;
    set_event_loop(&own);
    std::vector<Coro<int>> children;
    children.push_back(give(4, 0s));
    auto it = as_completed(std::move(children));
    const auto first = own.run_until_complete(it.next());
    CHECK_EQ(first->result(), 4);
    set_event_loop(nullptr);
}

CO_TEST("SEM-ASC-08: an empty input ends at once, also with timeout 0") {
    const testing::Turns turns;
    for (auto&& next : as_completed(std::vector<Task<int>>(), Duration(0s))) co_await next;
    auto it = as_completed(std::vector<Coro<int>>(), 0s);
    CHECK(!(co_await it.next()).has_value());
    CHECK_EQ(turns.count(), 0);
    CHECK_EQ(testing::loop().timer_count(), 0U);
}

CO_TEST("FLT-TASK-07: a late error is the member's own, and is seen once") {
    std::vector<Coro<int>> children;
    children.push_back(give(1, 1s));
    children.push_back(fail<int>("late", 2s));
    {
        auto it = as_completed(std::move(children));
        co_await it.next();
    }
    co_await sleep(5s);
    const auto logs = testing::take_logs();
    REQUIRE(logs.size() == 1);
    CHECK(logs[0].text.find("late") != std::string::npos);
}

CO_TEST("as_completed: a cancelled wait loses no member") {
    auto it = as_completed(three(2s, 3s, 4s));
    CHECK_THROWS_AS(co_await timeout(1s, it.next()), TimeoutError);
    int sum = 0;
    int count = 0;
    for (auto&& next : it) {
        sum += co_await next;
        ++count;
    }
    CHECK_EQ(sum, 6);
    CHECK_EQ(count, 3);
}

CO_TEST("as_completed: an awaitable of plain iteration can be awaited once") {
    auto it = as_completed(three(1s, 2s, 3s));
    auto next = *it.begin();
    CHECK_EQ(co_await next, 1);
    CHECK_THROWS_MSG(co_await next, RuntimeError, "already awaited");
    co_await sleep(5s);
}

CO_TEST("as_completed: who asks first is served first; who comes between may take what is there") {
    const std::vector<Future<int>> futures(2);
    auto it = as_completed(futures);
    std::string order;
    const auto fetch = [&](char name) -> Coro<> {
        const auto future = co_await it.next();
        order += name + std::to_string(future->result());
    };
    const auto first = create_task(fetch, 'a');
    co_await yield_now();
    futures[0].set_result(1);
    co_await yield_now(); // it is on its way to a, who is woken and has not run
    co_await fetch('b');  // does not suspend
    futures[1].set_result(2);
    co_await first;
    CHECK_EQ(order, "b1a2");
}

CO_TEST("SEM-HOP-07: 2 turns after a member ended") {
    const std::vector<Future<int>> futures(1);
    auto it = as_completed(futures);
    std::uint64_t ended = 0;
    testing::loop().call_soon([&] {
        futures[0].set_result(1);
        ended = testing::loop().turn_count();
    });
    co_await it.next();
    CHECK_EQ(testing::loop().turn_count() - ended, 2U);
}

namespace {

Coro<> fetch_all(AsCompleted<Task<int>> it, int& sum) {
    while (auto task = co_await it.next()) sum += task->result();
}

} // namespace

CO_SWEEP("as_completed under the cancel sweep: what the victim does not get, the next one gets") {
    int sum = 0;
    auto it = as_completed(three(1s, 1s, 2s), 1h);
    auto victim = sweep.victim(fetch_all(it, sum));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    co_await fetch_all(it, sum);
    CHECK_EQ(sum, 6);
    CHECK_EQ(testing::loop().timer_count(), 0U);
}
