// SPDX-License-Identifier: MIT
// TimerQueue: exact order by deadline, whatever lists a timer has waited in.
#include "base/timer_queue.h"

#include "asyncio/testing/testing.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <random>
#include <vector>

using namespace asyncio::base;

namespace {

struct Timer : TimerSlot {};

constexpr std::int64_t second = 1'000'000'000;

/// The queue beside a std::multimap, which keeps equal keys in the order of insertion.
class Model {
public:
    explicit Model(std::uint64_t seed)
        : random_(seed), now_(random_between(0, 3) * 1000 * second) {}

    void step() {
        switch (random_() % 6) {
        case 0:
        case 1:
        case 2: return insert(now_ + random_delay());
        case 3: return remove_one();
        default: return advance();
        }
    }
    void drain() {
        while (Timer* timer = queue_.pop_any()) CHECK(!timer->armed());
        CHECK(queue_.empty());
    }

private:
    std::int64_t random_between(std::int64_t low, std::int64_t high) {
        return low +
               static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(high - low + 1));
    }
    // From nanoseconds to a month, now and then in the past, often equal to the one before.
    std::int64_t random_delay() {
        static constexpr std::int64_t ranges[] = {
            5, 1000, 2'000'000, 3 * second, 4000 * second, 2'000'000 * second, 50'000'000};
        if (random_() % 4 == 0) return last_delay_;
        last_delay_ = random_between(0, ranges[random_() % std::size(ranges)]);
        return random_() % 10 == 0 ? -last_delay_ : last_delay_;
    }
    void insert(std::int64_t when) {
        timers_.push_back(std::make_unique<Timer>());
        queue_.push(timers_.back().get(), when, now_);
        expected_.emplace(when, timers_.back().get());
        check_size();
    }
    void remove_one() {
        if (expected_.empty()) return;
        const auto chosen = std::next(
            expected_.begin(), random_between(0, static_cast<std::int64_t>(expected_.size()) - 1));
        queue_.remove(chosen->second);
        CHECK(!chosen->second->armed());
        expected_.erase(chosen);
        check_size();
    }
    void advance() {
        if (!expected_.empty()) {
            const std::int64_t told = queue_.next_deadline();
            CHECK(told <= expected_.begin()->first);
            if (expected_.size() < 32) CHECK_EQ(told, expected_.begin()->first);
        }
        now_ += random_delay() < 0 ? 0 : last_delay_;
        while (Timer* timer = queue_.pop_due(now_)) {
            REQUIRE(!expected_.empty());
            CHECK(timer == expected_.begin()->second);
            expected_.erase(expected_.begin());
        }
        CHECK(expected_.empty() || expected_.begin()->first > now_);
        check_size();
    }
    void check_size() const { CHECK_EQ(queue_.size(), expected_.size()); }

    std::mt19937_64 random_;
    std::int64_t now_;
    std::int64_t last_delay_ = 0;
    TimerQueue<Timer> queue_;
    std::multimap<std::int64_t, Timer*> expected_;
    std::vector<std::unique_ptr<Timer>> timers_;
};

} // namespace

TEST("TimerQueue: against a model, every timer comes once, by deadline, equal ones in order") {
    for (std::uint64_t seed = 1; seed <= 40 && asyncio::testing::failures() == 0; ++seed) {
        Model model(seed);
        for (int i = 0; i < 1500; ++i) model.step();
        model.drain();
    }
}

TEST("TimerQueue: equal deadlines keep their order across the levels they waited in") {
    TimerQueue<Timer> queue;
    Timer early; // waits by the second at first, comes down to milliseconds later
    Timer late;  // is put among the milliseconds at once
    Timer clock;
    const std::int64_t when = 2 * second;
    queue.push(&early, when, 0);
    queue.push(&clock, when - second / 2, 0);
    CHECK(queue.pop_due(when - second / 2) == &clock);
    queue.push(&late, when, when - second / 2);
    CHECK(queue.pop_due(when) == &early);
    CHECK(queue.pop_due(when) == &late);
    CHECK(queue.pop_due(when) == nullptr);
}

TEST("TimerQueue: a cancelled near timer does not shorten the wait for the next one") {
    TimerQueue<Timer> queue;
    Timer near;
    Timer far;
    queue.push(&near, second, 0);
    queue.push(&far, 10 * second, 0);
    CHECK_EQ(queue.next_deadline(), second);
    queue.remove(&near);
    CHECK_EQ(queue.next_deadline(), 10 * second);
    queue.remove(&far);
}

TEST("TimerQueue: deadlines at the ends of time are ordered like all others") {
    TimerQueue<Timer> queue;
    Timer never;
    Timer past;
    queue.push(&never, INT64_MAX, 0);
    queue.push(&past, INT64_MIN, 0);
    CHECK(queue.pop_due(0) == &past);
    CHECK(queue.pop_due(second * 86400 * 365 * 100) == nullptr);
    CHECK_EQ(queue.next_deadline(), INT64_MAX);
    CHECK(queue.pop_any() == &never);
}

TEST("TimerQueue: pop_any gives each timer once, wherever it waits") {
    TimerQueue<Timer> queue;
    std::vector<Timer> timers(200);
    constexpr std::int64_t century = second * 86400 * 365 * 100;
    std::int64_t delay = 1;
    for (Timer& timer : timers) { // from a nanosecond to a century
        queue.push(&timer, delay, 0);
        delay += delay / 4 + 1;
        if (delay > century) delay = 1;
    }
    CHECK_EQ(queue.size(), timers.size());
    std::size_t taken = 0;
    while (const Timer* timer = queue.pop_any()) {
        CHECK(!timer->armed());
        ++taken;
    }
    CHECK_EQ(taken, timers.size());
    CHECK(queue.empty());
}

TEST("TimerQueue: who sleeps until next_deadline misses no timer, and wakes not much too often") {
    TimerQueue<Timer> queue;
    std::vector<Timer> timers(100);
    std::mt19937_64 random(7);
    for (Timer& timer : timers) {
        queue.push(&timer, static_cast<std::int64_t>(random() % (3600 * 1'000'000'000ULL)), 0);
    }
    std::int64_t now = 0;
    int wakes = 0;
    std::int64_t last = 0;
    while (!queue.empty()) {
        now = std::max(now, queue.next_deadline());
        ++wakes;
        while (const Timer* timer = queue.pop_due(now)) {
            CHECK(timer->when <= now);
            CHECK(timer->when >= last);
            last = timer->when;
        }
    }
    CHECK(wakes <= 2 * static_cast<int>(timers.size()));
}
