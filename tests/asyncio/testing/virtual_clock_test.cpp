// SPDX-License-Identifier: MIT
// The virtual clock: when it stands, when it jumps, what it waits for, and when it gives up.
#include "asyncio/testing/virtual_clock.h"

#include "asyncio/testing/testing.h"
#include "support/pipes.h"
#include "support/threads.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::Gate;

namespace {

std::unique_ptr<EventLoop> virtual_loop() {
    return new_event_loop(LoopOptions().backend(testing::make_virtual_backend()));
}

std::unique_ptr<EventLoop> loop_that_tells(base::Function<void()> on_jump) {
    LoopOptions options;
    options.backend(testing::make_virtual_backend(5s, std::move(on_jump)));
    return new_event_loop(std::move(options));
}

Coro<> forever() { co_await Future<>(); }

} // namespace

TEST("the virtual clock begins at 0 and stands while anything is ready") {
    const auto loop = virtual_loop();
    CHECK_EQ(loop->time().time_since_epoch(), 0ns);
    const auto turns = []() -> Coro<> {
        for (int i = 0; i < 1000; ++i) co_await yield_now();
    };
    loop->run_until_complete(turns());
    CHECK_EQ(loop->time().time_since_epoch(), 0ns);
}

TEST("the virtual clock jumps from deadline to deadline, and to none in between") {
    const auto loop = virtual_loop();
    std::vector<Duration> seen;
    const auto note = [&] { seen.push_back(loop->time().time_since_epoch()); };
    for (const Duration delay : {Duration(2h), Duration(1ns), Duration(24h)}) {
        loop->call_later(delay, note);
    }
    loop->call_later(25h, [&] { loop->stop(); });
    loop->run_forever();
    CHECK_EQ(seen, std::vector<Duration>({1ns, 2h, 24h}));
}

TEST("the virtual clock does not pass a deadline while a descriptor is ready") {
    const auto loop = virtual_loop();
    const support::Pipe pipe;
    pipe.put();
    bool late = false;
    loop->call_later(1h, [&] { late = true; });
    loop->add_reader(pipe.in(), [&] {
        CHECK(!late);
        pipe.get();
        loop->remove_reader(pipe.in());
        loop->stop();
    });
    loop->run_forever();
    CHECK_EQ(loop->time().time_since_epoch(), 0ns);
}

TEST("the virtual clock waits in real time for a thread that works for the loop") {
    const auto loop = virtual_loop();
    Gate gate;
    auto task = loop->create_task(to_thread(support::pass_gate, &gate, 7));
    bool late = false;
    loop->call_later(1h, [&] { late = true; });
    std::thread opener([&gate] {
        gate.wait_begun();
        gate.open();
    });
    CHECK_EQ(loop->run_until_complete(task), 7);
    opener.join();
    CHECK(!late);
    loop->run_until_complete(loop->shutdown_default_executor());
}

TEST("the virtual clock throws Deadlock when nothing could ever wake the loop") {
    if (!testing::full()) return; // its patience is five real seconds
    const auto loop = virtual_loop();
    auto task = loop->create_task(forever());
    CHECK_THROWS_MSG(loop->run_until_complete(task), testing::Deadlock, "nobody can wake it");
    task.cancel();
    CHECK_THROWS_AS(loop->run_until_complete(task), CancelledError);
}

TEST("the virtual clock waits for another thread to wake the loop") {
    const auto loop = virtual_loop();
    std::thread other([&loop] { loop->call_soon_threadsafe([&loop] { loop->stop(); }); });
    loop->run_forever();
    other.join();
    CHECK_EQ(std::string(loop->backend_name()), "virtual");
}

TEST("virtual clock: each jump is told once, before what is due runs") {
    std::vector<std::string> events;
    const auto loop = loop_that_tells([&events] { events.push_back("jump"); });
    loop->call_later(1s, [&events] { events.push_back("one"); });
    loop->call_later(1s, [&events] { events.push_back("with one"); });
    loop->call_later(2s, [&events] { events.push_back("two"); });
    loop->run_until_complete(sleep(3600s));
    CHECK_EQ(events, std::vector<std::string>({"jump", "one", "with one", "jump", "two", "jump"}));
    CHECK(loop->time().time_since_epoch() == 3600s);
}

TEST("virtual clock: it stands while something is ready") {
    int jumps = 0;
    const auto loop = loop_that_tells([&jumps] { ++jumps; });
    const auto yields = []() -> Coro<> {
        TimerHandle timer = testing::loop().call_later(1s, [] {});
        for (int i = 0; i < 100; ++i) co_await sleep(0s);
        timer.cancel();
    };
    loop->run_until_complete(yields());
    CHECK_EQ(jumps, 0);
    CHECK(loop->time().time_since_epoch() == 0s);
}
