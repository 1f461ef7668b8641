// SPDX-License-Identifier: MIT
// Caught signals: noted, handed on, given back; what a child and a held-up program get.
#include "os/signals.h"

#include "asyncio/testing/testing.h"
#include "support/child_process.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <thread>

using namespace asyncio::os;
using support::in_child;

namespace {

std::atomic<int> notified = 0;
void count(void* who) noexcept { static_cast<std::atomic<int>*>(who)->fetch_add(1); }

bool is_default(int number) {
    struct sigaction now{};
    return ::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_DFL;
}

} // namespace

TEST("signals: a caught signal is noted once and tells who asked for it") {
    notified = 0;
    CHECK(catch_signal(SIGUSR1, &count, &notified) == CatchResult::caught);
    CHECK(!take_signal(SIGUSR1));
    errno = ENOENT;
    std::raise(SIGUSR1);
    CHECK_EQ(errno, ENOENT);
    std::raise(SIGUSR1);
    CHECK_EQ(notified.load(), 2);
    CHECK(take_signal(SIGUSR1));
    CHECK(!take_signal(SIGUSR1));
    release_signal(SIGUSR1);
    CHECK(is_default(SIGUSR1));
}

TEST("signals: what cannot be caught says why, and changes nothing") {
    CHECK(catch_signal(0, &count, &notified) == CatchResult::no_such_signal);
    CHECK(catch_signal(-1, &count, &notified) == CatchResult::no_such_signal);
    CHECK(catch_signal(100'000, &count, &notified) == CatchResult::no_such_signal);
    CHECK(catch_signal(SIGKILL, &count, &notified) == CatchResult::cannot_be_caught);
    CHECK(catch_signal(SIGSTOP, &count, &notified) == CatchResult::cannot_be_caught);
    CHECK(!take_signal(0));
    CHECK(!take_signal(100'000));
}

TEST("signals: a signal that came before it was caught again is not reported") {
    CHECK(catch_signal(SIGUSR1, &count, &notified) == CatchResult::caught);
    std::raise(SIGUSR1);
    CHECK(catch_signal(SIGUSR1, &count, &notified) == CatchResult::caught);
    CHECK(!take_signal(SIGUSR1));
    release_signal(SIGUSR1);
}

TEST("signals: release leaves a handler alone that somebody else has set since") {
    CHECK(catch_signal(SIGUSR1, &count, &notified) == CatchResult::caught);
    std::signal(SIGUSR1, SIG_IGN);
    release_signal(SIGUSR1);
    struct sigaction now{};
    ::sigaction(SIGUSR1, nullptr, &now);
    CHECK(now.sa_handler == SIG_IGN);
    std::signal(SIGUSR1, SIG_DFL);
}

TEST("signals: has_default_action tells default, ignored and caught apart") {
    CHECK(has_default_action(SIGUSR2));
    std::signal(SIGUSR2, SIG_IGN);
    CHECK(!has_default_action(SIGUSR2));
    CHECK(catch_signal(SIGUSR2, &count, &notified) == CatchResult::caught);
    CHECK(!has_default_action(SIGUSR2));
    release_signal(SIGUSR2);
    CHECK(has_default_action(SIGUSR2));
}

TEST("signals: the third SIGINT that nobody took ends the program") {
    const auto end = in_child([] {
        catch_signal(SIGINT, &count, &notified);
        std::raise(SIGINT);
        std::raise(SIGINT);
        CHECK(take_signal(SIGINT));
        std::raise(SIGINT);
        std::raise(SIGINT);
        std::raise(SIGINT); // the third since the last one was taken
        FAIL("still alive");
    });
    CHECK(end.killed_by(SIGINT));
}

TEST("signals: a forked child does not wake its parent, and may catch for itself") {
    notified = 0;
    CHECK(catch_signal(SIGUSR1, &count, &notified) == CatchResult::caught);
    const auto end = in_child([] {
        std::raise(SIGUSR1);
        CHECK_EQ(notified.load(), 0);
        CHECK(has_default_action(SIGUSR1)); // the handler of its parent is none of its own
        CHECK(catch_signal(SIGUSR1, &count, &notified) == CatchResult::caught);
        std::raise(SIGUSR1);
        CHECK_EQ(notified.load(), 1);
        CHECK(take_signal(SIGUSR1));
    });
    CHECK(end.exited(0));
    CHECK_EQ(notified.load(), 0);
    release_signal(SIGUSR1);
}

namespace {

struct Slow {
    std::atomic<bool> began = false;
    std::atomic<bool> ended = false;
};

void note_slowly(void* who) noexcept {
    auto* slow = static_cast<Slow*>(who);
    slow->began = true;
    const timespec while_released{0, 20'000'000};
    ::nanosleep(&while_released, nullptr); // tidy: sleep: the other side is to wait for this
    slow->ended = true;
}

} // namespace

TEST("signals: when release returns, no handler is at work on another thread") {
    Slow slow;
    CHECK(catch_signal(SIGUSR1, &note_slowly, &slow) == CatchResult::caught);
    std::thread victim([] { std::raise(SIGUSR1); });
    while (!slow.began) std::this_thread::yield();
    release_signal(SIGUSR1);
    CHECK(slow.ended.load());
    victim.join();
}

TEST("signals: is_main_thread is true on the main thread alone") {
    CHECK(is_main_thread());
    std::thread([] { CHECK(!is_main_thread()); }).join();
}

TEST("signals: each has its name, or at least its number") {
    CHECK_EQ(signal_name(SIGKILL), "SIGKILL");
    CHECK_EQ(signal_name(SIGSEGV), "SIGSEGV");
    CHECK_EQ(signal_name(99), "SIG99");
}
