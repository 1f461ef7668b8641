// SPDX-License-Identifier: MIT
// Checks: what fails is noted, what holds is not, and REQUIRE ends the case.
#include "asyncio/testing/checks.h"

#include "asyncio/testing/testing.h"
#include "support/child_process.h"

#include <optional>
#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using testing::text_of;

namespace {

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
