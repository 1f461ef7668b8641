// SPDX-License-Identifier: MIT
// Context variables: what tasks and callbacks inherit, and what they keep to themselves.
#include "asyncio/contextvars.h"

#include "asyncio/base_events.h"
#include "asyncio/testing/testing.h"

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

ContextVar<int> number("number", 0);
ContextVar<std::string> label("label");

Coro<int> read_number() { co_return number.get(); }
Coro<> write_number(int value) {
    number.set(value);
    co_return;
}

} // namespace

CO_TEST("SEM-CTX-01: a task has a copy of its creator's context, as it was at the creation") {
    number.set(1);
    const auto task = create_task(read_number());
    number.set(2);
    CHECK_EQ(co_await task, 1);
    CHECK_EQ(number.get(), 2);
}

CO_TEST("SEM-CTX-01: what a task sets, its creator does not see") {
    number.set(1);
    co_await create_task(write_number(5));
    CHECK_EQ(number.get(), 1);
    co_await write_number(6); // a coroutine that is awaited runs in the same context
    CHECK_EQ(number.get(), 6);
}

CO_TEST("SEM-CTX-01: an eager task, too, has a copy, and gives the creator its own back") {
    number.set(1);
    const auto task = create_task(write_number(5), TaskOptions().eager_start(true));
    CHECK(task.done());
    CHECK_EQ(number.get(), 1);
    co_return;
}

CO_TEST("SEM-CTX-02: create_task(context) runs in that very context") {
    const Context mine = copy_context();
    const auto writer = create_task(write_number(7), TaskOptions().context(mine));
    co_await writer;
    CHECK_EQ(number.get(), 0);
    Context same = mine;
    CHECK_EQ(same.run([] { return number.get(); }), 7);
}

CO_TEST("SEM-CTX-02: two tasks in one context see each other's values") {
    const Context mine;
    co_await create_task(write_number(7), TaskOptions().context(mine));
    CHECK_EQ(co_await create_task(read_number(), TaskOptions().context(mine)), 7);
    CHECK_EQ(co_await create_task(read_number(), TaskOptions().context(Context())), 0);
}

CO_TEST("SEM-CTX-02: so they do when they take turns") {
    const Context mine;
    const auto first = []() -> Coro<int> {
        number.set(1);
        co_await sleep(2s);
        co_return number.get();
    };
    const auto second = []() -> Coro<int> {
        co_await sleep(1s);
        const int seen = number.get();
        number.set(2);
        co_return seen;
    };
    const auto a = create_task(first(), TaskOptions().context(mine));
    const auto b = create_task(second(), TaskOptions().context(mine));
    CHECK_EQ(co_await a, 2);
    CHECK_EQ(co_await b, 1);
}

CO_TEST("SEM-CTX-03: callbacks run in the context of their registration, and leak nothing") {
    std::vector<int> seen;
    const auto look = [&seen] {
        seen.push_back(number.get());
        number.set(99);
    };
    const Future<> future;
    number.set(1);
    testing::loop().call_soon(look);
    number.set(2);
    testing::loop().call_later(0s, look);
    number.set(3);
    future.add_done_callback(look);
    number.set(4);
    testing::loop().call_soon_threadsafe(look);
    number.set(5);
    future.set_result();
    co_await sleep(1s);
    CHECK_EQ(seen.size(), 4U);
    std::sort(seen.begin(), seen.end());
    CHECK_EQ(seen, std::vector<int>({1, 2, 3, 4}));
    CHECK_EQ(number.get(), 5);
}

CO_TEST("SEM-CTX-03: a context that is passed is used itself") {
    const Context mine;
    const auto set_to = [](int value) { number.set(value); };
    EventLoop& loop = testing::loop();
    const Future<> done;
    done.set_result();
    std::vector<int> seen;
    Context same = mine;
    const auto look = [&] { seen.push_back(same.run([] { return number.get(); })); };
    loop.call_soon(in_context(mine), set_to, 1);
    co_await sleep(0s);
    look();
    loop.call_later(1s, in_context(mine), set_to, 2);
    co_await sleep(2s);
    look();
    loop.call_soon_threadsafe(in_context(mine), set_to, 3);
    co_await sleep(0s);
    look();
    done.add_done_callback(in_context(mine), set_to, 4);
    co_await sleep(0s);
    look();
    CHECK_EQ(seen, std::vector<int>({1, 2, 3, 4}));
    CHECK_EQ(number.get(), 0);
}

CO_TEST("SEM-CTX-03: a handle shows the context of its callback") {
    number.set(3);
    const Handle handle = testing::loop().call_soon([] { number.set(4); });
    Context context = handle.get_context();
    CHECK_EQ(context.run([] { return number.get(); }), 3);
    co_await sleep(0s);
    CHECK_EQ(context.run([] { return number.get(); }), 4);
}

namespace {

Coro<int> write_sleep_read(int value, Duration pause) {
    number.set(value);
    for (int i = 0; i < 3; ++i) co_await sleep(pause);
    co_return number.get();
}

} // namespace

CO_TEST("SEM-CTX-04: of 100 tasks that write one variable each reads its own value") {
    std::mt19937 random(7); // NOLINT(cert-msc51-cpp): the same run every time
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 100; ++i) {
        const Duration pause = std::chrono::milliseconds(random() % 100);
        tasks.push_back(create_task(write_sleep_read(i, pause)));
    }
    for (int i = 0; i < 100; ++i) CHECK_EQ(co_await tasks[static_cast<std::size_t>(i)], i);
    CHECK_EQ(number.get(), 0);
}

CO_TEST("SEM-CTX-06: get_context is the context that the task runs in") {
    const Context mine = copy_context();
    const auto task = create_task(write_sleep_read(8, 1s), TaskOptions().context(mine));
    CHECK(task.get_context() == mine);
    co_await task;
    CHECK(task.get_context() == mine);
    const auto other = create_task(write_sleep_read(9, 1s));
    Context its = other.get_context();
    co_await sleep(0s);
    CHECK_EQ(its.run([] { return number.get(); }), 9);
    its.run([] { number.set(10); });
    CHECK_EQ(co_await other, 10);
}

// ---- the variables and contexts themselves ------------------------------------------------------

TEST("ContextVar: get gives the value, else the default, else a LookupError") {
    Context context;
    context.run([] {
        CHECK_EQ(number.get(), 0);
        CHECK_EQ(number.get_or(5), 5);
        CHECK_THROWS_MSG(label.get(), LookupError, "label");
        CHECK_EQ(label.get_or("none"), "none");
        label.set("set");
        CHECK_EQ(label.get(), "set");
        CHECK_EQ(label.get_or("none"), "set");
    });
    CHECK_EQ(label.name(), "label");
    CHECK_THROWS_AS(label.get(), LookupError);
}

TEST("ContextVar: reset puts back what was there before its set, or nothing") {
    Context context;
    context.run([] {
        Token<std::string> first = label.set("one");
        Token<std::string> second = label.set("two");
        CHECK(!first.old_value().has_value());
        CHECK_EQ(second.old_value(), std::optional<std::string>("one"));
        label.reset(second);
        CHECK_EQ(label.get(), "one");
        label.reset(first);
        CHECK_THROWS_AS(label.get(), LookupError);
    });
}

TEST("ContextVar: a token serves once, and only its own variable") {
    Context context;
    context.run([] {
        static ContextVar<int> other("other");
        Token<int> token = number.set(1);
        CHECK_THROWS_MSG(other.reset(token), ValueError, "different ContextVar");
        number.reset(token);
        CHECK_THROWS_MSG(number.reset(token), RuntimeError, "already been used");
    });
}

TEST("Context: run sets inside only, and what was set stays in it") {
    Context context;
    context.run([] { number.set(3); });
    CHECK_EQ(number.get(), 0);
    CHECK_EQ(context.run([] { return number.get(); }), 3);
    CHECK_EQ(context.size(), 1U);
}

TEST("Context: run gives the result or the exception of what it calls") {
    Context context;
    int outside = 1;
    int& same = context.run([&outside]() -> int& { return outside; });
    CHECK(&same == &outside);
    CHECK_EQ(context.run([](int a, int b) { return a + b; }, 2, 3), 5);
    CHECK_THROWS_AS(context.run([] { throw ValueError("x"); }), ValueError);
    CHECK_EQ(context.run([] { return 1; }), 1); // it was left in order
}

TEST("Context: one that is entered cannot be entered again") {
    Context context;
    context.run([&context] {
        CHECK_THROWS_MSG(context.run([] {}), RuntimeError, "already entered");
        context.copy().run([] { number.set(4); });
        CHECK_EQ(number.get(), 0);
    });
}

TEST("Context: copies of the handle are the same context, copy() is another") {
    Context context;
    Context same = context;
    const Context other = context.copy();
    CHECK(same == context);
    CHECK(!(other == context));
    same.run([] { number.set(6); });
    CHECK_EQ(context.run([] { return number.get(); }), 6);
    Context again = other;
    CHECK_EQ(again.run([] { return number.get(); }), 0);
}

TEST("Context: many variables, each with its value, whatever the order of writing") {
    std::vector<std::unique_ptr<ContextVar<std::size_t>>> variables;
    for (int i = 0; i < 50; ++i) {
        variables.push_back(std::make_unique<ContextVar<std::size_t>>(std::to_string(i)));
    }
    Context context;
    context.run([&variables] {
        for (std::size_t i = 0; i < 50; ++i) variables[i * 7 % 50]->set(i * 7 % 50);
        for (std::size_t i = 0; i < 50; ++i) CHECK_EQ(variables[i]->get(), i);
    });
    CHECK_EQ(context.size(), 50U);
}

TEST("contexts may go from thread to thread, and values are freed once") {
    auto kept = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = kept;
    static ContextVar<std::shared_ptr<int>> pointer("pointer");
    {
        Context context;
        context.run([&kept] { pointer.set(std::move(kept)); });
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([mine = context.copy()]() mutable {
                for (int n = 0; n < 1000; ++n) {
                    Context inner = mine.copy();
                    inner.run([] { CHECK_EQ(*pointer.get(), 1); });
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
        CHECK(!watch.expired());
    }
    CHECK(watch.expired());
}

TEST("each thread has a context of its own outside of loops") {
    Token<int> token = number.set(8);
    std::thread([] { CHECK_EQ(number.get(), 0); }).join();
    CHECK_EQ(number.get(), 8);
    number.reset(token);
    CHECK_EQ(number.get(), 0);
}
