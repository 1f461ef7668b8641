// SPDX-License-Identifier: MIT
// Debug mode: wrong threads, slow callbacks, creation stacks, coroutines that nobody awaited.
#include "asyncio/format_helpers.h"
#include "asyncio/origins.h"
#include "asyncio/testing/testing.h"
#include "asyncio/threads.h"
#include "support/moments.h"

#include <cstdlib>
#include <thread>

using namespace asyncio;
using namespace std::chrono_literals;
using support::contains;

namespace {

struct Environment { // ASYNCIO_DEBUG while it lives
    explicit Environment(const char* value) { ::setenv("ASYNCIO_DEBUG", value, 1); }
    ~Environment() { ::unsetenv("ASYNCIO_DEBUG"); }
};

struct Debug { // the case's loop in debug mode while it lives
    Debug() { testing::loop().set_debug(true); }
    ~Debug() { testing::loop().set_debug(false); }
};

Coro<bool> debug_is_on() { co_return get_running_loop().get_debug(); }

void block() {
    std::this_thread::sleep_for(20ms); // tidy: sleep: it is to block, for longer than allowed
}

struct slow_callback {
    void operator()() const { block(); }
};

Coro<> slow_step() {
    co_await yield_now();
    block();
    co_await yield_now();
}

Coro<> work() { co_return; }
template <class T>
Coro<> work_of(T) {
    co_return;
}
Coro<> drop_work() {
    static_cast<void>(work());
    co_return;
}

// The only line that was logged.
std::string logged() {
    const std::vector<testing::LogRecord> records = testing::take_logs();
    CHECK_EQ(records.size(), 1U);
    if (records.empty()) return {};
    CHECK(records.front().level == LogLevel::warning);
    return records.front().text;
}

// How many calls a traceback has.
std::size_t calls_in(const std::string& text) {
    std::size_t count = 0;
    for (std::size_t at = text.find("  File "); at != std::string::npos;
         at = text.find("  File ", at + 1)) {
        ++count;
    }
    return count;
}

template <class F>
Coro<> call_below(int levels, F leaf) {
    if (levels == 0) {
        leaf();
    } else {
        co_await call_below(levels - 1, leaf);
    }
}

} // namespace

// ---- on and off ---------------------------------------------------------------------------------

TEST("SEM-DBG-01: debug mode is off by default, and set_debug turns it on and off") {
    EventLoop loop;
    CHECK(!loop.get_debug());
    loop.set_debug(true);
    CHECK(loop.get_debug());
    loop.set_debug(false);
    CHECK(!loop.get_debug());
    CHECK(!run(debug_is_on()));
}

TEST("SEM-DBG-01: the environment turns debug mode on; empty or 0 does not") {
    for (const char* value : {"1", "yes"}) {
        const Environment set(value);
        CHECK(EventLoop().get_debug());
        CHECK(run(debug_is_on()));
    }
    for (const char* value : {"", "0"}) {
        const Environment set(value);
        CHECK(!EventLoop().get_debug());
    }
}

TEST("SEM-DBG-01: Runner(debug=true) turns it on, and an explicit false beats the environment") {
    CHECK(run(debug_is_on(), RunOptions().debug(true)));
    const Environment set("1");
    CHECK(!run(debug_is_on(), RunOptions().debug(false)));
    CHECK(!EventLoop(LoopOptions().debug(false)).get_debug());
}

// ---- threads ------------------------------------------------------------------------------------

namespace {

// What each of the calls throws on a thread that is not the loop's.
std::vector<std::string> calls_elsewhere(EventLoop& loop, bool own_loop) {
    std::vector<std::string> errors;
    const auto attempt = [&](auto call) {
        try {
            call();
            errors.push_back("");
        } catch (const RuntimeError& error) {
            errors.push_back(error.what());
        }
    };
    const auto nothing = [] {};
    const auto all = [&] {
        attempt([&] { loop.call_soon(nothing); });
        attempt([&] { loop.call_later(1s, nothing).cancel(); });
        attempt([&] { loop.call_at(loop.time() + 1s, nothing).cancel(); });
    };
    std::thread([&] {
        if (!own_loop) return all();
        EventLoop own;
        own.call_soon([&] {
            all();
            own.stop();
        });
        own.run_forever();
    }).join();
    return errors;
}

} // namespace

CO_TEST_REAL_TIME(
    "SEM-DBG-02: call_soon, call_later, call_at from another thread raise RuntimeError") {
    const Debug debug;
    for (const bool own_loop : {false, true}) {
        const auto errors = calls_elsewhere(testing::loop(), own_loop);
        CHECK_EQ(errors.size(), 3U);
        for (const std::string& error : errors) {
            CHECK(error.starts_with("Non-thread-safe operation invoked on an event loop other than "
                                    "the current one"));
        }
    }
    co_return;
}

CO_TEST_REAL_TIME("SEM-DBG-02: with debug mode off no check is made") {
    const auto errors = calls_elsewhere(testing::loop(), false);
    CHECK_EQ(errors, std::vector<std::string>(3));
    co_return;
}

TEST("SEM-DBG-03: before the loop runs, calls are allowed from any thread") {
    EventLoop loop;
    loop.set_debug(true);
    CHECK_EQ(calls_elsewhere(loop, false), std::vector<std::string>(3));
}

// ---- slow callbacks -----------------------------------------------------------------------------

CO_TEST_REAL_TIME("SEM-DBG-04: a callback that takes as long as slow_callback_duration is logged") {
    const Debug debug;
    CHECK_EQ(testing::loop().slow_callback_duration(), 100ms);
    testing::loop().slow_callback_duration(10ms);
    testing::loop().call_soon(slow_callback());
    co_await yield_now();
    const std::string text = logged();
    CHECK(text.starts_with("Executing <Handle slow_callback() created at "));
    CHECK(contains(text, "> took 0.0"));
    CHECK(text.ends_with(" seconds"));
}

CO_TEST_REAL_TIME("SEM-DBG-04: a task's step that takes so long is logged with the task") {
    const Debug debug;
    testing::loop().slow_callback_duration(10ms);
    co_await create_task(slow_step(), "slow");
    CHECK(
        logged().starts_with("Executing <Task pending name='slow' coro=<slow_step() running at "));
}

CO_TEST_REAL_TIME("SEM-DBG-04: what takes less is not logged, nor anything with debug mode off") {
    {
        const Debug debug;
        testing::loop().slow_callback_duration(10s);
        testing::loop().call_soon(slow_callback());
        co_await yield_now();
    }
    testing::loop().slow_callback_duration(1ms);
    testing::loop().call_soon(slow_callback());
    co_await yield_now();
    CHECK(testing::take_logs().empty());
}

CO_TEST("SEM-DBG-04: a duration of zero logs everything, to three decimals") {
    const Debug debug;
    testing::loop().slow_callback_duration(0s);
    testing::loop().call_soon(slow_callback());
    co_await yield_now();
    bool found = false;
    for (const testing::LogRecord& record : testing::take_logs()) {
        found =
            found || (record.text.starts_with("Executing <Handle slow_callback() created at ") &&
                      record.text.ends_with(" took 0.000 seconds"));
    }
    testing::loop().slow_callback_duration(1s);
    testing::take_logs();
    CHECK(found);
}

// ---- what cannot be called ----------------------------------------------------------------------

namespace {

template <class... Call>
concept CanCallSoon = requires(EventLoop& loop, Call... call) { loop.call_soon(call...); };
template <class... Call>
concept CanCallLater = requires(EventLoop& loop, Call... call) { loop.call_later(1s, call...); };
template <class... Call>
concept CanCallAt = requires(EventLoop& loop, Call... call) { loop.call_at(TimePoint(), call...); };
template <class... Call>
concept CanPost = requires(EventLoop& loop, Call... call) { loop.call_soon_threadsafe(call...); };

template <class... Call>
constexpr bool none_can_call =
    !CanCallSoon<Call...> && !CanCallLater<Call...> && !CanCallAt<Call...> && !CanPost<Call...>;
template <class... Call>
constexpr bool all_can_call =
    CanCallSoon<Call...> && CanCallLater<Call...> && CanCallAt<Call...> && CanPost<Call...>;

} // namespace

TEST("SEM-DBG-05: coroutines, coroutine functions and what cannot be called are no callbacks") {
    CHECK(none_can_call<Coro<>&&>);
    CHECK(none_can_call<Coro<> (*)()>);
    CHECK(none_can_call<Coro<> (*)(int), int>);
    CHECK(none_can_call<InContext, Coro<> (*)()>);
    CHECK(none_can_call<int>);
    CHECK(none_can_call<void (*)(int)>);
    CHECK(none_can_call<void (*)(int), const char*>);
    CHECK(all_can_call<void (*)()>);
    CHECK(all_can_call<void (*)(int), int>);
    CHECK(all_can_call<InContext, void (*)(int), int>);
}

// ---- creation stacks ----------------------------------------------------------------------------

CO_TEST(
    "SEM-DBG-06: futures record their creator's calls, ten at the most, and show the innermost") {
    const Debug debug;
    std::optional<Future<>> future;
    unsigned line = 0;
    co_await call_below(20, [&] {
        line = std::source_location::current().line() + 1;
        future = Future<>();
    });
    const std::string calls = detail::origin_text(future->state());
    CHECK_EQ(calls_in(calls), 10U);
    CHECK(calls.ends_with(", line " + std::to_string(line) + ", in " +
                          detail::function_name(std::source_location::current()) + ".<lambda>"));
    CHECK(contains(calls, ", in call_below\n"));
    const std::string file = std::source_location::current().file_name();
    CHECK_EQ(to_string(*future),
             "<Future pending created at " + file + ":" + std::to_string(line) + ">");
}

CO_TEST("SEM-DBG-06: tasks record their creator's calls, ten at the most, and show the innermost") {
    const Debug debug;
    std::optional<Task<>> task;
    co_await call_below(20, [&] { task = create_task(work(), "it"); });
    CHECK_EQ(calls_in(detail::origin_text(task->state())), 10U);
    CHECK(contains(to_string(*task), " created at "));
    co_await *task;
    CHECK(contains(to_string(*task), " created at "));
}

CO_TEST(
    "SEM-DBG-06: handles record their creator's calls, ten at the most, and show the innermost") {
    const Debug debug;
    std::vector<std::string> texts;
    co_await call_below(20, [&] {
        Handle handle = testing::loop().call_soon(slow_callback());
        texts.push_back(to_string(handle));
        handle.cancel();
        texts.push_back(to_string(handle));
        TimerHandle timer = testing::loop().call_later(1s, slow_callback());
        texts.push_back(to_string(timer));
        timer.cancel();
    });
    REQUIRE(texts.size() == 3);
    CHECK(texts[0].starts_with("<Handle slow_callback() created at "));
    CHECK(texts[1].starts_with("<Handle cancelled slow_callback() created at "));
    CHECK(texts[2].starts_with("<TimerHandle when=1.0 slow_callback() created at "));
    std::string calls;
    testing::loop().set_exception_handler(
        [&](EventLoop&, const ExceptionContext& context) { calls = context.source_traceback; });
    co_await call_below(20, [&] { testing::loop().call_soon([] { throw ValueError("wrong"); }); });
    co_await yield_now();
    testing::loop().set_exception_handler(nullptr);
    CHECK_EQ(calls_in(calls), 10U);
}

CO_TEST("SEM-DBG-06: with debug mode off nothing is recorded") {
    const Future<> future;
    const auto task = create_task(work());
    CHECK_EQ(to_string(future), "<Future pending>");
    CHECK(!contains(to_string(task), "created"));
    CHECK_EQ(calls_in(detail::origin_text(task.state())), 1U); // the line is always known
    co_await task;
}

// ---- coroutines that nobody awaited -------------------------------------------------------------

CO_TEST("SEM-DBG-08: coroutines' origins are tracked while a debug loop runs, also when toggled") {
    CHECK(!detail::here.track_origins);
    {
        const Debug debug;
        CHECK(detail::here.track_origins);
        auto coro = work();
        CHECK_EQ(detail::origins_kept(), 1U);
        co_await coro;
    }
    CHECK(!detail::here.track_origins);
    auto coro = work();
    CHECK_EQ(detail::origins_kept(), 0U);
    co_await coro;
}

TEST("SEM-DBG-08: tracking ends with the run of a debug loop and begins again with the next") {
    EventLoop loop;
    loop.set_debug(true);
    for (int round = 0; round < 2; ++round) {
        CHECK(!detail::here.track_origins);
        bool tracked = false;
        loop.call_soon([&] {
            tracked = detail::here.track_origins;
            loop.stop();
        });
        loop.run_forever();
        CHECK(tracked);
    }
    CHECK(!detail::here.track_origins);
}

CO_TEST(
    "SEM-DBG-08: an origin goes when the coroutine is awaited, made a task, closed or dropped") {
    const Debug debug;
    co_await work();
    CHECK_EQ(detail::origins_kept(), 0U);
    const auto task = create_task(work());
    CHECK_EQ(detail::origins_kept(), 0U);
    co_await task;
    work().close();
    CHECK_EQ(detail::origins_kept(), 0U);
    static_cast<void>(work());
    CHECK_EQ(detail::origins_kept(), 0U);
    CHECK(contains(logged(), "was never awaited"));
}

CO_TEST("SEM-DBG-09: a coroutine that is dropped without being awaited is reported") {
    const Debug debug;
    static_cast<void>(work());
    CHECK(logged().starts_with("coroutine 'work' was never awaited\n  File \""));
    static_cast<void>(work_of(std::string("text")));
    CHECK(logged().starts_with("coroutine 'work_of' was never awaited\n"));
    co_return;
}

CO_TEST("SEM-DBG-09: the report says where the coroutine was created") {
    const Debug debug;
    co_await drop_work();
    const std::string text = logged();
    const std::size_t created = text.find("\nCoroutine created at (most recent call last)\n");
    REQUIRE(created != std::string::npos);
    CHECK(text.find(", in asyncio_body_", created) != std::string::npos);
    CHECK(text.ends_with(", in drop_work"));
}

CO_TEST("SEM-DBG-09: what was awaited, made a task or closed is not reported, nor with debug off") {
    {
        const Debug debug;
        co_await work();
        co_await create_task(work());
        auto moved = work();
        auto kept = std::move(moved);
        kept.close();
    }
    static_cast<void>(work());
    CHECK(testing::take_logs().empty());
}

TEST("SEM-DBG-09: without a loop the environment decides") {
    static_cast<void>(work());
    CHECK(testing::take_logs().empty());
    const Environment set("1");
    static_cast<void>(work());
    CHECK(logged().starts_with("coroutine 'work' was never awaited\n"));
}

CO_TEST("debug mode: ten thousand nested calls still start, on a fresh stack where it must be") {
    const Debug debug;
    bool reached = false;
    co_await call_below(10'000, [&] { reached = true; });
    CHECK(reached);
}
