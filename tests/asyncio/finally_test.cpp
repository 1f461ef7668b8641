// SPDX-License-Identifier: MIT
// finally_: the clean-up runs however the body ends.
#include "asyncio/finally.h"

#include "asyncio/testing/sweep.h"
#include "support/both_modes.h"
#include "support/moments.h"

#include <memory>

using namespace asyncio;
using namespace std::chrono_literals;
using support::now;

namespace {

using Log = std::vector<std::string>;

Coro<int> seven() { co_return 7; }
Coro<> note_later(Log& log, std::string text) {
    co_await sleep(1s);
    log.push_back(std::move(text));
}
} // namespace

CO_TEST_BOTH_MODES(
    "finally_: the clean-up runs behind a body that returns, and the value comes out") {
    Log log;
    const auto body = [&log]() -> Coro<int> {
        co_await sleep(1s);
        log.push_back("body");
        co_return 7;
    };
    CHECK_EQ(co_await finally_(body, [&log] { log.push_back("plain"); }), 7);
    CHECK_EQ(co_await finally_(seven(), [&log] { return note_later(log, "waiting"); }), 7);
    CHECK_EQ(co_await finally_(seven(), note_later(log, "awaitable")), 7);
    co_await finally_(sleep(1s), [&log] { log.push_back("void"); });
    const auto make = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(5); };
    const auto moved = co_await finally_(make, [] {});
    CHECK_EQ(*moved, 5);
    CHECK_EQ(log, Log{"body", "plain", "waiting", "awaitable", "void"});
    CHECK_EQ(now(), TimePoint(4s));
}

CO_TEST_BOTH_MODES(
    "finally_: the clean-up runs behind a body that throws, and the error comes out") {
    Log log;
    const auto fails = []() -> Coro<int> {
        co_await sleep(1s);
        throw ValueError("body");
    };
    CHECK_THROWS_MSG(co_await finally_(fails, [&log] { log.push_back("plain"); }), ValueError,
                     "body");
    CHECK_THROWS_MSG(co_await finally_(fails, [&log] { return note_later(log, "waiting"); }),
                     ValueError, "body");
    const auto fails_when_called = []() -> Sleep { throw KeyError("called"); };
    CHECK_THROWS_AS(co_await finally_(fails_when_called, [&log] { log.push_back("called"); }),
                    KeyError);
    CHECK_EQ(log, Log{"plain", "waiting", "called"});
}

CO_TEST_BOTH_MODES("finally_: the clean-up of a cancelled body may wait, and the cancel goes on") {
    Log log;
    const auto waiting = [&log]() -> Coro<> {
        co_await finally_(sleep(100s), [&log] { return note_later(log, "waiting"); });
    };
    const auto plain = [&log]() -> Coro<> {
        co_await finally_(sleep(100s), [&log] { log.push_back("plain"); });
    };
    const auto first = create_task(waiting);
    const auto second = create_task(plain);
    co_await sleep(1s);
    first.cancel("enough");
    second.cancel();
    CHECK_THROWS_MSG(co_await first, CancelledError, "enough");
    CHECK_THROWS_AS(co_await second, CancelledError);
    CHECK_EQ(log, Log{"plain", "waiting"});
    CHECK_EQ(now(), TimePoint(2s));
}

CO_TEST_BOTH_MODES("finally_: an exception of the clean-up takes the place of the body's end") {
    const auto body = []() -> Coro<int> {
        throw ValueError("body");
        co_return 0;
    };
    const auto throws = [] { throw KeyError("clean-up"); };
    const auto throws_later = []() -> Coro<> {
        co_await sleep(1s);
        throw KeyError("clean-up");
    };
    CHECK_THROWS_AS(co_await finally_(body, throws), KeyError);
    CHECK_THROWS_AS(co_await finally_(body, throws_later), KeyError);
    CHECK_THROWS_AS(co_await finally_(seven(), throws), KeyError);
    const auto task = create_task(finally_(sleep(100s), throws_later));
    co_await sleep(1s);
    task.cancel();
    CHECK_THROWS_AS(co_await task, KeyError);
    CHECK(!task.cancelled());
}

CO_TEST_BOTH_MODES("finally_: a cancel during the clean-up arrives in the clean-up") {
    Log log;
    const auto cleanup = [&log]() -> Coro<> {
        const auto end = co_await outcome(sleep(10s));
        log.push_back(end.cancelled() ? "cancelled" : "undisturbed");
    };
    const auto task = create_task(finally_(seven(), cleanup));
    co_await sleep(1s);
    task.cancel();
    CHECK_EQ(co_await task, 7); // it swallowed the cancel
    CHECK_EQ(log, Log{"cancelled"});
}

CO_TEST("finally_: cancelled before it has begun, neither body nor clean-up runs") {
    Log log;
    const auto body = [&log]() -> Coro<> {
        log.push_back("body");
        co_return;
    };
    const auto task = create_task(finally_(body, [&log] { log.push_back("clean-up"); }));
    task.cancel();
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK(log.empty());
}

TEST("finally_: a clean-up that does not wait runs also if the loop is closed over the body") {
    Log log;
    {
        LoopOptions options;
        options.backend(testing::make_virtual_backend());
        EventLoop loop(std::move(options));
        loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
        loop.create_task(finally_(sleep(100s), [&log] { log.push_back("plain"); }));
        loop.create_task(finally_(sleep(100s), [] { throw ValueError("too late"); }));
        loop.create_task(finally_(sleep(100s), [&log] { return note_later(log, "waiting"); }));
        loop.call_soon([&loop] { loop.stop(); });
        loop.run_forever();
    }
    CHECK_EQ(log, Log{"plain"});
    const auto logs = testing::take_logs();
    REQUIRE(logs.size() == 1);
    CHECK(logs[0].text.find("ValueError('too late')") != std::string::npos);
}

CO_SWEEP("finally_: the sweep finds every clean-up run once") {
    int cleanups = 0;
    bool ended = false;
    const auto body = [](int& ran, bool& done) -> Coro<> {
        co_await finally_(sleep(1s), [&ran] { ++ran; });
        const auto later = [&ran]() -> Coro<> {
            const auto end = co_await outcome(sleep(1s));
            ++ran;
            end.value();
        };
        co_await finally_(sleep(1s), later);
        done = true;
    };
    const auto victim = sweep.victim(body(cleanups, ended));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    CHECK_EQ(ended, end.has_value());
    if (ended) CHECK_EQ(cleanups, 2);
    CHECK(cleanups <= 2);
}
