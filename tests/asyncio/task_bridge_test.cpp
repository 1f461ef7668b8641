// SPDX-License-Identifier: MIT
// run_coroutine_threadsafe: a task for other threads, its result, its cancellation, the loop's end.
#include "asyncio/task_bridge.h"

#include "asyncio/testing/testing.h"
#include "asyncio/threads.h"
#include "support/threads.h"

#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <thread>

using namespace asyncio;
using namespace std::chrono_literals;
using support::long_enough;

namespace {

Coro<int> add_later(int a, int b) {
    co_await sleep(1ms);
    co_return a + b;
}

// Shows when a coroutine that waits for ever has begun, and how often it has ended.
struct Watched {
    std::latch begun{1};
    std::atomic<int> ended{0};
};

Coro<> never(Watched* watched) {
    struct AtEnd {
        Watched* watched;
        ~AtEnd() { ++watched->ended; }
    } at_end{watched};
    watched->begun.count_down();
    co_await Future<>();
}

} // namespace

CO_TEST("SEM-THR-09: run_coroutine_threadsafe gives result, exception and cancellation") {
    EventLoop& loop = testing::loop();
    const auto failing = []() -> Coro<> {
        co_await sleep(0s);
        throw ValueError("bad");
    };
    const auto cancelled = []() -> Coro<> {
        co_await sleep(0s);
        throw CancelledError("own");
    };
    co_await to_thread([&] {
        CHECK_EQ(run_coroutine_threadsafe(add_later(1, 2), loop).get(long_enough), 3);
        CHECK_EQ(run_coroutine_threadsafe(loop, add_later, 2, 2).get(long_enough), 4);
        CHECK_EQ(run_coroutine_threadsafe(sleep(0s, 5), loop).get(long_enough), 5);
        CHECK_THROWS_MSG(run_coroutine_threadsafe(failing(), loop).get(long_enough), ValueError,
                         "bad");
        const auto ended = run_coroutine_threadsafe(loop, cancelled);
        CHECK_THROWS_AS(ended.result(long_enough), CancelledError);
        CHECK(ended.cancelled());
    });
}

CO_TEST("SEM-THR-09: the task runs on the loop's thread, in a copy of the caller's context") {
    static ContextVar<int> variable("variable", 0);
    EventLoop& loop = testing::loop();
    const std::thread::id loop_thread = std::this_thread::get_id();
    const auto body = [loop_thread]() -> Coro<int> {
        CHECK(std::this_thread::get_id() == loop_thread);
        co_return variable.get();
    };
    ThreadPoolExecutor pool(1);
    const int seen = co_await loop.run_in_executor(&pool, [&] {
        variable.set(8);
        return run_coroutine_threadsafe(loop, body).get(long_enough);
    });
    CHECK_EQ(seen, 8);
    CHECK_EQ(variable.get(), 0);
}

TEST("SEM-THR-09: a closed loop takes no coroutine; one that closes first cancels the future") {
    EventLoop loop;
    const auto lost = run_coroutine_threadsafe(add_later(1, 2), loop);
    CHECK(!lost.done());
    loop.close();
    CHECK_THROWS_AS(lost.result(long_enough), CancelledError);
    CHECK_THROWS_MSG(run_coroutine_threadsafe(add_later(1, 2), loop), RuntimeError,
                     "Event loop is closed");
}

TEST("SEM-THR-09: a task that is taken apart cancels the future, one that ended gives its end") {
    Watched watched;
    ConcurrentFuture<> taken_apart;
    ConcurrentFuture<int> finished;
    {
        EventLoop loop;
        taken_apart = run_coroutine_threadsafe(never(&watched), loop);
        finished = run_coroutine_threadsafe(loop, [&loop]() -> Coro<int> {
            co_await sleep(0s);
            loop.stop();
            co_return 4;
        });
        loop.run_forever();
    }
    CHECK_EQ(watched.ended.load(), 1);
    CHECK_THROWS_AS(taken_apart.result(long_enough), CancelledError);
    CHECK_EQ(finished.result(long_enough), 4);
    CHECK_EQ(testing::take_logs().size(), 1U); // Task was destroyed but it is pending!
}

CO_TEST("SEM-THR-10: cancelling the future cancels the task in the loop") {
    EventLoop& loop = testing::loop();
    Watched watched;
    const auto before = all_tasks().size();
    co_await to_thread([&] {
        const auto future = run_coroutine_threadsafe(never(&watched), loop);
        watched.begun.wait();
        CHECK_EQ(describe_tasks(loop, long_enough).size(), before + 1);
        CHECK(future.cancel());
        CHECK(future.cancelled());
        describe_tasks(loop, long_enough); // behind the cancel; the task ends in the next turn
        CHECK_EQ(describe_tasks(loop, long_enough).size(), before);
    });
    CHECK_EQ(watched.ended.load(), 1);
    CHECK_EQ(all_tasks().size(), before);
}

CO_TEST("SEM-THR-10: a result that times out and is cancelled then leaves no task behind") {
    EventLoop& loop = testing::loop();
    Watched watched;
    const auto before = all_tasks().size();
    co_await to_thread([&] {
        const auto future = run_coroutine_threadsafe(never(&watched), loop);
        watched.begun.wait();
        CHECK_THROWS_AS(future.result(1ms), TimeoutError);
        CHECK(!future.done());
        CHECK(future.cancel());
    });
    co_await sleep(0s);
    CHECK_EQ(watched.ended.load(), 1);
    CHECK_EQ(all_tasks().size(), before);
}

CO_TEST("SEM-THR-10: a future cancelled before the loop has seen it: the body never runs") {
    bool ran = false;
    const auto body = [&ran]() -> Coro<> {
        ran = true;
        co_return;
    };
    const auto future = run_coroutine_threadsafe(testing::loop(), body);
    CHECK(future.cancel());
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK(!ran);
}

TEST("SEM-THR-10: a future may be cancelled after its loop is gone") {
    ConcurrentFuture<int> finished;
    {
        EventLoop loop;
        finished = run_coroutine_threadsafe(add_later(1, 1), loop);
        finished.add_done_callback([&loop] { loop.stop(); });
        loop.run_forever();
    }
    CHECK(!finished.cancel());
    CHECK_EQ(finished.get(), 2);
}

CO_TEST("SEM-THR-11: ten threads call run_coroutine_threadsafe at once and get their results") {
    constexpr int threads = 10;
    constexpr int calls = 20;
    EventLoop& loop = testing::loop();
    ThreadPoolExecutor pool(threads);
    std::latch meeting{threads};
    std::vector<Future<int>> sums;
    for (int t = 0; t < threads; ++t) {
        sums.push_back(loop.run_in_executor(&pool, [&loop, &meeting, t] {
            meeting.arrive_and_wait();
            int right = 0;
            for (int i = 0; i < calls; ++i) {
                const auto future = run_coroutine_threadsafe(add_later(t, i), loop);
                right += future.result(long_enough) == t + i ? 1 : 0;
            }
            return right;
        }));
    }
    for (const auto& sum : sums) {
        const int right = co_await sum;
        CHECK_EQ(right, calls);
    }
}

CO_TEST("a virtual clock goes on while a thread waits for a coroutine of the same loop") {
    EventLoop& loop = testing::loop();
    const TimePoint before = loop.time();
    const auto an_hour = []() -> Coro<int> {
        co_await sleep(3600s);
        co_return 1;
    };
    const int value = co_await to_thread([&] {
        const int first = run_coroutine_threadsafe(loop, an_hour).get(long_enough);
        support::take_time(1ms); // at work again: the clock stands
        return first;
    });
    CHECK_EQ(value, 1);
    CHECK_EQ(loop.time() - before, 3600s);
}
