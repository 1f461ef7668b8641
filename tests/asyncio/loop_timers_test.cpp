// SPDX-License-Identifier: MIT
// The loop's timers: deadlines, ties, cancelling, what the loop waits for.
#include "asyncio/base_events.h"

#include "asyncio/testing/testing.h"

#include <memory>
#include <string>
#include <sys/eventfd.h>
#include <unistd.h>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;

CO_TEST("SEM-LOOP-03: a turn runs what was left, then descriptors, then due timers") {
    // Three things become ready for one and the same turn; time does not pass in it.
    std::vector<std::string> order;
    EventLoop& loop = testing::loop();
    const int fd = ::eventfd(0, EFD_NONBLOCK);
    loop.add_reader(fd, [&] {
        order.push_back("descriptor");
        loop.remove_reader(fd);
    });
    loop.call_soon([&] {
        loop.call_later(0s, [&order] { order.push_back("timer"); });
        const std::uint64_t one = 1;
        CHECK(::write(fd, &one, sizeof one) == sizeof one);
        loop.call_soon([&order] { order.push_back("left over"); });
    });
    co_await sleep(1s);
    CHECK_EQ(order, std::vector<std::string>({"left over", "descriptor", "timer"}));
    ::close(fd);
}

CO_TEST("SEM-LOOP-03: a due timer that a callback of its turn cancels does not run") {
    bool ran = false;
    TimerHandle timer = testing::loop().call_later(0s, [&ran] { ran = true; });
    testing::loop().call_soon([&timer] { timer.cancel(); }); // left over: runs before the timer
    co_await sleep(1s);
    CHECK(!ran);
    timer = testing::loop().call_later(2s, [&ran] { ran = true; });
    testing::loop().call_later(1s, [&timer] { timer.cancel(); });
    co_await sleep(3s);
    CHECK(!ran);
}

CO_TEST("SEM-LOOP-04: call_later calls once, not before the delay has passed") {
    std::vector<Duration> at;
    const TimePoint start = testing::loop().time();
    testing::loop().call_later(1500ms, [&] { at.push_back(testing::loop().time() - start); });
    co_await sleep(1499ms);
    CHECK(at.empty());
    co_await sleep(10s);
    CHECK_EQ(at, std::vector<Duration>({1500ms}));
}

CO_TEST_REAL_TIME("SEM-LOOP-04: on the real clock a call is never early either") {
    for (const Duration delay : {Duration(100us), Duration(1ms), Duration(2500us)}) {
        std::optional<TimePoint> at;
        const TimePoint start = testing::loop().time();
        testing::loop().call_later(delay, [&] { at = testing::loop().time(); });
        while (!at) co_await sleep(500us);
        CHECK(*at - start >= delay);
    }
}

CO_TEST("SEM-LOOP-05: zero and negative delays run later, never inside call_later") {
    std::vector<int> ran;
    testing::loop().call_later(0s, [&ran] { ran.push_back(0); });
    testing::loop().call_later(-5s, [&ran] { ran.push_back(-5); });
    CHECK(ran.empty());
    co_await sleep(1s);
    CHECK_EQ(ran, std::vector<int>({-5, 0}));
}

CO_TEST("SEM-LOOP-05: two negative delays run in the order of their deadlines") {
    std::string ran;
    testing::loop().call_later(-1s, [&ran] { ran += 'a'; });
    testing::loop().call_later(-2s, [&ran] { ran += 'b'; });
    co_await sleep(1s);
    CHECK_EQ(ran, "ba");
}

CO_TEST("SEM-LOOP-05: a timer that re-arms itself with delay 0 runs once a turn") {
    std::vector<int> at;
    const testing::Turns turns;
    base::Function<void()> again;
    again = [&] {
        at.push_back(turns.count());
        if (at.size() < 5) testing::loop().call_later(0s, [&again] { again(); });
    };
    again();
    co_await sleep(1s);
    CHECK_EQ(at, std::vector<int>({0, 1, 2, 3, 4}));
}

CO_TEST("SEM-LOOP-06: overdue timers run by deadline, equal deadlines in order of registration") {
    std::string ran;
    EventLoop& loop = testing::loop();
    const TimePoint now = loop.time();
    loop.call_at(now + 2s, [&ran] { ran += 'd'; });
    loop.call_at(now + 1s, [&ran] { ran += 'b'; });
    loop.call_at(now + 1s, [&ran] { ran += 'c'; });
    loop.call_at(now - 1s, [&ran] { ran += 'a'; });
    co_await sleep(5s); // all in its past
    CHECK_EQ(ran, "abcd");
}

CO_TEST("SEM-LOOP-06: timers that are all overdue when the loop wakes keep that order") {
    std::string ran;
    EventLoop& loop = testing::loop();
    for (const int delay : {3, 1, 2, 1, 3}) {
        loop.call_at(loop.time() - std::chrono::seconds(10 - delay),
                     [&ran, delay] { ran += std::to_string(delay); });
    }
    co_await sleep(1s);
    CHECK_EQ(ran, "11233");
}

CO_TEST("SEM-LOOP-06: of one deadline, calls run in the order of registration, a turn later "
        "sleepers do") {
    std::string ran;
    const auto sleeper = [&ran](char name) -> Coro<> {
        co_await sleep(1s);
        ran += name;
    };
    auto a = create_task(sleeper('a'));
    co_await sleep(0s); // it sleeps
    testing::loop().call_later(1s, [&ran] { ran += 'b'; });
    auto c = create_task(sleeper('c'));
    co_await sleep(0s);
    testing::loop().call_later(1s, [&ran] { ran += 'd'; });
    co_await sleep(2s);
    CHECK_EQ(ran, "bdac"); // what ends a sleep is a call, as in CPython; the task steps behind it
    CHECK(a.done() && c.done());
}

namespace {

template <class D>
concept Delay = requires(EventLoop& loop, D delay) { loop.call_later(delay, [] {}); };
template <class T>
concept Deadline = requires(EventLoop& loop, T when) { loop.call_at(when, [] {}); };

} // namespace

CO_TEST("SEM-LOOP-07: a call at no time at all does not compile") {
    static_assert(Delay<Duration> && Delay<std::chrono::milliseconds> && Delay<Seconds>);
    static_assert(!Delay<std::nullptr_t> && !Delay<std::nullopt_t> && !Delay<int>);
    static_assert(Deadline<TimePoint>);
    static_assert(!Deadline<std::nullptr_t> && !Deadline<std::optional<TimePoint>>);
    co_return;
}

CO_TEST("SEM-LOOP-09: when() is the deadline on the loop's clock, and handles compare by it") {
    EventLoop& loop = testing::loop();
    co_await sleep(5s);
    TimerHandle late = loop.call_later(3s, [] {});
    TimerHandle early = loop.call_at(loop.time() + 1s, [] {});
    CHECK_EQ(late.when(), loop.time() + 3s);
    CHECK_EQ(early.when(), loop.time() + 1s);
    CHECK(early < late);
    CHECK(late > early);
    CHECK(early <= early);
    const TimePoint due = early.when();
    co_await sleep(10s);
    CHECK_EQ(early.when(), due); // also after the call
    co_return;
}

CO_TEST("SEM-LOOP-10: a cancelled near timer does not wake the loop early") {
    TimerHandle near_timer = testing::loop().call_later(1s, [] {});
    near_timer.cancel();
    CHECK_EQ(testing::loop().timer_count(), 0U);
    const testing::Turns turns;
    co_await sleep(10s);
    CHECK_EQ(turns.count(), 2); // the deadline's turn and the task's
}

CO_TEST("SEM-LOOP-11: cancelled timers are gone at once, wherever they stood") {
    std::vector<TimerHandle> timers;
    int ran = 0;
    for (int i = 0; i < 300; ++i) {
        timers.push_back(
            testing::loop().call_later(std::chrono::seconds(i + 1), [&ran] { ++ran; }));
    }
    for (std::size_t i = 0; i < timers.size(); ++i) {
        if (i % 3 != 0) timers[i].cancel();
    }
    CHECK_EQ(testing::loop().timer_count(), 100U); // CPython: after the next turn
    co_await sleep(301s);
    CHECK_EQ(ran, 100);
}

CO_TEST("SEM-LOOP-11: what a cancelled timer captured goes with it") {
    auto kept = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = kept;
    TimerHandle timer = testing::loop().call_later(3600s, [kept = std::move(kept)] {});
    timer.cancel();
    CHECK(watch.expired());
    timer.cancel();
    co_return;
}

namespace {

// What the loop asks of its poller.
class AskedBackend final : public EpollBackend {
public:
    explicit AskedBackend(std::vector<std::int64_t>& timeouts) : timeouts_(timeouts) {}
    std::int64_t now_ns() noexcept override { return now_; }
    std::span<const os::ReadyEvent> poll(std::int64_t timeout_ns, bool outside) override {
        timeouts_.push_back(timeout_ns);
        if (timeout_ns > 0) now_ += timeout_ns;
        return EpollBackend::poll(0, outside);
    }

private:
    std::vector<std::int64_t>& timeouts_;
    std::int64_t now_ = 0;
};

struct AskedLoop {
    std::vector<std::int64_t> timeouts;
    EventLoop loop{LoopOptions().backend(std::make_unique<AskedBackend>(timeouts))};
};

constexpr std::int64_t second = 1'000'000'000;

} // namespace

TEST("SEM-LOOP-12: the poll time-out is the time to the nearest timer") {
    AskedLoop asked;
    asked.loop.call_later(7s, [] {});
    asked.loop.call_later(5s, [&asked] { asked.loop.stop(); });
    asked.loop.run_forever();
    CHECK_EQ(asked.timeouts, std::vector<std::int64_t>({5 * second}));
}

TEST("SEM-LOOP-12: it is 24 hours at most") {
    AskedLoop asked;
    asked.loop.call_later(60h, [&asked] { asked.loop.stop(); });
    asked.loop.run_forever();
    CHECK_EQ(asked.timeouts, std::vector<std::int64_t>(
                                 {24 * 3600 * second, 24 * 3600 * second, 12 * 3600 * second}));
}

TEST(
    "SEM-LOOP-12: it is infinite without timers, and 0 when something is ready or stop was asked") {
    AskedLoop asked;
    const int fd = ::eventfd(0, EFD_NONBLOCK); // with a descriptor watched, every turn polls
    asked.loop.add_reader(fd, [] {});
    asked.loop.call_soon([&asked] {
        asked.loop.call_soon_threadsafe([&asked] { asked.loop.stop(); });
        asked.loop.call_soon([] {});
    });
    asked.loop.run_forever();
    CHECK_EQ(asked.timeouts, std::vector<std::int64_t>({0, 0}));
    asked.timeouts.clear();
    asked.loop.stop();
    asked.loop.run_forever();
    CHECK_EQ(asked.timeouts, std::vector<std::int64_t>({0}));
    asked.timeouts.clear();
    asked.loop.call_soon([&asked] {
        // Seen by the turn after: nothing is ready, no timer armed.
        asked.loop.call_later(0s, [] {}).cancel();
    });
    const std::uint64_t one = 1;
    asked.loop.add_reader(fd, [&asked] { asked.loop.stop(); });
    asked.loop.call_soon([fd, &one] { CHECK(::write(fd, &one, sizeof one) == sizeof one); });
    asked.loop.run_forever();
    CHECK_EQ(asked.timeouts, std::vector<std::int64_t>({0, -1}));
    ::close(fd);
}

CO_TEST_REAL_TIME("SEM-LOOP-13: five sleeps of 1e-2 s to 1e-10 s take at most about 20 turns") {
    const testing::Turns turns;
    for (const double seconds : {1e-2, 1e-4, 1e-6, 1e-8, 1e-10}) co_await sleep(Seconds(seconds));
    CHECK(turns.count() <= 20);
    CHECK(turns.count() >= 5);
}

CO_TEST("timer handles: dropping one changes nothing; copies show the same call") {
    int ran = 0;
    testing::loop().call_later(1s, [&ran] { ++ran; });
    TimerHandle first = testing::loop().call_later(1s, [&ran] { ++ran; });
    TimerHandle copy = first;
    copy.cancel();
    CHECK(first.cancelled());
    Handle plain = testing::loop().call_later(1s, [&ran] { ++ran; }); // as a plain handle
    plain.cancel();
    co_await sleep(2s);
    CHECK_EQ(ran, 1);
}
