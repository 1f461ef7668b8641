// SPDX-License-Identifier: MIT
// The loop under stress: interrupts, strange delays, many timers, callbacks that throw or block.
#include "asyncio/base_events.h"

#include "asyncio/testing/testing.h"
#include "base/frame_pool.h"
#include "support/memory.h"
#include "support/pipes.h"
#include "support/signal_guard.h"
#include "support/threads.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <ctime>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::Pipe;

// ---- interrupted system calls -------------------------------------------------------------------

namespace {

std::atomic<int> interrupts = 0;

// Interrupts this process's system calls a thousand times a second.
class Interrupter {
public:
    Interrupter() {
        struct sigaction action{};
        action.sa_handler = [](int) { interrupts.fetch_add(1); };
        ::sigaction(SIGUSR2, &action, nullptr); // without SA_RESTART
        sigevent event{};
        event.sigev_notify = SIGEV_SIGNAL;
        event.sigev_signo = SIGUSR2;
        REQUIRE(::timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0);
        const itimerspec often{{0, 1'000'000}, {0, 1'000'000}};
        ::timer_settime(timer_, 0, &often, nullptr);
    }
    Interrupter(const Interrupter&) = delete;
    Interrupter& operator=(const Interrupter&) = delete;
    ~Interrupter() { ::timer_delete(timer_); }

private:
    support::SignalGuard guard_{SIGUSR2};
    timer_t timer_{};
};

Coro<std::size_t> send_numbers(const Pipe& pipe, TimePoint until) {
    EventLoop& loop = get_running_loop();
    std::size_t sent = 0;
    while (loop.time() < until) {
        const auto byte = static_cast<unsigned char>(sent % 251);
        if (::write(pipe.out(), &byte, 1) == 1) {
            ++sent;
            if (sent % 64 == 0) co_await sleep(100us);
        } else {
            CHECK(errno == EAGAIN || errno == EINTR);
            co_await loop.writable(pipe.out());
        }
    }
    co_return sent;
}

Coro<std::size_t> receive_numbers(const Pipe& pipe) {
    std::size_t received = 0;
    for (;;) {
        unsigned char block[512];
        const ssize_t got = ::read(pipe.in(), block, sizeof block);
        if (got == 0) co_return received;
        if (got < 0) {
            CHECK(errno == EAGAIN || errno == EINTR);
            co_await get_running_loop().readable(pipe.in());
            continue;
        }
        for (ssize_t i = 0; i < got; ++i) REQUIRE(block[i] == received++ % 251);
    }
}

} // namespace

CO_TEST_REAL_TIME(
    "FLT-CORE-01: 1000 interrupts a second lose or double no byte, and are no error") {
    interrupts = 0;
    const Interrupter interrupter;
    Pipe pipe;
    EventLoop& loop = testing::loop();
    const Duration length = testing::full() ? Duration(10s) : Duration(500ms);
    const auto receiver = create_task(receive_numbers(pipe));
    const auto sender = create_task(send_numbers(pipe, loop.time() + length));
    int posted = 0;
    std::thread poster([&] {
        for (int i = 0; i < 200; ++i) {
            loop.call_soon_threadsafe([&posted] { ++posted; });
            support::take_time(1ms);
        }
    });
    const std::size_t sent = co_await sender;
    pipe.write_end.reset();
    CHECK_EQ(co_await receiver, sent);
    poster.join();
    while (posted < 200) co_await sleep(1ms);
    CHECK(interrupts > 50);
    CHECK(sent > 1000);
}

CO_TEST_REAL_TIME("FLT-CORE-01: interrupts do not shorten a sleep") {
    const Interrupter interrupter;
    for (int i = 0; i < 10; ++i) {
        const TimePoint before = testing::loop().time();
        co_await sleep(10ms);
        CHECK(testing::loop().time() - before >= 10ms);
    }
}

// ---- strange delays -----------------------------------------------------------------------------

CO_TEST("FLT-CORE-05: a delay that is no number is a ValueError, everywhere") {
    const Seconds nan(std::numeric_limits<double>::quiet_NaN());
    const auto nothing = [] {};
    CHECK_THROWS_MSG(testing::loop().call_later(nan, nothing), ValueError, "NaN");
    CHECK_THROWS_AS(co_await sleep(nan), ValueError);
    CHECK_THROWS_AS(testing::loop().slow_callback_duration(nan), ValueError);
    CHECK_EQ(testing::loop().timer_count(), 0U);
}

CO_TEST("FLT-CORE-05: negative and zero delays are due at once") {
    int ran = 0;
    for (const Seconds delay : {Seconds(-1.0), Seconds(0.0), Seconds(-1e300),
                                Seconds(-std::numeric_limits<double>::infinity())}) {
        testing::loop().call_later(delay, [&ran] { ++ran; });
        co_await sleep(delay);
    }
    co_await sleep(0s);
    CHECK_EQ(ran, 4);
    CHECK_EQ(testing::loop().time().time_since_epoch(), 0s);
}

CO_TEST("FLT-CORE-05: infinite and enormous delays never come, in two hundred years neither") {
    int ran = 0;
    EventLoop& loop = testing::loop();
    std::vector<TimerHandle> timers;
    for (const Seconds delay : {Seconds(std::numeric_limits<double>::infinity()), Seconds(1e18),
                                Seconds(std::numeric_limits<double>::max())}) {
        timers.push_back(loop.call_later(delay, [&ran] { ++ran; }));
    }
    timers.push_back(loop.call_later(std::chrono::hours::max(), [&ran] { ++ran; }));
    co_await sleep(200 * 365 * 24h);
    CHECK_EQ(ran, 0);
    for (TimerHandle& timer : timers) timer.cancel();
}

CO_TEST("FLT-CORE-05: 2^31 milliseconds are not cut short, and do not make the loop spin") {
    const testing::Turns turns;
    co_await sleep(2'147'483'648ms);
    CHECK_EQ(testing::loop().time().time_since_epoch(), 2'147'483'648ms);
    CHECK(turns.count() <= 26); // 24.9 days, one look a day
}

TEST("FLT-CORE-05: a loop that has only endless timers sleeps until somebody wakes it") {
    EventLoop loop;
    loop.call_later(Seconds(std::numeric_limits<double>::infinity()), [] { FAIL("it fired"); });
    std::thread waker([&loop] {
        support::take_time(10ms);
        loop.call_soon_threadsafe([&loop] { loop.stop(); });
    });
    loop.run_forever();
    waker.join();
    CHECK(loop.turn_count() <= 3);
    CHECK_EQ(loop.timer_count(), 1U);
}

TEST("FLT-CORE-05: where time jumps, only endless timers are a deadlock, not an endless jump") {
    EventLoop loop(LoopOptions().backend(testing::make_virtual_backend()));
    loop.call_later(Seconds(std::numeric_limits<double>::infinity()), [] { FAIL("it fired"); });
    std::thread waker([&loop] {
        support::take_time(5ms);
        loop.call_soon_threadsafe([&loop] { loop.stop(); });
    });
    loop.run_forever();
    waker.join();
    CHECK_EQ(loop.time().time_since_epoch(), 0s);
}

// ---- many timers --------------------------------------------------------------------------------

CO_TEST("FLT-CORE-06: 1e5 timers over a year each fire once, by deadline, ties as registered") {
    constexpr int count = 100'000;
    struct Fired {
        std::int64_t minute;
        int number;
        auto operator<=>(const Fired&) const = default;
    };
    std::vector<Fired> fired;
    fired.reserve(count);
    std::mt19937_64 random(11); // NOLINT(cert-msc51-cpp): the same run every time
    EventLoop& loop = testing::loop();
    for (int i = 0; i < count; ++i) {
        const auto minute = static_cast<std::int64_t>(random() % (365 * 24 * 60 / 10)) * 10;
        loop.call_later(std::chrono::minutes(minute),
                        [&fired, minute, i] { fired.push_back({minute, i}); });
    }
    co_await sleep(366 * 24h);
    CHECK_EQ(fired.size(), static_cast<std::size_t>(count));
    CHECK(std::is_sorted(fired.begin(), fired.end()));
}

TEST("FLT-CORE-06: the loop's time is the steady clock, whatever is done to the wall clock") {
    static_assert(Clock::is_steady);
    const EventLoop loop;
    const auto before = Clock::now();
    const auto now = loop.time();
    CHECK(before <= now && now <= Clock::now());
}

CO_TEST("FLT-CORE-07: a million timers made and cancelled leave nothing, and memory stays flat") {
    EventLoop& loop = testing::loop();
    const auto churn = [&loop](int rounds) {
        std::vector<TimerHandle> timers;
        for (int round = 0; round < rounds; ++round) {
            for (int i = 0; i < 1000; ++i) {
                timers.push_back(loop.call_later(std::chrono::seconds(i + 1), [] {}));
            }
            for (TimerHandle& timer : timers) timer.cancel();
            timers.clear();
        }
    };
    churn(100);
    co_await sleep(0s);
    const std::size_t before = support::resident_bytes();
    churn(900);
    co_await sleep(0s);
    CHECK_EQ(loop.timer_count(), 0U);
    if (support::memory_can_be_measured) {
        CHECK(support::resident_bytes() < before + (std::size_t{2} << 20));
    }
}

CO_TEST("FLT-CORE-07: a million timers alive at once give their memory back when they are gone") {
    EventLoop& loop = testing::loop();
    const base::FrameStats before = base::frame_stats();
    {
        std::vector<TimerHandle> timers;
        timers.reserve(1'000'000);
        for (int i = 0; i < 1'000'000; ++i) {
            timers.push_back(loop.call_later(std::chrono::seconds(i % 1000 + 1), [] {}));
        }
        CHECK_EQ(loop.timer_count(), 1'000'000U);
        for (TimerHandle& timer : timers) timer.cancel();
    }
    CHECK_EQ(loop.timer_count(), 0U);
    co_await sleep(2s); // a loop that has nothing to do gives back what it need not keep
    const base::FrameStats after = base::frame_stats();
    CHECK_EQ(after.live_blocks, before.live_blocks);
    CHECK(after.slabs <= before.slabs + 64); // of more than a thousand
}

// ---- callbacks and tasks that throw -------------------------------------------------------------

namespace {

struct Reports {
    explicit Reports(EventLoop& loop) : loop_(loop) {
        loop.set_exception_handler([this](EventLoop&, const ExceptionContext& context) {
            messages.push_back(context.message);
            exceptions.push_back(context.exception);
        });
    }
    Reports(const Reports&) = delete;
    Reports& operator=(const Reports&) = delete;
    ~Reports() { loop_.set_exception_handler(nullptr); }

    std::vector<std::string> messages;
    std::vector<std::exception_ptr> exceptions;

private:
    EventLoop& loop_;
};

} // namespace

CO_TEST("FLT-CORE-09: a callback that throws, whatever it throws, is reported once; others go on") {
    Reports reports(testing::loop());
    int ran = 0;
    EventLoop& loop = testing::loop();
    loop.call_soon([] { throw ValueError("std"); });
    loop.call_soon([&ran] { ++ran; });
    loop.call_soon([] { throw 42; });
    loop.call_soon([&ran] { ++ran; });
    loop.call_later(0s, [] { throw std::bad_alloc(); });
    loop.call_later(0s, [&ran] { ++ran; });
    loop.call_soon_threadsafe([] { throw std::string("text"); });
    loop.call_soon([] { throw CancelledError("no interrupt"); });
    co_await sleep(1s);
    CHECK_EQ(ran, 3);
    CHECK_EQ(reports.messages.size(), 5U);
    for (const std::string& m : reports.messages) CHECK(m.starts_with("Exception in callback"));
    CHECK(is_exception<ValueError>(reports.exceptions[0]));
    CHECK(is_exception<int>(reports.exceptions[1]));
}

CO_TEST("FLT-CORE-09: a task that throws anything keeps it, and others go on") {
    Reports reports(testing::loop());
    const auto throws = [](int what) -> Coro<> {
        co_await sleep(0s);
        if (what == 0) throw ValueError("std");
        if (what == 1) throw 42;
        throw std::bad_alloc();
    };
    const auto first = create_task(throws(0));
    const auto second = create_task(throws(1));
    create_task(throws(2)); // nobody will look at it
    const auto unharmed = create_task(sleep(1s, 5));
    CHECK_EQ(co_await unharmed, 5);
    CHECK_THROWS_AS(co_await first, ValueError);
    CHECK_THROWS_AS(co_await second, int);
    CHECK_EQ(reports.messages, std::vector<std::string>({"Task exception was never retrieved"}));
    CHECK(is_exception<std::bad_alloc>(reports.exceptions[0]));
}

CO_TEST("FLT-CORE-09: with the default handler it is one record in the log") {
    testing::loop().call_soon([] { throw 42; });
    co_await sleep(0s);
    const auto logs = testing::take_logs();
    REQUIRE(logs.size() == 1);
    CHECK(logs[0].text.starts_with("Exception in callback"));
    CHECK(logs[0].text.find("\nint") != std::string::npos);
}

// ---- callbacks that do not let go ---------------------------------------------------------------

CO_TEST_REAL_TIME(
    "FLT-CORE-10: an endless chain of callbacks starves neither timers nor descriptors") {
    EventLoop& loop = testing::loop();
    const Pipe pipe;
    bool go_on = true;
    base::Function<void()> again;
    again = [&] {
        if (go_on) loop.call_soon([&again] { again(); });
    };
    again();
    bool read = false;
    loop.add_reader(pipe.in(), [&] {
        read = true;
        loop.remove_reader(pipe.in());
    });
    bool rang = false;
    loop.call_later(2ms, [&] {
        rang = true;
        pipe.put();
    });
    const auto sleeper = create_task(sleep(5ms));
    co_await sleeper;
    while (!read) co_await sleep(1ms);
    CHECK(rang);
    go_on = false;
    co_await sleep(0s);
    co_await sleep(0s);
}

CO_TEST_REAL_TIME("FLT-CORE-10: in debug mode a callback or task that blocks is reported by name") {
    EventLoop& loop = testing::loop();
    loop.set_debug(true);
    loop.slow_callback_duration(20ms);
    const auto block = [] {
        std::this_thread::sleep_for(30ms); // tidy: sleep: it is to block, for longer than allowed
    };
    loop.call_soon(block);
    const auto blocks = [](auto blocking) -> Coro<> {
        blocking();
        co_return;
    };
    co_await create_task(blocks(block), "the-slow-one");
    loop.set_debug(false);
    const auto logs = testing::take_logs();
    REQUIRE(logs.size() == 2);
    CHECK(logs[0].text.starts_with("Executing <Handle "));
    CHECK(logs[1].text.find("name='the-slow-one'") != std::string::npos);
    for (const auto& record : logs) {
        CHECK(record.text.find(" took 0.0") != std::string::npos);
        CHECK(record.text.ends_with(" seconds"));
    }
}
