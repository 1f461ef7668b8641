// SPDX-License-Identifier: MIT
// SignalStream: one after the other, for several who wait, until it is closed.
#include "asyncio/signal_streams.h"

#include "asyncio/base_events.h"
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
