// SPDX-License-Identifier: MIT
// heapq: the smallest first, and equal ones as Python gives them.
#include "base/heapq.h"

#include "asyncio/testing/testing.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>

using asyncio::base::heappop;
using asyncio::base::heappush;

namespace {

struct Item {
    int priority;
    char name;
};

bool earlier(const Item& a, const Item& b) { return a.priority < b.priority; }

// The names of the items, as they leave.
std::string order_of(const std::vector<Item>& items) {
    std::vector<Item> heap;
    for (Item item : items) heappush(heap, std::move(item), earlier);
    std::string names;
    while (!heap.empty()) names += heappop(heap, earlier).name;
    return names;
}

} // namespace

TEST("heapq: the smallest leaves first, whatever came and went in between") {
    std::mt19937 dice(7);
    std::vector<int> heap;
    std::vector<int> sorted;
    for (int i = 0; i < 2000; ++i) {
        if (dice() % 3 != 0 || heap.empty()) {
            int value = static_cast<int>(dice() % 100);
            sorted.insert(std::upper_bound(sorted.begin(), sorted.end(), value), value);
            heappush(heap, std::move(value), std::less<>());
        } else {
            CHECK_EQ(heappop(heap, std::less<>()), sorted.front());
            sorted.erase(sorted.begin());
        }
    }
    CHECK_EQ(heap.size(), sorted.size());
}

// python3 -c: class I with __lt__ by priority; heappush all, heappop all.
TEST("heapq: equal items leave in the order in which Python's heapq gives them") {
    CHECK_EQ(order_of({{1, 'a'}, {1, 'b'}, {1, 'c'}, {1, 'd'}, {1, 'e'}, {1, 'f'}, {1, 'g'}}),
             "acfgebd");
    CHECK_EQ(order_of({{3, 'a'},
                       {1, 'b'},
                       {2, 'c'},
                       {1, 'd'},
                       {3, 'e'},
                       {2, 'f'},
                       {1, 'g'},
                       {2, 'h'},
                       {3, 'i'}}),
             "bgdcfhiae");
}

TEST("heapq: a comparison that throws loses no item") {
    std::vector<int> heap{5};
    const auto broken = [](int, int) -> bool { throw std::runtime_error("no order"); };
    CHECK_THROWS_AS(heappush(heap, 4, broken), std::runtime_error);
    CHECK_EQ(heap.size(), 2U);
    heappush(heap, 3, std::less<>());
    CHECK_THROWS_AS(heappop(heap, broken), std::runtime_error);
    CHECK_EQ(heap.size(), 3U);
}

TEST("heapq: what can only be moved is moved") {
    std::vector<std::unique_ptr<int>> heap;
    const auto less = [](const auto& a, const auto& b) { return *a < *b; };
    for (const int value : {3, 1, 2}) heappush(heap, std::make_unique<int>(value), less);
    CHECK_EQ(*heappop(heap, less), 1);
    CHECK_EQ(*heappop(heap, less), 2);
}
