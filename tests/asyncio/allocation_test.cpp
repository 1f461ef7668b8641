// SPDX-License-Identifier: MIT
// Every operation with its k-th allocation failing, for every k: bad_alloc, and nothing is lost.
#include "asyncio/base_events.h"

#include "asyncio/generators.h"
#include "asyncio/testing/testing.h"
#include "support/allocation_sweep.h"
#include "support/pipes.h"
#include "support/signal_guard.h"

#include <csignal>
#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::allocations_max;
using support::DrainedPools;
using support::sweep_allocations;
using support::sweep_awaited;

namespace {

constexpr std::string_view long_text = "a text that is too long to be kept inside of a string";
// Not inlined: g++ 12 takes a literal's length for one that has no room, and warns.
[[gnu::noinline]] std::string long_string() { return std::string(long_text); }

Coro<int> answer() {
    co_await sleep(1s);
    co_return 42;
}
Coro<int> add_one(int n) {
    if (n == 0) co_return 0;
    co_return 1 + co_await add_one(n - 1);
}

ContextVar<std::string> variable("variable");

} // namespace

CO_TEST("FLT-CORE-15: call_soon, call_later, call_at and call_soon_threadsafe") {
    long reached = 0;
    static int calls = 0;
    const auto count = [](const std::string& text) { calls += text == long_text ? 1 : 0; };
    reached = co_await sweep_awaited([&]() -> Coro<> {
        calls = 0;
        const std::string text(long_text);
        testing::loop().call_soon(count, text);
        co_await sleep(0s);
        CHECK_EQ(calls, 1);
    });
    CHECK(reached >= 4);
    reached = co_await sweep_awaited([&]() -> Coro<> {
        calls = 0;
        const std::string text(long_text);
        testing::loop().call_later(1s, count, text);
        testing::loop().call_at(testing::loop().time() + 1s, count, text);
        co_await sleep(2s);
        CHECK_EQ(calls, 2);
    });
    CHECK(reached >= 4);
    reached = co_await sweep_awaited([&]() -> Coro<> {
        calls = 0;
        const std::string text(long_text);
        testing::loop().call_soon_threadsafe(count, text);
        co_await sleep(0s);
        CHECK_EQ(calls, 1);
    });
    CHECK(reached >= 5);
}

CO_TEST("FLT-CORE-15: add_reader and add_writer: nothing is watched after a failure") {
    long reached = 0;
    EventLoop& loop = testing::loop();
    const support::Pipe pipe;
    const std::string text(long_text);
    reached = sweep_allocations([&] {
        loop.add_reader(pipe.in(), [text] {});
        CHECK(loop.remove_reader(pipe.in()));
    });
    CHECK(reached >= 2);
    CHECK(!loop.remove_reader(pipe.in()));
    reached = sweep_allocations([&] {
        loop.add_writer(pipe.out(), [text] {});
        CHECK(loop.remove_writer(pipe.out()));
    });
    CHECK(reached >= 2);
    CHECK(!loop.remove_writer(pipe.out()));
    co_return;
}

CO_TEST("FLT-CORE-15: add_signal_handler: nothing is caught after a failure") {
    long reached = 0;
    const support::SignalGuard guard(SIGUSR1);
    EventLoop& loop = testing::loop();
    const std::string text(long_text);
    reached = sweep_allocations([&] {
        struct Check { // also on the way out of a failure
            ~Check() { CHECK(support::handler_of(SIGUSR1) == SIG_DFL); }
        } check;
        loop.add_signal_handler(SIGUSR1, [text] {});
        CHECK(loop.remove_signal_handler(SIGUSR1));
    });
    CHECK(reached >= 1);
    co_return;
}

CO_TEST("FLT-CORE-15: futures: making, completing, callbacks") {
    long reached = 0;
    EventLoop& loop = testing::loop();
    const std::string text(long_text);
    reached = sweep_allocations([&] {
        const auto future = loop.create_future<std::string>();
        future.set_result(text);
        CHECK_EQ(future.result(), text);
    });
    CHECK(reached >= 2);
    reached = sweep_allocations([&] {
        const auto future = loop.create_future<std::string>();
        future.add_done_callback([text](const Future<std::string>&) {});
        CHECK(!future.done());
    });
    CHECK(reached >= 2);
    const auto kept = loop.create_future<std::string>();
    long failures = 0;
    for (long k = 0; k < 5; ++k) { // a result that cannot be stored leaves the future pending
        support::fail_allocation_after(k);
        try {
            if (!kept.done()) kept.set_result(text);
        } catch (const std::bad_alloc&) {
            CHECK(!kept.done());
            ++failures;
        }
        support::allocation_failed();
    }
    CHECK_EQ(failures, 1);
    CHECK_EQ(kept.result(), text);
    co_return;
}

CO_TEST("FLT-CORE-15: create_task in all its forms") {
    long reached = 0;
    reached =
        co_await sweep_awaited([]() -> Coro<> { CHECK_EQ(co_await create_task(answer()), 42); });
    CHECK(reached >= 2);
    reached = co_await sweep_awaited([]() -> Coro<> {
        const TaskOptions options = TaskOptions().name(std::string(long_text));
        CHECK_EQ(co_await create_task(answer(), options), 42);
    });
    CHECK(reached >= 3);
    reached = co_await sweep_awaited([]() -> Coro<> {
        const TaskOptions options = TaskOptions().context(copy_context());
        CHECK_EQ(co_await create_task(answer(), options), 42);
    });
    CHECK(reached >= 3);
    reached = co_await sweep_awaited([]() -> Coro<> {
        const TaskOptions eager = TaskOptions().eager_start(true);
        CHECK_EQ(co_await create_task(answer(), eager), 42);
    });
    CHECK(reached >= 2);
    reached =
        co_await sweep_awaited([]() -> Coro<> { CHECK_EQ(co_await create_task(add_one, 5), 5); });
    CHECK(reached >= 3);
}

CO_TEST("FLT-CORE-15: a task factory under allocation failure neither leaks nor loses a task") {
    long reached = 0;
    testing::loop().set_task_factory(
        [](EventLoop&, PendingTask task, const TaskOptions&) { return task.schedule(); });
    reached =
        co_await sweep_awaited([]() -> Coro<> { CHECK_EQ(co_await create_task(answer()), 42); });
    CHECK(reached >= 2);
    testing::loop().set_task_factory(nullptr);
}

CO_TEST("FLT-CORE-15: awaiting coroutines, futures and sleeps") {
    long reached = 0;
    reached = co_await sweep_awaited([]() -> Coro<> { CHECK_EQ(co_await add_one(10), 10); });
    CHECK(reached >= 1);
    reached = co_await sweep_awaited([]() -> Coro<> { co_await sleep(1s); });
    CHECK(reached >= 1);
    reached = co_await sweep_awaited([]() -> Coro<> {
        const auto text = co_await sleep(1s, long_string());
        CHECK_EQ(text, long_text);
    });
    CHECK(reached >= 1);
    reached = co_await sweep_awaited([]() -> Coro<> {
        const Future<std::string> future;
        get_running_loop().call_later(1s, [future] {
            if (!future.done()) future.set_result("short");
        });
        CHECK_EQ(co_await future, "short");
    });
    CHECK(reached >= 1);
    reached = co_await sweep_awaited([]() -> Coro<> {
        const auto end = co_await outcome(answer());
        if (end.has_exception()) std::rethrow_exception(end.exception());
        CHECK_EQ(end.value(), 42);
    });
    CHECK(reached >= 1);
}

CO_TEST("FLT-CORE-15: readable and generators") {
    long reached = 0;
    reached = co_await sweep_awaited([]() -> Coro<> {
        const support::Pipe pipe;
        pipe.put('a');
        co_await get_running_loop().readable(pipe.in());
        CHECK_EQ(pipe.get(), 'a');
    });
    CHECK(reached >= 2);
    reached = co_await sweep_awaited([]() -> Coro<> {
        const auto texts = []() -> AsyncGenerator<std::string> {
            for (int i = 0; i < 3; ++i) {
                co_await sleep(1s);
                co_yield std::string(long_text);
            }
        };
        auto generator = texts();
        while (auto text = co_await generator.next()) CHECK_EQ(*text, long_text);
    });
    CHECK(reached >= 4);
}

CO_TEST("FLT-CORE-15: context variables: a value that cannot be set leaves the one before") {
    long reached = 0;
    variable.set("before");
    const std::string text = "after"; // short: copies need no memory
    const auto set_and_reset = [&text] {
        for (int tries = 0; tries < 10; ++tries) {
            try {
                Token<std::string> token = variable.set(text);
                CHECK_EQ(variable.get(), text);
                const auto reset = [&token] { variable.reset(token); };
                try {
                    reset();
                } catch (const std::bad_alloc&) {
                    CHECK_EQ(variable.get(), text);
                    reset(); // the token serves still
                }
                break;
            } catch (const std::bad_alloc&) {
                CHECK_EQ(variable.get(), "before");
            }
        }
        CHECK_EQ(variable.get(), "before");
    };
    reached = sweep_allocations(set_and_reset, false);
    CHECK(reached >= 4);
    reached = sweep_allocations([&] {
        Context context = copy_context();
        context.copy().run([&text] { variable.set(text); });
    });
    CHECK(reached >= 2);
    co_return;
}

CO_TEST("FLT-CORE-15: a cancel whose message finds no memory still cancels") {
    for (long k = 0; k < 4; ++k) {
        const auto task = create_task(answer());
        co_await sleep(0s);
        support::fail_allocation_after(k);
        CHECK(task.cancel(long_text));
        support::allocation_failed();
        const auto end = co_await outcome(task);
        CHECK(end.cancelled());
    }
}

CO_TEST("FLT-CORE-15: a callback that fails is reported, if need be in few words") {
    EventLoop& loop = testing::loop();
    for (long k = 0; k < 60; ++k) {
        loop.call_soon([k] {
            support::fail_allocation_after(k);
            throw 42;
        });
        bool next_ran = false;
        loop.call_soon([&next_ran] {
            support::allocation_failed();
            next_ran = true;
        });
        co_await sleep(0s);
        CHECK(next_ran);
        const auto logs = testing::take_logs(); // none if the log itself found no memory
        CHECK(logs.size() <= 1);
        for (const auto& record : logs) CHECK(record.text.starts_with("Exception in "));
    }
}

TEST("FLT-CORE-15: a whole run, from the making of the loop to its end") {
    const auto main = []() -> Coro<int> {
        create_task(answer()); // left for the shutdown
        const auto task = create_task(answer(), "named");
        (void)task;
        co_await sleep(1ms);
        co_return 7;
    };
    CHECK_EQ(run(main()), 7);
    bool succeeded = false;
    for (long k = 0; k < allocations_max && !succeeded; ++k) {
        const DrainedPools drained;
        const auto before = testing::Baseline::now();
        int result = 0;
        support::fail_allocation_after(k);
        try {
            result = run(main());
        } catch (const std::bad_alloc&) {
        }
        const bool failed = support::allocation_failed();
        succeeded = !failed && result == 7;
        const auto after = testing::Baseline::now();
        CHECK_EQ(after.blocks, before.blocks);
        CHECK_EQ(after.descriptors, before.descriptors);
        CHECK(running_loop_or_null() == nullptr);
        CHECK(support::handler_of(SIGINT) == SIG_DFL || support::handler_of(SIGINT) == SIG_IGN);
        testing::take_logs(); // tasks that the shutdown could not reach are reported
        if (testing::failures() != 0) break;
    }
    CHECK(succeeded);
}

TEST("FLT-CORE-15: loops and runs on them: a failure leaves the loop fit for use") {
    EventLoop loop(LoopOptions().backend(testing::make_virtual_backend()));
    CHECK_EQ(loop.run_until_complete(answer()), 42);
    bool succeeded = false;
    for (long k = 0; k < allocations_max && !succeeded; ++k) {
        const DrainedPools drained;
        support::fail_allocation_after(k);
        try {
            CHECK_EQ(loop.run_until_complete(answer()), 42);
        } catch (const std::bad_alloc&) {
        }
        succeeded = !support::allocation_failed();
        CHECK(!loop.is_running());
        CHECK_EQ(loop.run_until_complete(answer()), 42);
        CHECK_EQ(loop.timer_count(), 0U);
        CHECK(all_tasks(loop).empty());
    }
    CHECK(succeeded);
}
