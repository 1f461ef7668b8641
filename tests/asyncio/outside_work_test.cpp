// SPDX-License-Identifier: MIT
// Work outside of the loop: how its end comes in, and what becomes of one that nobody waits for.
#include "asyncio/outside_work.h"

#include "asyncio/testing/testing.h"
#include "asyncio/threads.h"
#include "asyncio/wait_for.h"
#include "support/threads.h"

#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <thread>

using namespace asyncio;
using namespace std::chrono_literals;
using support::Counted;
using support::Gate;
using support::pass_gate;

// ---- work on a worker ---------------------------------------------------------------------------

TEST("SEM-THR-03: cancelling the future does not stop f; its late end touches no closed loop") {
    ThreadPoolExecutor pool(1);
    Gate gate;
    std::atomic<int> alive{0};
    std::atomic<bool> ran_to_end{false};
    {
        EventLoop loop;
        auto future = loop.run_in_executor(
            &pool,
            [&](const Counted& argument) {
                gate.pass();
                ran_to_end = true;
                return Counted(argument);
            },
            Counted(alive));
        gate.wait_begun();
        CHECK(future.cancel());
        CHECK(future.cancelled());
        CHECK_EQ(alive.load(), 1);
        loop.close();
    }
    gate.open();
    pool.shutdown();
    CHECK(ran_to_end.load());
    CHECK_EQ(alive.load(), 0); // argument and result
}

TEST("SEM-THR-03: the end of work touches no loop that was destroyed meanwhile") {
    ThreadPoolExecutor pool(2);
    Gate gates[2];
    std::atomic<int> alive{0};
    {
        EventLoop loop;
        auto kept = loop.run_in_executor(
            &pool, [&](const Counted& a) { return gates[0].pass(), Counted(a); }, Counted(alive));
        loop.run_in_executor(&pool, [&] {
            gates[1].pass();
            throw ValueError("late");
        });
        for (Gate& gate : gates) gate.wait_begun();
        loop.close();
        CHECK(!kept.done());
    }
    for (Gate& gate : gates) gate.open();
    pool.shutdown();
    CHECK_EQ(alive.load(), 0);
}

TEST("SEM-THR-03: an end that the loop did not take up before it closed is freed") {
    std::atomic<int> alive{0};
    ThreadPoolExecutor pool(1);
    {
        EventLoop loop;
        auto future = loop.run_in_executor(&pool, [&] { return Counted(alive); });
        pool.shutdown(); // its end is in the inbox now
        CHECK_EQ(alive.load(), 1);
        CHECK(!future.done());
        loop.close();
        CHECK_EQ(alive.load(), 0);
    }
}

CO_TEST("a virtual clock does not run ahead of a thread that works for the loop") {
    auto future = testing::loop().run_in_executor(nullptr, [] {
        support::take_time(2ms);
        return 1;
    });
    const int value = co_await wait_for(future, 1ms); // of virtual time
    CHECK_EQ(value, 1);
    CHECK_EQ(testing::loop().time().time_since_epoch(), 0s);
    co_await sleep(3600s); // nobody works any more: it jumps
}

CO_TEST("the end of a thread's work reaches who waits in the turn after it is taken up") {
    ThreadPoolExecutor pool(1);
    auto future = testing::loop().run_in_executor(&pool, [] { return 1; });
    pool.shutdown(); // its end is in the inbox
    const testing::Turns turns;
    co_await future;
    CHECK_EQ(turns.count(), 2);
}

CO_TEST("FLT-EXEC-01: a cancelled to_thread ends the wait now; the job ends later and frees all") {
    Gate gate;
    std::atomic<int> alive{0};
    std::atomic<bool> alive_at_end{false};
    auto task = create_task(to_thread(
        [&](const Counted& argument) {
            gate.pass();
            alive_at_end = alive == 1;
            return Counted(argument);
        },
        Counted(alive)));
    co_await sleep(0s);
    gate.wait_begun();
    task.cancel();
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK_EQ(alive.load(), 1); // the argument: the job needs it
    gate.open();
    co_await testing::loop().shutdown_default_executor();
    CHECK(alive_at_end.load());
    CHECK_EQ(alive.load(), 0);
}

CO_TEST("FLT-EXEC-01: a late exception that nobody can see goes to the loop's exception handler") {
    Gate gate;
    std::vector<std::string> reports;
    testing::loop().set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
        reports.push_back(context.message + ": " + repr(context.exception));
    });
    auto task = create_task(to_thread([&gate] {
        gate.pass();
        throw ValueError("late");
    }));
    co_await sleep(0s);
    gate.wait_begun();
    task.cancel();
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK(reports.empty());
    gate.open();
    co_await testing::loop().shutdown_default_executor();
    CHECK_EQ(reports, std::vector<std::string>{
                          "Exception in a thread whose future was cancelled: ValueError('late')"});
}

CO_TEST("FLT-EXEC-01: cancelling work that has not begun drops it and its arguments at once") {
    ThreadPoolExecutor pool(1);
    Gate gate;
    std::atomic<int> alive{0};
    bool ran = false;
    auto blocker = testing::loop().run_in_executor(&pool, pass_gate, &gate, 1);
    auto queued = testing::loop().run_in_executor(
        &pool, [&ran](const Counted&) { ran = true; }, Counted(alive));
    gate.wait_begun();
    CHECK(queued.cancel());
    CHECK_EQ(alive.load(), 0);
    CHECK(pool.unfinished_work().ends_with(", 0 queued"));
    gate.open();
    co_await blocker;
    pool.shutdown();
    CHECK(!ran);
}

CO_TEST("FLT-EXEC-01: a job that takes a stop token is asked to stop by the cancel") {
    std::latch begun{1};
    std::atomic<bool> stopped{false};
    auto task = create_task(to_thread(
        [&](const std::stop_token& stop, int) {
            begun.count_down();
            while (!stop.stop_requested()) std::this_thread::yield();
            stopped = true;
            throw CancelledError(); // no news for the exception handler
        },
        7));
    co_await sleep(0s);
    begun.wait();
    task.cancel();
    CHECK_THROWS_AS(co_await task, CancelledError);
    co_await testing::loop().shutdown_default_executor();
    CHECK(stopped.load());
}

CO_TEST("wait_for ends the wait for a thread when the time is up") {
    Gate gate;
    auto task = create_task(to_thread(pass_gate, &gate, 1));
    co_await sleep(0s);
    gate.wait_begun();
    CHECK_THROWS_AS(co_await wait_for(task, 0s), TimeoutError);
    gate.open();
    co_await testing::loop().shutdown_default_executor();
}

CO_TEST("cancel_futures and broken pools reach the futures of the loop") {
    ThreadPoolExecutor pool(1);
    Gate gate;
    auto blocker = testing::loop().run_in_executor(&pool, pass_gate, &gate, 1);
    auto queued = testing::loop().run_in_executor(&pool, pass_gate, &gate, 2);
    gate.wait_begun();
    pool.shutdown(false, true);
    CHECK_THROWS_AS(co_await queued, CancelledError);
    gate.open();
    co_await blocker;
    pool.shutdown();

    ThreadPoolExecutor broken(ThreadPoolOptions(1).initializer([] { throw ValueError("no"); }));
    auto lost = testing::loop().run_in_executor(&broken, [] { return 1; });
    CHECK_THROWS_AS(co_await lost, BrokenThreadPool);
    CHECK_EQ(testing::take_logs().size(), 1U);
}

// ---- wrap_future --------------------------------------------------------------------------------

CO_TEST("SEM-FUT-15: wrap_future gives a loop's future back as it is") {
    const Future<int> future;
    CHECK(wrap_future(future) == future);
    auto task = create_task(sleep(0s, 1));
    CHECK(wrap_future(task) == task);
    co_await task;
}

CO_TEST("SEM-FUT-15: a wrapped thread-level future is mirrored on the loop's thread") {
    const ConcurrentFuture<std::string> source;
    auto wrapped = wrap_future(source);
    std::thread::id where;
    wrapped.add_done_callback([&where] { where = std::this_thread::get_id(); });
    std::thread other([source] { source.set_result("value"); });
    const std::string value = co_await wrapped;
    other.join();
    CHECK_EQ(value, "value");
    CHECK(where == std::this_thread::get_id());

    const ConcurrentFuture<> failing;
    auto failed = wrap_future(failing, testing::loop());
    failing.set_exception(ValueError("bad"));
    CHECK(!failed.done()); // it comes through the loop
    CHECK_THROWS_MSG(co_await failed, ValueError, "bad");

    const ConcurrentFuture<int> cancelled;
    auto mirror = wrap_future(cancelled);
    cancelled.cancel();
    CHECK_THROWS_AS(co_await mirror, CancelledError);

    ThreadPoolExecutor pool(1);
    const auto unique = co_await wrap_future(pool.submit([] { return std::make_unique<int>(3); }));
    CHECK_EQ(*unique, 3);
}

TEST("SEM-FUT-15: a wrapped future that ends after the loop touches nothing") {
    const ConcurrentFuture<int> source;
    {
        EventLoop loop;
        const auto wrapped = wrap_future(source, loop);
        const auto never_completed = wrap_future(ConcurrentFuture<int>(), loop);
        loop.close();
        CHECK(!wrapped.done());
        CHECK_THROWS_AS(wrap_future(source, loop), RuntimeError);
    }
    source.set_result(1);
    CHECK_EQ(source.result(), 1);
}

CO_TEST("SEM-FUT-16: cancelling the wrapping future cancels the wrapped one") {
    const ConcurrentFuture<int> source;
    auto wrapped = wrap_future(source);
    wrapped.cancel();
    co_await sleep(0s);
    CHECK(source.cancelled());
}

CO_TEST("SEM-FUT-16: a wrapped future that runs or has a result keeps it") {
    const ConcurrentFuture<int> running;
    CHECK(running.set_running_or_notify_cancel());
    auto wrapped = wrap_future(running);
    wrapped.cancel();
    co_await sleep(0s);
    CHECK(!running.cancelled());
    running.set_result(2);
    CHECK_EQ(running.result(), 2);

    const ConcurrentFuture<int> finished;
    auto late = wrap_future(finished);
    finished.set_result(1);
    late.cancel();
    co_await sleep(0s);
    CHECK(late.cancelled());
    CHECK_EQ(finished.result(), 1);
    co_await sleep(0s);
}
