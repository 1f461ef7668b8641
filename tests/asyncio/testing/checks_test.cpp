// SPDX-License-Identifier: MIT
// CHECK_EQ looks at values while they live, and tells a difference.
#include "asyncio/testing/checks.h"

#include "asyncio/testing/testing.h"
#include "support/child_process.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using asyncio::testing::kept;

namespace {

// Owns a text as long as it lives. The text is a static, so that a look too late is no undefined
// behaviour, but sees "gone".
class Owner {
public:
    Owner() { held() = "held"; }
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    ~Owner() { held() = "gone"; }

    const std::string& text() const { return held(); }
    std::string_view view() const { return held(); }
    const char* c_str() const { return held().c_str(); }

private:
    static std::string& held() {
        static std::string text;
        return text;
    }
};

Coro<std::vector<int>> three() {
    co_await sleep(0s);
    co_return std::vector{1, 2, 3};
}

} // namespace

TEST("CHECK_EQ: a part of a temporary is compared before the temporary is gone") {
    CHECK_EQ(Owner().text(), "held");
    CHECK_EQ(Owner().view(), "held");
    CHECK_EQ(Owner().c_str(), std::string_view("held"));
    const std::string text = "held";
    CHECK_EQ(text, Owner().text());
    CHECK_EQ(text, Owner().view());
    CHECK_EQ(text, Owner().c_str());
}

CO_TEST("CHECK_EQ: beside an await there may be a list in braces, on either side") {
    CHECK_EQ(co_await three(), std::vector<int>{1, 2, 3});
    CHECK_EQ((std::vector<int>{1, 2, 3}), co_await three());
}

TEST("CHECK_EQ: what can only be moved is compared too, and each side is worked out once") {
    const auto make = [](int& calls) { return std::make_unique<int>(++calls); };
    int left = 0;
    int right = 0;
    CHECK_EQ(make(left) == nullptr, make(right) == nullptr);
    CHECK_EQ(std::unique_ptr<int>(), nullptr);
    CHECK_EQ(left, 1);
    CHECK_EQ(right, 1);
}

TEST("CHECK_EQ: a difference fails the case") {
    const auto end = support::in_child([] {
        const std::string one = "one";
        CHECK_EQ(one, "two");
        CHECK_EQ(1, 2);
        CHECK_EQ(1, 1);
    });
    CHECK(end.exited(2));
}

TEST("CHECK_EQ keeps the left side by value, and text as a text of its own") {
    std::string text = "text";
    const char* const letters = text.c_str();
    const std::string_view view = text;
    std::vector<bool> bits{true};
    static_assert(std::is_same_v<decltype(kept(text)), std::string>);
    static_assert(std::is_same_v<decltype(kept(letters)), std::string>);
    static_assert(std::is_same_v<decltype(kept(view)), std::string>);
    static_assert(std::is_same_v<decltype(kept("text")), std::string>);
    static_assert(std::is_same_v<decltype(kept(bits[0])), bool>);
    const auto bit = kept(bits[0]);
    const auto copy = kept(letters);
    bits[0] = false;
    text[0] = 'n';
    CHECK(bit);
    CHECK(copy == "text");
}
