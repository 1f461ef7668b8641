// SPDX-License-Identifier: MIT
// run and Runner: results, shutdown, contexts, loops; without signals.
#include "asyncio/runners.h"

#include "asyncio/generators.h"
#include "asyncio/testing/testing.h"

#include <memory>
#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

Coro<int> answer() {
    co_await sleep(0s);
    co_return 42;
}

std::unique_ptr<EventLoop> virtual_loop() {
    return new_event_loop(LoopOptions().backend(testing::make_virtual_backend()));
}

RunOptions on_virtual_time() { return RunOptions().loop_factory(&virtual_loop); }

// Says when its loop is closed.
class WatchedBackend final : public EpollBackend {
public:
    explicit WatchedBackend(bool& closed) : closed_(closed) { closed_ = false; }
    ~WatchedBackend() override { closed_ = true; }

private:
    bool& closed_;
};

RunOptions watched(bool& closed) {
    return RunOptions().loop_factory([&closed] {
        return new_event_loop(LoopOptions().backend(std::make_unique<WatchedBackend>(closed)));
    });
}

} // namespace

TEST("SEM-RUN-01: run gives what main returns, and closes the loop") {
    bool closed = false;
    CHECK_EQ(run(answer(), watched(closed)), 42);
    CHECK(closed);
    const auto nothing = []() -> Coro<> { co_return; };
    static_assert(std::is_void_v<decltype(run(nothing()))>);
    run(nothing());
    const auto unique = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
    const std::unique_ptr<int> seven = run(unique());
    CHECK_EQ(*seven, 7);
    CHECK(running_loop_or_null() == nullptr);
}

TEST("SEM-RUN-01: run throws what main throws, and closes the loop all the same") {
    bool closed = false;
    const auto fails = []() -> Coro<> {
        co_await sleep(0s);
        throw ValueError("main failed");
    };
    CHECK_THROWS_MSG(run(fails(), watched(closed)), ValueError, "main failed");
    CHECK(closed);
    const auto exits = []() -> Coro<> {
        co_await sleep(0s);
        throw SystemExit(4);
    };
    CHECK_THROWS_AS(run(exits(), watched(closed)), SystemExit);
    CHECK(closed);
    CHECK(running_loop_or_null() == nullptr);
}

TEST("SEM-RUN-01: a main that is cancelled without Ctrl-C throws CancelledError") {
    const auto cancels_itself = []() -> Coro<> {
        current_task().cancel("enough");
        co_await sleep(0s);
    };
    CHECK_THROWS_MSG(run(cancels_itself()), CancelledError, "enough");
}

CO_TEST("SEM-RUN-02: run inside of a running loop is a RuntimeError before anything starts") {
    bool started = false;
    const auto body = [](bool& flag) -> Coro<> {
        flag = true;
        co_return;
    };
    Coro<> main = body(started);
    CHECK_THROWS_MSG(run(std::move(main)), RuntimeError,
                     "asyncio.run() cannot be called from a running event loop");
    CHECK(!started);
    CHECK(static_cast<bool>(main)); // NOLINT(bugprone-use-after-move): it was not touched
    co_await main;
    CHECK(started);
}

CO_TEST("SEM-RUN-02: so is Runner.run") {
    Runner runner;
    Coro<int> main = answer();
    CHECK_THROWS_MSG(runner.run(std::move(main)), RuntimeError,
                     "Runner.run() cannot be called from a running event loop");
    CHECK_EQ(co_await main, 42); // NOLINT(bugprone-use-after-move): it was not touched
}

namespace {

Coro<> sleep_and_clean_up(std::vector<std::string>& events, std::string name) {
    const auto end = co_await outcome(sleep(3600s));
    events.push_back(name + (end.cancelled() ? " cancelled" : " slept"));
    co_await sleep(1s);
    events.push_back(name + " cleaned up");
    end.value();
}

Coro<> makes_another(std::vector<std::string>& events) {
    const auto end = co_await outcome(sleep(3600s));
    events.push_back("maker cancelled");
    create_task(sleep_and_clean_up(events, "late"));
    end.value();
}

} // namespace

TEST("SEM-RUN-03: tasks that are left are cancelled, and waited for before the loop closes") {
    std::vector<std::string> events;
    const auto main = [](std::vector<std::string>& log) -> Coro<int> {
        create_task(sleep_and_clean_up(log, "a"));
        create_task(sleep_and_clean_up(log, "b"));
        co_await sleep(1s);
        log.push_back("main returns");
        co_return 1;
    };
    CHECK_EQ(run(main(events), on_virtual_time()), 1);
    CHECK_EQ(events, std::vector<std::string>({"main returns", "a cancelled", "b cancelled",
                                               "a cleaned up", "b cleaned up"}));
}

TEST("SEM-RUN-03: so are tasks that were made after main had returned") {
    std::vector<std::string> events;
    const auto main = [](std::vector<std::string>& log) -> Coro<> {
        create_task(makes_another(log));
        co_await sleep(0s);
    };
    run(main(events), on_virtual_time());
    // The late one starts in the turn in which it is cancelled: before its first step, or after it.
    CHECK_EQ(events.front(), "maker cancelled");
    CHECK(events.size() == 1 || events.back() == "late cleaned up");
}

TEST("SEM-RUN-03: what is ready when main has ended is cancelled before it runs once more") {
    int steps = 0;
    const auto yields_for_ever = [](int& count) -> Coro<> {
        for (;;) {
            ++count;
            co_await sleep(0s);
        }
    };
    const auto main = [&]() -> Coro<> {
        create_task(yields_for_ever(steps));
        co_await sleep(0s);
        steps = 0;
    };
    run(main(), on_virtual_time());
    CHECK_EQ(steps, 1); // beside the callback that stops the loop
}

TEST("SEM-RUN-03: main's own failure changes nothing about that") {
    std::vector<std::string> events;
    const auto main = [](std::vector<std::string>& log) -> Coro<> {
        create_task(sleep_and_clean_up(log, "a"));
        co_await sleep(0s);
        throw ValueError("main");
    };
    CHECK_THROWS_AS(run(main(events), on_virtual_time()), ValueError);
    CHECK_EQ(events, std::vector<std::string>({"a cancelled", "a cleaned up"}));
}

TEST("SEM-RUN-04: a leftover task that fails is reported once and changes no result") {
    const auto fails_when_cancelled = []() -> Coro<> {
        (void)co_await outcome(sleep(3600s));
        throw ValueError("in the clean-up");
    };
    const auto main = [&]() -> Coro<int> {
        create_task(fails_when_cancelled());
        co_await sleep(0s);
        co_return 5;
    };
    CHECK_EQ(run(main()), 5);
    const auto logs = testing::take_logs();
    REQUIRE(logs.size() == 1);
    CHECK(logs[0].level == LogLevel::error);
    CHECK(logs[0].text.starts_with("unhandled exception during asyncio.run() shutdown"));
    CHECK(logs[0].text.find("ValueError: in the clean-up") != std::string::npos);
}

TEST("SEM-RUN-04: it goes to the loop's exception handler, with the task") {
    std::vector<std::string> reports;
    const auto fails_when_cancelled = []() -> Coro<> {
        (void)co_await outcome(sleep(3600s));
        throw ValueError("in the clean-up");
    };
    const auto main = [&]() -> Coro<> {
        get_running_loop().set_exception_handler(
            [&reports](EventLoop&, const ExceptionContext& context) {
                CHECK(context.task.has_value());
                reports.push_back(context.message + ": " + repr(context.exception));
            });
        create_task(fails_when_cancelled());
        co_await sleep(0s);
    };
    run(main());
    CHECK_EQ(reports,
             std::vector<std::string>({"unhandled exception during asyncio.run() shutdown: "
                                       "ValueError('in the clean-up')"}));
}

TEST("SEM-RUN-06: a Runner makes its loop at first use, and runs many mains on it") {
    const std::size_t before = testing::Baseline::now().descriptors;
    {
        Runner runner;
        CHECK_EQ(testing::Baseline::now().descriptors, before);
        EventLoop* const loop = &runner.get_loop();
        CHECK(testing::Baseline::now().descriptors > before);
        const auto which = []() -> Coro<EventLoop*> { co_return &get_running_loop(); };
        CHECK(runner.run(which()) == loop);
        CHECK(runner.run(which()) == loop);
        CHECK_EQ(runner.run(answer()), 42);
        CHECK(&runner.get_loop() == loop);
    }
    CHECK_EQ(testing::Baseline::now().descriptors, before);
}

TEST("SEM-RUN-06: close may come twice, and after it every use is a RuntimeError") {
    Runner runner;
    CHECK_EQ(runner.run(answer()), 42);
    runner.close();
    runner.close();
    CHECK_THROWS_MSG(runner.run(answer()), RuntimeError, "Runner is closed");
    CHECK_THROWS_MSG(runner.get_loop(), RuntimeError, "Runner is closed");
    Runner unused;
    unused.close();
    CHECK_THROWS_MSG(unused.get_loop(), RuntimeError, "Runner is closed");
}

TEST("SEM-RUN-06: a task that outlives one run goes on in the next, and ends with the runner") {
    std::vector<std::string> events;
    {
        Runner runner(on_virtual_time());
        const auto starts = [](std::vector<std::string>& log) -> Coro<> {
            create_task(sleep_and_clean_up(log, "a"));
            co_return;
        };
        const auto waits = []() -> Coro<> { co_await sleep(10s); };
        runner.run(starts(events));
        CHECK(events.empty());
        runner.run(waits());
        CHECK(events.empty());
    }
    CHECK_EQ(events, std::vector<std::string>({"a cancelled", "a cleaned up"}));
}

namespace {
ContextVar<int> shared_number("shared_number", 0);

Coro<int> set_number(int value) {
    const int before = shared_number.get();
    shared_number.set(value);
    co_return before;
}
} // namespace

TEST("SEM-RUN-07: all runs of a runner share one context") {
    Runner runner;
    CHECK_EQ(runner.run(set_number(1)), 0);
    CHECK_EQ(runner.run(set_number(2)), 1);
    CHECK_EQ(shared_number.get(), 0); // which is not the caller's
    Runner other;
    CHECK_EQ(other.run(set_number(3)), 0);
}

TEST("SEM-RUN-07: a context that is passed is used instead") {
    Runner runner;
    runner.run(set_number(1));
    const Context mine;
    CHECK_EQ(runner.run(set_number(5), mine), 0);
    CHECK_EQ(runner.run(set_number(6), mine), 5);
    CHECK_EQ(runner.run(set_number(2)), 1);
}

TEST("SEM-RUN-07: the context is the one in which the runner made its loop") {
    Context outside;
    outside.run([] {
        shared_number.set(9);
        Runner runner;
        CHECK_EQ(runner.run(set_number(1)), 9);
        CHECK_EQ(shared_number.get(), 9);
    });
}

TEST("SEM-RUN-08: loop_factory is called once, and its loop is used and closed") {
    int calls = 0;
    bool closed = false;
    {
        Runner runner(RunOptions().loop_factory([&] {
            ++calls;
            return new_event_loop(LoopOptions().backend(std::make_unique<WatchedBackend>(closed)));
        }));
        CHECK_EQ(calls, 0);
        EventLoop* const made = &runner.get_loop();
        const auto which = []() -> Coro<EventLoop*> { co_return &get_running_loop(); };
        CHECK(runner.run(which()) == made);
        CHECK(runner.run(which()) == made);
        CHECK_EQ(calls, 1);
        CHECK_THROWS_AS(get_event_loop(), RuntimeError); // it does not become the current loop
        CHECK(!closed);
    }
    CHECK(closed);
}

TEST("SEM-RUN-08: without a factory the loop is the thread's current one until the runner closes") {
    Runner runner;
    EventLoop* const made = &runner.get_loop();
    CHECK(&get_event_loop() == made);
    runner.run(answer());
    CHECK(&get_event_loop() == made);
    runner.close();
    CHECK_THROWS_AS(get_event_loop(), RuntimeError);
}

TEST("SEM-RUN-08: it is set once, at the first run, and not again") {
    Runner runner;
    runner.run(answer());
    EventLoop other;
    set_event_loop(&other);
    runner.run(answer());
    CHECK(&get_event_loop() == &other);
    set_event_loop(nullptr);
}

TEST("SEM-RUN-09: a runner takes futures, tasks and other awaitables") {
    Runner runner;
    EventLoop& loop = runner.get_loop();
    const Future<int> future = loop.create_future<int>();
    loop.call_soon([&future] { future.set_result(8); });
    CHECK_EQ(runner.run(future), 8);
    CHECK_EQ(runner.run(loop.create_task(answer())), 42);
    CHECK_EQ(runner.run(sleep(0s, std::string("slept"))), "slept");
}

namespace {
template <class A>
concept Runnable = requires(A a) { run(std::move(a)); };
} // namespace

TEST("SEM-RUN-09: anything else does not compile") {
    static_assert(Runnable<Coro<int>> && Runnable<Sleep> && Runnable<Future<int>>);
    static_assert(!Runnable<int> && !Runnable<std::string> && !Runnable<Coro<int> (*)()>);
    CHECK(true);
}

TEST("run: debug(true) sets debug mode, debug(false) beats the environment") {
    const auto debug = []() -> Coro<bool> { co_return get_running_loop().get_debug(); };
    CHECK(run(debug(), RunOptions().debug(true)));
    ::setenv("ASYNCIO_DEBUG", "1", 1);
    CHECK(run(debug()));
    CHECK(!run(debug(), RunOptions().debug(false)));
    ::unsetenv("ASYNCIO_DEBUG");
    CHECK(!run(debug()));
}

TEST("Runner: one that is dropped while a main is interrupted still cleans up") {
    std::vector<std::string> events;
    const auto main = [](std::vector<std::string>& log) -> Coro<> {
        create_task(sleep_and_clean_up(log, "a"));
        co_await sleep(0s);
        throw KeyboardInterrupt();
    };
    CHECK_THROWS_AS(run(main(events), on_virtual_time()), KeyboardInterrupt);
    CHECK_EQ(events, std::vector<std::string>({"a cancelled", "a cleaned up"}));
}
