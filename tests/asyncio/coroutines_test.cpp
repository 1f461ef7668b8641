// SPDX-License-Identifier: MIT
// Coroutines: laziness, single await, results of every kind, and when things are destroyed.
#include "asyncio/coroutines.h"

#include "asyncio/testing/testing.h"

#include <memory>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

Coro<> set(bool& flag) {
    flag = true;
    co_return;
}

Coro<int> twice(int value) {
    co_await yield_now();
    co_return 2 * value;
}

Coro<long> count_uses(std::shared_ptr<int> argument, bool suspend) {
    if (suspend) co_await yield_now();
    co_return argument.use_count();
}

Coro<int> fail_at(int depth, bool suspend) {
    if (depth == 0) {
        if (suspend) co_await yield_now();
        throw KeyError("at the bottom");
    }
    co_return 1 + co_await fail_at(depth - 1, suspend);
}

// Writes its name down when it is destroyed.
class Witness {
public:
    Witness(std::string name, std::vector<std::string>& log) : name_(std::move(name)), log_(&log) {}
    Witness(const Witness&) = delete;
    Witness& operator=(const Witness&) = delete;
    Witness(Witness&& other) noexcept
        : name_(std::move(other.name_)), log_(std::exchange(other.log_, nullptr)) {}
    Witness& operator=(Witness&&) = delete;
    ~Witness() {
        if (log_ != nullptr) log_->push_back(name_);
    }

private:
    std::string name_;
    std::vector<std::string>* log_;
};

} // namespace

// ---- laziness, single await, moves --------------------------------------------------------------

CO_TEST("a coroutine runs nothing before it is awaited") {
    bool ran = false;
    auto coro = set(ran);
    co_await yield_now();
    CHECK(!ran);
    co_await std::move(coro);
    CHECK(ran);
}

TEST("a coroutine that is never awaited frees its frame and its arguments when it is dropped") {
    const auto argument = std::make_shared<int>(1);
    {
        const auto coro = count_uses(argument, false);
        CHECK_EQ(argument.use_count(), 2L);
    }
    CHECK_EQ(argument.use_count(), 1L);
}

TEST("close() frees a coroutine at once") {
    const auto argument = std::make_shared<int>(1);
    auto coro = count_uses(argument, false);
    coro.close();
    CHECK_EQ(argument.use_count(), 1L);
    CHECK(!coro);
    coro.close(); // harmless
}

CO_TEST("a coroutine is awaited once: a second await throws RuntimeError") {
    auto coro = twice(4);
    CHECK_EQ(co_await coro, 8);
    CHECK(!coro);
    CHECK_THROWS_MSG(co_await coro, RuntimeError, "already awaited");
    CHECK_THROWS_MSG(co_await std::move(coro), RuntimeError, "already awaited");
}

CO_TEST("a coroutine that was moved from is empty, and the other one runs") {
    auto first = twice(5);
    auto second = std::move(first);
    CHECK(!first);
    CHECK(static_cast<bool>(second));
    CHECK_EQ(co_await second, 10);
    CHECK_THROWS_AS(co_await first, RuntimeError);
    static_assert(!std::is_copy_constructible_v<Coro<int>>);
}

CO_TEST("assignment exchanges two coroutines") {
    auto first = twice(1);
    auto second = twice(2);
    first = std::move(second);
    CHECK_EQ(co_await first, 4);
}

CO_TEST("one statement, two statements, lvalue and rvalue: an await gives the same") {
    CHECK_EQ(co_await twice(3), 6);
    auto pending = twice(3);
    CHECK_EQ(co_await pending, 6);
    auto other = twice(3);
    CHECK_EQ(co_await std::move(other), 6);
    auto timer = sleep(1s, std::string("two statements"));
    CHECK_EQ(co_await timer, "two statements");
}

// ---- results ------------------------------------------------------------------------------------

CO_TEST("a result is moved out, not copied") {
    struct Counted {
        explicit Counted(int& counter) : copies(&counter) {}
        Counted(const Counted& other) : copies(other.copies) { ++*copies; }
        Counted(Counted&&) = default;
        Counted& operator=(const Counted&) = delete;
        Counted& operator=(Counted&&) = delete;
        ~Counted() = default;
        int* copies;
    };
    int copies = 0;
    const auto make = [](int& counter) -> Coro<Counted> {
        co_await yield_now();
        co_return Counted(counter);
    };
    const Counted result = co_await make(copies);
    CHECK_EQ(*result.copies, 0);
}

CO_TEST("results that cannot be copied pass through every frame") {
    const auto inner = [](int value) -> Coro<std::unique_ptr<int>> {
        co_return std::make_unique<int>(value);
    };
    const auto outer = [&inner](int value) -> Coro<std::unique_ptr<int>> {
        auto result = co_await inner(value);
        co_await yield_now();
        co_return std::move(result);
    };
    const std::unique_ptr<int> result = co_await outer(9);
    CHECK_EQ(*result, 9);
}

CO_TEST("a coroutine may return a reference: the object itself comes") {
    const auto choose = [](int& a, int& b, bool first) -> Coro<int&> {
        co_await yield_now();
        if (first) co_return a;
        co_return b;
    };
    int a = 1;
    int b = 2;
    CHECK(&co_await choose(a, b, true) == &a);
    int& chosen = co_await choose(a, b, false);
    CHECK(&chosen == &b);
}

CO_TEST("a result of 16-byte alignment is aligned in every frame") {
    struct alignas(16) Wide {
        explicit Wide(int n) : number(n) {}
        int number;
    };
    const auto make = [](int number, bool suspend) -> Coro<Wide> {
        if (suspend) co_await yield_now();
        co_return Wide(number);
    };
    const Wide inline_result = co_await make(1, false);
    const Wide late = co_await make(2, true);
    const auto task = create_task(make(3, true));
    const Wide& of_task = co_await task;
    for (const Wide* wide : {&inline_result, &late, &of_task}) {
        CHECK_EQ(reinterpret_cast<std::uintptr_t>(wide) % 16, 0U);
    }
    CHECK_EQ(inline_result.number + late.number + of_task.number, 6);
}

CO_TEST("co_return takes whatever makes a result: a literal, braces, another type") {
    const auto text = []() -> Coro<std::string> { co_return "literal"; };
    const auto pair = []() -> Coro<std::pair<int, std::string>> { co_return {1, "braces"}; };
    const auto wide = []() -> Coro<std::int64_t> { co_return 7; };
    const auto maybe = []() -> Coro<std::optional<int>> { co_return std::nullopt; };
    CHECK_EQ(co_await text(), "literal");
    const auto braces = co_await pair();
    CHECK_EQ(braces.second, "braces");
    CHECK_EQ(co_await wide(), 7);
    CHECK(!(co_await maybe()).has_value());
}

CO_TEST("a large result arrives whole") {
    const auto make = []() -> Coro<std::array<int, 1000>> {
        std::array<int, 1000> numbers{};
        for (int i = 0; i < 1000; ++i) numbers[static_cast<std::size_t>(i)] = i;
        co_await yield_now();
        co_return numbers;
    };
    const auto numbers = co_await make();
    CHECK_EQ(numbers[999], 999);
}

// ---- exceptions ---------------------------------------------------------------------------------

CO_TEST("an exception passes through the frames that await, whether they suspended or not") {
    for (const bool suspend : {false, true}) {
        CHECK_THROWS_MSG(co_await fail_at(0, suspend), KeyError, "at the bottom");
        CHECK_THROWS_MSG(co_await fail_at(50, suspend), KeyError, "at the bottom");
    }
}

CO_TEST("any type may be thrown") {
    const auto throw_int = []() -> Coro<> {
        co_await yield_now();
        throw 42;
    };
    CHECK_THROWS_AS(co_await throw_int(), int);
}

CO_TEST("an exception that a frame catches goes no further, and the frame goes on awaiting") {
    const auto recover = []() -> Coro<int> {
        bool failed = false;
        try {
            co_await fail_at(3, true);
        } catch (const KeyError&) {
            failed = true;
        }
        if (failed) co_await yield_now();
        co_return failed ? 1 : 0;
    };
    CHECK_EQ(co_await recover(), 1);
}

CO_TEST("an exception in a result's constructor is the coroutine's exception") {
    struct Thrower {
        explicit Thrower(int) { throw ValueError("no result"); }
    };
    const auto make = []() -> Coro<Thrower> {
        co_await yield_now();
        co_return 1;
    };
    CHECK_THROWS_MSG(co_await make(), ValueError, "no result");
}

CO_TEST(
    "a local's destructor that throws after co_return replaces the result, which is destroyed") {
    struct Thrower {
        ~Thrower() noexcept(false) { throw ValueError("late"); }
    };
    const auto value = std::make_shared<int>(1);
    const auto body = [](std::shared_ptr<int> result) -> Coro<std::shared_ptr<int>> {
        const Thrower local;
        co_return result;
    };
    CHECK_THROWS_MSG(co_await body(value), ValueError, "late");
    CHECK_EQ(value.use_count(), 1L);
}

// ---- lifetimes ----------------------------------------------------------------------------------

CO_TEST("arguments are destroyed before the expression that awaits goes on") {
    const auto argument = std::make_shared<int>(1);
    for (const bool suspend : {false, true}) {
        CHECK_EQ(co_await count_uses(argument, suspend) + argument.use_count(), 3L);
        CHECK_EQ(argument.use_count(), 1L);
    }
}

CO_TEST("the locals of a child are destroyed before the parent goes on, the last one first") {
    std::vector<std::string> log;
    const auto child = [](Witness argument, std::vector<std::string>& into) -> Coro<> {
        const Witness first("first", into);
        co_await yield_now();
        const Witness second("second", into);
        const Witness kept(std::move(argument));
        into.emplace_back("end of the body");
    };
    const auto parent = [&child](std::vector<std::string>& into) -> Coro<> {
        co_await child(Witness("argument", into), into);
        into.emplace_back("parent");
    };
    co_await parent(log);
    CHECK_EQ(log,
             std::vector<std::string>{"end of the body", "argument", "second", "first", "parent"});
}

CO_TEST("a cancelled coroutine destroys its locals on the way out, the innermost first") {
    std::vector<std::string> log;
    const auto inner = [](std::vector<std::string>& into) -> Coro<> {
        const Witness local("inner", into);
        co_await sleep(1h);
    };
    const auto outer = [&inner](std::vector<std::string>& into) -> Coro<> {
        const Witness local("outer", into);
        co_await inner(into);
    };
    const auto task = create_task(outer(log));
    co_await yield_now();
    task.cancel();
    CHECK_THROWS_AS(co_await task, CancelledError);
    CHECK_EQ(log, std::vector<std::string>{"inner", "outer"});
}

TEST("the loop's end destroys suspended frames, the innermost first, each local once") {
    std::vector<std::string> log;
    const auto inner = [](std::vector<std::string>& into) -> Coro<> {
        const Witness local("inner", into);
        co_await sleep(1h);
        into.emplace_back("never");
    };
    const auto outer = [&inner](std::vector<std::string>& into) -> Coro<> {
        const Witness local("outer", into);
        co_await inner(into);
        into.emplace_back("never");
    };
    {
        EventLoop loop;
        loop.create_task(outer(log));
        loop.run_until_complete(yield_now());
        loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
    }
    CHECK_EQ(log, std::vector<std::string>{"inner", "outer"});
}

// ---- depth --------------------------------------------------------------------------------------

namespace {

Coro<int> down(int depth, bool suspend) {
    if (depth == 0) {
        if (suspend) co_await yield_now();
        co_return 0;
    }
    const int below = co_await down(depth - 1, suspend);
    if (suspend && depth % 1000 == 0) co_await yield_now();
    co_return below + 1;
}

} // namespace

CO_TEST("a chain deeper than the stack allows is started in pieces, and gives its result") {
    CHECK_EQ(co_await down(20'000, false), 20'000);
    CHECK_EQ(co_await down(20'000, true), 20'000);
}

CO_TEST("a chain that is started in pieces costs no turn") {
    const testing::Turns turns;
    CHECK_EQ(co_await down(20'000, false), 20'000);
    CHECK_EQ(turns.count(), 0);
}

CO_TEST("an exception leaves a chain that was started in pieces") {
    CHECK_THROWS_AS(co_await fail_at(5'000, false), KeyError);
    CHECK_THROWS_AS(co_await fail_at(5'000, true), KeyError);
}

// ---- what can be awaited ------------------------------------------------------------------------

namespace {

struct Immediate { // an awaiter of a user's own, without operator co_await
    int value;
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    int await_resume() const noexcept { return value; }
};
struct WithMember {
    Immediate operator co_await() const noexcept { return Immediate{1}; }
};
struct WithFree {};
Immediate operator co_await(const WithFree&) noexcept { return Immediate{2}; }

} // namespace

CO_TEST("awaitables of a user's own can be awaited, and made a task of") {
    static_assert(Awaitable<Immediate> && Awaitable<WithMember> && Awaitable<WithFree>);
    static_assert(std::is_same_v<await_result_t<WithFree>, int>);
    const Immediate awaiter{7};
    CHECK_EQ(co_await awaiter, 7);
    CHECK_EQ(co_await WithMember(), 1);
    CHECK_EQ(co_await WithFree(), 2);
    CHECK_EQ(co_await create_task(WithMember()), 1);
    CHECK_EQ((co_await outcome(WithFree())).value(), 2);
}

TEST("await_result_t is what co_await gives") {
    static_assert(std::is_same_v<await_result_t<Coro<std::string>>, std::string>);
    static_assert(std::is_same_v<await_result_t<Coro<>>, void>);
    static_assert(std::is_same_v<await_result_t<Coro<int&>>, int&>);
    static_assert(std::is_same_v<await_result_t<Task<int>>, int>);
    static_assert(std::is_same_v<await_result_t<const Task<int>&>, const int&>);
    static_assert(is_coro_v<Coro<int>> && is_coro_v<const Coro<>&> && !is_coro_v<Task<int>>);
    static_assert(is_future_v<Future<int>> && is_future_v<Task<>> && !is_future_v<Coro<>>);
}
