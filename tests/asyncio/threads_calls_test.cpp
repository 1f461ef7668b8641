// SPDX-License-Identifier: MIT
// Calls into a loop from other threads, and loops on several threads.
#include "asyncio/threads.h"

#include "asyncio/testing/testing.h"

#include <algorithm>
#include <latch>
#include <memory>
#include <string>
#include <thread>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

constexpr Duration long_enough = 60s; // for what ends at once

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

// epoll that counts how often other threads wake it.
class CountingBackend final : public EpollBackend {
public:
    explicit CountingBackend(std::atomic<int>& wakes) : wakes_(wakes) {}
    void wake() noexcept override {
        ++wakes_;
        EpollBackend::wake();
    }

private:
    std::atomic<int>& wakes_;
};

} // namespace

// ---- call_soon_threadsafe -----------------------------------------------------------------------

TEST("SEM-THR-06: call_soon_threadsafe wakes a loop that is blocked in poll") {
    EventLoop loop; // nothing is due: only the call can wake it
    std::thread::id where;
    std::thread other([&] {
        std::this_thread::sleep_for(1ms);
        loop.call_soon_threadsafe([&] {
            where = std::this_thread::get_id();
            loop.stop();
        });
    });
    loop.run_forever();
    other.join();
    CHECK(where == std::this_thread::get_id());
}

TEST("SEM-THR-06: calls of one thread keep their order") {
    EventLoop loop;
    std::vector<int> order;
    std::thread other([&] {
        for (int i = 0; i < 100; ++i)
            loop.call_soon_threadsafe([&order, i] { order.push_back(i); });
        loop.call_soon_threadsafe([&loop] { loop.stop(); });
    });
    loop.run_forever();
    other.join();
    CHECK_EQ(order.size(), 100U);
    CHECK(std::is_sorted(order.begin(), order.end()));
}

CO_TEST("SEM-THR-06: from the loop's thread call_soon_threadsafe orders like call_soon") {
    std::vector<int> order;
    const testing::Turns turns;
    std::vector<int> called_in;
    for (int i = 0; i < 6; ++i) {
        const auto note = [&order, &called_in, &turns, i] {
            order.push_back(i);
            called_in.push_back(turns.count());
        };
        if (i % 2 == 0) {
            testing::loop().call_soon_threadsafe(note);
        } else {
            testing::loop().call_soon(note);
        }
    }
    co_await sleep(0s);
    CHECK_EQ(order, std::vector<int>{0, 1, 2, 3, 4, 5});
    CHECK_EQ(called_in, std::vector<int>(6, 1));
}

CO_TEST("SEM-THR-06: a call from the loop's thread comes behind those that others made before") {
    std::vector<int> order;
    std::thread other([&order, &loop = testing::loop()] {
        loop.call_soon_threadsafe([&order] { order.push_back(1); });
    });
    other.join();
    testing::loop().call_soon_threadsafe([&order] { order.push_back(2); });
    co_await sleep(0s);
    CHECK_EQ(order, std::vector<int>{1, 2});
}

CO_TEST("SEM-THR-07: a handle cancelled by another thread keeps its callback from running") {
    bool ran = false;
    EventLoop& loop = testing::loop();
    auto handle = loop.call_soon_threadsafe([&ran] { ran = true; });
    CHECK(!handle.cancelled());
    std::thread other([handle]() mutable {
        handle.cancel();
        CHECK(handle.cancelled());
    });
    other.join();
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK(!ran);
    CHECK(handle.cancelled());
}

CO_TEST("SEM-THR-08: cancel and cancelled of other threads wait for a running callback") {
    EventLoop& loop = testing::loop();
    std::latch running{1};
    std::atomic<bool> finished{false};
    auto handle = loop.call_soon_threadsafe([&] {
        running.count_down();
        std::this_thread::sleep_for(2ms);
        finished = true;
    });
    std::atomic<int> seen_finished{0};
    std::vector<std::thread> others;
    others.emplace_back([&, handle] {
        running.wait();
        handle.cancelled();
        seen_finished += finished ? 1 : 0;
    });
    others.emplace_back([&, handle]() mutable {
        running.wait();
        handle.cancel();
        seen_finished += finished ? 1 : 0;
    });
    co_await sleep(0s);
    co_await sleep(0s);
    for (std::thread& other : others) other.join();
    CHECK_EQ(seen_finished.load(), 2);
}

CO_TEST("SEM-THR-08: a callback may cancel its own handle") {
    std::optional<ThreadsafeHandle> handle;
    bool ran = false;
    handle = testing::loop().call_soon_threadsafe([&] {
        handle->cancel();
        ran = handle->cancelled();
    });
    co_await sleep(0s);
    CHECK(ran);
}

TEST("FLT-CORE-08: of calls from 4 threads into a blocked loop none is lost, one wakes it") {
    const int calls = testing::full() ? 250'000 : 10'000; // a thread
    std::atomic<int> wakes{0};
    LoopOptions options;
    options.backend(std::make_unique<CountingBackend>(wakes));
    EventLoop loop(std::move(options));
    std::vector<int> last(4, -1);
    int in_order = 0;
    std::latch done{4};
    std::vector<std::thread> threads;
    loop.call_soon([&] { // the loop is blocked in here
        for (std::size_t t = 0; t < 4; ++t) {
            threads.emplace_back([&, t] {
                for (int i = 0; i < calls; ++i) {
                    loop.call_soon_threadsafe([&last, &in_order, t, i] {
                        in_order += last[t] == i - 1 ? 1 : 0;
                        last[t] = i;
                    });
                }
                done.count_down();
            });
        }
        done.wait();
        loop.call_soon([&] { loop.call_soon([&] { loop.stop(); }); });
    });
    loop.run_forever();
    for (std::thread& thread : threads) thread.join();
    CHECK_EQ(in_order, 4 * calls);
    CHECK(wakes <= 1);
    loop.close();
    CHECK_THROWS_MSG(loop.call_soon_threadsafe([] {}), RuntimeError, "Event loop is closed");
}

TEST("FLT-CORE-08: calls that a loop closes before it runs them are freed") {
    const auto captured = std::make_shared<int>(1);
    {
        EventLoop loop;
        auto kept = loop.call_soon_threadsafe([captured] {});
        loop.call_soon([&loop, captured] {
            loop.call_soon_threadsafe([captured] {});
            loop.stop();
        });
        loop.run_forever();
        loop.call_soon_threadsafe([captured] {});
        loop.close();
        CHECK_THROWS_AS(loop.call_soon_threadsafe([captured] {}), RuntimeError);
    }
    CHECK_EQ(captured.use_count(), 1);
}

// ---- run_coroutine_threadsafe -------------------------------------------------------------------

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

TEST("SEM-THR-12: ten loops on ten threads with 100 tasks each see their own only") {
    constexpr int loops = 10;
    constexpr int tasks_each = 100;
    std::latch all_started{loops};
    std::atomic<int> right{0};
    const auto body = [&](int number) -> Coro<> {
        const std::string prefix = "loop " + std::to_string(number);
        const auto check_current = [&]() -> Coro<> {
            const std::string before = current_task().get_name();
            co_await sleep(0s);
            if (current_task().get_name() == before && before.starts_with(prefix)) ++right;
        };
        std::vector<Task<>> tasks;
        for (int i = 0; i < tasks_each; ++i) {
            tasks.push_back(create_task(check_current(), prefix));
        }
        all_started.arrive_and_wait();
        const auto seen = all_tasks();
        const auto own = std::count_if(seen.begin(), seen.end(), [&](const AnyTask& task) {
            return &task.get_loop() == &get_running_loop();
        });
        if (own == tasks_each + 1 && seen.size() == tasks_each + 1) ++right;
        for (const auto& task : tasks) co_await task;
    };
    std::vector<std::thread> threads;
    for (int number = 0; number < loops; ++number) {
        threads.emplace_back([&, number] { run(body(number)); });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK_EQ(right.load(), loops * (tasks_each + 1));
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
        std::this_thread::sleep_for(1ms); // at work again: the clock stands
        return first;
    });
    CHECK_EQ(value, 1);
    CHECK_EQ(loop.time() - before, 3600s);
}

// ---- describe_tasks -----------------------------------------------------------------------------

CO_TEST("SEM-TASK-12: describe_tasks tells another thread the tasks, in order of creation") {
    EventLoop& loop = testing::loop();
    auto first = create_task(sleep(3600s), "first");
    auto second = create_task(sleep(3600s), "second");
    co_await to_thread([&] {
        const auto tasks = describe_tasks(loop, long_enough);
        REQUIRE(tasks.size() == 3); // with the case's own
        CHECK_EQ(tasks[1].name, "first");
        CHECK_EQ(tasks[2].name, "second");
        CHECK_EQ(tasks[1].state, "pending");
        CHECK(tasks[1].id < tasks[2].id);
    });
    second.cancel();
    const auto here = describe_tasks(loop); // on the loop's own thread it does not wait
    CHECK_EQ(here.size(), 3U);
    CHECK_EQ(here.back().state, "cancelling");
    first.cancel();
    CHECK_THROWS_AS(co_await first, CancelledError);
    CHECK_THROWS_AS(co_await second, CancelledError);
}

CO_TEST("SEM-TASK-12: it may be called while tasks are created and end") {
    EventLoop& loop = testing::loop();
    std::atomic<bool> stop{false};
    std::atomic<int> answers{0};
    auto asker = loop.run_in_executor(nullptr, [&] {
        while (!stop) answers += describe_tasks(loop, long_enough).empty() ? 0 : 1;
    });
    while (answers < 50) {
        auto task = create_task(sleep(0s));
        co_await task;
    }
    stop = true;
    co_await asker;
}

TEST("SEM-TASK-12: no answer in time is a TimeoutError, a closed loop a RuntimeError") {
    EventLoop loop;
    CHECK_THROWS_AS(describe_tasks(loop, 1ms), TimeoutError);
    std::thread closer;
    std::exception_ptr error;
    std::latch asks{1};
    closer = std::thread([&] {
        try {
            asks.count_down();
            describe_tasks(loop, long_enough);
        } catch (...) {
            error = std::current_exception();
        }
    });
    asks.wait();
    loop.close();
    closer.join();
    CHECK_EQ(repr(error), "RuntimeError('Event loop is closed')");
    CHECK_THROWS_AS(describe_tasks(loop, 1ms), RuntimeError);
}
