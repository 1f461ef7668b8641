// SPDX-License-Identifier: MIT
// NextIterator: a range of what next() gives.
#include "base/next_iterator.h"

#include "asyncio/testing/testing.h"

#include <memory>
#include <utility>
#include <vector>

using asyncio::base::NextIterator;

namespace {

// So many numbers, which can only be moved.
class Countdown {
public:
    explicit Countdown(int from) : left_(from) {}
    std::optional<std::unique_ptr<int>> next() {
        ++asked;
        if (left_ == 0) return std::nullopt;
        return std::make_unique<int>(left_--);
    }
    NextIterator<Countdown, std::unique_ptr<int>> begin() {
        return NextIterator<Countdown, std::unique_ptr<int>>(*this);
    }
    static std::default_sentinel_t end() { return {}; }
    int asked = 0;

private:
    int left_;
};

TEST("NextIterator: gives what next() gives, in order, and asks no more behind the end") {
    Countdown three(3);
    std::vector<std::unique_ptr<int>> taken;
    for (std::unique_ptr<int>& value : three) taken.push_back(std::move(value));
    CHECK_EQ(taken.size(), 3U);
    CHECK_EQ(*taken.at(0), 3);
    CHECK_EQ(*taken.at(2), 1);
    CHECK_EQ(three.asked, 4);
}

TEST("NextIterator: of a range without values it is at the end at once") {
    Countdown none(0);
    CHECK(none.begin() == none.end());
    CHECK_EQ(none.asked, 1);
}

} // namespace
