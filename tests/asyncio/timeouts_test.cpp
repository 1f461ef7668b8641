// SPDX-License-Identifier: MIT
// Timeouts: deadlines, states, and whose cancel it was.
#include "asyncio/timeouts.h"

#include "asyncio/taskgroups.h"
#include "asyncio/testing/sweep.h"
#include "support/both_modes.h"
#include "support/moments.h"

#include <memory>

using namespace asyncio;
using namespace std::chrono_literals;
using support::cancelling;
using support::now;

namespace {

Coro<int> seven() { co_return 7; }
Coro<int> seven_after(Duration delay) {
    co_await sleep(delay);
    co_return 7;
}
Coro<> fail_after(Duration delay) {
    co_await sleep(delay);
    throw ZeroDivisionError("division by zero");
}
// Answers its cancellation with an error of its own.
Coro<> fail_when_cancelled() {
    const auto end = co_await outcome(sleep(1h));
    if (end.cancelled()) throw ZeroDivisionError("clean-up");
}

// A loop's clock that the test moves, so that a turn can take as long as it likes.
class MovedClock final : public EpollBackend {
public:
    explicit MovedClock(std::int64_t& now) : now_(now) {}
    std::int64_t now_ns() noexcept override { return now_; }
    std::span<const os::ReadyEvent> poll(std::int64_t timeout_ns, bool outside) override {
        if (timeout_ns > 0) now_ += timeout_ns;
        return EpollBackend::poll(0, outside);
    }

private:
    std::int64_t& now_;
};

// Runs `body` on a loop whose clock it moves.
void run_with_moved_clock(Coro<> (*body)(std::int64_t& clock)) {
    std::int64_t clock = 0;
    LoopOptions options;
    options.backend(std::make_unique<MovedClock>(clock));
    EventLoop loop(std::move(options));
    loop.run_until_complete(body(clock));
    CHECK_EQ(loop.timer_count(), 0U);
}

} // namespace

CO_TEST_BOTH_MODES(
    "SEM-TMO-01: a body past its deadline is cancelled, the scope throws TimeoutError") {
    std::string seen = "nothing";
    Timeout limit = timeout(1s);
    const auto body = [&seen]() -> Coro<> {
        const auto end = co_await outcome(sleep(10s));
        if (end.cancelled()) seen = "cancelled";
        end.value();
    };
    CHECK_THROWS_AS(co_await limit.with(body), TimeoutError);
    CHECK_EQ(seen, "cancelled");
    CHECK_EQ(now(), TimePoint(1s));
    CHECK(limit.expired());
    CHECK_EQ(cancelling(), 0);
    co_await sleep(1s); // goes on as ever
    CHECK_EQ(now(), TimePoint(2s));
}

CO_TEST_BOTH_MODES("SEM-TMO-01: the three forms of a body: with the scope, without, an awaitable") {
    const auto takes_scope = [](Timeout& limit) -> Coro<bool> {
        co_await sleep(1ms);
        co_return limit.when().has_value();
    };
    const auto takes_nothing = []() -> Coro<int> { co_return 3; };
    CHECK(co_await timeout(1s, takes_scope));
    CHECK_EQ(co_await timeout(1s, takes_nothing), 3);
    CHECK_EQ(co_await timeout(1s, seven_after(10ms)), 7);
    CHECK_EQ(co_await timeout(1s, sleep(10ms, std::string("slept"))), "slept");
    const auto task = create_task(seven_after(10ms));
    CHECK_EQ(co_await timeout(1s, task), 7);
    CHECK_THROWS_AS(co_await timeout(1s, sleep(5s)), TimeoutError);
    CHECK_THROWS_AS(co_await timeout(1s, Future<>()), TimeoutError);
}

CO_TEST("SEM-TMO-01: an expired scope shows in outcome() without a throw") {
    const auto end = co_await outcome(timeout(1s, sleep(5s)));
    CHECK(end.has_exception());
    CHECK(is_exception<TimeoutError>(end.exception()));
    const auto value = co_await outcome(timeout(1s, seven()));
    CHECK_EQ(value.value(), 7);
}

CO_TEST("SEM-TMO-01: a timeout can be made a task, and counts from when it runs") {
    auto pending = timeout(1s, sleep(5s));
    co_await sleep(3s);
    const auto task = create_task(std::move(pending));
    CHECK_THROWS_AS(co_await task, TimeoutError);
    CHECK_EQ(now(), TimePoint(4s));
    CHECK(!task.cancelled());
}

CO_TEST("SEM-TMO-02: timeout_at has the deadline it is given, timeout counts from now") {
    co_await sleep(1s);
    const Timeout relative = timeout(250ms);
    CHECK_EQ(relative.when(), std::optional(TimePoint(1250ms)));
    Timeout absolute = timeout_at(TimePoint(1500ms));
    CHECK_EQ(absolute.when(), std::optional(TimePoint(1500ms)));
    CHECK_THROWS_AS(co_await absolute.with(sleep(10s)), TimeoutError);
    CHECK_EQ(now(), TimePoint(1500ms));
    CHECK_THROWS_AS(co_await timeout_at(TimePoint(2s), sleep(10s)), TimeoutError);
    CHECK_EQ(now(), TimePoint(2s));
}

TEST("SEM-TMO-02: timeout outside of a loop is a RuntimeError, timeout_at only when it is used") {
    CHECK_THROWS_MSG(timeout(1s), RuntimeError, "no running event loop");
    CHECK_THROWS_MSG(timeout(std::nullopt), RuntimeError, "no running event loop");
    CHECK_EQ(timeout_at(TimePoint(1s)).when(), std::optional(TimePoint(1s)));
}

CO_TEST_BOTH_MODES("SEM-TMO-03: a scope without a deadline never fires") {
    for (const bool absolute : {false, true}) {
        Timeout limit(std::nullopt);
        CHECK(!limit.when());
        if (absolute) {
            CHECK_EQ(co_await timeout_at(std::nullopt, seven_after(100h)), 7);
        } else {
            CHECK_EQ(co_await limit.with(seven_after(100h)), 7);
            CHECK(!limit.expired());
        }
        CHECK(!limit.when());
    }
    CHECK_EQ(co_await timeout(Duration::forever(), seven_after(1h)), 7);
}

CO_TEST_BOTH_MODES("SEM-TMO-04: a body that is done in time keeps its result, and the timer goes") {
    Timeout limit = timeout(1s);
    CHECK_EQ(co_await limit.with(seven_after(999ms)), 7);
    CHECK(!limit.expired());
    CHECK_EQ(limit.when(), std::optional(TimePoint(1s)));
    CHECK_EQ(testing::loop().timer_count(), 0U);
    co_await sleep(5s);
    CHECK_EQ(cancelling(), 0);
    auto moved = co_await timeout(
        1s, []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(5); });
    CHECK_EQ(*moved, 5);
}

CO_TEST_BOTH_MODES("SEM-TMO-05: a zero or past deadline fires at the body's first suspension") {
    for (const Duration delay : {Duration(0s), Duration(-1s)}) {
        int steps = 0;
        const auto body = [&steps]() -> Coro<> {
            ++steps;
            co_await sleep(Duration());
            ++steps;
        };
        CHECK_THROWS_AS(co_await timeout(delay, body), TimeoutError);
        CHECK_EQ(steps, 1);
        CHECK_EQ(cancelling(), 0);
    }
    co_await sleep(1s);
    CHECK_THROWS_AS(co_await timeout_at(TimePoint(500ms), sleep(10s)), TimeoutError);
    CHECK_EQ(now(), TimePoint(1s));
}

CO_TEST_BOTH_MODES("SEM-TMO-05: a body that never suspends is not touched by a past deadline") {
    Timeout limit = timeout(0s);
    CHECK_EQ(co_await limit.with(seven()), 7);
    CHECK(!limit.expired());
    co_await sleep(Duration()); // the queued expiry is void
    co_await sleep(1s);
    CHECK_EQ(cancelling(), 0);
}

CO_TEST_BOTH_MODES("SEM-TMO-06: other exceptions of the body pass through unchanged") {
    Timeout limit = timeout(1s);
    CHECK_THROWS_MSG(co_await limit.with(fail_after(10ms)), ZeroDivisionError, "division by zero");
    CHECK(!limit.expired());
    const auto throws_when_called = []() -> Sleep { throw ValueError("called"); };
    CHECK_THROWS_MSG(co_await timeout(1s, throws_when_called), ValueError, "called");
    CHECK_THROWS_AS(co_await timeout(1s,
                                     []() -> Coro<> {
                                         throw KeyError("k");
                                         co_return;
                                     }),
                    KeyError);
    CHECK_EQ(testing::loop().timer_count(), 0U);
}

CO_TEST_BOTH_MODES(
    "SEM-TMO-07: an error in answer to the expiry comes out instead of TimeoutError") {
    Timeout limit = timeout(1s);
    CHECK_THROWS_MSG(co_await limit.with(fail_when_cancelled()), ZeroDivisionError, "clean-up");
    CHECK(limit.expired());
    CHECK_EQ(cancelling(), 0);
    co_await sleep(1s);
}

CO_TEST_BOTH_MODES("SEM-TMO-08: a cancel by others before the deadline stays CancelledError") {
    Timeout* seen = nullptr;
    bool expired = true;
    const auto body = [&](Timeout& limit) -> Coro<> {
        seen = &limit;
        const auto end = co_await outcome(sleep(10s));
        expired = limit.expired();
        end.value();
    };
    const auto task = create_task(timeout(5s, body));
    co_await sleep(1s);
    REQUIRE(seen != nullptr);
    task.cancel("by others");
    CHECK_THROWS_MSG(co_await task, CancelledError, "by others");
    CHECK(task.cancelled());
    CHECK(!expired);
    CHECK_EQ(now(), TimePoint(1s));
}

CO_TEST_BOTH_MODES("SEM-TMO-08: a body that throws CancelledError by itself is no timeout") {
    Timeout limit = timeout(1s);
    CHECK_THROWS_AS(co_await limit.with([]() -> Coro<> {
        throw CancelledError();
        co_return;
    }),
                    CancelledError);
    CHECK(!limit.expired());
    const Future<> future;
    testing::loop().call_later(10ms, [future] { future.cancel(); });
    CHECK_THROWS_AS(co_await timeout(1s, future), CancelledError);
    CHECK_EQ(cancelling(), 0);
}

CO_TEST_BOTH_MODES("SEM-TMO-08: a cancel by others as late as the expiry stays CancelledError") {
    Timeout* seen = nullptr;
    bool expired = false;
    const auto body = [&](Timeout& limit) -> Coro<> {
        seen = &limit;
        const auto end = co_await outcome(sleep(10s));
        expired = limit.expired();
        end.value();
    };
    const auto task = create_task(timeout(1s, body));
    co_await sleep(Duration());
    testing::loop().call_at(TimePoint(1s), [&task] { task.cancel(); });
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK(expired);
    CHECK_EQ(task.cancelling(), 1); // the foreign request alone is left
}

CO_TEST_BOTH_MODES("SEM-TMO-09: of scopes that expire together the outermost throws TimeoutError") {
    Timeout outer = timeout_at(TimePoint(1s));
    Timeout inner = timeout_at(TimePoint(1s));
    bool cancelled = false;
    const auto inside = [&]() -> Coro<> {
        const auto end = co_await outcome(inner.with(sleep(10s)));
        cancelled = end.cancelled();
        end.value();
    };
    CHECK_THROWS_AS(co_await outer.with(inside), TimeoutError);
    CHECK(cancelled);
    CHECK(outer.expired());
    CHECK(inner.expired());
    CHECK_EQ(cancelling(), 0);
}

CO_TEST_BOTH_MODES(
    "SEM-TMO-10: an inner timeout alone throws inside the outer scope, which goes on") {
    Timeout outer = timeout(5s);
    bool inner_timed_out = false;
    const auto inside = [&]() -> Coro<> {
        const auto end = co_await outcome(timeout(1s, sleep(100s)));
        inner_timed_out = is_exception<TimeoutError>(end.exception());
        CHECK_EQ(now(), TimePoint(1s));
        co_await sleep(100s);
    };
    CHECK_THROWS_AS(co_await outer.with(inside), TimeoutError);
    CHECK(inner_timed_out);
    CHECK(outer.expired());
    CHECK_EQ(now(), TimePoint(5s));
    CHECK_EQ(cancelling(), 0);
}

TEST("SEM-TMO-10: an inner timeout throws also if the loop was blocked, before the outer is due") {
    run_with_moved_clock([](std::int64_t& clock) -> Coro<> {
        Timeout outer = timeout(100ms);
        bool inner_timed_out = false;
        const auto busy = [&clock]() -> Coro<> {
            clock += 50'000'000; // past the inner deadline
            co_await sleep(1s);
        };
        const auto inside = [&]() -> Coro<> {
            const auto end = co_await outcome(timeout(10ms, busy));
            inner_timed_out = is_exception<TimeoutError>(end.exception());
            co_await sleep(10s);
        };
        CHECK_THROWS_AS(co_await outer.with(inside), TimeoutError);
        CHECK(inner_timed_out);
        CHECK_EQ(clock, 100'000'000);
    });
}

TEST("SEM-TMO-10: a loop blocked past both deadlines ends in the outer scope's TimeoutError") {
    run_with_moved_clock([](std::int64_t& clock) -> Coro<> {
        Timeout outer = timeout(100ms);
        Timeout inner = timeout(10ms);
        const auto busy = [&clock]() -> Coro<> {
            clock += 150'000'000;
            co_await sleep(1s);
        };
        const auto inside = [&]() -> Coro<> {
            co_await inner.with(busy);
            co_await sleep(10s);
        };
        CHECK_THROWS_AS(co_await outer.with(inside), TimeoutError);
        CHECK(inner.expired());
        CHECK(outer.expired());
        CHECK_EQ(clock, 150'000'000);
        CHECK_EQ(current_task().cancelling(), 0);
    });
}

CO_TEST_BOTH_MODES("SEM-TMO-11: reschedule moves the deadline, later and earlier") {
    const auto later = [](Timeout& limit) -> Coro<> {
        limit.reschedule(*limit.when() + 2s);
        CHECK_EQ(limit.when(), std::optional(TimePoint(3s)));
        co_await sleep(100s);
    };
    CHECK_THROWS_AS(co_await timeout(1s, later), TimeoutError);
    CHECK_EQ(now(), TimePoint(3s));
    const auto earlier = [](Timeout& limit) -> Coro<> {
        limit.reschedule(now() + 1s);
        co_await sleep(100s);
    };
    CHECK_THROWS_AS(co_await timeout(50s, earlier), TimeoutError);
    CHECK_EQ(now(), TimePoint(4s));
}

CO_TEST_BOTH_MODES(
    "SEM-TMO-11: reschedule to nothing disables the deadline, to a time enables it") {
    const auto disable = [](Timeout& limit) -> Coro<int> {
        limit.reschedule(std::nullopt);
        CHECK(!limit.when());
        co_await sleep(100s);
        co_return 7;
    };
    CHECK_EQ(co_await timeout(1s, disable), 7);
    const auto enable = [](Timeout& limit) -> Coro<> {
        limit.reschedule(now() + 1s);
        co_await sleep(100s);
    };
    CHECK_THROWS_AS(co_await timeout(std::nullopt, enable), TimeoutError);
    CHECK_EQ(now(), TimePoint(101s));
}

CO_TEST_BOTH_MODES("SEM-TMO-11: reschedule into the past fires in the next turn") {
    const auto body = [](Timeout& limit, std::uint64_t& turns) -> Coro<> {
        limit.reschedule(now() - 1s);
        CHECK(!limit.expired()); // not in here
        const testing::Turns counted;
        const auto end = co_await outcome(Future<>());
        turns = static_cast<std::uint64_t>(counted.count());
        end.value();
    };
    std::uint64_t turns = 0;
    const auto counted = [&](Timeout& limit) { return body(limit, turns); };
    CHECK_THROWS_AS(co_await timeout(10s, counted), TimeoutError);
    CHECK_EQ(turns, 2U); // the expiry, then the body
    CHECK_EQ(now(), TimePoint(0s));
}

CO_TEST_BOTH_MODES("SEM-TMO-12: reschedule is an error before, while expiring, and after") {
    Timeout limit = timeout(1s);
    CHECK_THROWS_MSG(limit.reschedule(TimePoint(5s)), RuntimeError, "Timeout has not been entered");
    CHECK_EQ(limit.when(), std::optional(TimePoint(1s)));
    const auto body = [](Timeout& own) -> Coro<> {
        const auto end = co_await outcome(sleep(10s));
        CHECK(own.expired());
        CHECK_THROWS_MSG(own.reschedule(TimePoint(5s)), RuntimeError,
                         "Cannot change state of expiring Timeout");
        end.value();
    };
    CHECK_THROWS_AS(co_await limit.with(body), TimeoutError);
    CHECK_THROWS_MSG(limit.reschedule(TimePoint(5s)), RuntimeError,
                     "Cannot change state of expired Timeout");
    Timeout finished = timeout(1s);
    co_await finished.with(seven());
    CHECK_THROWS_MSG(finished.reschedule(std::nullopt), RuntimeError,
                     "Cannot change state of finished Timeout");
}

CO_TEST_BOTH_MODES("SEM-TMO-13: a Timeout is for one use, nested or later") {
    Timeout limit = timeout(1s);
    const auto nested = [&limit]() -> Coro<> {
        CHECK_THROWS_MSG(co_await limit.with(seven()), RuntimeError,
                         "Timeout has already been entered");
        co_await sleep(10s);
    };
    CHECK_THROWS_AS(co_await limit.with(nested), TimeoutError); // the outer use is unharmed
    CHECK_THROWS_MSG(co_await limit.with(seven()), RuntimeError,
                     "Timeout has already been entered");
    CHECK(limit.expired());
}

TEST("SEM-TMO-13: a Timeout is for use inside a task") {
    LoopOptions options;
    options.backend(testing::make_virtual_backend());
    EventLoop loop(std::move(options));
    loop.call_soon([&loop] {
        Timeout limit = timeout(1s);
        {
            auto operation = limit.with(sleep(5s));
            auto awaiter = operation.operator co_await();
            CHECK_THROWS_MSG(awaiter.await_ready(), RuntimeError,
                             "Timeout should be used inside a task");
        }
        CHECK_EQ(to_string(limit), "<Timeout [created]>");
        CHECK_EQ(loop.timer_count(), 0U);
        loop.stop();
    });
    loop.run_forever();
}

CO_TEST_BOTH_MODES("SEM-TMO-14: a timeout works where an earlier cancel was caught") {
    const auto body = []() -> Coro<int> {
        const auto end = co_await outcome(sleep(10s));
        CHECK(end.cancelled());
        CHECK_EQ(cancelling(), 1);
        Timeout limit = timeout(1s);
        CHECK_THROWS_AS(co_await limit.with(sleep(10s)), TimeoutError);
        CHECK(limit.expired());
        CHECK_EQ(cancelling(), 1); // as it was
        co_return 7;
    };
    const auto task = create_task(body);
    co_await sleep(1s);
    task.cancel();
    CHECK_EQ(co_await task, 7);
}

CO_TEST_BOTH_MODES("SEM-TMO-15: the text form names the state, and the deadline while active") {
    Timeout limit = timeout_at(TimePoint(10s));
    CHECK_EQ(to_string(limit), "<Timeout [created]>");
    const auto body = [](Timeout& own) -> Coro<> {
        CHECK_EQ(to_string(own), "<Timeout [active] when=10.0>");
        own.reschedule(TimePoint(1234567us));
        CHECK_EQ(to_string(own), "<Timeout [active] when=1.235>");
        own.reschedule(std::nullopt);
        CHECK_EQ(to_string(own), "<Timeout [active] when=None>");
        own.reschedule(TimePoint(1500ms));
        const auto end = co_await outcome(sleep(100s));
        CHECK_EQ(to_string(own), "<Timeout [expiring]>");
        end.value();
    };
    CHECK_THROWS_AS(co_await limit.with(body), TimeoutError);
    CHECK_EQ(to_string(limit), "<Timeout [expired]>");
    Timeout other = timeout(1s);
    co_await other.with(seven());
    CHECK_EQ(to_string(other), "<Timeout [finished]>");
}

CO_TEST_BOTH_MODES("SEM-TMO-16: expiry cancels a group; children's errors come out as its group") {
    bool cancelled = false;
    const auto quiet = [&cancelled](TaskGroup& group) -> Coro<> {
        group.create_task([&cancelled]() -> Coro<> {
            const auto end = co_await outcome(sleep(100s));
            cancelled = end.cancelled();
            end.value();
        });
        co_return;
    };
    CHECK_THROWS_AS(co_await timeout(1s, task_group(quiet)), TimeoutError);
    CHECK(cancelled);
    CHECK_EQ(cancelling(), 0);

    const auto failing = [](TaskGroup& group) -> Coro<> {
        group.create_task(fail_when_cancelled());
        co_return;
    };
    Timeout limit = timeout(1s);
    const auto end = co_await outcome(limit.with(task_group(failing)));
    CHECK(limit.expired());
    CHECK(is_exception<ExceptionGroup>(end.exception()));
    CHECK_EQ(cancelling(), 0);
    co_await sleep(1s); // no cancel is left
}
