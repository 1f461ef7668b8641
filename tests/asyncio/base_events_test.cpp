// SPDX-License-Identifier: MIT
// Running, stopping and closing a loop; which loop is the current one.
#include "asyncio/base_events.h"

#include "asyncio/testing/testing.h"
#include "asyncio/threads.h"

#include <memory>
#include <string>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

Coro<int> answer() {
    co_await sleep(0s);
    co_return 42;
}

Coro<> forever() {
    for (;;) co_await sleep(3600s);
}

} // namespace

TEST("SEM-LOOP-14: stop before run_forever polls once, runs what was ready, and returns") {
    EventLoop loop;
    std::vector<int> ran;
    const int fd = ::eventfd(1, EFD_NONBLOCK);
    loop.add_reader(fd, [&] { ran.push_back(2); });
    loop.call_soon([&] {
        ran.push_back(1);
        loop.call_soon([&ran] { ran.push_back(3); });
    });
    loop.stop();
    loop.run_forever();
    CHECK_EQ(ran, std::vector<int>({1, 2}));
    CHECK_EQ(loop.turn_count(), 1U);
    loop.remove_reader(fd);
    loop.stop(); // the request was used up; ask again
    loop.run_forever();
    CHECK_EQ(ran, std::vector<int>({1, 2, 3}));
    ::close(fd);
}

TEST(
    "SEM-LOOP-15: stop in a callback lets the turn end; what it scheduled waits for the next run") {
    EventLoop loop;
    std::string ran;
    loop.call_soon([&] {
        ran += 'a';
        loop.stop();
        loop.call_soon([&ran] { ran += 'c'; });
    });
    loop.call_soon([&ran] { ran += 'b'; });
    loop.run_forever();
    CHECK_EQ(ran, "ab");
    loop.call_soon([&loop] { loop.stop(); });
    loop.run_forever();
    CHECK_EQ(ran, "abc");
}

TEST("SEM-LOOP-16: a loop stopped early gives RuntimeError; the future stays pending") {
    EventLoop loop;
    const Future<int> future = loop.create_future<int>();
    loop.call_soon([&loop] { loop.stop(); });
    CHECK_THROWS_MSG(loop.run_until_complete(future), RuntimeError,
                     "Event loop stopped before Future completed");
    CHECK(!future.done());
    loop.call_soon([&future] { future.set_result(7); });
    CHECK_EQ(loop.run_until_complete(future), 7);
}

TEST("SEM-LOOP-17: a future left by an exception does not stop a later run") {
    EventLoop loop;
    const Future<> orphan = loop.create_future<>();
    loop.call_soon([] { throw KeyboardInterrupt(); });
    CHECK_THROWS_AS(loop.run_until_complete(orphan), KeyboardInterrupt);
    loop.call_soon([&orphan] { orphan.set_result(); });
    const auto answer_late = []() -> Coro<int> { // when the orphan has long told of its end
        for (int i = 0; i < 5; ++i) co_await sleep(0s);
        co_return 42;
    };
    CHECK_EQ(loop.run_until_complete(answer_late()), 42);
}

TEST("SEM-LOOP-17: nor does a task that ended with the interrupt itself") {
    EventLoop loop;
    const auto interrupted = []() -> Coro<> {
        co_await sleep(0s);
        throw KeyboardInterrupt("stop it");
    };
    CHECK_THROWS_AS(loop.run_until_complete(interrupted()), KeyboardInterrupt);
    CHECK_EQ(loop.run_until_complete(answer()), 42);
    const Task<> task = loop.create_task(interrupted());
    CHECK_THROWS_AS(loop.run_until_complete(task), KeyboardInterrupt);
    CHECK_EQ(loop.run_until_complete(answer()), 42);
    CHECK(is_exception<KeyboardInterrupt>(task.exception()));
}

TEST("SEM-LOOP-18: run_until_complete takes coroutines, futures, tasks and other awaitables") {
    EventLoop loop;
    CHECK_EQ(loop.run_until_complete(answer()), 42);
    const Future<std::string> future = loop.create_future<std::string>();
    loop.call_soon([&future] { future.set_result("done"); });
    CHECK_EQ(loop.run_until_complete(future), "done");
    CHECK_EQ(loop.run_until_complete(loop.create_task(answer())), 42);
    CHECK_EQ(loop.run_until_complete(sleep(0s, 5)), 5);
    Coro<int> named = answer();
    CHECK_EQ(loop.run_until_complete(std::move(named)), 42);
}

TEST("SEM-LOOP-18: it gives what the awaitable ended with, by value, reference or throw") {
    EventLoop loop;
    int variable = 1;
    const auto reference = [&variable]() -> Coro<int&> { co_return variable; };
    int& same = loop.run_until_complete(reference());
    CHECK(&same == &variable);
    const auto unique = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    const std::unique_ptr<int> three = loop.run_until_complete(unique());
    CHECK_EQ(*three, 3);
    const auto fails = []() -> Coro<int> {
        co_await sleep(0s);
        throw ValueError("no");
    };
    CHECK_THROWS_MSG(loop.run_until_complete(fails()), ValueError, "no");
    const auto cancelled = []() -> Coro<> {
        co_await sleep(0s);
        throw CancelledError("why");
    };
    CHECK_THROWS_MSG(loop.run_until_complete(cancelled()), CancelledError, "why");
}

TEST("SEM-LOOP-18: a future of another loop is a ValueError, and anything else does not compile") {
    EventLoop loop;
    EventLoop other;
    const Future<> theirs = other.create_future<>();
    CHECK_THROWS_AS(loop.run_until_complete(theirs), ValueError);
    static_assert(Awaitable<Future<>> && Awaitable<Coro<int>> && Awaitable<Sleep>);
    static_assert(!Awaitable<int> && !Awaitable<std::string>);
}

CO_TEST("SEM-LOOP-19: a running loop cannot be run again, and stays the running one") {
    EventLoop& loop = testing::loop();
    CHECK_THROWS_MSG(loop.run_forever(), RuntimeError, "already running");
    Coro<int> main = answer();
    CHECK_THROWS_MSG(loop.run_until_complete(std::move(main)), RuntimeError, "already running");
    CHECK(static_cast<bool>(main)); // NOLINT(bugprone-use-after-move): it was not touched
    CHECK_EQ(co_await main, 42);
    CHECK(running_loop_or_null() == &loop);
}

CO_TEST("SEM-LOOP-19: another loop cannot run on a thread on which one runs") {
    EventLoop other;
    CHECK_THROWS_MSG(other.run_forever(), RuntimeError, "another loop is running");
    CHECK_THROWS_MSG(other.run_until_complete(answer()), RuntimeError, "another loop is running");
    CHECK(!other.is_running());
    CHECK(&get_running_loop() == &testing::loop());
    co_await sleep(0s); // and it goes on
}

CO_TEST("SEM-LOOP-20: close of a running loop is a RuntimeError and does nothing") {
    CHECK_THROWS_MSG(testing::loop().close(), RuntimeError, "Cannot close a running event loop");
    CHECK(!testing::loop().is_closed());
    co_await sleep(0s);
}

TEST("SEM-LOOP-20: close drops ready calls and timers without running them, and may come twice") {
    EventLoop loop;
    bool ran = false;
    auto kept = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = kept;
    loop.call_soon([&ran, kept] { ran = true; });
    loop.call_later(0s, [&ran, kept] { ran = true; });
    TimerHandle timer = loop.call_later(1h, [&ran, kept] { ran = true; });
    loop.call_soon_threadsafe([&ran, kept] { ran = true; });
    kept.reset();
    loop.close();
    CHECK(loop.is_closed());
    loop.close();
    CHECK(!ran);
    timer.cancel(); // harmless
    CHECK(watch.expired());
}

TEST("SEM-LOOP-21: after close everything that schedules or runs is a RuntimeError") {
    EventLoop loop;
    loop.close();
    const auto nothing = [] {};
    CHECK_THROWS_MSG(loop.run_forever(), RuntimeError, "Event loop is closed");
    CHECK_THROWS_MSG(loop.run_until_complete(answer()), RuntimeError, "closed");
    CHECK_THROWS_MSG(loop.call_soon(nothing), RuntimeError, "closed");
    CHECK_THROWS_MSG(loop.call_soon_threadsafe(nothing), RuntimeError, "closed");
    CHECK_THROWS_MSG(loop.call_later(1s, nothing), RuntimeError, "closed");
    CHECK_THROWS_MSG(loop.call_at(TimePoint(), nothing), RuntimeError, "closed");
    CHECK_THROWS_MSG(loop.create_task(answer()), RuntimeError, "closed");
    CHECK_THROWS_MSG(loop.add_reader(0, nothing), RuntimeError, "closed");
    CHECK_THROWS_MSG(loop.add_writer(0, nothing), RuntimeError, "closed");
    CHECK_THROWS_MSG(loop.add_signal_handler(10, nothing), RuntimeError, "closed");
    CHECK_THROWS_MSG(loop.run_in_executor(nullptr, nothing), RuntimeError, "closed");
}

TEST("SEM-LOOP-21: after close there is nothing to remove, and little to ask") {
    EventLoop loop;
    const int fd = ::eventfd(0, EFD_NONBLOCK);
    loop.add_reader(fd, [] {});
    loop.close();
    CHECK(!loop.remove_reader(fd));
    CHECK(!loop.remove_writer(fd));
    CHECK(!loop.remove_signal_handler(10));
    CHECK(!loop.is_running());
    CHECK_EQ(std::string(loop.backend_name()), "closed");
    loop.stop();
    loop.set_debug(true);
    ::close(fd);
}

TEST("SEM-LOOP-22: close leaves no descriptor of the loop's own") {
    const std::size_t before = testing::Baseline::now().descriptors;
    auto loop = new_event_loop();
    CHECK(testing::Baseline::now().descriptors > before);
    loop->run_until_complete(answer());
    loop->close();
    CHECK_EQ(testing::Baseline::now().descriptors, before);
    loop.reset();
    CHECK_EQ(testing::Baseline::now().descriptors, before);
}

TEST("SEM-LOOP-23: create_task on a closed loop frees the coroutine and reports nothing") {
    EventLoop loop(LoopOptions().debug(true));
    loop.close();
    const std::size_t before = testing::Baseline::now().blocks;
    auto kept = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = kept;
    const auto body = [](std::shared_ptr<int>) -> Coro<> { co_return; };
    CHECK_THROWS_AS(loop.create_task(body(std::move(kept))), RuntimeError);
    CHECK(watch.expired());
    CHECK_EQ(testing::Baseline::now().blocks, before);
    CHECK(testing::take_logs().empty());
}

TEST("SEM-LOOP-24: get_running_loop is a RuntimeError where none runs, whatever is set") {
    CHECK_THROWS_MSG(get_running_loop(), RuntimeError, "no running event loop");
    CHECK(running_loop_or_null() == nullptr);
    EventLoop loop;
    set_event_loop(&loop);
    CHECK_THROWS_AS(get_running_loop(), RuntimeError);
    set_event_loop(nullptr);
}

CO_TEST("SEM-LOOP-24: in callbacks and coroutines it is the one that runs, whatever is set") {
    EventLoop* const mine = &testing::loop();
    EventLoop other;
    set_event_loop(&other);
    CHECK(&get_running_loop() == mine);
    CHECK(&get_event_loop() == mine);
    EventLoop* seen = nullptr;
    mine->call_soon([&seen] { seen = &get_running_loop(); });
    co_await sleep(0s);
    CHECK(seen == mine);
    set_event_loop(mine);
}

TEST("SEM-LOOP-25: get_event_loop is the loop set for this thread, else a RuntimeError") {
    CHECK_THROWS_MSG(get_event_loop(), RuntimeError, "no current event loop");
    EventLoop loop;
    set_event_loop(&loop);
    CHECK(&get_event_loop() == &loop);
    set_event_loop(nullptr);
    CHECK_THROWS_AS(get_event_loop(), RuntimeError);
}

TEST("SEM-LOOP-25: another thread does not see it") {
    EventLoop loop;
    set_event_loop(&loop);
    std::thread([] {
        CHECK_THROWS_AS(get_event_loop(), RuntimeError);
        EventLoop own;
        set_event_loop(&own);
        CHECK(&get_event_loop() == &own);
    }).join();
    CHECK(&get_event_loop() == &loop);
    set_event_loop(nullptr);
}

TEST("SEM-LOOP-25: a loop that is gone is nobody's current loop") {
    {
        EventLoop loop;
        set_event_loop(&loop);
    }
    CHECK_THROWS_AS(get_event_loop(), RuntimeError);
}

CO_TEST("SEM-LOOP-26: a task factory makes every later task, and null restores the default") {
    std::vector<std::string> made;
    EventLoop& loop = testing::loop();
    CHECK(loop.get_task_factory() == nullptr);
    loop.set_task_factory([&](EventLoop& its_loop, PendingTask task, const TaskOptions& options) {
        CHECK(&its_loop == &loop);
        made.push_back(options.name().value_or("unnamed"));
        return task.schedule();
    });
    CHECK(loop.get_task_factory() != nullptr);
    const auto first = create_task(answer());
    const auto second = loop.create_task(answer(), "second");
    CHECK_EQ(made, std::vector<std::string>({"unnamed", "second"}));
    CHECK_EQ(co_await first, 42);
    CHECK_EQ(co_await second, 42);
    loop.set_task_factory(nullptr);
    CHECK(loop.get_task_factory() == nullptr);
    CHECK_EQ(co_await create_task(answer()), 42);
    CHECK_EQ(made.size(), 2U);
}

TEST("a loop that was interrupted loses nothing that was ready") {
    EventLoop loop;
    std::string ran;
    loop.call_soon([&ran] { ran += 'a'; });
    loop.call_soon([] { throw SystemExit(3); });
    loop.call_soon([&ran] { ran += 'b'; });
    CHECK_THROWS_AS(loop.run_forever(), SystemExit);
    CHECK_EQ(ran, "a");
    CHECK(!loop.is_running());
    loop.call_soon([&loop] { loop.stop(); });
    loop.run_forever();
    CHECK_EQ(ran, "ab");
}

TEST("a loop can be run many times, and other loops in between") {
    EventLoop one;
    EventLoop two;
    for (int i = 0; i < 3; ++i) {
        CHECK_EQ(one.run_until_complete(answer()), 42);
        CHECK_EQ(two.run_until_complete(answer()), 42);
    }
    const Task<> left = one.create_task(forever(), "left");
    CHECK_EQ(one.run_until_complete(answer()), 42);
    left.cancel();
    CHECK_THROWS_AS(one.run_until_complete(left), CancelledError);
}
