// SPDX-License-Identifier: MIT
// Ctrl-C during run(): the first cancels the main task, the second interrupts.
#include "asyncio/runners.h"

#include "asyncio/testing/testing.h"
#include "support/child_process.h"
#include "support/signal_guard.h"
#include "support/threads.h"

#include <csignal>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::handler_of;
using support::in_child;
using support::SignalGuard;

namespace {

// Sends SIGINT to the whole process from another thread, once the loop sleeps in its poll.
class LateInterrupt {
public:
    explicit LateInterrupt(std::chrono::milliseconds after)
        : thread_([after] {
              support::take_time(after);
              ::kill(::getpid(), SIGINT);
          }) {}
    LateInterrupt(const LateInterrupt&) = delete;
    LateInterrupt& operator=(const LateInterrupt&) = delete;
    ~LateInterrupt() { thread_.join(); }

private:
    std::thread thread_;
};

Coro<> sleep_long(std::string& events) {
    const auto end = co_await outcome(sleep(3600s));
    events += end.cancelled() ? "cancelled " : "slept ";
    co_await sleep(1ms); // there is time to clean up
    events += "cleaned up ";
    end.value();
}

Coro<int> interrupt_and_sleep() {
    std::raise(SIGINT);
    co_await sleep(3600s);
    co_return 0;
}

} // namespace

TEST(
    "SEM-RUN-10: the first SIGINT wakes the loop, cancels main, and run throws KeyboardInterrupt") {
    const SignalGuard sigint(SIGINT);
    std::string events;
    const LateInterrupt interrupt(20ms);
    CHECK_THROWS_AS(run(sleep_long(events)), KeyboardInterrupt);
    CHECK_EQ(events, "cancelled cleaned up ");
}

TEST("SEM-RUN-10: SIGINT that comes while main runs counts too") {
    const SignalGuard sigint(SIGINT);
    CHECK_THROWS_AS(run(interrupt_and_sleep()), KeyboardInterrupt);
}

TEST("SEM-RUN-10: other tasks are not cancelled by it, but by the shutdown after main") {
    const SignalGuard sigint(SIGINT);
    std::vector<std::string> events;
    const auto other = [](std::vector<std::string>& log) -> Coro<> {
        const auto end = co_await outcome(sleep(3600s));
        log.push_back("other cancelled");
        end.value();
    };
    const auto main = [&](std::vector<std::string>& log) -> Coro<> {
        create_task(other(log));
        co_await sleep(0s);
        std::raise(SIGINT);
        const auto end = co_await outcome(sleep(3600s));
        co_await sleep(1ms);
        log.push_back("main cleaned up");
        end.value();
    };
    CHECK_THROWS_AS(run(main(events)), KeyboardInterrupt);
    CHECK_EQ(events, std::vector<std::string>({"main cleaned up", "other cancelled"}));
}

TEST("SEM-RUN-10: a main that swallows the cancellation gives its result") {
    const SignalGuard sigint(SIGINT);
    const auto main = []() -> Coro<int> {
        std::raise(SIGINT);
        const auto end = co_await outcome(sleep(3600s));
        co_return end.cancelled() ? 7 : 0;
    };
    CHECK_EQ(run(main()), 7);
}

TEST("SEM-RUN-10: a main that fails while it cleans up throws its own exception") {
    const SignalGuard sigint(SIGINT);
    const auto main = []() -> Coro<int> {
        std::raise(SIGINT);
        (void)co_await outcome(sleep(3600s));
        throw ValueError("clean-up failed");
    };
    CHECK_THROWS_MSG(run(main()), ValueError, "clean-up failed");
}

TEST("SEM-RUN-10: if main was cancelled by others as well, it is a CancelledError") {
    const SignalGuard sigint(SIGINT);
    const auto main = []() -> Coro<> {
        std::raise(SIGINT);
        const AnyTask me = current_task();
        get_running_loop().call_later(0s, [me] { me.cancel("by somebody else"); });
        const auto end = co_await outcome(sleep(3600s));
        const auto second = co_await outcome(sleep(3600s)); // a turn later, the other cancel
        CHECK(end.cancelled() || second.cancelled());
        end.value();
        second.value();
    };
    CHECK_THROWS_AS(run(main()), CancelledError);
}

TEST("SEM-RUN-11: SIGINT while main awaits a future cancels that future") {
    const SignalGuard sigint(SIGINT);
    bool cancelled = false;
    const auto main = [](bool& flag) -> Coro<> {
        const Future<> future;
        future.add_done_callback([&flag](const Future<>& f) { flag = f.cancelled(); });
        std::raise(SIGINT);
        co_await future;
    };
    CHECK_THROWS_AS(run(main(cancelled)), KeyboardInterrupt);
    CHECK(cancelled);
}

TEST("SEM-RUN-11: and a task that main awaits") {
    const SignalGuard sigint(SIGINT);
    std::string events;
    const auto main = [](std::string& log) -> Coro<> {
        const auto child = create_task(sleep_long(log));
        co_await sleep(0s);
        std::raise(SIGINT);
        co_await child;
    };
    CHECK_THROWS_AS(run(main(events)), KeyboardInterrupt);
    CHECK_EQ(events, "cancelled cleaned up ");
}

TEST("SEM-RUN-12: a second SIGINT leaves the loop at once; the shutdown cancels what is left") {
    const SignalGuard sigint(SIGINT);
    std::string events;
    const auto stubborn = [](std::string& log) -> Coro<> {
        std::raise(SIGINT);
        (void)co_await outcome(sleep(3600s));
        log += "first ";
        std::raise(SIGINT);
        const auto end = co_await outcome(sleep(3600s));
        log += end.cancelled() ? "shut down " : "slept ";
        end.value();
    };
    CHECK_THROWS_AS(run(stubborn(events)), KeyboardInterrupt);
    CHECK_EQ(events, "first shut down ");
}

TEST("SEM-RUN-12: it wakes a loop that sleeps in its poll") {
    const SignalGuard sigint(SIGINT);
    std::string events;
    const LateInterrupt interrupt(20ms);
    const auto stubborn = [](std::string& log) -> Coro<> {
        std::raise(SIGINT);
        (void)co_await outcome(sleep(3600s));
        log += "first ";
        (void)co_await outcome(sleep(3600s));
        log += "shut down ";
    };
    CHECK_THROWS_AS(run(stubborn(events)), KeyboardInterrupt);
    CHECK_EQ(events, "first shut down ");
}

TEST("SEM-RUN-12: one SIGINT when main is done already throws KeyboardInterrupt") {
    const SignalGuard sigint(SIGINT);
    const auto main = []() -> Coro<int> {
        co_await sleep(0s);
        std::raise(SIGINT); // noticed in the next turn, when main has returned
        co_return 3;
    };
    CHECK_THROWS_AS(run(main()), KeyboardInterrupt);
}

TEST("SEM-RUN-13: SIGINT is caught during run on the main thread, and given back after it") {
    const SignalGuard sigint(SIGINT);
    const auto is_caught = []() -> Coro<bool> { co_return handler_of(SIGINT) != SIG_DFL; };
    CHECK(run(is_caught()));
    CHECK(handler_of(SIGINT) == SIG_DFL);
    const auto fails = []() -> Coro<> {
        co_await sleep(0s);
        throw ValueError("x");
    };
    CHECK_THROWS_AS(run(fails()), ValueError);
    CHECK(handler_of(SIGINT) == SIG_DFL);
    CHECK_THROWS_AS(run(interrupt_and_sleep()), KeyboardInterrupt);
    CHECK(handler_of(SIGINT) == SIG_DFL);
}

TEST("SEM-RUN-13: it is left alone if it is ignored or has a handler already") {
    const auto seen = []() -> Coro<decltype(handler_of(0))> { co_return handler_of(SIGINT); };
    {
        const SignalGuard sigint(SIGINT, SIG_IGN);
        CHECK(run(seen()) == SIG_IGN);
        CHECK(handler_of(SIGINT) == SIG_IGN);
    }
    void (*const mine)(int) = [](int) {};
    const SignalGuard sigint(SIGINT, mine);
    CHECK(run(seen()) == mine);
    CHECK(handler_of(SIGINT) == mine);
}

TEST("SEM-RUN-13: a handler that was set during the run stays") {
    const SignalGuard sigint(SIGINT);
    static void (*const mine)(int) = [](int) {};
    const auto main = []() -> Coro<> {
        std::signal(SIGINT, mine);
        co_return;
    };
    run(main());
    CHECK(handler_of(SIGINT) == mine);
}

TEST("SEM-RUN-13: on another thread nothing is caught, and that is no error") {
    const SignalGuard sigint(SIGINT);
    std::thread([] {
        const auto is_default = []() -> Coro<bool> { co_return handler_of(SIGINT) == SIG_DFL; };
        CHECK(run(is_default()));
    }).join();
}

TEST("SEM-RUN-13: between the runs of a Runner SIGINT has its default action") {
    const SignalGuard sigint(SIGINT);
    Runner runner;
    const auto is_caught = []() -> Coro<bool> { co_return handler_of(SIGINT) != SIG_DFL; };
    CHECK(runner.run(is_caught()));
    CHECK(handler_of(SIGINT) == SIG_DFL);
    CHECK(runner.run(is_caught()));
    CHECK_THROWS_AS(runner.run(interrupt_and_sleep()), KeyboardInterrupt);
    const auto answer = []() -> Coro<int> { co_return 42; };
    CHECK_EQ(runner.run(answer()), 42); // and the runner goes on
}

TEST("SIGINT belongs to add_signal_handler while one is set, and to run again after it") {
    const SignalGuard sigint(SIGINT);
    int handled = 0;
    const auto main = [](int& count) -> Coro<> {
        EventLoop& loop = get_running_loop();
        loop.add_signal_handler(SIGINT, [&count] { ++count; });
        std::raise(SIGINT);
        co_await sleep(0s);
        co_await sleep(0s);
        CHECK_EQ(count, 1);
        CHECK(loop.remove_signal_handler(SIGINT));
        std::raise(SIGINT);
        co_await sleep(3600s);
    };
    CHECK_THROWS_AS(run(main(handled)), KeyboardInterrupt);
    CHECK_EQ(handled, 1);
    CHECK(handler_of(SIGINT) == SIG_DFL);
}

TEST("a main that never looks at its loop is ended by the third SIGINT") {
    const auto end = in_child([] {
        std::signal(SIGINT, SIG_DFL);
        const auto main = []() -> Coro<> {
            for (int i = 0; i < 3; ++i) std::raise(SIGINT);
            FAIL("still alive");
            co_return;
        };
        run(main());
    });
    CHECK(end.killed_by(SIGINT));
}

TEST("a program that lets KeyboardInterrupt go ends with it, after its clean-up") {
    const auto end = in_child([] {
        std::signal(SIGINT, SIG_DFL);
        std::string events;
        const auto main = [](std::string& log) -> Coro<> {
            std::raise(SIGINT);
            co_await sleep_long(log);
        };
        bool interrupted = false;
        try {
            run(main(events));
        } catch (const KeyboardInterrupt&) {
            interrupted = true;
        }
        CHECK(interrupted);
        CHECK_EQ(events, "cancelled cleaned up ");
    });
    CHECK(end.exited(0));
}
