// SPDX-License-Identifier: MIT
// Event: who is woken, in which turn, in which order.
#include "asyncio/locks.h"

#include "asyncio/testing/sweep.h"
#include "asyncio/wait_for.h"
#include "support/moments.h"

using namespace asyncio;
using namespace std::chrono_literals;
using support::contains;
using support::Names;
using support::turn;

namespace {

Coro<> wait_and_note(Event& event, std::string name, Names& order) {
    co_await event.wait();
    order.push_back(name);
}

Coro<> wait_and_note_turn(Event& event, std::uint64_t& at) {
    co_await event.wait();
    at = turn();
}

} // namespace

CO_TEST("SEM-EVT-01: wait() on a set event does not suspend") {
    Event event;
    CHECK(!event.is_set());
    event.set();
    CHECK(event.is_set());
    const testing::Turns turns;
    co_await event.wait();
    co_await event.wait();
    CHECK_EQ(turns.count(), 0);
}

CO_TEST("SEM-EVT-01: set() wakes all who wait, in the order in which they came") {
    Event event;
    Names order;
    const auto a = create_task(wait_and_note(event, "a", order));
    const auto b = create_task(wait_and_note(event, "b", order));
    const auto c = create_task(wait_and_note(event, "c", order));
    co_await yield_now();
    CHECK(order.empty());
    event.set();
    CHECK(order.empty()); // set() runs nobody
    co_await yield_now();
    CHECK_EQ(order, Names{"a", "b", "c"});
    CHECK(a.done() && b.done() && c.done());
}

CO_TEST("SEM-EVT-01: clear() affects only those who wait later") {
    Event event;
    Names order;
    event.set();
    event.clear();
    CHECK(!event.is_set());
    const auto late = create_task(wait_and_note(event, "late", order));
    for (int i = 0; i < 5; ++i) co_await yield_now();
    CHECK(!late.done());
    event.set();
    co_await late;
}

CO_TEST("SEM-EVT-02 FLT-SYNC-05: set() and clear() in one turn wake everyone who was waiting") {
    Event event;
    Names order;
    const auto a = create_task(wait_and_note(event, "a", order));
    const auto b = create_task(wait_and_note(event, "b", order));
    co_await yield_now();
    event.set();
    event.clear();
    const auto late = create_task(wait_and_note(event, "late", order));
    for (int i = 0; i < 5; ++i) co_await yield_now();
    CHECK_EQ(order, Names{"a", "b"});
    CHECK(a.done() && b.done());
    CHECK(!late.done());
    event.set();
    co_await late;
}

CO_TEST("SEM-EVT-03: a repeated set() is a no-op, and waiters leave when they resume") {
    Event event;
    Names order;
    const auto a = create_task(wait_and_note(event, "a", order));
    const auto b = create_task(wait_and_note(event, "b", order));
    co_await yield_now();
    CHECK(contains(to_string(event), "[unset, waiters:2]"));
    event.set();
    event.set();
    CHECK(contains(to_string(event), "[set, waiters:2]"));
    co_await yield_now();
    CHECK(contains(to_string(event), "[set]"));
    CHECK_EQ(order, Names{"a", "b"}); // each once
    CHECK(a.done() && b.done());
}

CO_TEST(
    "SEM-EVT-03: set, clear, set in one turn wakes the first waiters once and the new ones too") {
    Event event;
    Names order;
    const auto a = create_task(wait_and_note(event, "a", order));
    co_await yield_now();
    event.set();
    event.clear();
    const auto b = create_task(wait_and_note(event, "b", order));
    co_await yield_now(); // a has run; b waits
    CHECK_EQ(order, Names{"a"});
    const auto c = create_task(wait_and_note(event, "c", order));
    co_await yield_now();
    event.set();
    event.clear();
    event.set();
    co_await yield_now();
    CHECK_EQ(order, Names{"a", "b", "c"});
    CHECK(a.done() && b.done() && c.done());
}

CO_TEST("SEM-EVT-04: a cancelled waiter goes, and the others keep their places") {
    Event event;
    Names order;
    const auto a = create_task(wait_and_note(event, "a", order));
    const auto b = create_task(wait_and_note(event, "b", order));
    const auto c = create_task(wait_and_note(event, "c", order));
    co_await yield_now();
    b.cancel();
    CHECK(contains(to_string(event), "waiters:2"));
    event.set();
    co_await c;
    CHECK_EQ(order, Names{"a", "c"});
    CHECK(a.done());
    CHECK_THROWS_AS(co_await b, CancelledError);
}

CO_TEST("SEM-EVT-04: a waiter cancelled after set() ends cancelled, the others do not") {
    Event event;
    Names order;
    const auto a = create_task(wait_and_note(event, "a", order));
    const auto b = create_task(wait_and_note(event, "b", order));
    co_await yield_now();
    event.set();
    a.cancel();
    co_await b;
    CHECK_EQ(order, Names{"b"});
    CHECK_THROWS_AS(co_await a, CancelledError);
}

CO_TEST("SEM-HOP-10: who waits for an event goes on 1 turn after set()") {
    Event event;
    std::uint64_t woken = 0;
    const auto waiter = create_task(wait_and_note_turn(event, woken));
    co_await sleep(1s);
    const std::uint64_t set = turn();
    event.set();
    co_await waiter;
    CHECK_EQ(woken - set, 1U);
}

CO_TEST("an event can be set where no task runs") {
    Event event;
    testing::loop().call_soon([&event] { event.set(); });
    co_await event.wait();
    CHECK(event.is_set());
}

CO_TEST("wait_for(event.wait()) gives up in time") {
    Event event;
    CHECK_THROWS_AS(co_await wait_for(event.wait(), 2s), TimeoutError);
    CHECK_EQ(testing::loop().time().time_since_epoch(), 2s);
    CHECK(contains(to_string(event), "<asyncio.locks.Event object at 0x"));
    CHECK(contains(to_string(event), "[unset]"));
}

CO_SWEEP("Event under the cancel sweep: bystanders are woken, nobody is left in the line") {
    Event event;
    Names order;
    const auto twice = [&event]() -> Coro<> {
        co_await event.wait();
        event.clear();
        co_await event.wait();
    };
    const auto before = create_task(wait_and_note(event, "before", order));
    const auto victim = sweep.victim(twice());
    const auto after = create_task(wait_and_note(event, "after", order));
    co_await yield_now();
    event.set();
    co_await before;
    co_await after;
    co_await yield_now();
    event.set();
    const auto end = co_await outcome(victim);
    CHECK(end.has_value() || sweep.struck());
    CHECK_EQ(order, Names{"before", "after"});
    CHECK(!contains(to_string(event), "waiters"));
}
