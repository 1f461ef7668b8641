// SPDX-License-Identifier: MIT
// Futures: states, results, awaiting, reports of what nobody looked at.
#include "asyncio/futures.h"

#include "asyncio/threads.h"

#include "asyncio/testing/sweep.h"
#include "support/reports.h"

#include <atomic>
#include <memory>
#include <thread>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

Future<int> failed(const char* message = "lost") {
    Future<int> future;
    future.set_exception(ValueError(message));
    return future;
}

Future<int> cancelled(std::string_view message = {}) {
    Future<int> future;
    future.cancel(message);
    return future;
}

} // namespace

// ---- states -------------------------------------------------------------------------------------

CO_TEST("SEM-FUT-01: a result is final") {
    const Future<int> future;
    CHECK(!future.done());
    future.set_result(1);
    CHECK(future.done());
    CHECK(!future.cancelled());
    CHECK_THROWS_AS(future.set_result(2), InvalidStateError);
    CHECK_THROWS_AS(future.set_exception(ValueError("late")), InvalidStateError);
    CHECK(!future.cancel());
    CHECK(!future.cancelled());
    CHECK_EQ(future.result(), 1);
    co_return;
}

CO_TEST("SEM-FUT-01: an exception is final") {
    const Future<int> future = failed("first");
    CHECK(future.done());
    CHECK_THROWS_AS(future.set_result(2), InvalidStateError);
    CHECK_THROWS_AS(future.set_exception(ValueError("second")), InvalidStateError);
    CHECK(!future.cancel());
    CHECK(!future.cancelled());
    CHECK_THROWS_MSG(future.result(), ValueError, "first");
    co_return;
}

CO_TEST("SEM-FUT-01: a cancellation is final") {
    const Future<int> future = cancelled("once");
    CHECK_THROWS_AS(future.set_result(2), InvalidStateError);
    CHECK_THROWS_AS(future.set_exception(ValueError("late")), InvalidStateError);
    CHECK(!future.cancel("twice"));
    CHECK_THROWS_MSG(future.result(), CancelledError, "once");
    co_return;
}

CO_TEST("SEM-FUT-02: a pending future has neither a result nor an exception to show") {
    const Future<int> future;
    CHECK_THROWS_MSG(future.result(), InvalidStateError, "Result is not set.");
    CHECK_THROWS_MSG(future.exception(), InvalidStateError, "Exception is not set.");
    co_return;
}

CO_TEST("SEM-FUT-02: result() and exception() of a cancelled future throw CancelledError") {
    const Future<int> future = cancelled();
    CHECK_THROWS_AS(future.result(), CancelledError);
    CHECK_THROWS_AS(future.exception(), CancelledError);
    co_return;
}

CO_TEST("SEM-FUT-02: exception() is null after a result, and what it failed with after a failure") {
    const Future<int> good;
    good.set_result(1);
    CHECK(good.exception() == nullptr);
    CHECK_EQ(repr(failed().exception()), "ValueError('lost')");
    co_return;
}

CO_TEST("SEM-FUT-03: cancel() of a pending future returns true, and it is done at once") {
    const Future<> future;
    CHECK(future.cancel("enough"));
    CHECK(future.done());
    CHECK(future.cancelled());
    co_return;
}

CO_TEST("SEM-FUT-04: result() and await throw the stored exception each time, the same object") {
    const Future<int> future = failed();
    std::vector<const void*> objects;
    for (int i = 0; i < 3; ++i) {
        try {
            future.result();
        } catch (const ValueError& error) {
            objects.push_back(&error);
        }
        try {
            co_await future;
        } catch (const ValueError& error) {
            objects.push_back(&error);
        }
    }
    REQUIRE(objects.size() == 6);
    for (const void* object : objects) CHECK(object == objects.front());
}

CO_TEST("a value whose construction throws leaves the future pending") {
    struct Thrower {
        explicit Thrower(int) { throw ValueError("no value"); }
    };
    const Future<Thrower> future;
    CHECK_THROWS_AS(future.set_result(1), ValueError);
    CHECK(!future.done());
    CHECK(future.cancel());
    co_return;
}

CO_TEST("set_exception takes an exception object or pointer, and refuses null") {
    const Future<> first;
    first.set_exception(KeyError("k"));
    CHECK_THROWS_MSG(first.result(), KeyError, "k");
    const Future<> second;
    second.set_exception(std::make_exception_ptr(42));
    CHECK_THROWS_AS(second.result(), int);
    const Future<> third;
    CHECK_THROWS_AS(third.set_exception(std::exception_ptr()), TypeError);
    CHECK(!third.done());
    co_return;
}

CO_TEST("a future that fails with a CancelledError has failed, it was not cancelled") {
    const Future<> future;
    future.set_exception(CancelledError("odd"));
    CHECK(!future.cancelled());
    CHECK(is_exception<CancelledError>(future.exception()));
    CHECK_THROWS_MSG(co_await future, CancelledError, "odd");
}

// ---- awaiting -----------------------------------------------------------------------------------

CO_TEST("SEM-FUT-08: awaiting a done future does not suspend, and may be done again") {
    const Future<std::string> future;
    future.set_result("value");
    const testing::Turns turns;
    CHECK_EQ(co_await future, "value");
    CHECK_EQ(co_await future, "value");
    CHECK_EQ(turns.count(), 0);
}

CO_TEST("SEM-FUT-08: several tasks may await one future, before and after it is done") {
    const Future<int> future;
    std::vector<int> got;
    const auto reader = [&](Future<int> awaited) -> Coro<> { got.push_back(co_await awaited); };
    const auto early = create_task(reader(future));
    const auto too = create_task(reader(future));
    co_await yield_now();
    future.set_result(5);
    const auto late = create_task(reader(future));
    co_await early;
    co_await too;
    co_await late;
    CHECK_EQ(got, std::vector<int>{5, 5, 5});
}

CO_TEST("co_await of an lvalue future gives a reference to its value") {
    const Future<std::string> future;
    future.set_result("kept");
    const std::string& value = co_await future;
    CHECK(&value == &future.result());
    static_assert(std::is_same_v<await_result_t<const Future<std::string>&>, const std::string&>);
}

CO_TEST("co_await of the last handle moves the value out, of one of several copies it") {
    Future<std::shared_ptr<int>> future;
    future.set_result(std::make_shared<int>(3));
    Future<std::shared_ptr<int>> other = future;
    const std::weak_ptr<int> watch = future.result();
    const auto copied = co_await std::move(future);
    CHECK_EQ(watch.use_count(), 2L);
    const auto moved = co_await std::move(other);
    CHECK_EQ(watch.use_count(), 2L);
    CHECK_EQ(*copied, 3);
    CHECK_EQ(*moved, 3);
}

CO_TEST(
    "a future holds values that cannot be copied, references, and values of 16-byte alignment") {
    Future<std::unique_ptr<int>> owner;
    owner.set_result(std::make_unique<int>(1));
    CHECK_EQ(**&owner.result(), 1);
    const auto taken = co_await std::move(owner);
    CHECK_EQ(*taken, 1);

    int object = 2;
    const Future<int&> reference;
    reference.set_result(object);
    CHECK(&co_await reference == &object);

    struct alignas(16) Wide {
        long double value = 0;
    };
    const Future<Wide> wide;
    wide.set_result(Wide{4});
    const Wide& there = co_await wide;
    CHECK_EQ(reinterpret_cast<std::uintptr_t>(&there) % 16, 0U);
    CHECK(there.value == 4);
}

CO_TEST("AnyFuture shows a future of any type, is the same future, and can be awaited") {
    const Future<int> future;
    const AnyFuture any = future;
    CHECK(any == AnyFuture(future));
    CHECK(!(any == AnyFuture(Future<int>())));
    CHECK(!AnyFuture());
    CHECK(!any.is_task());
    future.set_result(1);
    CHECK(any.done());
    co_await any;
    CHECK_THROWS_AS(co_await AnyFuture(failed()), ValueError);
}

CO_TEST("a future that is dropped wakes nobody: who awaits it keeps it alive until cancelled") {
    auto task = [] {
        Future<int> future;
        return create_task(std::move(future));
    }();
    co_await sleep(1s);
    CHECK(!task.done());
    task.cancel();
    CHECK_THROWS_AS(co_await task, CancelledError);
}

// ---- reports ------------------------------------------------------------------------------------

CO_TEST("SEM-FUT-09: a future that dies with an exception nobody saw is reported with it, once") {
    support::Reports reports;
    {
        const Future<int> future = failed();
        const Future<int> copy = future;
    }
    co_await yield_now();
    REQUIRE(reports.seen.size() == 1);
    CHECK_EQ(reports.seen[0].message, "Future exception was never retrieved");
    CHECK_EQ(repr(reports.seen[0].exception), "ValueError('lost')");
    REQUIRE(reports.seen[0].future.has_value());
    CHECK(reports.seen[0].future->done());
}

CO_TEST("SEM-FUT-09: without a handler of one's own the report is logged as an error") {
    failed();
    const auto logs = testing::take_logs();
    REQUIRE(logs.size() == 1);
    CHECK(logs[0].level == LogLevel::error);
    CHECK(logs[0].text.starts_with("Future exception was never retrieved"));
    CHECK(logs[0].text.find("ValueError: lost") != std::string::npos);
    co_return;
}

CO_TEST("SEM-FUT-09: a handler may keep the future it is told of") {
    std::optional<AnyFuture> kept;
    testing::loop().set_exception_handler(
        [&kept](EventLoop&, const ExceptionContext& context) { kept = context.future; });
    failed();
    testing::loop().set_exception_handler(nullptr);
    REQUIRE(kept.has_value());
    CHECK_THROWS_MSG(co_await *kept, ValueError, "lost");
}

CO_TEST("SEM-FUT-10: result(), exception() and await each mark the exception as seen") {
    support::Reports reports;
    CHECK_THROWS_AS(failed().result(), ValueError);
    CHECK(failed().exception() != nullptr);
    CHECK_THROWS_AS(co_await failed(), ValueError);
    CHECK(!(co_await outcome(failed())).has_value());
    CHECK(reports.seen.empty());
}

CO_TEST("SEM-FUT-10: cancel() marks the exception as seen, though it returns false") {
    support::Reports reports;
    CHECK(!failed().cancel());
    CHECK(reports.seen.empty());
    co_return;
}

CO_TEST("SEM-FUT-10: so does an await that was woken by it, and cancelled before it resumed") {
    support::Reports reports;
    const auto waits = [](Future<int> future) -> Coro<> { (void)co_await future; };
    const auto looks = [](Future<int> future) -> Coro<> { (co_await outcome(future)).value(); };
    for (const bool throws : {true, false}) {
        Future<int> future;
        const auto task = create_task(throws ? waits(future) : looks(future));
        co_await yield_now();
        future.set_exception(ValueError("unseen"));
        future = Future<int>();
        task.cancel();
        CHECK_THROWS_AS(co_await task, CancelledError);
    }
    CHECK(reports.seen.empty());
}

CO_TEST("SEM-FUT-11: a dropped pending future and an unread result are not reported") {
    support::Reports reports;
    {
        const Future<int> pending;
    }
    {
        const Future<int> unread;
        unread.set_result(1);
    }
    cancelled();
    CHECK(reports.seen.empty());
    co_return;
}

// ---- loops --------------------------------------------------------------------------------------

CO_TEST("SEM-FUT-13: a future belongs to the loop it names, else to the running one") {
    EventLoop other;
    CHECK(&Future<>(other).get_loop() == &other);
    CHECK(&other.create_future<int>().get_loop() == &other);
    set_event_loop(&other);
    CHECK(&Future<>().get_loop() == &testing::loop());
    set_event_loop(&testing::loop());
    co_return;
}

TEST("SEM-FUT-13: outside of a running loop it belongs to the thread's current one, or throws") {
    CHECK_THROWS_AS(Future<>(), RuntimeError);
    EventLoop current;
    set_event_loop(&current);
    CHECK(&Future<>().get_loop() == &current);
    set_event_loop(nullptr);
    CHECK_THROWS_AS(Future<>(), RuntimeError);
}

CO_TEST("SEM-FUT-14: a task that awaits a future of another loop fails with RuntimeError") {
    EventLoop other;
    const Future<int> foreign(other);
    const auto task = create_task(foreign);
    CHECK_THROWS_MSG(co_await task, RuntimeError, "attached to a different loop");
    CHECK(!foreign.done());
    foreign.cancel();
}

TEST("awaiting a future outside of a task throws RuntimeError") {
    EventLoop loop;
    const Future<int> future(loop);
    auto awaiter = future.operator co_await();
    CHECK_THROWS_MSG(awaiter.await_ready(), RuntimeError, "outside of a task");
}

// ---- cancelling ---------------------------------------------------------------------------------

CO_TEST_REAL_TIME(
    "SEM-FUT-17: a completion that comes for a cancelled future is dropped silently") {
    std::atomic<bool> begun = false;
    std::atomic<bool> go = false;
    std::atomic<bool> ended = false;
    const auto job = [&] {
        begun = true;
        while (!go) std::this_thread::yield();
        ended = true;
        return 1;
    };
    const Future<int> future = testing::loop().run_in_executor(nullptr, job);
    while (!begun) co_await sleep(1ms);
    future.cancel("early");
    go = true;
    while (!ended) co_await sleep(1ms);
    CHECK_EQ(co_await testing::loop().run_in_executor(nullptr, job), 1); // comes after it
    CHECK(future.cancelled());
    CHECK_THROWS_MSG(future.result(), CancelledError, "early");
}

CO_TEST("SEM-FUT-18: a cancel's message is in what result(), exception() and await throw") {
    const Future<int> future = cancelled("enough");
    for (int i = 0; i < 2; ++i) {
        CHECK_THROWS_MSG(future.result(), CancelledError, "enough");
        CHECK_THROWS_MSG(future.exception(), CancelledError, "enough");
        CHECK_THROWS_MSG(co_await future, CancelledError, "enough");
    }
}

CO_TEST("SEM-FUT-18: the default message is empty") {
    const Future<int> future = cancelled();
    std::string message = "none";
    try {
        future.result();
    } catch (const CancelledError& error) {
        message = error.message();
    }
    CHECK_EQ(message, "");
    co_return;
}

namespace {

Coro<int> await_twice(Future<int> first, Future<int> second) {
    const int a = co_await first;
    co_return a + co_await second;
}

} // namespace

CO_SWEEP("Future under the cancel sweep: what was set stays in it, bystanders get it too") {
    const Future<int> first;
    const Future<int> second;
    const auto task = sweep.victim(await_twice(first, second));
    const auto bystander = create_task([](Future<int> awaited) -> Coro<bool> {
        co_return !(co_await outcome(awaited)).has_exception();
    }(first));
    co_await yield_now();
    if (!first.done()) first.set_result(1);
    co_await yield_now();
    if (!second.done()) second.set_result(2);
    const auto end = co_await outcome(task);
    CHECK(sweep.accounts_for(end));
    if (!sweep.struck()) CHECK_EQ(end.value(), 3);
    CHECK(co_await bystander);
    CHECK(first.cancelled() || first.result() == 1);
    CHECK(second.cancelled() || second.result() == 2);
}
