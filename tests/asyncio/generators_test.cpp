// SPDX-License-Identifier: MIT
// Asynchronous generators: values, awaits in between, closing, cancelling, being left behind.
#include "asyncio/generators.h"

#include "asyncio/runners.h"
#include "asyncio/testing/sweep.h"

#include <memory>
#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

AsyncGenerator<int> count_to(int n) {
    for (int i = 1; i <= n; ++i) co_yield i;
}

AsyncGenerator<int> count_slowly(int n) {
    for (int i = 1; i <= n; ++i) {
        co_await sleep(1s);
        co_yield i;
    }
}

template <class T>
Coro<std::vector<T>> collect(AsyncGenerator<T> generator) {
    std::vector<T> values;
    while (auto value = co_await generator.next()) values.push_back(std::move(*value));
    co_return values;
}

// Says in its log what becomes of it. Its clean-up awaits, as a `finally` in Python would.
AsyncGenerator<int> with_clean_up(std::string& log) {
    std::exception_ptr leaving;
    try {
        for (int i = 1;; ++i) co_yield i;
    } catch (const GeneratorExit&) {
        leaving = std::current_exception();
    }
    log += "closing ";
    co_await sleep(1s);
    log += "closed ";
    std::rethrow_exception(leaving);
}

} // namespace

CO_TEST("a generator gives its values in order, then nothing, again and again") {
    auto numbers = count_to(3);
    for (int expected = 1; expected <= 3; ++expected) {
        CHECK_EQ(co_await numbers.next(), std::optional<int>(expected));
    }
    CHECK(!(co_await numbers.next()).has_value());
    CHECK(!(co_await numbers.next()).has_value());
    CHECK_EQ(co_await collect(count_to(0)), std::vector<int>());
}

CO_TEST("a generator does not run before the first next, and no further than it is asked") {
    std::string log;
    const auto traced = [](std::string& text) -> AsyncGenerator<int> {
        text += "a";
        co_yield 1;
        text += "b";
        co_yield 2;
        text += "c";
    };
    auto generator = traced(log);
    CHECK_EQ(log, "");
    (void)co_await generator.next();
    CHECK_EQ(log, "a");
    (void)co_await generator.next();
    CHECK_EQ(log, "ab");
    CHECK(!(co_await generator.next()).has_value());
    CHECK_EQ(log, "abc");
}

CO_TEST("a generator that does not await gives its values without a turn of the loop") {
    const testing::Turns turns;
    CHECK_EQ((co_await collect(count_to(1000))).size(), 1000U);
    CHECK_EQ(turns.count(), 0);
}

CO_TEST("a generator may await between its values, and other tasks run meanwhile") {
    std::string log;
    const auto consumer = [](std::string& text, std::string name) -> Coro<> {
        auto numbers = count_slowly(2);
        while (auto n = co_await numbers.next()) text += name + std::to_string(*n) + " ";
    };
    const auto a = create_task(consumer(log, "a"));
    const auto b = create_task(consumer(log, "b"));
    co_await a;
    co_await b;
    CHECK_EQ(log, "a1 b1 a2 b2 ");
    CHECK_EQ(testing::loop().time().time_since_epoch(), 2s);
}

CO_TEST("a generator may use another one") {
    const auto doubled = [](AsyncGenerator<int> source) -> AsyncGenerator<std::string> {
        while (auto n = co_await source.next()) co_yield std::to_string(2 * *n);
    };
    const std::vector<std::string> expected = {"2", "4", "6"};
    CHECK_EQ(co_await collect(doubled(count_slowly(3))), expected);
}

CO_TEST("a generator moves its values: they need not be copyable") {
    const auto pointers = []() -> AsyncGenerator<std::unique_ptr<int>> {
        for (int i = 0; i < 3; ++i) co_yield std::make_unique<int>(i);
    };
    const auto got = co_await collect(pointers());
    REQUIRE(got.size() == 3);
    CHECK_EQ(*got[2], 2);
}

CO_TEST("a generator can be moved between two values") {
    auto first = count_to(3);
    (void)co_await first.next();
    auto second = std::move(first);
    CHECK_EQ(co_await second.next(), std::optional<int>(2));
    CHECK(!(co_await first.next()).has_value()); // NOLINT(bugprone-use-after-move): it has nothing
    co_await first.aclose();
    CHECK_EQ(co_await second.next(), std::optional<int>(3));
}

CO_TEST("an exception of the body comes out of next, and the generator is finished") {
    const auto fails = []() -> AsyncGenerator<int> {
        co_yield 1;
        co_await sleep(0s);
        throw ValueError("no more");
    };
    auto generator = fails();
    CHECK_EQ(co_await generator.next(), std::optional<int>(1));
    CHECK_THROWS_MSG(co_await generator.next(), ValueError, "no more");
    CHECK(!(co_await generator.next()).has_value());
    const auto fails_at_once = []() -> AsyncGenerator<int> {
        throw ValueError("at once");
        co_yield 1;
    };
    auto other = fails_at_once();
    CHECK_THROWS_MSG(co_await other.next(), ValueError, "at once");
}

CO_TEST("a second next while one is under way is a RuntimeError; the first is not disturbed") {
    auto numbers = count_slowly(2);
    const auto ask = [&numbers]() -> Coro<std::optional<int>> {
        co_return co_await numbers.next();
    };
    const auto first = create_task(ask());
    co_await sleep(0s);
    CHECK_THROWS_MSG(co_await numbers.next(), RuntimeError, "already running");
    CHECK_THROWS_MSG(co_await numbers.aclose(), RuntimeError, "already running");
    CHECK_EQ(co_await first, std::optional<int>(1));
    CHECK_EQ(co_await numbers.next(), std::optional<int>(2));
    co_await numbers.aclose();
}

CO_TEST("cancelling who waits for a value cancels what the generator awaits, and finishes it") {
    std::string log;
    const auto patient = [](std::string& text) -> AsyncGenerator<int> {
        const auto end = co_await outcome(sleep(3600s));
        text += end.cancelled() ? "cancelled" : "slept";
        end.value();
        co_yield 1;
    };
    auto generator = patient(log);
    const auto ask = [&generator]() -> Coro<> { (void)co_await generator.next(); };
    const auto task = create_task(ask());
    co_await sleep(1s);
    task.cancel();
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK_EQ(log, "cancelled");
    CHECK(!(co_await generator.next()).has_value());
}

// ---- closing ------------------------------------------------------------------------------------

CO_TEST("aclose throws GeneratorExit at the yield and waits for the clean-up") {
    std::string log;
    auto generator = with_clean_up(log);
    CHECK_EQ(co_await generator.next(), std::optional<int>(1));
    co_await generator.aclose();
    CHECK_EQ(log, "closing closed ");
    CHECK_EQ(testing::loop().time().time_since_epoch(), 1s);
    CHECK(!(co_await generator.next()).has_value());
    co_await generator.aclose(); // harmless twice
}

CO_TEST("aclose of a generator that was never started, or has finished, does nothing") {
    std::string log;
    auto never = with_clean_up(log);
    co_await never.aclose();
    CHECK_EQ(log, "");
    CHECK(!(co_await never.next()).has_value());
    auto finished = count_to(1);
    (void)co_await finished.next();
    (void)co_await finished.next();
    co_await finished.aclose();
}

CO_TEST("aclose is satisfied if the body just returns") {
    const auto swallows = []() -> AsyncGenerator<int> {
        try {
            co_yield 1;
        } catch (const GeneratorExit&) {
        }
    };
    auto generator = swallows();
    (void)co_await generator.next();
    co_await generator.aclose();
    CHECK(!(co_await generator.next()).has_value());
}

CO_TEST("aclose throws what the clean-up throws, and RuntimeError if it yields again") {
    const auto fails = []() -> AsyncGenerator<int> {
        try {
            co_yield 1;
        } catch (const GeneratorExit&) {
            throw ValueError("clean-up");
        }
    };
    auto failing = fails();
    (void)co_await failing.next();
    CHECK_THROWS_MSG(co_await failing.aclose(), ValueError, "clean-up");
    const auto goes_on = []() -> AsyncGenerator<int> {
        bool closing = false;
        try {
            co_yield 1;
        } catch (const GeneratorExit&) {
            closing = true;
        }
        if (closing) co_yield 2;
    };
    auto ignoring = goes_on();
    (void)co_await ignoring.next();
    CHECK_THROWS_MSG(co_await ignoring.aclose(), RuntimeError, "ignored GeneratorExit");
    CHECK(!(co_await ignoring.next()).has_value());
}

CO_TEST("GeneratorExit is no std::exception: a catch of those does not stop the closing") {
    std::string log;
    const auto catches = [](std::string& text) -> AsyncGenerator<int> {
        try {
            co_yield 1;
        } catch (const std::exception&) {
            text += "caught";
        }
    };
    auto generator = catches(log);
    (void)co_await generator.next();
    co_await generator.aclose();
    CHECK_EQ(log, "");
}

CO_TEST("a cancel while aclose waits goes to the clean-up") {
    std::string log;
    auto generator = with_clean_up(log);
    (void)co_await generator.next();
    const auto close = [&generator]() -> Coro<> { co_await generator.aclose(); };
    const auto task = create_task(close());
    co_await sleep(500ms);
    task.cancel();
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK_EQ(log, "closing ");
    CHECK(!(co_await generator.next()).has_value());
}

// ---- left behind --------------------------------------------------------------------------------

CO_TEST("a generator that is dropped between two values destroys its locals") {
    auto kept = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = kept;
    const auto holds = [](std::shared_ptr<int> pointer) -> AsyncGenerator<int> {
        const std::shared_ptr<int> local = std::move(pointer);
        for (;;) co_yield *local;
    };
    {
        auto generator = holds(std::move(kept));
        (void)co_await generator.next();
        CHECK(!watch.expired());
    }
    CHECK(watch.expired());
}

CO_TEST("debug mode reports a generator that is dropped between two values, and no other") {
    testing::loop().set_debug(true);
    {
        auto never_started = count_to(2);
        auto finished = count_to(0);
        (void)co_await finished.next();
        auto closed = count_to(2);
        (void)co_await closed.next();
        co_await closed.aclose();
    }
    CHECK(testing::take_logs().empty());
    {
        auto left = count_to(2);
        (void)co_await left.next();
    }
    const auto logs = testing::take_logs();
    REQUIRE(logs.size() == 1);
    CHECK(logs[0].level == LogLevel::warning);
    CHECK(logs[0].text.find("'count_to' was destroyed while suspended") != std::string::npos);
    testing::loop().set_debug(false);
}

TEST("run closes the generators that were left, with their clean-up") {
    std::string log;
    auto generator = with_clean_up(log);
    const auto main = [&generator]() -> Coro<> { (void)co_await generator.next(); };
    run(main(), RunOptions().loop_factory([] {
        return new_event_loop(LoopOptions().backend(testing::make_virtual_backend()));
    }));
    CHECK_EQ(log, "closing closed ");
}

CO_TEST("shutdown_asyncgens closes all that were started and not finished") {
    std::string first_log;
    std::string second_log;
    std::string unused_log;
    auto first = with_clean_up(first_log);
    auto second = with_clean_up(second_log);
    auto unused = with_clean_up(unused_log);
    (void)co_await first.next();
    (void)co_await second.next();
    co_await testing::loop().shutdown_asyncgens();
    CHECK_EQ(first_log + second_log + unused_log, "closing closed closing closed ");
    CHECK(!(co_await first.next()).has_value());
    co_await testing::loop().shutdown_asyncgens(); // none is left
}

CO_TEST("shutdown_asyncgens reports a clean-up that fails, and closes the others") {
    std::vector<std::string> reports;
    testing::loop().set_exception_handler([&reports](EventLoop&, const ExceptionContext& context) {
        reports.push_back(context.message + ": " + repr(context.exception));
    });
    const auto fails = []() -> AsyncGenerator<int> {
        try {
            co_yield 1;
        } catch (const GeneratorExit&) {
            throw ValueError("clean-up");
        }
    };
    std::string log;
    auto failing = fails();
    auto good = with_clean_up(log);
    (void)co_await failing.next();
    (void)co_await good.next();
    co_await testing::loop().shutdown_asyncgens();
    CHECK_EQ(reports, std::vector<std::string>({"an error occurred during closing of asynchronous "
                                                "generator: ValueError('clean-up')"}));
    CHECK_EQ(log, "closing closed ");
    testing::loop().set_exception_handler(nullptr);
}

CO_TEST("shutdown_asyncgens leaves one alone that somebody is waiting in, and reports it") {
    int reports = 0;
    testing::loop().set_exception_handler([&reports](EventLoop&, const ExceptionContext& context) {
        CHECK(is_exception<RuntimeError>(context.exception));
        ++reports;
    });
    auto numbers = count_slowly(2);
    const auto ask = [&numbers]() -> Coro<std::optional<int>> {
        co_return co_await numbers.next();
    };
    const auto task = create_task(ask());
    co_await sleep(0s);
    co_await testing::loop().shutdown_asyncgens();
    CHECK_EQ(reports, 1);
    CHECK_EQ(co_await task, std::optional<int>(1));
    CHECK_EQ(co_await numbers.next(), std::optional<int>(2));
    co_await numbers.aclose();
    testing::loop().set_exception_handler(nullptr);
}

TEST("a generator may outlive the loop in which it was left") {
    auto loop = new_event_loop();
    std::optional<AsyncGenerator<int>> generator(count_to(3));
    const auto ask = [&generator]() -> Coro<> { (void)co_await generator->next(); };
    loop->run_until_complete(ask());
    loop->close();
    loop.reset();
    EventLoop next; // and may be used in another one
    next.run_until_complete(ask());
    generator.reset();
}

TEST("a generator may outlive a task that was destroyed while it waited in it") {
    auto generator = std::make_unique<AsyncGenerator<int>>(count_slowly(3));
    {
        EventLoop loop(LoopOptions().backend(testing::make_virtual_backend()));
        const auto ask = [&generator]() -> Coro<> { (void)co_await generator->next(); };
        loop.create_task(ask(), "waiting");
        loop.call_soon([&loop] { loop.stop(); });
        loop.run_forever();
    }
    CHECK_EQ(testing::take_logs().size(), 1U); // the pending task
    generator.reset();
}

CO_SWEEP("a generator under the cancel sweep: the cancel goes into it, and nothing is left") {
    std::string log;
    const auto consume = [](std::string& text) -> Coro<int> {
        auto generator = with_clean_up(text);
        int sum = 0;
        while (auto n = co_await generator.next()) {
            co_await sleep(1s);
            sum += *n;
            if (sum > 5) break;
        }
        co_await generator.aclose();
        co_return sum;
    };
    auto task = sweep.victim(consume(log));
    const auto end = co_await outcome(task);
    CHECK(sweep.accounts_for(end));
    if (!sweep.struck()) CHECK_EQ(log, "closing closed ");
}

CO_TEST("a generator whose yields are far apart in depth uses no stack for them") {
    const auto nested = [](auto self, int depth) -> AsyncGenerator<int> {
        if (depth == 0) {
            co_yield 1;
        } else {
            auto inner = self(self, depth - 1);
            while (auto n = co_await inner.next()) co_yield *n + 1;
        }
    };
    auto generator = nested(nested, 2000);
    CHECK_EQ(co_await generator.next(), std::optional<int>(2001));
    co_await generator.aclose();
}
