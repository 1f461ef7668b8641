// SPDX-License-Identifier: MIT
// FixedArray: objects that stay where they were made, and go in the opposite order.
#include "base/fixed_array.h"

#include "asyncio/testing/testing.h"

#include <stdexcept>
#include <string>
#include <vector>

using asyncio::base::FixedArray;
using asyncio::base::frame_stats;

namespace {

std::vector<int> gone; // in this order

struct Noted {
    explicit Noted(int n) : number(n) {
        if (n < 0) throw std::invalid_argument("negative");
    }
    Noted(const Noted&) = delete; // nor movable: the array has to do without
    Noted& operator=(const Noted&) = delete;
    ~Noted() { gone.push_back(number); }
    int number;
};

} // namespace

TEST("FixedArray: makes objects one by one, in place, in the order of the calls") {
    FixedArray<Noted> array;
    array.reserve(3);
    CHECK_EQ(array.capacity(), 3U);
    const Noted* first = &array.emplace(1);
    array.emplace(2);
    array.emplace(3);
    CHECK_EQ(array.size(), 3U);
    CHECK(&array[0] == first);
    std::vector<int> numbers;
    for (const Noted& item : array) numbers.push_back(item.number);
    CHECK_EQ(numbers, std::vector<int>({1, 2, 3}));
}

TEST("FixedArray: destroys only what was made, the last first") {
    gone.clear();
    {
        FixedArray<Noted> array;
        array.reserve(10);
        for (const int number : {1, 2, 3}) array.emplace(number);
    }
    CHECK_EQ(gone, std::vector<int>({3, 2, 1}));
}

TEST("FixedArray: an object that cannot be made is not in it, and its place is used again") {
    gone.clear();
    FixedArray<Noted> array;
    array.reserve(2);
    array.emplace(1);
    CHECK_THROWS_AS(array.emplace(-1), std::invalid_argument);
    CHECK_EQ(array.size(), 1U);
    array.emplace(2);
    CHECK_EQ(array[1].number, 2);
    CHECK(gone.empty());
}

TEST("FixedArray: gives its block back, and can be given another one") {
    const std::size_t before = frame_stats().live_blocks;
    FixedArray<std::string> array;
    CHECK_EQ(frame_stats().live_blocks, before);
    array.reserve(4);
    const std::string text(100, 'x');
    array.emplace(text);
    CHECK_EQ(frame_stats().live_blocks, before + 1);
    array.reset();
    CHECK_EQ(frame_stats().live_blocks, before);
    CHECK_EQ(array.size(), 0U);
    CHECK_EQ(array.capacity(), 0U);
    array.reserve(1);
    CHECK_EQ(array.emplace("again"), "again");
    array.reset();
    CHECK_EQ(frame_stats().live_blocks, before);
}

TEST("FixedArray: no room takes no block") {
    const std::size_t before = frame_stats().live_blocks;
    FixedArray<Noted> array;
    array.reserve(0);
    CHECK_EQ(frame_stats().live_blocks, before);
    CHECK(array.begin() == array.end());
}
