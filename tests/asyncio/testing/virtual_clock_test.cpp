// SPDX-License-Identifier: MIT
// The virtual clock: when it stands, when it jumps, whom it tells.
#include "asyncio/testing/virtual_clock.h"

#include "asyncio/testing/testing.h"

#include <chrono>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<EventLoop> loop_that_tells(base::Function<void()> on_jump) {
    LoopOptions options;
    options.backend(testing::make_virtual_backend(std::move(on_jump)));
    return new_event_loop(std::move(options));
}

} // namespace

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
