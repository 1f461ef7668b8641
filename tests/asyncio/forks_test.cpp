// SPDX-License-Identifier: MIT
// fork() in a running loop: the child cannot use it, and the parent does not notice.
#include "asyncio/base_events.h"

#include "asyncio/runners.h"
#include "asyncio/testing/testing.h"
#include "support/child_process.h"
#include "support/pipes.h"
#include "support/signal_guard.h"

#include <csignal>
#include <string>
#include <unistd.h>

using namespace asyncio;
using namespace std::chrono_literals;
using support::in_child;
using support::Pipe;

namespace {

Coro<int> answer() {
    co_await sleep(1ms);
    co_return 42;
}

} // namespace

CO_TEST_REAL_TIME("FLT-CORE-12: a forked child sees no running loop and no task") {
    EventLoop& loop = testing::loop();
    const auto end = in_child([&loop] {
        CHECK(running_loop_or_null() == nullptr);
        CHECK_THROWS_MSG(get_running_loop(), RuntimeError, "no running event loop");
        CHECK_THROWS_AS(get_event_loop(), RuntimeError);
        CHECK_THROWS_AS(current_task(), RuntimeError);
        CHECK_THROWS_AS(all_tasks(), RuntimeError);
        CHECK(loop.is_closed());
    });
    CHECK(end.exited(0));
    CHECK(!loop.is_closed());
    CHECK(running_loop_or_null() == &loop);
    co_return;
}

CO_TEST_REAL_TIME("FLT-CORE-12: in the child every use of the loop is a RuntimeError") {
    EventLoop& loop = testing::loop();
    const Pipe pipe;
    loop.add_reader(pipe.in(), [] {});
    const auto end = in_child([&] {
        const auto nothing = [] {};
        CHECK_THROWS_AS(loop.call_soon(nothing), RuntimeError);
        CHECK_THROWS_AS(loop.call_later(1s, nothing), RuntimeError);
        CHECK_THROWS_AS(loop.call_soon_threadsafe(nothing), RuntimeError);
        CHECK_THROWS_AS(loop.create_task(answer()), RuntimeError);
        CHECK_THROWS_AS(create_task(answer()), RuntimeError);
        CHECK_THROWS_AS(loop.add_reader(pipe.in(), nothing), RuntimeError);
        CHECK_THROWS_AS(loop.add_writer(pipe.out(), nothing), RuntimeError);
        CHECK_THROWS_AS(loop.add_signal_handler(SIGUSR1, nothing), RuntimeError);
        CHECK(!loop.remove_reader(pipe.in()));
    });
    CHECK(end.exited(0));
    CHECK(loop.remove_reader(pipe.in()));
    co_return;
}

CO_TEST_REAL_TIME("FLT-CORE-12: the parent's descriptors, timers and posts work on after a fork") {
    EventLoop& loop = testing::loop();
    const Pipe pipe;
    int reads = 0;
    loop.add_reader(pipe.in(), [&] {
        ++reads;
        CHECK(pipe.get() != '\0');
    });
    const auto sleeper = create_task(sleep(5ms, 7));
    co_await sleep(0s);
    const auto end = in_child([&] {
        loop.remove_reader(pipe.in());
        pipe.read_end.get();
        EventLoop own; // gets other descriptors
        own.add_reader(pipe.in(), [] {});
        own.remove_reader(pipe.in());
    });
    CHECK(end.exited(0));
    pipe.put();
    co_await sleep(1ms);
    CHECK_EQ(reads, 1);
    CHECK_EQ(co_await sleeper, 7);
    bool posted = false;
    loop.call_soon_threadsafe([&posted] { posted = true; });
    co_await sleep(0s);
    CHECK(posted);
    loop.remove_reader(pipe.in());
}

CO_TEST_REAL_TIME("FLT-CORE-12: the child may run loops of its own") {
    const auto end = in_child([] {
        CHECK_EQ(run(answer()), 42);
        EventLoop own;
        CHECK_EQ(own.run_until_complete(answer()), 42);
        Runner runner;
        CHECK_EQ(runner.run(answer()), 42);
        CHECK_EQ(runner.run(answer()), 42);
    });
    CHECK(end.exited(0));
    co_return;
}

TEST("FLT-CORE-12: a child that returns into its parent's loop gets a RuntimeError from run") {
    int ran_in_child = 0;
    const auto main = [](int& others) -> Coro<int> {
        const auto other = [](int& count, pid_t parent) -> Coro<> {
            if (::getpid() != parent) ++count;
            co_return;
        };
        const pid_t parent = ::getpid();
        create_task(other(others, parent)); // ready when the process forks
        std::fflush(nullptr);
        const pid_t child = ::fork();
        if (child != 0) {
            CHECK(support::wait_for_child(child).exited(0));
            co_await sleep(0s);
            co_return 1;
        }
        ::alarm(60);
        co_await sleep(0s); // never comes back
        ::_exit(90);
    };
    const pid_t parent = ::getpid();
    bool failed = false;
    try {
        CHECK_EQ(run(main(ran_in_child)), 1);
    } catch (const RuntimeError& error) {
        failed = std::string(error.what()).find("forked child") != std::string::npos;
    }
    if (::getpid() != parent) ::_exit(failed && ran_in_child == 0 ? 0 : 91);
    CHECK(!failed);
}

TEST("FLT-CORE-12: a child forked outside of a run can neither use nor disturb its parent's loop") {
    EventLoop loop;
    const Pipe pipe;
    int reads = 0;
    loop.add_reader(pipe.in(), [&] {
        ++reads;
        loop.remove_reader(pipe.in());
        loop.stop();
    });
    const auto end = in_child([&loop] {
        CHECK_THROWS_AS(loop.run_forever(), RuntimeError);
        CHECK_THROWS_AS(loop.run_until_complete(answer()), RuntimeError);
        loop.close();
        CHECK_EQ(run(answer()), 42);
    });
    CHECK(end.exited(0));
    pipe.put();
    loop.run_forever();
    CHECK_EQ(reads, 1);
}

TEST("FLT-CORE-12: a child that destroys its copy of a loop leaves the parent's intact") {
    auto loop = new_event_loop();
    const Pipe pipe;
    bool read = false;
    loop->add_reader(pipe.in(), [&] {
        read = true;
        loop->stop();
    });
    loop->create_task(sleep(3600s), "pending");
    const auto end = in_child([&loop] {
        loop.reset();
        CHECK(testing::take_logs().empty()); // the task is the parent's
        CHECK_EQ(run(answer()), 42);
    });
    CHECK(end.exited(0));
    pipe.put();
    loop->run_forever();
    CHECK(read);
    loop->close();
    CHECK_EQ(testing::take_logs().size(), 1U);
}

TEST("FLT-CORE-12: signals of the child do not reach the parent's loop, and it may have its own") {
    const support::SignalGuard guard(SIGUSR1);
    EventLoop loop;
    int in_parent = 0;
    loop.add_signal_handler(SIGUSR1, [&in_parent] { ++in_parent; });
    const auto end = in_child([] {
        std::raise(SIGUSR1); // nobody's
        EventLoop own;
        int seen = 0;
        own.add_signal_handler(SIGUSR1, [&] {
            ++seen;
            own.stop();
        });
        std::raise(SIGUSR1);
        own.run_forever();
        CHECK_EQ(seen, 1);
    });
    CHECK(end.exited(0));
    loop.call_later(2ms, [&loop] { loop.stop(); });
    loop.run_forever();
    CHECK_EQ(in_parent, 0);
}

TEST("FLT-CORE-12: run in a child forked inside of a run can be interrupted by Ctrl-C") {
    const support::SignalGuard guard(SIGINT);
    const auto interrupted = []() -> Coro<> {
        std::raise(SIGINT);
        co_await sleep(3600s);
    };
    const auto main = [&]() -> Coro<bool> {
        const auto end = in_child([&] {
            bool stopped = false;
            try {
                run(interrupted());
            } catch (const KeyboardInterrupt&) {
                stopped = true;
            }
            CHECK(stopped);
        });
        co_return end.exited(0);
    };
    CHECK(run(main()));
}
