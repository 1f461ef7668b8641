// SPDX-License-Identifier: MIT
// Canary: a loop that is destroyed takes the deepest chains apart without using up the stack.
#include <asyncio/asyncio.h>

#include <cstdio>
#include <cstdlib>

namespace {

constexpr int deep = 200'000;
constexpr int tasks_in_chain = 50'000;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "stack_teardown: %s\n", what);
    std::exit(1);
}

int alive = 0;

struct Local {
    Local() { ++alive; }
    Local(const Local&) = delete;
    Local& operator=(const Local&) = delete;
    ~Local() { --alive; }
};

asyncio::Coro<> hold(int depth) {
    const Local local;
    if (depth == 0) {
        co_await asyncio::sleep(std::chrono::hours(1));
    } else {
        co_await hold(depth - 1);
    }
}

asyncio::Coro<> wait_for_other(asyncio::AnyFuture other) {
    const Local local;
    co_await other;
}

void ignore(asyncio::EventLoop& loop) { // that tasks were pending is what this is about
    loop.set_exception_handler([](asyncio::EventLoop&, const asyncio::ExceptionContext&) {});
}

// One task, suspended in the innermost of very many frames.
void one_deep_task() {
    asyncio::EventLoop loop;
    ignore(loop);
    const auto task = loop.create_task(hold(deep));
    loop.run_until_complete(asyncio::yield_now());
    require(alive == deep + 1, "all frames are there");
    loop.close();
    require(alive == 0, "all frames are gone");
    require(task.cancelled(), "the task has ended");
}

// Very many tasks, each waiting for the one before.
void chain_of_tasks() {
    asyncio::EventLoop loop;
    ignore(loop);
    asyncio::AnyFuture last = loop.create_task(hold(0));
    for (int i = 0; i < tasks_in_chain; ++i) last = loop.create_task(wait_for_other(last));
    loop.run_until_complete(asyncio::yield_now());
    require(alive == tasks_in_chain + 1, "all tasks have started");
}

// A cancel goes down such a chain, and the ends of the tasks come up again.
void cancel_of_chain() {
    asyncio::EventLoop loop;
    asyncio::AnyFuture last = loop.create_task(hold(0));
    for (int i = 0; i < tasks_in_chain; ++i) last = loop.create_task(wait_for_other(last));
    loop.run_until_complete(asyncio::yield_now());
    last.cancel();
    const auto end = loop.run_until_complete(asyncio::outcome(last));
    require(end.cancelled(), "a cancel reaches the end of a chain of tasks");
    require(alive == 0, "all tasks have ended");
}

} // namespace

int main() {
    one_deep_task();
    require(alive == 0, "the first loop has left nothing");
    chain_of_tasks();
    require(alive == 0, "the second loop has left nothing");
    cancel_of_chain();
}
