// SPDX-License-Identifier: MIT
// SignalStream: one after the other, for several who wait, until it is closed.
#include "asyncio/signal_streams.h"

#include "asyncio/base_events.h"
#include "asyncio/runners.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/sweep.h"
#include "os/signals.h"
#include "support/signal_guard.h"

#include <csignal>

using namespace asyncio;
using support::SignalGuard;

CO_TEST("SignalStream: signals come in turn, one that comes again before it was taken only once") {
    const SignalGuard guard(SIGUSR1);
    const SignalGuard other(SIGUSR2);
    SignalStream signals(SIGUSR1, SIGUSR2, SIGUSR1);
    ::raise(SIGUSR1);
    ::raise(SIGUSR1);
    CHECK_EQ((co_await signals.next()).value(), SIGUSR1);
    const auto waiting = create_task(signals.next());
    co_await yield_now();
    CHECK(!waiting.done());
    ::raise(SIGUSR2);
    CHECK_EQ((co_await waiting).value(), SIGUSR2);
    ::raise(SIGUSR1);
    CHECK_EQ((co_await signals.next()).value(), SIGUSR1);
}

CO_TEST("SignalStream: each stream gets each signal; the last one restores the default action") {
    const SignalGuard guard(SIGUSR1);
    auto first = std::make_unique<SignalStream>(SIGUSR1);
    SignalStream second(SIGUSR1);
    ::raise(SIGUSR1);
    CHECK_EQ((co_await first->next()).value(), SIGUSR1);
    CHECK_EQ((co_await second.next()).value(), SIGUSR1);
    first.reset();
    CHECK(!os::has_default_action(SIGUSR1));
    ::raise(SIGUSR1);
    CHECK_EQ((co_await second.next()).value(), SIGUSR1);
    second.close();
    CHECK(os::has_default_action(SIGUSR1));
}

namespace {

void own_handler(int) {}

} // namespace

CO_TEST("SignalStream: the program's own action is put back: a handler, or that it is ignored") {
    for (const auto own : {&own_handler, SIG_IGN}) {
        const SignalGuard guard(SIGUSR1, own);
        SignalStream signals(SIGUSR1);
        CHECK(support::handler_of(SIGUSR1) != own);
        ::raise(SIGUSR1);
        CHECK_EQ((co_await signals.next()).value(), SIGUSR1);
        signals.close();
        CHECK(support::handler_of(SIGUSR1) == own);
    }
}

CO_TEST("SignalStream: a handler of the loop is called, too, and stays when the stream ends") {
    const SignalGuard guard(SIGUSR1);
    EventLoop& loop = testing::loop();
    int calls = 0;
    loop.add_signal_handler(SIGUSR1, [&calls] { ++calls; });
    {
        SignalStream signals(SIGUSR1);
        ::raise(SIGUSR1);
        CHECK_EQ((co_await signals.next()).value(), SIGUSR1);
        CHECK_EQ(calls, 1);
        loop.add_signal_handler(SIGUSR1, [&calls] { calls += 10; }); // set after the stream
        ::raise(SIGUSR1);
        CHECK_EQ((co_await signals.next()).value(), SIGUSR1);
        CHECK_EQ(calls, 11);
    }
    ::raise(SIGUSR1);
    for (int i = 0; i < 3; ++i) co_await yield_now();
    CHECK_EQ(calls, 21);
    CHECK(loop.remove_signal_handler(SIGUSR1));
    CHECK(!loop.remove_signal_handler(SIGUSR1));
    CHECK(os::has_default_action(SIGUSR1));
}

CO_TEST("SignalStream: remove_signal_handler() takes nothing from a stream") {
    const SignalGuard guard(SIGUSR1);
    EventLoop& loop = testing::loop();
    SignalStream signals(SIGUSR1);
    CHECK(!loop.remove_signal_handler(SIGUSR1)); // there is none
    loop.add_signal_handler(SIGUSR1, [] {});
    CHECK(loop.remove_signal_handler(SIGUSR1));
    ::raise(SIGUSR1);
    CHECK_EQ((co_await signals.next()).value(), SIGUSR1);
}

TEST("SignalStream: of SIGINT, which is run()'s again after it") {
    const auto main = []() -> Coro<> {
        {
            SignalStream signals(SIGINT);
            ::raise(SIGINT);
            CHECK_EQ((co_await signals.next()).value(), SIGINT);
        }
        ::raise(SIGINT);
        co_await sleep(std::chrono::seconds(100));
    };
    CHECK_THROWS_AS(run(main()), KeyboardInterrupt);
    CHECK(os::has_default_action(SIGINT));
}

TEST("SignalStream: a loop that closes puts the program's own action back, streams or not") {
    const SignalGuard guard(SIGUSR1, &own_handler);
    const auto loop = new_event_loop();
    std::optional<SignalStream> stays;
    const auto main = [&stays]() -> Coro<> {
        stays.emplace(SIGUSR1);
        co_return;
    };
    loop->run_until_complete(main());
    loop->close();
    CHECK(support::handler_of(SIGUSR1) == &own_handler);
}

CO_TEST("SignalStream: close() ends the wait; what had come is got before") {
    const SignalGuard guard(SIGUSR1);
    SignalStream signals(SIGUSR1);
    const auto waiting = create_task(signals.next());
    co_await yield_now();
    signals.close();
    signals.close();
    CHECK(!(co_await waiting).has_value());
    SignalStream more(SIGUSR1);
    ::raise(SIGUSR1);
    for (int i = 0; i < 3; ++i) co_await yield_now();
    more.close();
    CHECK_EQ((co_await more.next()).value(), SIGUSR1);
    CHECK(!(co_await more.next()).has_value());
}

CO_TEST("SignalStream: a signal that cannot be caught is an error, and leaves no handler behind") {
    const SignalGuard guard(SIGUSR1);
    CHECK_THROWS_AS(SignalStream(SIGUSR1, SIGKILL), RuntimeError);
    CHECK(os::has_default_action(SIGUSR1));
    CHECK_THROWS_AS(SignalStream(SIGUSR1, 1000), ValueError);
    CHECK(os::has_default_action(SIGUSR1));
    co_await yield_now();
}

CO_SWEEP("SignalStream.next under the cancel sweep: no signal is lost") {
    if (sweep.mode() == testing::SweepMode::no_memory) co_return; // that is on another thread
    const SignalGuard guard(SIGUSR1);
    SignalStream signals(SIGUSR1);
    const auto victim = sweep.victim(signals.next());
    co_await yield_now();
    ::raise(SIGUSR1);
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (!end.has_value()) CHECK_EQ((co_await signals.next()).value(), SIGUSR1);
    ::raise(SIGUSR1);
    CHECK_EQ((co_await signals.next()).value(), SIGUSR1);
}
