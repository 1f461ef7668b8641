// SPDX-License-Identifier: MIT
// Function: small and large callables, moving, calling, destroying once.
#include "base/function.h"

#include "asyncio/testing/testing.h"

#include <array>
#include <memory>
#include <string>
#include <type_traits>

using asyncio::base::Function;

namespace {

int living = 0;

struct Counted {
    Counted() { ++living; }
    Counted(const Counted&) { ++living; }
    Counted(Counted&&) noexcept { ++living; }
    Counted& operator=(const Counted&) = default;
    Counted& operator=(Counted&&) noexcept = default;
    ~Counted() { --living; }
};

struct ThrowsWhenCopied {
    ThrowsWhenCopied() = default;
    ThrowsWhenCopied(const ThrowsWhenCopied&) { throw std::string("no copies"); }
    void operator()() const {}
};

int twice(int x) { return 2 * x; }

} // namespace

TEST("Function: an empty one says so") {
    const Function<void()> nothing;
    const Function<void()> null = nullptr;
    CHECK(!nothing);
    CHECK(!null);
    CHECK(static_cast<bool>(Function<int(int)>(&twice)));
}

TEST("Function: calls functions, lambdas and callables with state") {
    CHECK_EQ(Function<int(int)>(&twice)(21), 42);
    int calls = 0;
    const Function<void()> count = [&calls] { ++calls; };
    count();
    count();
    CHECK_EQ(calls, 2);
    const Function<int()> next = [n = 0]() mutable { return ++n; };
    CHECK_EQ(next(), 1);
    CHECK_EQ(next(), 2);
}

TEST("Function: takes and gives move-only things") {
    const Function<std::unique_ptr<int>(std::unique_ptr<int>)> pass =
        [kept = std::make_unique<int>(1)](std::unique_ptr<int> given) {
            *given += *kept;
            return given;
        };
    const std::unique_ptr<int> got = pass(std::make_unique<int>(41));
    CHECK_EQ(*got, 42);
    static_assert(!std::is_copy_constructible_v<Function<void()>>);
    static_assert(std::is_nothrow_move_constructible_v<Function<void()>>);
}

TEST("Function: references arrive as references") {
    const Function<void(std::string&)> append = [](std::string& text) { text += "!"; };
    std::string text = "hello";
    append(text);
    CHECK_EQ(text, "hello!");
}

TEST("Function: a void one drops what the callable returns") {
    const Function<void(int)> dropped = &twice;
    dropped(1);
    CHECK(static_cast<bool>(dropped));
}

TEST("Function: refuses what cannot be called as asked") {
    static_assert(std::is_constructible_v<Function<int(int)>, int (*)(int)>);
    static_assert(!std::is_constructible_v<Function<int(std::string)>, int (*)(int)>);
    static_assert(!std::is_constructible_v<Function<std::string(int)>, int (*)(int)>);
    CHECK(true);
}

TEST("Function: moving hands the callable over, in place or on the heap") {
    living = 0;
    {
        Function<int()> small = [c = Counted(), n = 3] { return n; };
        Function<int()> large = [c = Counted(), n = std::array<int, 20>{7}] { return n[0]; };
        CHECK_EQ(living, 2);
        Function<int()> moved = std::move(small);
        CHECK(!small); // NOLINT(bugprone-use-after-move): that is the question
        CHECK_EQ(moved(), 3);
        moved = std::move(large);
        CHECK(!large); // NOLINT(bugprone-use-after-move)
        CHECK_EQ(moved(), 7);
        CHECK_EQ(living, 1);
        Function<int()>& same = moved;
        moved = std::move(same);
        CHECK_EQ(moved(), 7);
        moved = nullptr;
        CHECK_EQ(living, 0);
    }
    CHECK_EQ(living, 0);
}

TEST("Function: a callable that throws while it is copied leaves nothing behind") {
    const ThrowsWhenCopied callable;
    CHECK_THROWS_AS(Function<void()>(callable), std::string);
    const Function<void()> throws = [] { throw std::string("called"); };
    CHECK_THROWS_AS(throws(), std::string);
    CHECK_THROWS_AS(throws(), std::string); // it is still there
}
