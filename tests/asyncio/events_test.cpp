// SPDX-License-Identifier: MIT
// call_soon and handles: order, turns, cancelling, what a callback keeps.
#include "asyncio/events.h"

#include "asyncio/base_events.h"

#include "asyncio/testing/testing.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;

CO_TEST("SEM-LOOP-01: call_soon callbacks run in the order of registration, each once") {
    std::vector<int> ran;
    for (int i = 0; i < 5; ++i) testing::loop().call_soon([&ran, i] { ran.push_back(i); });
    co_await sleep(0s);
    CHECK_EQ(ran, std::vector<int>({0, 1, 2, 3, 4}));
    co_await sleep(0s);
    CHECK_EQ(ran.size(), 5U);
}

CO_TEST("SEM-LOOP-01: call_soon never calls inside call_soon") {
    bool ran = false;
    testing::loop().call_soon([&ran] { ran = true; });
    CHECK(!ran);
    co_await sleep(0s);
    CHECK(ran);
}

CO_TEST("SEM-LOOP-02: what a callback schedules runs in the next turn, not in its own") {
    std::vector<int> turns_of_calls;
    const testing::Turns turns;
    testing::loop().call_soon([&] {
        turns_of_calls.push_back(turns.count());
        testing::loop().call_soon([&] { turns_of_calls.push_back(turns.count()); });
    });
    co_await sleep(1s);
    CHECK_EQ(turns_of_calls, std::vector<int>({1, 2}));
}

CO_TEST("SEM-LOOP-02: a turn ends although its callbacks go on scheduling themselves") {
    int calls = 0;
    base::Function<void()> again;
    again = [&] {
        ++calls;
        if (calls < 100) testing::loop().call_soon([&again] { again(); });
    };
    testing::loop().call_soon([&again] { again(); });
    co_await sleep(0s);
    CHECK_EQ(calls, 1);
    co_await sleep(0s);
    CHECK_EQ(calls, 2);
    while (calls < 100) co_await sleep(0s);
}

CO_TEST("SEM-LOOP-08: a cancelled handle is not called, and cancelled() says so") {
    bool ran = false;
    Handle handle = testing::loop().call_soon([&ran] { ran = true; });
    CHECK(!handle.cancelled());
    handle.cancel();
    CHECK(handle.cancelled());
    co_await sleep(0s);
    CHECK(!ran);
}

CO_TEST("SEM-LOOP-08: cancelling twice, or after the call, is harmless") {
    int calls = 0;
    Handle handle = testing::loop().call_soon([&calls] { ++calls; });
    Handle twice = testing::loop().call_soon([&calls] { ++calls; });
    twice.cancel();
    twice.cancel();
    co_await sleep(0s);
    handle.cancel();
    handle.cancel();
    CHECK(handle.cancelled());
    co_await sleep(0s);
    CHECK_EQ(calls, 1);
}

CO_TEST("SEM-LOOP-08: a callback may cancel one that is ready in the same turn") {
    bool ran = false;
    std::optional<Handle> second;
    testing::loop().call_soon([&second] { second->cancel(); });
    second = testing::loop().call_soon([&ran] { ran = true; });
    co_await sleep(0s);
    CHECK(!ran);
}

CO_TEST("SEM-LOOP-08: a callback may cancel its own handle while it runs") {
    std::string seen;
    std::optional<Handle> handle;
    handle = testing::loop().call_soon([&, text = std::string("captured and longer than small")] {
        handle->cancel();
        seen = text; // still there
    });
    co_await sleep(0s);
    CHECK_EQ(seen, "captured and longer than small");
}

CO_TEST("SEM-LOOP-08: it may do so in another context, or out of a task it starts at once") {
    std::string seen;
    std::optional<Handle> handle;
    const auto cancel_it = [&handle]() -> Coro<> {
        handle->cancel();
        co_return;
    };
    handle = testing::loop().call_soon([&, text = std::string("captured and longer than small")] {
        copy_context().run([&handle] { handle->cancel(); });
        create_task(cancel_it(), TaskOptions().eager_start(true));
        seen = text;
    });
    co_await sleep(0s);
    CHECK_EQ(seen, "captured and longer than small");
    co_await sleep(0s);
}

CO_TEST("SEM-LOOP-08: what a cancelled callback captured goes at once") {
    auto kept = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = kept;
    Handle handle = testing::loop().call_soon([kept = std::move(kept)] {});
    CHECK(!watch.expired());
    handle.cancel();
    CHECK(watch.expired());
    co_await sleep(0s);
}

CO_TEST("call_soon: dropping the handle changes nothing, and frees the callback after its call") {
    auto kept = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = kept;
    testing::loop().call_soon([kept = std::move(kept)] { *kept = 2; });
    CHECK(!watch.expired());
    co_await sleep(0s);
    CHECK(watch.expired());
}

CO_TEST("call_soon: callables and arguments may be movable only") {
    int sum = 0;
    testing::loop().call_soon([&sum, ten = std::make_unique<int>(10)](
                                  const std::unique_ptr<int>& given) { sum = *ten + *given; },
                              std::make_unique<int>(5));
    co_await sleep(0s);
    CHECK_EQ(sum, 15);
}

CO_TEST("call_soon: member functions and std::ref work as in std::invoke") {
    struct Counter {
        void add(int n) { value += n; }
        int value = 0;
    } counter;
    int outside = 0;
    testing::loop().call_soon(&Counter::add, &counter, 3);
    testing::loop().call_soon([](int& n) { n = 4; }, std::ref(outside));
    co_await sleep(0s);
    CHECK_EQ(counter.value, 3);
    CHECK_EQ(outside, 4);
}

CO_TEST("call_soon: the loop owns the arguments, whatever becomes of the originals") {
    std::string seen;
    {
        std::string text = "a text that is longer than a small one";
        testing::loop().call_soon([&seen](std::string_view given) { seen = given; }, text);
        text = "x";
    }
    co_await sleep(0s);
    CHECK_EQ(seen, "a text that is longer than a small one");
}

CO_TEST("to_string of a handle: what it calls, or that it is cancelled") {
    Handle handle = testing::loop().call_soon([] {});
    CHECK(to_string(handle).starts_with("<Handle "));
    handle.cancel();
    CHECK_EQ(to_string(handle), "<Handle cancelled>");
    TimerHandle timer = testing::loop().call_later(1s, [] {});
    CHECK(to_string(timer).starts_with("<TimerHandle "));
    timer.cancel();
    co_await sleep(0s);
}
