// SPDX-License-Identifier: MIT
// TimerHeap: deadline order, ties, leaving from anywhere, the memory it keeps.
#include "base/timer_heap.h"

#include "asyncio/testing/testing.h"

#include <map>
#include <memory>
#include <vector>

using asyncio::base::TimerHeap;
using asyncio::base::TimerSlot;

namespace {

struct Timer : TimerSlot {
    int id = 0;
};

std::vector<int> drain(TimerHeap<Timer>& heap) {
    std::vector<int> order;
    while (!heap.empty()) {
        order.push_back(heap.top().timer->id);
        heap.pop();
    }
    return order;
}

} // namespace

TEST("TimerHeap: timers come out by deadline, not by arrival") {
    std::vector<Timer> timers(5);
    const std::int64_t when[] = {30, -10, 20, 0, 10};
    TimerHeap<Timer> heap;
    for (int i = 0; i < 5; ++i) {
        timers[static_cast<std::size_t>(i)].id = i;
        heap.push(&timers[static_cast<std::size_t>(i)], when[i]);
    }
    CHECK_EQ(heap.size(), 5U);
    CHECK_EQ(heap.top().when, -10);
    CHECK_EQ(drain(heap), std::vector<int>({1, 3, 4, 2, 0}));
}

TEST("TimerHeap: equal deadlines come out first come, first served") {
    std::vector<Timer> timers(1000);
    std::vector<int> arrival;
    TimerHeap<Timer> heap;
    for (std::size_t i = 0; i < timers.size(); ++i) {
        timers[i].id = static_cast<int>(i);
        arrival.push_back(timers[i].id);
        heap.push(&timers[i], 7);
    }
    CHECK_EQ(drain(heap), arrival);
}

TEST("TimerHeap: a timer knows whether it is queued") {
    Timer timer;
    TimerHeap<Timer> heap;
    CHECK(!timer.armed());
    heap.push(&timer, 1);
    CHECK(timer.armed());
    heap.remove(&timer);
    CHECK(!timer.armed());
    heap.push(&timer, 2);
    heap.pop();
    CHECK(!timer.armed());
    CHECK(heap.empty());
}

TEST("TimerHeap: it does what a multimap does, ties in order of arrival") {
    // Few deadlines, so that ties are the rule. A multimap keeps equal keys in order of insertion.
    constexpr std::size_t count = 300;
    std::vector<Timer> timers(count);
    std::vector<std::multimap<std::int64_t, Timer*>::iterator> places(count);
    std::multimap<std::int64_t, Timer*> model;
    TimerHeap<Timer> heap;
    std::uint64_t random = 88172645463325252U;
    for (int step = 0; step < 200'000; ++step) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        const std::size_t which = random % count;
        Timer& timer = timers[which];
        timer.id = static_cast<int>(which);
        const bool queued = timer.armed();
        if (queued && (random >> 40) % 3 == 0) {
            Timer* first = model.begin()->second;
            REQUIRE(heap.top().timer == first);
            REQUIRE(heap.top().when == model.begin()->first);
            heap.pop();
            model.erase(model.begin());
        } else if (queued) {
            heap.remove(&timer);
            model.erase(places[which]);
        } else {
            const auto when = static_cast<std::int64_t>((random >> 20) % 20) - 10;
            heap.push(&timer, when);
            places[which] = model.emplace(when, &timer);
        }
        REQUIRE(heap.size() == model.size());
        if (!model.empty()) REQUIRE(heap.top().timer == model.begin()->second);
    }
    for (const auto& [when, timer] : model) {
        REQUIRE(heap.top().timer == timer);
        heap.pop();
    }
    CHECK(heap.empty());
}

TEST("TimerHeap: trim gives memory back after a burst and loses no timer") {
    std::vector<Timer> timers(10'000);
    TimerHeap<Timer> heap;
    for (std::size_t i = 0; i < timers.size(); ++i) {
        timers[i].id = static_cast<int>(i);
        heap.push(&timers[i], static_cast<std::int64_t>(i));
    }
    for (std::size_t i = 10; i < timers.size(); ++i) heap.remove(&timers[i]);
    const std::size_t before = heap.capacity();
    while (true) {
        const std::size_t held = heap.capacity();
        heap.trim();
        if (heap.capacity() == held) break;
    }
    CHECK(before >= 10'000);
    CHECK(heap.capacity() <= 1024);
    CHECK_EQ(drain(heap), std::vector<int>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST("TimerHeap: for what it has reserved it needs no more memory") {
    TimerHeap<Timer> heap;
    std::vector<Timer> timers(500);
    heap.push(&timers[0], 0);
    heap.reserve_more(timers.size() - 1);
    const std::size_t before = heap.capacity();
    for (std::size_t i = 1; i < timers.size(); ++i) {
        heap.push(&timers[i], static_cast<std::int64_t>(i));
    }
    CHECK_EQ(heap.capacity(), before);
    CHECK_EQ(heap.size(), timers.size());
    while (!heap.empty()) heap.pop();
}

TEST("TimerHeap: a timer that has left can be armed again, for another time") {
    TimerHeap<Timer> heap;
    Timer once;
    Timer twice;
    once.id = 1;
    twice.id = 2;
    heap.push(&twice, 10);
    heap.push(&once, 20);
    heap.remove(&twice);
    heap.push(&twice, 30);
    CHECK_EQ(drain(heap), std::vector<int>({1, 2}));
    CHECK(!twice.armed());
}
