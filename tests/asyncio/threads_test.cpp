// SPDX-License-Identifier: MIT
// Threads and the loop: executors, to_thread, loops on several threads, questions to a loop.
#include "asyncio/threads.h"

#include "asyncio/testing/testing.h"
#include "support/threads.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::Gate;
using support::long_enough;
using support::pass_gate;
using support::this_thread_name;

namespace {

int fails() { throw ValueError("from the thread"); }

} // namespace

// ---- run_in_executor ----------------------------------------------------------------------------

CO_TEST("SEM-THR-01: run_in_executor(null, f) runs f on a thread of the default pool") {
    auto future = testing::loop().run_in_executor(nullptr, this_thread_name);
    CHECK(!future.done());
    const std::string name = co_await future;
    CHECK(name.starts_with("asyncio_"));
    const int sum = co_await testing::loop().run_in_executor(
        nullptr, [](int a, std::unique_ptr<int> b) { return a + *b; }, 1, std::make_unique<int>(2));
    CHECK_EQ(sum, 3);
}

CO_TEST("SEM-THR-01: the future has f's exception") {
    auto future = testing::loop().run_in_executor(nullptr, fails);
    CHECK_THROWS_MSG(co_await future, ValueError, "from the thread");
    CHECK_EQ(repr(future.exception()), "ValueError('from the thread')");
}

CO_TEST("SEM-THR-01: an executor of one's own runs f, and its refusals are thrown") {
    ThreadPoolExecutor pool(ThreadPoolOptions(1).thread_name_prefix("mine"));
    const std::string name = co_await testing::loop().run_in_executor(&pool, this_thread_name);
    CHECK_EQ(name, "mine_0");
    pool.shutdown();
    CHECK_THROWS_MSG(testing::loop().run_in_executor(&pool, this_thread_name), RuntimeError,
                     "cannot schedule new futures after shutdown");
}

TEST("SEM-THR-01: run_in_executor of a closed loop throws RuntimeError") {
    EventLoop loop;
    loop.close();
    CHECK_THROWS_MSG(loop.run_in_executor(nullptr, fails), RuntimeError, "Event loop is closed");
}

CO_TEST("SEM-THR-02: set_default_executor takes a pool, and null is a TypeError") {
    CHECK_THROWS_MSG(testing::loop().set_default_executor(nullptr), TypeError,
                     "executor must be ThreadPoolExecutor instance");
    const auto pool =
        std::make_shared<ThreadPoolExecutor>(ThreadPoolOptions(1).thread_name_prefix("set"));
    testing::loop().set_default_executor(pool);
    CHECK_EQ(&testing::loop().default_executor(), pool.get());
    const std::string name = co_await to_thread(this_thread_name);
    CHECK_EQ(name, "set_0");
}

CO_TEST("SEM-THR-04: shutdown_default_executor waits for the pool, then the default pool refuses") {
    std::atomic<int> done{0};
    for (int i = 0; i < 4; ++i) {
        testing::loop().run_in_executor(nullptr, [&done] {
            support::take_time(1ms);
            ++done;
        });
    }
    co_await testing::loop().shutdown_default_executor(10s);
    CHECK_EQ(done.load(), 4);
    CHECK_THROWS_MSG(testing::loop().run_in_executor(nullptr, fails), RuntimeError,
                     "Executor shutdown has been called");
    CHECK_THROWS_MSG(co_await to_thread(fails), RuntimeError, "Executor shutdown has been called");
    const auto refused = co_await outcome(to_thread(fails));
    CHECK_EQ(repr(refused.exception()), "RuntimeError('Executor shutdown has been called')");
    co_await testing::loop().shutdown_default_executor(); // harmless twice
    CHECK_EQ(testing::loop().timer_count(), 0U);
}

CO_TEST("SEM-THR-04: the default pool refuses after shutdown even if it never worked") {
    const testing::Turns turns;
    co_await testing::loop().shutdown_default_executor();
    CHECK_EQ(turns.count(), 0);
    CHECK_THROWS_AS(testing::loop().default_executor(), RuntimeError);
}

CO_TEST_REAL_TIME("SEM-THR-04: on overrun shutdown_default_executor warns and gives up") {
    Gate gate;
    auto future = testing::loop().run_in_executor(nullptr, pass_gate, &gate, 1);
    gate.wait_begun();
    co_await testing::loop().shutdown_default_executor(2ms);
    const auto logs = testing::take_logs();
    REQUIRE(logs.size() == 1);
    CHECK(logs[0].level == LogLevel::warning);
    CHECK(logs[0].text.starts_with(
        "The executor did not finish joining its threads within 0.002 seconds: 1 running ("));
    CHECK(logs[0].text.ends_with(", 0 queued"));
    CHECK_THROWS_AS(testing::loop().run_in_executor(nullptr, fails), RuntimeError);
    gate.open();
    const int value = co_await future; // the loop has given up waiting, not the work
    CHECK_EQ(value, 1);
}

CO_TEST_REAL_TIME("SEM-THR-04: cancelling the shutdown leaves the pool to end by itself") {
    Gate gate;
    auto future = testing::loop().run_in_executor(nullptr, pass_gate, &gate, 1);
    gate.wait_begun();
    auto shutdown = create_task(testing::loop().shutdown_default_executor(300s));
    co_await sleep(0s);
    co_await sleep(0s);
    shutdown.cancel();
    CHECK_THROWS_AS(co_await shutdown, CancelledError);
    CHECK_EQ(testing::loop().timer_count(), 0U);
    gate.open();
    const int value = co_await future;
    CHECK_EQ(value, 1);
}

// ---- to_thread ----------------------------------------------------------------------------------

CO_TEST("SEM-THR-05: to_thread calls f once, elsewhere, with its arguments, and gives its value") {
    std::atomic<int> calls{0};
    const std::thread::id here = std::this_thread::get_id();
    const auto work = [&calls, here](int a, const std::string& b, std::unique_ptr<int> c) {
        ++calls;
        return std::this_thread::get_id() != here ? b + std::to_string(a + *c) : "same thread";
    };
    auto operation = to_thread(work, 1, "x", std::make_unique<int>(2));
    CHECK_EQ(calls.load(), 0); // lazy
    const std::string text = co_await operation;
    CHECK_EQ(text, "x3");
    CHECK_EQ(calls.load(), 1);
    CHECK_THROWS_MSG(co_await operation, RuntimeError, "cannot reuse already awaited");
}

CO_TEST("SEM-THR-05: to_thread rethrows f's exception and gives move-only values") {
    CHECK_THROWS_MSG(co_await to_thread(fails), ValueError, "from the thread");
    const auto failed = co_await outcome(to_thread(fails));
    CHECK(failed.has_exception());
    const auto value = co_await to_thread([] { return std::make_unique<int>(4); });
    CHECK_EQ(*value, 4);
    bool ran = false;
    co_await to_thread([&ran] { ran = true; });
    CHECK(ran);
}

CO_TEST("SEM-THR-05: many to_thread run concurrently") {
    constexpr int together = 4;
    std::latch meeting{together}; // nobody passes before all are there
    std::vector<Task<int>> tasks;
    for (int i = 0; i < together; ++i) {
        tasks.push_back(create_task(to_thread(
            [&meeting](int number) {
                meeting.arrive_and_wait();
                return number;
            },
            i)));
    }
    int sum = 0;
    for (const auto& task : tasks) sum += co_await task;
    CHECK_EQ(sum, 6);
}

CO_TEST("SEM-CTX-05: to_thread runs f in a copy of the context, run_in_executor does not") {
    static ContextVar<int> variable("variable", 0);
    variable.set(1);
    ThreadPoolExecutor pool(1);
    const auto read_and_set = [] {
        const int seen = variable.get();
        variable.set(99);
        return seen;
    };
    auto seen = co_await to_thread(read_and_set);
    CHECK_EQ(seen, 1);
    CHECK_EQ(variable.get(), 1); // f has changed its copy
    seen = co_await to_thread(read_and_set);
    CHECK_EQ(seen, 1);
    seen = co_await testing::loop().run_in_executor(&pool, [] { return variable.get(); });
    CHECK_EQ(seen, 0);
}

CO_TEST("FLT-EXEC-02: a saturated pool queues work without blocking the loop") {
    ThreadPoolExecutor pool(1);
    Gate gate;
    std::vector<Future<int>> futures;
    futures.push_back(testing::loop().run_in_executor(&pool, pass_gate, &gate, 0));
    for (int i = 1; i < 20; ++i) {
        futures.push_back(testing::loop().run_in_executor(&pool, [i] { return i; }));
    }
    gate.wait_begun();
    for (int turn = 0; turn < 10; ++turn) co_await sleep(0s); // the loop turns
    CHECK(!futures[1].done());
    gate.open();
    int sum = 0;
    for (const auto& future : futures) sum += co_await future;
    CHECK_EQ(sum, 190);
}

CO_TEST_REAL_TIME(
    "FLT-EXEC-02: a job that waits for one of its own full pool is reported at the end") {
    testing::loop().set_default_executor(std::make_shared<ThreadPoolExecutor>(1));
    ThreadPoolExecutor& pool = testing::loop().default_executor();
    std::latch begun{1};
    std::latch opened{1};
    auto outer = testing::loop().run_in_executor(nullptr, [&] {
        const auto inner = pool.submit([] { return 5; });
        begun.count_down();
        const bool in_time = inner.wait_for(0s);
        opened.wait();
        return in_time ? 0 : 1;
    });
    begun.wait();
    co_await testing::loop().shutdown_default_executor(1ms);
    const auto logs = testing::take_logs();
    REQUIRE(logs.size() == 1);
    CHECK(logs[0].text.find("1 running (") != std::string::npos);
    CHECK(logs[0].text.ends_with(", 1 queued"));
    opened.count_down();
    const int gave_up = co_await outer;
    CHECK_EQ(gave_up, 1);
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
