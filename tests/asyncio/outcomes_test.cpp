// SPDX-License-Identifier: MIT
// Outcome, and outcome(): how things ended, as a value.
#include "asyncio/outcomes.h"

#include "asyncio/testing/sweep.h"

#include <memory>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

enum class End { value, exception, cancel };

Coro<std::string> finish(End how, bool suspend) {
    if (suspend) co_await yield_now();
    if (how == End::exception) throw ValueError("failed");
    if (how == End::cancel) throw CancelledError("given up");
    co_return "value";
}

} // namespace

// ---- the value class ----------------------------------------------------------------------------

TEST("an Outcome with a value says so, and gives it") {
    auto end = Outcome<std::string>::with_value("seven");
    CHECK(end.has_value());
    CHECK(static_cast<bool>(end));
    CHECK(!end.cancelled());
    CHECK(!end.has_exception());
    CHECK(end.exception() == nullptr);
    CHECK_EQ(end.value(), "seven");
    end.value() = "eight";
    CHECK_EQ(std::as_const(end).value(), "eight");
    CHECK_EQ(std::move(end).value(), "eight");
}

TEST("an Outcome with an exception says so, and value() throws it") {
    const auto end = Outcome<int>::with_exception(std::make_exception_ptr(ValueError("no")));
    CHECK(!end);
    CHECK(end.has_exception());
    CHECK(!end.cancelled());
    CHECK_EQ(repr(end.exception()), "ValueError('no')");
    CHECK_THROWS_MSG(end.value(), ValueError, "no");
    CHECK_THROWS_MSG(end.value(), ValueError, "no"); // each time
}

TEST("an Outcome of a CancelledError is a cancellation, not an exception") {
    const auto end = Outcome<int>::with_exception(std::make_exception_ptr(CancelledError("off")));
    CHECK(end.cancelled());
    CHECK(!end.has_exception());
    CHECK_THROWS_MSG(end.value(), CancelledError, "off");
}

TEST("a cancellation without a message still has a CancelledError to show and throw") {
    const auto end = Outcome<>::with_cancellation();
    CHECK(end.cancelled());
    CHECK_EQ(repr(end.exception()), "CancelledError()");
    CHECK_THROWS_AS(end.value(), CancelledError);
}

TEST("an Outcome of void has a value that is nothing") {
    const auto end = Outcome<>::with_value();
    CHECK(end.has_value());
    end.value();
    static_assert(std::is_void_v<decltype(end.value())>);
}

TEST("an Outcome of a reference gives the object itself") {
    int object = 1;
    const auto end = Outcome<int&>::with_value(object);
    CHECK(&end.value() == &object);
}

TEST("an Outcome holds what cannot be copied, and is moved") {
    auto end = Outcome<std::unique_ptr<int>>::with_value(std::make_unique<int>(3));
    auto moved = std::move(end);
    const std::unique_ptr<int> value = std::move(moved).value();
    CHECK_EQ(*value, 3);
}

TEST("copies and assignments of Outcomes hold and free what they should") {
    const auto object = std::make_shared<int>(1);
    {
        auto first = Outcome<std::shared_ptr<int>>::with_value(object);
        auto second = first;
        CHECK_EQ(object.use_count(), 3L);
        second = Outcome<std::shared_ptr<int>>::with_exception(
            std::make_exception_ptr(ValueError("other")));
        CHECK_EQ(object.use_count(), 2L);
        first = second;
        CHECK_EQ(object.use_count(), 1L);
        CHECK(first.has_exception());
    }
    CHECK_EQ(object.use_count(), 1L);
}

// ---- the operation ------------------------------------------------------------------------------

CO_TEST("outcome() of a coroutine gives a value, an exception or a cancellation, and throws none") {
    for (const bool suspend : {false, true}) {
        CHECK_EQ((co_await outcome(finish(End::value, suspend))).value(), "value");
        const auto failed = co_await outcome(finish(End::exception, suspend));
        CHECK_EQ(repr(failed.exception()), "ValueError('failed')");
        const auto cancelled = co_await outcome(finish(End::cancel, suspend));
        CHECK(cancelled.cancelled());
        CHECK_EQ(repr(cancelled.exception()), "CancelledError('given up')");
    }
}

CO_TEST("outcome() of a task leaves the task as it is, and copies its value") {
    const auto task = create_task(finish(End::value, true));
    const auto end = co_await outcome(task);
    CHECK_EQ(end.value(), "value");
    CHECK_EQ(task.result(), "value");
}

CO_TEST("outcome() marks a failure as seen") {
    {
        const auto task = create_task(finish(End::exception, true));
        CHECK((co_await outcome(task)).has_exception());
    }
    CHECK(testing::take_logs().empty());
}

CO_TEST("outcome() of a future that is done, failed or cancelled already takes no turn") {
    const Future<int> good;
    good.set_result(1);
    const Future<int> bad;
    bad.set_exception(ValueError("bad"));
    const Future<int> gone;
    gone.cancel("gone");
    const testing::Turns turns;
    CHECK_EQ((co_await outcome(good)).value(), 1);
    CHECK((co_await outcome(bad)).has_exception());
    CHECK_EQ(repr((co_await outcome(gone)).exception()), "CancelledError('gone')");
    CHECK_EQ(turns.count(), 0);
}

CO_TEST("outcome() of an operation: sleep gives its result, or the cancellation") {
    CHECK_EQ((co_await outcome(sleep(1s, 5))).value(), 5);
    const auto body = []() -> Coro<std::string> {
        const auto end = co_await outcome(sleep(1h, 5));
        co_return message_of(end.exception());
    };
    const auto task = create_task(body());
    co_await yield_now();
    task.cancel("up");
    CHECK_EQ(co_await task, "up");
}

CO_TEST("outcome() keeps the operation, so that two statements do") {
    auto pending = outcome(finish(End::value, true));
    CHECK_EQ((co_await pending).value(), "value");
    auto other = outcome(sleep(1s, std::string("slept")));
    CHECK_EQ((co_await std::move(other)).value(), "slept");
}

CO_TEST("a cancel that outcome() took up is not delivered again") {
    const auto body = []() -> Coro<int> {
        const auto end = co_await outcome(finish(End::value, true));
        co_await sleep(1s);
        co_return end.cancelled() ? 1 : 0;
    };
    const auto task = create_task(body());
    co_await yield_now();
    task.cancel();
    CHECK_EQ(co_await task, 1);
}

CO_TEST("outcome() nests: the outer one sees the value that the inner one is") {
    const auto end = co_await outcome(outcome(finish(End::exception, false)));
    REQUIRE(end.has_value());
    CHECK(end.value().has_exception());
}

CO_SWEEP("outcome() under the cancel sweep: a cancel comes as a value, and everything is freed") {
    const auto task = sweep.victim([]() -> Coro<int> {
        const auto text = co_await outcome(finish(End::value, true));
        if (text.cancelled()) co_return 1;
        const auto slept = co_await outcome(sleep(1s));
        co_return slept.cancelled() ? 2 : 0;
    }());
    const auto end = co_await outcome(task);
    if (end.has_value()) CHECK_EQ(end.value() != 0, sweep.struck());
    CHECK(end.has_value() || sweep.struck()); // struck before its start: cancelled
}
