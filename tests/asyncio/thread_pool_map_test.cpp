// SPDX-License-Identifier: MIT
// ThreadPoolExecutor::map: order, pieces, what is ahead, errors, the end.
#include "asyncio/thread_pool_map.h"

#include "asyncio/testing/testing.h"
#include "asyncio/thread_pool.h"
#include "support/threads.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::Blocker;

TEST("TP01: map gives results in the order of the items, to the shortest range") {
    ThreadPoolExecutor pool(3);
    const std::vector<int> items{1, 2, 3, 4, 5};
    const std::vector<std::string> names{"a", "b", "c"};
    std::vector<int> squares;
    for (const int square : pool.map([](int x) { return x * x; }, items)) squares.push_back(square);
    CHECK_EQ(squares, std::vector<int>{1, 4, 9, 16, 25});

    auto pairs =
        pool.map([](int i, const std::string& n) { return n + std::to_string(i); }, items, names);
    CHECK(pairs.next() == "a1");
    CHECK(pairs.next() == "b2");
    CHECK(pairs.next() == "c3");
    CHECK(pairs.next() == std::nullopt);
    CHECK(!pool.map([](int) { return true; }, std::vector<int>()).next());
}

TEST("TP01: map in chunks calls the function once an item; buffer limits what is ahead") {
    ThreadPoolExecutor pool(2);
    std::vector<int> items(10);
    for (int i = 0; i < 10; ++i) items[static_cast<std::size_t>(i)] = i;
    for (const std::size_t chunk : {1U, 3U, 10U, 99U}) {
        std::atomic<int> calls{0};
        std::vector<int> results;
        const MapOptions options = MapOptions().chunk(chunk);
        for (const int r : pool.map(options, [&](int x) { return ++calls, -x; }, items)) {
            results.push_back(r);
        }
        CHECK_EQ(calls.load(), 10);
        CHECK_EQ(results.size(), 10U);
        CHECK_EQ(results.back(), -9);
    }

    std::atomic<int> begun{0};
    auto buffered = pool.map(MapOptions().buffer(2), [&](int x) { return ++begun, x; }, items);
    support::take_time(1ms);
    CHECK(begun <= 2);
    int sum = 0;
    while (auto value = buffered.next()) sum += *value;
    CHECK_EQ(sum, 45);
    CHECK_THROWS_AS(pool.map(MapOptions().chunk(0), [](int) {}, items), ValueError);
    CHECK_THROWS_AS(pool.map(MapOptions().buffer(0), [](int) {}, items), ValueError);
}

TEST("TP01: map throws an item's exception in its place and ends there") {
    ThreadPoolExecutor pool(2);
    const std::vector<int> items{1, 2, 0, 4};
    const auto inverse = [](int x) {
        if (x == 0) throw ZeroDivisionError("division by zero");
        return 100 / x;
    };
    for (const std::size_t chunk : {1U, 4U}) {
        auto results = pool.map(MapOptions().chunk(chunk), inverse, items);
        CHECK(results.next() == 100);
        CHECK(results.next() == 50);
        CHECK_THROWS_AS(results.next(), ZeroDivisionError);
        CHECK(results.next() == std::nullopt);
    }
}

TEST("TP01: map throws TimeoutError when the time is up, and cancels what has not begun") {
    ThreadPoolExecutor pool(1);
    std::atomic<int> calls{0};
    {
        Blocker blocker(pool);
        const std::vector<int> items{1, 2, 3};
        auto results =
            pool.map(MapOptions().timeout(1ms), [&](int x) { return ++calls, x; }, items);
        CHECK_THROWS_AS(results.next(), TimeoutError);
        CHECK(results.next() == std::nullopt);
    }
    pool.shutdown();
    CHECK(calls <= 1);
}

TEST("TP01: results of map that are dropped cancel what has not begun") {
    ThreadPoolExecutor pool(1);
    std::atomic<int> calls{0};
    {
        Blocker blocker(pool);
        const std::vector<int> items{1, 2, 3};
        {
            const auto dropped = pool.map([&](int) { ++calls; }, items);
        }
        CHECK(pool.unfinished_work().ends_with(", 0 queued"));
    }
    pool.shutdown();
    CHECK_EQ(calls.load(), 0);
}
