// SPDX-License-Identifier: MIT
// One step of a task, taken by hand: how far it goes, and how tasks end in it.
#include "asyncio/task_steps.h"

#include "asyncio/events.h"
#include "asyncio/testing/testing.h"
#include "support/moments.h"

#include <memory>
#include <string>

using namespace asyncio;
using support::Names;

namespace {

// A loop that never runs a turn: its tasks take the steps that the test takes.
class ByHand {
public:
    template <class T>
    Task<T> start(Coro<T> coro) {
        return loop.create_task(std::move(coro));
    }

    /// The step of the task that is queued first.
    void step() {
        REQUIRE(!loop.core().ready.empty());
        const std::uintptr_t link = loop.core().ready.pop();
        REQUIRE(detail::ReadyQueue::kind_of(link) == detail::ReadyKind::task);
        detail::LoopCore* const before = std::exchange(detail::here.loop, &loop.core());
        struct Leave {
            detail::LoopCore* loop;
            ~Leave() { detail::here.loop = loop; }
        } leave{before};
        detail::run_step(static_cast<detail::FutureState*>(detail::ReadyQueue::node_of(link)));
    }

    EventLoop loop;
};

Coro<int> note_steps(Names& seen) {
    seen.push_back("first");
    co_await yield_now();
    seen.push_back("second");
    co_await yield_now();
    seen.push_back("third");
    co_return 3;
}

Coro<> interrupt() {
    throw KeyboardInterrupt("now");
    co_return;
}

} // namespace

TEST("run_step: goes to the next suspension and no further") {
    ByHand hand;
    Names seen;
    const auto task = hand.start(note_steps(seen));
    CHECK(seen.empty());
    hand.step();
    CHECK_EQ(seen, Names({"first"}));
    hand.step();
    CHECK_EQ(seen, Names({"first", "second"}));
    CHECK(!task.done());
    hand.step();
    CHECK(task.done());
    CHECK_EQ(task.result(), 3);
    CHECK(detail::here.task == nullptr);
    CHECK(detail::context_slot == nullptr);
}

TEST("run_step: of a task that was cancelled before it, the body never runs") {
    ByHand hand;
    Names seen;
    const auto task = hand.start(note_steps(seen));
    task.cancel("too early");
    hand.step();
    CHECK(seen.empty());
    CHECK(task.cancelled());
    CHECK(hand.loop.core().ready.empty());
}

TEST("run_step: an interrupt leaves it when the task is done and those who wait are told") {
    ByHand hand;
    const auto task = hand.start(interrupt());
    bool told = false;
    task.add_done_callback([&told] { told = true; });
    CHECK_THROWS_AS(hand.step(), KeyboardInterrupt);
    CHECK(task.done());
    CHECK(!hand.loop.core().ready.empty()); // the callback
    hand.loop.stop();
    hand.loop.run_forever();
    CHECK(told);
    CHECK_THROWS_AS(task.result(), KeyboardInterrupt);
}

TEST(
    "leave_task_list: a task that has ended is not among the loop's, the others keep their order") {
    ByHand hand;
    Names seen;
    const auto a = hand.start(note_steps(seen));
    auto b = hand.start([]() -> Coro<> { co_return; }());
    const auto c = hand.start(note_steps(seen));
    hand.step();
    hand.step();
    CHECK(b.done());
    const auto left = all_tasks(hand.loop);
    REQUIRE(left.size() == 2);
    CHECK(left[0] == a);
    CHECK(left[1] == c);
    for (int steps = 0; steps < 5; ++steps) hand.step();
    CHECK(all_tasks(hand.loop).empty());
}
