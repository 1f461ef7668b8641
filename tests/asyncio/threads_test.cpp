// SPDX-License-Identifier: MIT
// Threads and the loop: executors, to_thread, calls into the loop from outside.
#include "asyncio/threads.h"

#include "asyncio/testing/testing.h"
#include "asyncio/wait_for.h"

#include <latch>
#include <memory>
#include <pthread.h>
#include <string>
#include <thread>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

constexpr Duration long_enough = 60s; // for what ends at once

std::string this_thread_name() {
    char name[16] = {};
    ::pthread_getname_np(::pthread_self(), name, sizeof name);
    return name;
}

// Counts how many of it are alive.
struct Counted {
    explicit Counted(std::atomic<int>& counter) : alive(&counter) { ++*alive; }
    Counted(const Counted& other) : alive(other.alive) { ++*alive; }
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --*alive; }
    std::atomic<int>* alive;
};

// Work that has begun and ends when it is told to.
struct Gate {
    void pass() {
        begun.count_down();
        opened.wait();
    }
    void wait_begun() { begun.wait(); }
    void open() { opened.count_down(); }
    std::latch begun{1};
    std::latch opened{1};
};

int fails() { throw ValueError("from the thread"); }

int pass_gate(Gate* gate, int value) {
    gate->pass();
    return value;
}

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

CO_TEST("SEM-THR-04: shutdown_default_executor waits for the pool, then the default pool refuses") {
    std::atomic<int> done{0};
    for (int i = 0; i < 4; ++i) {
        testing::loop().run_in_executor(nullptr, [&done] {
            std::this_thread::sleep_for(1ms);
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

CO_TEST("a virtual clock does not run ahead of a thread that works for the loop") {
    auto future = testing::loop().run_in_executor(nullptr, [] {
        std::this_thread::sleep_for(2ms);
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
