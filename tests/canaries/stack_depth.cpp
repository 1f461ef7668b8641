// SPDX-License-Identifier: MIT
// Canary: no number of awaits, one after another or one inside another, uses up the stack.
#include <asyncio/asyncio.h>

#include <cstdio>
#include <cstdlib>

namespace {

constexpr int children = 1'000'000;
constexpr int deep = 200'000;
constexpr int frames_of_exception = 2'000;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "stack_depth: %s\n", what);
    std::exit(1);
}

asyncio::Coro<int> one() { co_return 1; }

asyncio::Coro<int> down(int depth, bool suspend) {
    if (depth == 0) {
        if (suspend) co_await asyncio::yield_now();
        co_return 0;
    }
    co_return 1 + co_await down(depth - 1, suspend);
}

// Suspends on the way down and on the way up, so that links of both kinds are in the chain.
asyncio::Coro<int> down_in_steps(int depth) {
    if (depth == 0) co_return 0;
    if (depth % 1000 == 0) co_await asyncio::yield_now();
    const int below = co_await down_in_steps(depth - 1);
    if (depth % 1000 == 500) co_await asyncio::yield_now();
    co_return 1 + below;
}

asyncio::Coro<int> fail_below(int depth, bool suspend) {
    if (depth == 0) {
        if (suspend) co_await asyncio::yield_now();
        throw asyncio::ValueError("from below");
    }
    co_return 1 + co_await fail_below(depth - 1, suspend);
}

asyncio::Coro<int> await_children(int count) {
    int sum = 0;
    for (int i = 0; i < count; ++i) sum += co_await one();
    co_return sum;
}

asyncio::AsyncGenerator<int> numbers(int count) {
    for (int i = 0; i < count; ++i) co_yield i;
}

asyncio::Coro<int> read_all(int count) {
    auto source = numbers(count);
    int sum = 0;
    while (auto value = co_await source.next()) sum += *value % 2;
    co_return sum;
}

asyncio::Coro<bool> fails(int depth, bool suspend) {
    const auto end = co_await asyncio::outcome(fail_below(depth, suspend));
    co_return asyncio::is_exception<asyncio::ValueError>(end.exception());
}

asyncio::Coro<> in_sequence() {
    const int sum = co_await await_children(children);
    require(sum == children, "a million children, one after another");
    const int odd = co_await read_all(children);
    require(odd == children / 2, "a million values of a generator");
}

asyncio::Coro<> in_depth() {
    const int plain = co_await down(deep, false);
    require(plain == deep, "a chain that never suspends");
    const int late = co_await down(deep, true);
    require(late == deep, "a chain that suspends at its end");
    const int in_steps = co_await down_in_steps(deep);
    require(in_steps == deep, "a chain that suspends everywhere");
    const int of_task = co_await asyncio::create_task(down(deep, true));
    require(of_task == deep, "a chain in a task");
}

asyncio::Coro<> in_failure() {
    for (const bool suspend : {false, true}) {
        const bool failed = co_await fails(frames_of_exception, suspend);
        require(failed, "an exception through many frames");
    }
}

// Cancelled at its innermost await, a chain unwinds as far as an exception does.
asyncio::Coro<> in_cancellation() {
    const auto task = asyncio::create_task(down(frames_of_exception, true));
    co_await asyncio::yield_now();
    task.cancel();
    const auto end = co_await asyncio::outcome(task);
    require(end.cancelled(), "a cancellation through many frames");
}

asyncio::Coro<> all() {
    co_await in_sequence();
    co_await in_depth();
    co_await in_failure();
    co_await in_cancellation();
}

} // namespace

int main() { asyncio::run(all()); }
