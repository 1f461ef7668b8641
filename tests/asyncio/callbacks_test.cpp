// SPDX-License-Identifier: MIT
// Callbacks and their handles: what is kept, how long, and what cancel() frees.
#include "asyncio/callbacks.h"

#include "asyncio/testing/testing.h"

#include <memory>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

void store(int& into, int value) { into = value; }

} // namespace

CO_TEST("a callback keeps its callable and decayed arguments until it has run, and no longer") {
    const auto captured = std::make_shared<int>(1);
    const auto argument = std::make_shared<int>(2);
    int sum = 0;
    const auto add = [captured, &sum](const std::shared_ptr<int>& other) {
        sum = *captured + *other;
    };
    const Handle handle = testing::loop().call_soon(add, argument);
    CHECK_EQ(captured.use_count(), 3L);
    CHECK_EQ(argument.use_count(), 2L);
    co_await yield_now();
    CHECK_EQ(sum, 3);
}

CO_TEST("a callback takes functions, references by std::ref, and what cannot be copied") {
    int number = 0;
    testing::loop().call_soon(store, std::ref(number), 4);
    int from_pointer = 0;
    testing::loop().call_soon([&](std::unique_ptr<int>& value) { from_pointer = *value; },
                              std::make_unique<int>(5));
    co_await yield_now();
    CHECK_EQ(number, 4);
    CHECK_EQ(from_pointer, 5);
}

CO_TEST("cancel() frees what the callback captured at once, also of a timer") {
    const auto captured = std::make_shared<int>(1);
    const auto callback = [captured] {};
    Handle soon = testing::loop().call_soon(callback);
    TimerHandle later = testing::loop().call_later(1h, callback);
    CHECK_EQ(captured.use_count(), 4L);
    soon.cancel();
    CHECK(soon.cancelled());
    CHECK_EQ(captured.use_count(), 3L);
    later.cancel();
    CHECK(later.cancelled());
    CHECK_EQ(captured.use_count(), 2L);
    CHECK_EQ(testing::loop().timer_count(), 0U);
    soon.cancel();
    later.cancel();
    co_await yield_now();
}

CO_TEST("a callback may cancel itself, and a second one that is about to run") {
    std::optional<Handle> self;
    std::optional<Handle> second;
    const auto captured = std::make_shared<int>(7);
    int seen = 0;
    const auto first = [&, captured] {
        self->cancel();
        second->cancel();
        seen = *captured; // still there
    };
    self = testing::loop().call_soon(first);
    bool ran = false;
    second = testing::loop().call_soon([&ran] { ran = true; });
    co_await yield_now();
    CHECK_EQ(seen, 7);
    CHECK(!ran);
    CHECK(self->cancelled());
    CHECK(second->cancelled());
}

CO_TEST("handles are copied and assigned, and show the same call") {
    int calls = 0;
    Handle first = testing::loop().call_soon([&calls] { ++calls; });
    Handle second = testing::loop().call_soon([&calls] { calls += 10; });
    const Handle copy = first;
    second = first;
    first.cancel();
    CHECK(copy.cancelled());
    CHECK(second.cancelled());
    co_await yield_now();
    CHECK_EQ(calls, 10);
}

CO_TEST("a timer handle knows its deadline, and stands in order of deadlines") {
    const TimePoint now = testing::loop().time();
    TimerHandle early = testing::loop().call_later(1s, [] {});
    TimerHandle late = testing::loop().call_at(now + 2s, [] {});
    CHECK_EQ(early.when() - now, 1s);
    CHECK_EQ(late.when() - now, 2s);
    CHECK(early < late);
    early.cancel();
    late.cancel();
    CHECK_EQ(late.when() - now, 2s); // also when it is cancelled
    co_return;
}

CO_TEST("the text of a handle names its kind, and that it is cancelled") {
    Handle soon = testing::loop().call_soon([] {});
    TimerHandle later = testing::loop().call_later(1s, [] {});
    CHECK(to_string(soon).starts_with("<Handle "));
    CHECK(to_string(later).starts_with("<TimerHandle "));
    soon.cancel();
    later.cancel();
    CHECK(to_string(soon).find("cancelled") != std::string::npos);
    CHECK(to_string(later).find("cancelled") != std::string::npos);
    co_return;
}

CO_TEST("a handle that is dropped changes nothing") {
    bool soon = false;
    bool later = false;
    testing::loop().call_soon([&soon] { soon = true; });
    testing::loop().call_later(1s, [&later] { later = true; });
    co_await sleep(2s);
    CHECK(soon);
    CHECK(later);
}

TEST("callbacks that a closing loop drops are destroyed without being called") {
    const auto captured = std::make_shared<int>(1);
    bool called = false;
    {
        EventLoop loop;
        const auto callback = [captured, &called] { called = true; };
        loop.call_soon(callback);
        const TimerHandle timer = loop.call_later(1h, callback);
        loop.close();
        CHECK_EQ(captured.use_count(), 3L); // `callback`, and what the handle keeps
    }
    CHECK_EQ(captured.use_count(), 1L);
    CHECK(!called);
}
