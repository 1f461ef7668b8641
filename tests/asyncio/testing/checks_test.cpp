// SPDX-License-Identifier: MIT
// Checks: what fails is noted, what holds is not, and REQUIRE ends the case.
#include "asyncio/testing/checks.h"

#include "asyncio/testing/testing.h"
#include "support/child_process.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using testing::kept;
using testing::text_of;

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

enum class Colour { red, green };

int throws_value_error() { throw ValueError("the text"); }

Coro<int> seven() { co_return 7; }

// `body` is to have so many failed checks.
template <class F>
void check_failures(int count, F body) {
    const int failed = support::failed_checks(std::move(body));
    CHECK_EQ(failed, count);
}

} // namespace

TEST("CHECK: notes what does not hold and goes on") {
    check_failures(2, [] {
        CHECK(1 + 1 == 3);
        CHECK(true);
        CHECK(false);
    });
}

TEST("CHECK_EQ: compares, and commas in the second argument belong to it") {
    check_failures(1, [] {
        CHECK_EQ(1, 2);
        CHECK_EQ(std::string("a"), "a");
        CHECK_EQ(std::vector<int>({1, 2}), std::vector<int>{1, 2});
    });
}

TEST("REQUIRE: ends the case where it does not hold") {
    check_failures(1, [] {
        try {
            REQUIRE(1 == 1);
            REQUIRE(1 == 2);
            CHECK(false); // not reached
        } catch (const testing::CaseEnded&) {
            // as the runner does
        }
    });
}

TEST("CHECK_THROWS_AS: another exception, or none, fails") {
    check_failures(2, [] {
        CHECK_THROWS_AS(throws_value_error(), ValueError);
        CHECK_THROWS_AS(throws_value_error(), std::exception);
        CHECK_THROWS_AS(throws_value_error(), KeyError);
        CHECK_THROWS_AS(1, ValueError);
    });
}

TEST("CHECK_THROWS_MSG: the message has to contain the text") {
    check_failures(1, [] {
        CHECK_THROWS_MSG(throws_value_error(), ValueError, "text");
        CHECK_THROWS_MSG(throws_value_error(), ValueError, "novel");
    });
}

CO_TEST("checks work in coroutines, around co_await as well") {
    CHECK_EQ(co_await seven(), 7);
    CHECK_THROWS_AS(co_await wait_for(sleep(2s), 1s), TimeoutError);
}

TEST("text_of: shows what a failed check compared") {
    CHECK_EQ(text_of(true), "true");
    CHECK_EQ(text_of(std::string("a b")), "\"a b\"");
    CHECK_EQ(text_of(42), "42");
    CHECK_EQ(text_of(Colour::green), "1");
    CHECK_EQ(text_of(std::optional<int>()), "nothing");
    CHECK_EQ(text_of(std::optional<int>(3)), "3");
    CHECK_EQ(text_of(std::vector<int>({1, 2})), "[1, 2]");
    CHECK_EQ(text_of(std::make_exception_ptr(ValueError("x"))), "ValueError('x')");
    CHECK(text_of(Duration(1500ms)).starts_with("1.5"));
}

// ---- what CHECK_EQ keeps ------------------------------------------------------------------------

TEST("CHECK_EQ: a part of a temporary is compared before the temporary is gone") {
    CHECK_EQ(Owner().text(), "held");
    CHECK_EQ(Owner().view(), "held");
    CHECK_EQ(Owner().c_str(), std::string_view("held"));
    const std::string text = "held";
    CHECK_EQ(text, Owner().text());
    CHECK_EQ(text, Owner().view());
    CHECK_EQ(text, Owner().c_str());
}

CO_TEST("CHECK_EQ: either side may be an await") {
    const std::vector<int> expected{1, 2, 3};
    CHECK_EQ(co_await three(), expected);
    CHECK_EQ(expected, co_await three());
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
