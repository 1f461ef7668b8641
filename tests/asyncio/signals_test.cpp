// SPDX-License-Identifier: MIT
// add_signal_handler: signals as calls in the loop.
#include "asyncio/base_events.h"

#include "asyncio/runners.h"
#include "asyncio/testing/testing.h"
#include "support/child_process.h"
#include "support/pipes.h"
#include "support/signal_guard.h"
#include "support/threads.h"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::handler_of;
using support::in_child;
using support::SignalGuard;

CO_TEST(
    "SEM-SIG-01: a signal is a call in the loop, with the arguments, not in the signal handler") {
    const SignalGuard guard(SIGUSR1);
    std::string seen;
    testing::loop().add_signal_handler(
        SIGUSR1, [&seen](const std::string& text, int n) { seen = text + std::to_string(n); },
        std::string("signal "), SIGUSR1);
    std::raise(SIGUSR1);
    CHECK_EQ(seen, "");
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK_EQ(seen, "signal " + std::to_string(SIGUSR1));
    CHECK(testing::loop().remove_signal_handler(SIGUSR1));
}

CO_TEST_REAL_TIME("SEM-SIG-01: a signal that comes while the loop polls ends the poll") {
    const SignalGuard guard(SIGUSR1);
    const Future<> came;
    testing::loop().add_signal_handler(SIGUSR1, [&came] { came.set_result(); });
    std::thread sender([] {
        support::take_time(10ms);
        ::kill(::getpid(), SIGUSR1);
    });
    co_await came; // nothing else would ever wake the loop
    sender.join();
    CHECK(testing::loop().remove_signal_handler(SIGUSR1));
}

CO_TEST("SEM-SIG-01: a signal has one handler: the last one that was added") {
    const SignalGuard guard(SIGUSR1);
    std::string calls;
    testing::loop().add_signal_handler(SIGUSR1, [&calls] { calls += 'a'; });
    testing::loop().add_signal_handler(SIGUSR1, [&calls] { calls += 'b'; });
    std::raise(SIGUSR1);
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK_EQ(calls, "b");
    CHECK(testing::loop().remove_signal_handler(SIGUSR1));
    CHECK(!testing::loop().remove_signal_handler(SIGUSR1));
}

CO_TEST("SEM-SIG-01: several signals each find their handler") {
    const SignalGuard one(SIGUSR1);
    const SignalGuard two(SIGUSR2);
    const SignalGuard three(SIGTERM);
    int calls[3] = {};
    EventLoop& loop = testing::loop();
    loop.add_signal_handler(SIGUSR1, [&calls] { ++calls[0]; });
    loop.add_signal_handler(SIGUSR2, [&calls] { ++calls[1]; });
    loop.add_signal_handler(SIGTERM, [&calls] { ++calls[2]; });
    std::raise(SIGTERM);
    std::raise(SIGUSR1);
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK(calls[0] == 1 && calls[1] == 0 && calls[2] == 1);
    std::raise(SIGUSR2);
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK(calls[0] == 1 && calls[1] == 1 && calls[2] == 1);
    for (const int number : {SIGUSR1, SIGUSR2, SIGTERM}) CHECK(loop.remove_signal_handler(number));
}

CO_TEST("SEM-SIG-02: an invalid number is a ValueError, SIGKILL a RuntimeError") {
    EventLoop& loop = testing::loop();
    const auto nothing = [] {};
    CHECK_THROWS_AS(loop.add_signal_handler(0, nothing), ValueError);
    CHECK_THROWS_AS(loop.add_signal_handler(-3, nothing), ValueError);
    CHECK_THROWS_AS(loop.add_signal_handler(100'000, nothing), ValueError);
    CHECK_THROWS_MSG(loop.add_signal_handler(SIGKILL, nothing), RuntimeError, "cannot be caught");
    CHECK_THROWS_AS(loop.add_signal_handler(SIGSTOP, nothing), RuntimeError);
    CHECK(!loop.remove_signal_handler(SIGKILL));
    co_return;
}

namespace {
template <class F>
concept SignalCallback = requires(EventLoop& loop, F f) { loop.add_signal_handler(SIGUSR1, f); };
template <class N>
concept SignalNumber = requires(EventLoop& loop, N n) { loop.add_signal_handler(n, [] {}); };
} // namespace

CO_TEST("SEM-SIG-02: no number as signal, or a coroutine as callback, does not compile") {
    static_assert(SignalNumber<int> && !SignalNumber<std::string> && !SignalNumber<const char*>);
    static_assert(SignalCallback<void (*)()> && SignalCallback<int (*)()>);
    static_assert(!SignalCallback<Coro<> (*)()> && !SignalCallback<int>);
    co_return;
}

CO_TEST(
    "SEM-SIG-03: remove_signal_handler restores the default action and tells if there was one") {
    const SignalGuard guard(SIGUSR1);
    EventLoop& loop = testing::loop();
    CHECK(!loop.remove_signal_handler(SIGUSR1));
    loop.add_signal_handler(SIGUSR1, [] {});
    CHECK(handler_of(SIGUSR1) != SIG_DFL);
    CHECK(loop.remove_signal_handler(SIGUSR1));
    CHECK(handler_of(SIGUSR1) == SIG_DFL);
    CHECK(!loop.remove_signal_handler(SIGUSR1));
    co_return;
}

TEST("SEM-SIG-03: for SIGINT the default action is to interrupt") {
    const auto end = in_child([] {
        EventLoop loop;
        loop.add_signal_handler(SIGINT, [] {});
        loop.remove_signal_handler(SIGINT);
        std::raise(SIGINT);
        FAIL("still alive");
    });
    CHECK(end.killed_by(SIGINT));
}

CO_TEST("SEM-SIG-03: a handler that is removed before its call was due is not called") {
    const SignalGuard guard(SIGUSR1);
    bool called = false;
    testing::loop().add_signal_handler(SIGUSR1, [&called] { called = true; });
    std::raise(SIGUSR1);
    CHECK(testing::loop().remove_signal_handler(SIGUSR1));
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK(!called);
}

TEST("SEM-SIG-04: outside of the main thread add_signal_handler is a RuntimeError") {
    std::thread([] {
        EventLoop loop;
        CHECK_THROWS_MSG(loop.add_signal_handler(SIGUSR1, [] {}), RuntimeError, "main thread");
        CHECK(!loop.remove_signal_handler(SIGUSR1));
    }).join();
    CHECK(handler_of(SIGUSR1) == SIG_DFL);
}

TEST("SEM-SIG-05: close removes all signal handlers") {
    const SignalGuard one(SIGUSR1);
    const SignalGuard two(SIGUSR2);
    EventLoop loop;
    auto kept = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = kept;
    loop.add_signal_handler(SIGUSR1, [kept = std::move(kept)] {});
    loop.add_signal_handler(SIGUSR2, [] {});
    loop.close();
    CHECK(handler_of(SIGUSR1) == SIG_DFL);
    CHECK(handler_of(SIGUSR2) == SIG_DFL);
    CHECK(watch.expired());
}

TEST("SEM-SIG-05: a signal that comes after close, to a handler of its own, finds no loop") {
    const SignalGuard guard(SIGUSR1);
    auto loop = new_event_loop();
    loop->add_signal_handler(SIGUSR1, [] {});
    loop->close();
    loop.reset();
    std::signal(SIGUSR1, [](int) {});
    std::raise(SIGUSR1);
    EventLoop next; // and a new loop is not called for the old one's signals
    bool called = false;
    next.add_signal_handler(SIGUSR1, [&called] { called = true; });
    next.call_later(1ms, [&next] { next.stop(); });
    next.run_forever();
    CHECK(!called);
}

TEST("SEM-SIG-06: an installation that failed leaves no handler behind, and other ones alone") {
    const SignalGuard guard(SIGUSR1);
    EventLoop loop;
    int calls = 0;
    loop.add_signal_handler(SIGUSR1, [&calls] { ++calls; });
    auto kept = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = kept;
    CHECK_THROWS_AS(loop.add_signal_handler(SIGKILL, [kept = std::move(kept)] {}), RuntimeError);
    CHECK(watch.expired());
    CHECK(!loop.remove_signal_handler(SIGKILL));
    std::raise(SIGUSR1);
    loop.call_later(1ms, [&loop] { loop.stop(); });
    loop.run_forever();
    CHECK_EQ(calls, 1);
}

CO_TEST("an exception of a signal's handler goes to the exception handler, and it stays") {
    const SignalGuard guard(SIGUSR1);
    EventLoop& loop = testing::loop();
    int failed = 0;
    loop.set_exception_handler([&failed](EventLoop&, const ExceptionContext&) { ++failed; });
    loop.add_signal_handler(SIGUSR1, [] { throw ValueError("handler"); });
    for (int i = 0; i < 2; ++i) {
        std::raise(SIGUSR1);
        co_await sleep(0s);
        co_await sleep(0s);
    }
    CHECK_EQ(failed, 2);
    CHECK(loop.remove_signal_handler(SIGUSR1));
    loop.set_exception_handler(nullptr);
}

// ---- many signals -------------------------------------------------------------------------------

CO_TEST_REAL_TIME("FLT-CORE-11: in 1e5 signals of three kinds at once no kind is lost") {
    const SignalGuard one(SIGUSR1);
    const SignalGuard two(SIGCHLD);
    const SignalGuard three(SIGTERM);
    const int numbers[] = {SIGUSR1, SIGCHLD, SIGTERM};
    int calls[3] = {};
    EventLoop& loop = testing::loop();
    for (int i = 0; i < 3; ++i) loop.add_signal_handler(numbers[i], [&calls, i] { ++calls[i]; });
    std::thread sender([&numbers] {
        for (int i = 0; i < 100'000; ++i) ::kill(::getpid(), numbers[i % 3]);
    });
    for (int i = 0; i < 50; ++i) co_await sleep(1ms);
    sender.join();
    for (const int count : calls) CHECK(count > 0);
    const int before[] = {calls[0], calls[1], calls[2]};
    co_await sleep(1ms);
    for (const int number : numbers) std::raise(number); // each is still heard
    co_await sleep(1ms);
    for (int i = 0; i < 3; ++i) CHECK(calls[i] > before[i]);
    for (const int number : numbers) CHECK(loop.remove_signal_handler(number));
}

namespace {

// Sends this process a signal every 100 us, as long as it lives.
class OftenSignal {
public:
    explicit OftenSignal(int number) {
        sigevent event{};
        event.sigev_notify = SIGEV_SIGNAL;
        event.sigev_signo = number;
        REQUIRE(::timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0);
        const itimerspec often{{0, 100'000}, {0, 100'000}};
        ::timer_settime(timer_, 0, &often, nullptr);
    }
    OftenSignal(const OftenSignal&) = delete;
    OftenSignal& operator=(const OftenSignal&) = delete;
    ~OftenSignal() { ::timer_delete(timer_); }

private:
    timer_t timer_{};
};

} // namespace

CO_TEST_REAL_TIME("FLT-CORE-11: signals at 10 kHz disturb neither allocation nor errno") {
    const SignalGuard guard(SIGVTALRM);
    EventLoop& loop = testing::loop();
    int calls = 0;
    loop.add_signal_handler(SIGVTALRM, [&calls] { ++calls; });
    {
        const OftenSignal often(SIGVTALRM);
        std::vector<std::string> texts;
        while (calls < 200) {
            for (int i = 0; i < 1000; ++i) {
                errno = ENOENT;
                texts.push_back(std::string(static_cast<std::size_t>(20 + i % 50), 'x'));
                CHECK_EQ(errno, ENOENT);
            }
            texts.clear();
            co_await sleep(0s);
        }
    }
    co_await sleep(1ms);
    CHECK(loop.remove_signal_handler(SIGVTALRM));
}

CO_TEST("FLT-CORE-11: a write to a dead peer is an error and a handled SIGPIPE, never the end") {
    const SignalGuard guard(SIGPIPE);
    int pipes_broken = 0;
    testing::loop().add_signal_handler(SIGPIPE, [&pipes_broken] { ++pipes_broken; });
    support::Pipe pipe;
    pipe.read_end.reset();
    CHECK(::write(pipe.out(), "x", 1) == -1);
    CHECK_EQ(errno, EPIPE);
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK_EQ(pipes_broken, 1);
    CHECK(testing::loop().remove_signal_handler(SIGPIPE));
}

TEST("FLT-CORE-11: SIGINT once lets main clean up, twice interrupts it") {
    const SignalGuard sigint(SIGINT);
    std::string events;
    const auto main = [](std::string& log, int interrupts) -> Coro<> {
        std::raise(SIGINT);
        const auto end = co_await outcome(sleep(3600s));
        log += "cleaning ";
        if (interrupts > 1) std::raise(SIGINT);
        const auto cleaning = co_await outcome(sleep(1ms));
        log += cleaning.has_value() ? "cleaned " : "interrupted ";
        end.value();
    };
    CHECK_THROWS_AS(run(main(events, 1)), KeyboardInterrupt);
    CHECK_EQ(events, "cleaning cleaned ");
    events.clear();
    CHECK_THROWS_AS(run(main(events, 2)), KeyboardInterrupt);
    CHECK_EQ(events, "cleaning interrupted ");
}
