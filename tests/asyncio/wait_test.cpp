// SPDX-License-Identifier: MIT
// wait: which members are done, when it returns, and what it leaves alone.
#include "asyncio/wait.h"

#include "asyncio/testing/sweep.h"
#include "support/reports.h"
#include "support/work.h"

#include <array>
#include <span>

using namespace asyncio;
using namespace std::chrono_literals;
using support::fail;
using support::give;
using support::three;

namespace {

Duration now() { return testing::loop().time().time_since_epoch(); }

// An input range whose elements can be seen once, of unknown length.
class OneShot {
public:
    explicit OneShot(std::vector<Task<int>> tasks) : tasks_(std::move(tasks)) {}
    class Iterator {
    public:
        explicit Iterator(OneShot& of) : of_(&of) {}
        Task<int> operator*() const {
            Task<int> last = of_->tasks_.back();
            of_->tasks_.pop_back();
            return last;
        }
        Iterator& operator++() { return *this; }
        bool operator==(const Iterator&) const { return of_->tasks_.empty(); }

    private:
        OneShot* of_;
    };
    Iterator begin() { return Iterator(*this); }
    Iterator end() { return Iterator(*this); }

private:
    std::vector<Task<int>> tasks_;
};

template <class R>
concept CanWait = requires(R range) { wait(std::forward<R>(range)); };

} // namespace

CO_TEST("SEM-WAIT-01: gives done and pending, in the order given; never throws, never cancels") {
    std::vector<Task<int>> tasks = three(3s, 1s, 9s);
    tasks.push_back(create_task(fail<int>("a member's own affair", 2s)));
    const auto result = co_await wait(tasks, WaitOptions().timeout(5s));
    const std::vector<Task<int>> done{tasks[0], tasks[1], tasks[3]};
    const std::vector<Task<int>> pending{tasks[2]};
    CHECK(result.done == done);
    CHECK(result.pending == pending);
    CHECK_EQ(now(), 5s);
    CHECK_THROWS_AS(tasks[3].result(), ValueError);
    CHECK_EQ(co_await tasks[2], 3);
}

CO_TEST("SEM-WAIT-02: FIRST_COMPLETED returns when any is done") {
    const auto tasks = three(3s, 1s, 2s);
    const auto [done, pending] = co_await wait(tasks, FIRST_COMPLETED);
    CHECK_EQ(now(), 1s);
    REQUIRE(done.size() == 1);
    CHECK(done[0] == tasks[1]);
    CHECK_EQ(pending.size(), 2U);
    co_await wait(tasks);
}

CO_TEST("SEM-WAIT-02: FIRST_EXCEPTION returns when any has failed, or all are done") {
    std::vector<Task<int>> tasks = three(1s, 9s, 2s);
    tasks.push_back(create_task(fail<int>("no", 3s)));
    const auto result = co_await wait(tasks, WaitOptions().return_when(FIRST_EXCEPTION));
    CHECK_EQ(now(), 3s);
    CHECK_EQ(result.done.size(), 3U);
    CHECK_EQ(result.pending.size(), 1U);
    const auto good = three(1s, 9s, 2s);
    const auto all = co_await wait(good, FIRST_EXCEPTION);
    CHECK_EQ(all.done.size(), 3U);
    co_await tasks[1];
}

CO_TEST("SEM-WAIT-02: FIRST_EXCEPTION does not take a cancelled member for a failed one") {
    const auto tasks = three(9s, 5s, 6s);
    testing::loop().call_later(1s, [&tasks] { tasks[0].cancel(); });
    const auto result = co_await wait(tasks, FIRST_EXCEPTION);
    CHECK_EQ(now(), 6s);
    CHECK_EQ(result.done.size(), 3U);
}

CO_TEST("SEM-WAIT-02: ALL_COMPLETED is the default, and failures do not end it early") {
    std::vector<Task<int>> tasks = three(1s, 2s, 7s);
    tasks.push_back(create_task(fail<int>("no", 1s)));
    const auto result = co_await wait(tasks);
    CHECK_EQ(now(), 7s);
    CHECK(result.pending.empty());
    CHECK_THROWS_AS(tasks[3].result(), ValueError);
}

CO_TEST("SEM-WAIT-03: timeout returns what is done so far") {
    const auto tasks = three(1s, 10s, 20s);
    const auto result = co_await wait(tasks, WaitOptions().timeout(5s));
    CHECK_EQ(now(), 5s);
    CHECK_EQ(result.done.size(), 1U);
    CHECK_EQ(result.pending.size(), 2U);
    co_await wait(tasks);
    CHECK_EQ(testing::loop().timer_count(), 0U);
}

CO_TEST("SEM-WAIT-03: a member that ends with the deadline counts by its state when wait resumes") {
    std::vector<Future<>> futures(2);
    const auto waits = create_task([&]() -> Coro<WaitResult<Future<>>> {
        co_return co_await wait(futures, WaitOptions().timeout(5s));
    });
    co_await yield_now(); // wait's timer comes first, and the member in the same turn
    testing::loop().call_later(5s, [&futures] { futures[1].set_result(); });
    const auto result = co_await waits;
    CHECK_EQ(now(), 5s);
    REQUIRE(result.done.size() == 1);
    CHECK(result.done[0] == futures[1]);
}

CO_TEST("SEM-WAIT-03: with a timeout of zero a turn passes, and what is done counts") {
    const auto tasks = three(0s, 1h, 1h);
    co_await yield_now();
    co_await yield_now();
    const auto result = co_await wait(tasks, WaitOptions().timeout(0s));
    CHECK_EQ(now(), 0s);
    CHECK_EQ(result.done.size(), 1U);
    tasks[1].cancel();
    tasks[2].cancel();
    co_await wait(tasks);
}

CO_TEST("SEM-WAIT-04: no members, and an invalid return_when, are a ValueError") {
    CHECK_THROWS_MSG(co_await wait(std::vector<Task<int>>()), ValueError,
                     "Set of Tasks/Futures is empty.");
    const std::vector<Future<>> one(1);
    CHECK_THROWS_MSG(co_await wait(one, static_cast<ReturnWhen>(99)), ValueError,
                     "Invalid return_when value: 99");
}

TEST("SEM-WAIT-04: a single future, or coroutines in a range, do not compile") {
    static_assert(CanWait<std::vector<Task<int>>&>);
    static_assert(!CanWait<Task<int>&>);
    static_assert(!CanWait<Future<int>>);
    static_assert(!CanWait<Coro<int>>);
    static_assert(!CanWait<std::vector<Coro<int>>>);
    static_assert(!CanWait<std::vector<Coro<int>>&>);
}

CO_TEST("SEM-WAIT-05: a member given twice counts once") {
    auto tasks = three(1s, 2s, 3s);
    tasks.push_back(tasks[0]);
    tasks.insert(tasks.begin(), tasks[2]);
    const auto result = co_await wait(tasks);
    const std::vector<Task<int>> done{tasks[0], tasks[1], tasks[2]};
    CHECK(result.done == done);
}

CO_TEST("SEM-WAIT-05: any range is accepted: temporary, array, span, one that can be seen once") {
    const auto tasks = three(1s, 2s, 3s);
    const auto once = co_await wait(OneShot(tasks));
    CHECK_EQ(once.done.size(), 3U);
    const auto temporary = co_await wait(three(1s, 2s, 3s));
    CHECK_EQ(temporary.done.size(), 3U);
    const Task<int> array[] = {tasks[0], tasks[1]};
    const auto of_array = co_await wait(array);
    CHECK_EQ(of_array.done.size(), 2U);
    const auto of_span = co_await wait(std::span(tasks));
    CHECK_EQ(of_span.done.size(), 3U);
}

CO_TEST("SEM-WAIT-05: handles of any type may stand beside one another as AnyFuture") {
    const Future<> future;
    const Task<int> task = create_task(give(1, 1s));
    const std::vector<AnyFuture> both{future, task};
    const auto result = co_await wait(both, FIRST_COMPLETED);
    REQUIRE(result.done.size() == 1);
    CHECK(result.done[0] == AnyFuture(task));
}

CO_TEST("SEM-WAIT-06: FIRST_EXCEPTION with a member that has failed does not advance the time") {
    std::vector<Task<int>> tasks = three(1h, 1h, 1h);
    tasks.push_back(create_task(fail<int>("before", 0s)));
    co_await yield_now();
    co_await yield_now();
    const auto result = co_await wait(tasks, FIRST_EXCEPTION);
    CHECK_EQ(now(), 0s);
    CHECK_EQ(result.done.size(), 1U);
    for (const auto& task : result.pending) task.cancel();
    co_await wait(tasks);
}

CO_TEST("SEM-WAIT-03: a failure between the deadline and the resumption counts as looked at") {
    support::Reports reports;
    const auto waits = [](Future<int> member, Future<int> beside) -> Coro<> {
        const std::vector<Future<int>> members{member, beside};
        (void)co_await wait(members, WaitOptions(FIRST_EXCEPTION).timeout(1s));
    };
    {
        const Future<int> member;
        const Future<int> beside;
        const auto fails = [&member] { member.set_exception(ValueError("late")); };
        testing::loop().call_later(1s, [&fails] { testing::loop().call_soon(fails); });
        co_await waits(member, beside);
    }
    CHECK(reports.seen.empty());
}

CO_TEST("SEM-WAIT-07: a cancelled waiter leaves the members running, without its callbacks") {
    const auto tasks = three(2s, 2s, 2s);
    const auto waiter =
        create_task([&]() -> Coro<> { co_await wait(tasks, WaitOptions().timeout(1h)); });
    co_await sleep(1s);
    CHECK(!tasks[0].state()->callbacks.empty());
    waiter.cancel("stop");
    CHECK_THROWS_MSG(co_await waiter, CancelledError, "stop");
    CHECK(tasks[0].state()->callbacks.empty());
    CHECK_EQ(testing::loop().timer_count(), 3U); // the members' own
    CHECK_EQ(co_await tasks[2], 3);
}

CO_TEST("FLT-TASK-07: wait with members given twice and cancelled by others sees each once") {
    auto tasks = three(1h, 2s, 3s);
    for (int i = 0; i < 3; ++i) tasks.push_back(tasks[0]);
    testing::loop().call_later(1s, [&tasks] { tasks[0].cancel(); });
    const auto first = co_await wait(tasks, FIRST_COMPLETED);
    CHECK_EQ(first.done.size(), 1U);
    const auto rest = co_await wait(tasks);
    CHECK_EQ(rest.done.size(), 3U);
    CHECK_EQ(tasks[0].cancelling(), 1);
}

CO_TEST("wait: an operation can be awaited again, and goes by the state of that time") {
    const auto tasks = three(1s, 2s, 3s);
    const auto operation = wait(tasks, FIRST_COMPLETED);
    const auto first = co_await operation;
    CHECK_EQ(first.done.size(), 1U);
    co_await sleep(5s);
    const auto second = co_await operation;
    CHECK_EQ(second.done.size(), 3U);
}

CO_TEST("wait: a member of another loop is a ValueError") {
    EventLoop other;
    const std::vector<Future<>> strangers(1, Future<>(other));
    CHECK_THROWS_AS(co_await wait(strangers), ValueError);
}

CO_TEST("SEM-HOP-04: 2 turns after the deciding member ended") {
    const std::vector<Future<>> futures(1);
    std::uint64_t ended = 0;
    testing::loop().call_soon([&] {
        futures[0].set_result();
        ended = testing::loop().turn_count();
    });
    co_await wait(futures);
    CHECK_EQ(testing::loop().turn_count() - ended, 2U);
}

CO_TEST("SEM-HOP-04: 2 turns also if all members were done at the call") {
    std::vector<Future<>> futures(2);
    for (const Future<>& future : futures) future.set_result();
    const testing::Turns turns;
    co_await wait(futures);
    CHECK_EQ(turns.count(), 2);
}

namespace {

Coro<> wait_twice(std::vector<Task<int>> tasks, int& seen) {
    const auto first = co_await wait(tasks, WaitOptions(FIRST_COMPLETED).timeout(5s));
    seen += static_cast<int>(first.done.size());
    const auto second = co_await wait(tasks, WaitOptions().timeout(2s));
    seen += static_cast<int>(second.done.size());
}

} // namespace

CO_SWEEP("wait under the cancel sweep: the members go on, no timer is left") {
    const auto tasks = three(1s, 2s, 10s);
    int seen = 0;
    auto victim = sweep.victim(wait_twice(tasks, seen));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (!sweep.struck()) CHECK_EQ(seen, 3);
    const auto all = co_await wait(tasks);
    for (const auto& task : all.done) CHECK(!task.cancelled());
    CHECK_EQ(all.done.size(), 3U);
    CHECK_EQ(testing::loop().timer_count(), 0U);
}
