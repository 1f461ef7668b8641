// SPDX-License-Identifier: MIT
// Scheduling: tasks that await one another, very many tasks, cancels from the wrong thread.
#include "asyncio/scheduling.h"

#include "asyncio/gather.h"
#include "asyncio/graph.h"
#include "asyncio/threads.h"
#include "base/frame_pool.h"
#include "support/reports.h"

#include <ctime>
#include <memory>
#include <thread>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

// Tasks that each await the next one, and the last one the task `back_to`.
class Ring {
public:
    Ring(std::size_t count, std::size_t back_to) : tasks_(count), back_to_(back_to) {
        for (std::size_t i = 0; i < count; ++i) {
            tasks_[i] = create_task(member(i), "member " + std::to_string(i));
        }
    }
    Ring(const Ring&) = delete; // the members know its address
    Ring& operator=(const Ring&) = delete;

    const Task<>& operator[](std::size_t i) const { return *tasks_[i]; }

    Coro<> ended() {
        for (const std::optional<Task<>>& task : tasks_) {
            const auto end = co_await outcome(*task);
            CHECK(end.cancelled());
            CHECK_EQ(task->cancelling(), 1);
        }
    }

private:
    Coro<> member(std::size_t i) {
        // LIFETIME: the ring outlives its members.
        co_await *tasks_[i + 1 < tasks_.size() ? i + 1 : back_to_];
    }

    std::vector<std::optional<Task<>>> tasks_;
    std::size_t back_to_;
};

Coro<int> one() { co_return 1; }

} // namespace

// ---- circles ------------------------------------------------------------------------------------

CO_TEST("FLT-TASK-08: two tasks that await each other are seen, and a cancel ends both") {
    for (const std::size_t victim : {0U, 1U}) {
        Ring ring(2, 0);
        co_await sleep(1s);
        CHECK_EQ(all_tasks().size(), 3U);
        CHECK(to_string(ring[0]).find("wait_for=<Task pending name='member 1'") !=
              std::string::npos);
        const std::string graph = format_call_graph(ring[0]);
        CHECK(graph.find("member 0") != std::string::npos);
        CHECK(graph.find("member 1") != std::string::npos);
        CHECK(ring[victim].cancel());
        co_await ring.ended();
        CHECK_EQ(all_tasks().size(), 1U);
    }
}

CO_TEST("FLT-TASK-08: a cancel that comes upon a circle from outside ends") {
    Ring ring(5, 2); // 0 and 1 lead to 2, 3, 4, 2, 3, 4, ...
    co_await sleep(1s);
    CHECK(ring[0].cancel());
    co_await ring.ended();
}

CO_TEST(
    "FLT-TASK-08: a task that cancels itself before it joins a circle is cancelled there, once") {
    std::optional<Task<>> first;
    std::optional<Task<>> second;
    const auto join = [&second]() -> Coro<> {
        current_task().cancel();
        co_await *second;
    };
    const auto wait = [&first]() -> Coro<> { co_await *first; };
    second = create_task(wait());
    first = create_task([](Coro<> work) -> Coro<> {
        co_await yield_now(); // the other one waits first
        co_await work;
    }(join()));
    CHECK_THROWS_AS(co_await *first, CancelledError);
    CHECK_THROWS_AS(co_await *second, CancelledError);
    CHECK_EQ(first->cancelling(), 1);
    CHECK_EQ(second->cancelling(), 1);
    first.reset();
    second.reset();
}

CO_TEST("FLT-TASK-08: a circle with a gather in it is cancellable") {
    std::optional<Task<>> outer;
    const auto inner = [&outer]() -> Coro<> { co_await *outer; };
    const auto body = [&inner]() -> Coro<> { co_await gather(inner(), inner()); };
    outer = create_task(body());
    co_await sleep(1s);
    CHECK_EQ(all_tasks().size(), 4U);
    outer->cancel();
    CHECK_THROWS_AS(co_await *outer, CancelledError);
    co_await sleep(1s);
    CHECK_EQ(all_tasks().size(), 1U);
    outer.reset();
}

TEST("FLT-TASK-08: a circle that is left when the loop closes is reported and taken apart") {
    std::vector<std::string> reported;
    const base::FrameStats before = base::frame_stats();
    {
        EventLoop loop;
        loop.set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
            reported.push_back(context.task->get_name());
        });
        std::unique_ptr<Ring> ring;
        const auto body = [&ring]() -> Coro<> {
            ring = std::make_unique<Ring>(2, 0);
            co_await yield_now();
            co_await yield_now();
        };
        loop.run_until_complete(body());
        loop.close();
        ring.reset();
    }
    CHECK_EQ(reported, std::vector<std::string>{"member 0", "member 1"});
    CHECK_EQ(base::frame_stats().live_blocks, before.live_blocks);
}

CO_TEST("FLT-TASK-08: a dropped task runs on, and an exception that nobody read is reported once") {
    support::Reports reports;
    bool ran = false;
    create_task([&ran]() -> Coro<> {
        co_await sleep(1s);
        ran = true;
        throw ValueError("unread");
    });
    co_await sleep(2s);
    CHECK(ran);
    CHECK_EQ(reports.seen.size(), 1U);
}

// ---- very many ----------------------------------------------------------------------------------

namespace {

// Processor time that it takes to make `count` tasks, cancel them all and see them end.
Coro<std::clock_t> cancel_many(std::size_t count, bool suspended) {
    const std::clock_t began = std::clock();
    std::vector<Task<>> tasks;
    tasks.reserve(count);
    for (std::size_t i = 0; i < count; ++i) tasks.push_back(create_task(sleep(1h)));
    if (suspended) co_await yield_now();
    for (const Task<>& task : tasks) task.cancel();
    co_await yield_now();
    for (const Task<>& task : tasks) CHECK(task.cancelled());
    co_return std::clock() - began;
}

} // namespace

CO_TEST("FLT-TASK-09: cancelling 100,000 tasks takes linear time, and all memory comes back") {
    for (const bool suspended : {false, true}) {
        const std::size_t before = base::frame_stats().live_blocks;
        const std::clock_t few = co_await cancel_many(10'000, suspended);
        const std::clock_t many = co_await cancel_many(100'000, suspended);
        CHECK(many < 100 * few); // quadratic: as many again and more
        CHECK_EQ(base::frame_stats().live_blocks, before);
        CHECK_EQ(testing::loop().timer_count(), 0U);
        CHECK_EQ(all_tasks().size(), 1U);
    }
}

CO_TEST("FLT-TASK-09: a million awaits that end at once need no more stack and no turn") {
    const testing::Turns turns;
    int sum = 0;
    for (int i = 0; i < 1'000'000; ++i) sum += co_await one();
    CHECK_EQ(sum, 1'000'000);
    CHECK_EQ(turns.count(), 0);
}

CO_TEST("FLT-TASK-09: a cancel goes along a chain of 100,000 tasks without recursion") {
    const Future<> end;
    std::vector<AnyTask> tasks;
    AnyFuture next = end;
    for (int i = 0; i < 100'000; ++i) {
        tasks.push_back(create_task(next));
        next = tasks.back();
    }
    co_await yield_now();
    tasks.back().cancel("from the top");
    CHECK(end.cancelled());
    const auto last = co_await outcome(tasks.back());
    CHECK_EQ(repr(last.exception()), "CancelledError('from the top')");
    for (const AnyTask& task : tasks) CHECK(task.cancelled());
}

// ---- other threads ------------------------------------------------------------------------------

CO_TEST_REAL_TIME("FLT-TASK-01: in debug mode cancel() on another thread throws RuntimeError") {
    testing::loop().set_debug(true);
    const auto task = create_task(sleep(1h));
    const Future<int> future;
    co_await yield_now();
    // The loop stands still while the thread runs, so the handles are used by one at a time.
    std::thread([&task, &future] {
        CHECK_THROWS_MSG(task.cancel(), RuntimeError, "Non-thread-safe operation");
        CHECK_THROWS_MSG(future.set_result(1), RuntimeError, "Non-thread-safe operation");
        CHECK_THROWS_MSG(future.set_exception(ValueError()), RuntimeError,
                         "Non-thread-safe operation");
    }).join();
    CHECK(!task.done());
    CHECK(!future.done());
    testing::loop().set_debug(false);
    task.cancel();
    CHECK_THROWS_AS(co_await task, CancelledError);
}

CO_TEST_REAL_TIME("FLT-TASK-01: a cancel from another thread goes through the loop's inbox") {
    std::atomic<bool> started = false;
    bool cancelled = false;
    EventLoop& loop = testing::loop();
    const auto body = [&]() -> Coro<> {
        started = true;
        const auto end = co_await outcome(sleep(1h));
        cancelled = end.cancelled();
        end.value();
    };
    const auto outside = [&] {
        const auto future = run_coroutine_threadsafe(body(), loop);
        while (!started) std::this_thread::yield();
        future.cancel();
    };
    co_await to_thread(outside);
    while (all_tasks().size() > 1) co_await sleep(1ms);
    CHECK(cancelled);
}

// ---- futures whose loop is gone -----------------------------------------------------------------

TEST("completing a future whose loop has closed calls nobody; a late callback is refused") {
    auto loop = std::make_unique<EventLoop>();
    const Future<int> future(*loop);
    bool called = false;
    future.add_done_callback([&called] { called = true; });
    loop.reset();
    future.set_result(1);
    CHECK(!called);
    CHECK_EQ(future.result(), 1);
    CHECK_THROWS_MSG(future.add_done_callback([] {}), RuntimeError, "Event loop is closed");
}
