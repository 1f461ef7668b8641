// SPDX-License-Identifier: MIT
// Queues that are shut down: who gets what is left, who is woken, what join() waits for.
#include "asyncio/queues.h"

#include "asyncio/testing/sweep.h"
#include "asyncio/wait_for.h"
#include "support/moments.h"

using namespace asyncio;
using namespace std::chrono_literals;
using support::turns_pass;

namespace {

using Numbers = std::vector<int>;

// How a get(), a put() or a join() of a task ended.
enum class End { pending, done, shut_down, cancelled, other };

template <class T>
End end_of(const Outcome<T>& end) {
    if (end.has_value()) return End::done;
    if (end.cancelled()) return End::cancelled;
    return is_exception<QueueShutDown>(end.exception()) ? End::shut_down : End::other;
}

template <class A>
Coro<> note_end(A operation, End& end) {
    end = end_of(co_await outcome(std::move(operation)));
}

// The same case for all three kinds.
template <class F>
Coro<> for_each_kind(F check) {
    Queue<int> fifo(3);
    LifoQueue<int> lifo(3);
    PriorityQueue<int> priority(3);
    co_await check(fifo);
    co_await check(lifo);
    co_await check(priority);
}

} // namespace

CO_TEST("SEM-Q-10: after shutdown() put() and put_nowait() throw QueueShutDown at once") {
    Queue<int> queue(1);
    queue.shutdown();
    CHECK(queue.is_shut_down());
    const testing::Turns turns;
    CHECK_THROWS_AS(co_await queue.put(1), QueueShutDown);
    CHECK_THROWS_AS(queue.put_nowait(1), QueueShutDown);
    CHECK_EQ(turns.count(), 0);
    Queue<int> full(1);
    full.put_nowait(1);
    full.shutdown();
    CHECK_THROWS_AS(co_await full.put(2), QueueShutDown);
    CHECK_THROWS_AS(full.put_nowait(2), QueueShutDown); // and not QueueFull
}

CO_TEST("SEM-Q-10: get() and get_nowait() serve what is left, then throw QueueShutDown") {
    Queue<int> queue;
    for (const int item : {1, 2, 3}) queue.put_nowait(item);
    queue.shutdown();
    CHECK_EQ(co_await queue.get(), 1);
    CHECK_EQ(queue.get_nowait(), 2);
    CHECK_EQ(co_await queue.get(), 3);
    const testing::Turns turns;
    CHECK_THROWS_AS(co_await queue.get(), QueueShutDown);
    CHECK_THROWS_AS(queue.get_nowait(), QueueShutDown); // and not QueueEmpty
    CHECK_EQ(turns.count(), 0);
}

CO_TEST("SEM-Q-11: shutdown() wakes blocked getters, which throw QueueShutDown") {
    Queue<int> queue;
    End a = End::pending;
    End b = End::pending;
    const auto first = create_task(note_end(queue.get(), a));
    const auto second = create_task(note_end(queue.get(), b));
    co_await yield_now();
    queue.shutdown();
    co_await yield_now();
    CHECK_EQ(a, End::shut_down);
    CHECK_EQ(b, End::shut_down);
    CHECK(first.done() && second.done());
}

CO_TEST("SEM-Q-11: shutdown() wakes blocked putters, which throw QueueShutDown") {
    Queue<int> queue(1);
    queue.put_nowait(1);
    End a = End::pending;
    End b = End::pending;
    const auto first = create_task(note_end(queue.put(2), a));
    const auto second = create_task(note_end(queue.put(3), b));
    co_await yield_now();
    queue.shutdown();
    co_await yield_now();
    CHECK_EQ(a, End::shut_down);
    CHECK_EQ(b, End::shut_down);
    CHECK(first.done() && second.done());
    CHECK_EQ(queue.get_nowait(), 1);
    CHECK(queue.empty());
}

CO_TEST("SEM-Q-11: a getter that was woken for an item gets it, though shutdown() came first") {
    Queue<int> queue;
    End a = End::pending;
    End b = End::pending;
    const auto first = create_task(note_end(queue.get(), a));
    const auto second = create_task(note_end(queue.get(), b));
    co_await yield_now();
    queue.put_nowait(1);
    queue.shutdown();
    co_await first;
    co_await second;
    CHECK_EQ(a, End::done);
    CHECK_EQ(b, End::shut_down);
}

CO_TEST(
    "SEM-Q-11: a putter that was woken for room throws QueueShutDown if shutdown() came first") {
    Queue<int> queue(1);
    queue.put_nowait(1);
    End end = End::pending;
    const auto putter = create_task(note_end(queue.put(2), end));
    co_await yield_now();
    CHECK_EQ(queue.get_nowait(), 1);
    queue.shutdown();
    co_await putter;
    CHECK_EQ(end, End::shut_down);
    CHECK(queue.empty());
}

CO_TEST("SEM-Q-11: a getter woken by shutdown() and then cancelled ends cancelled") {
    Queue<int> queue;
    End end = End::pending;
    const auto getter = create_task(note_end(queue.get(), end));
    co_await yield_now();
    queue.shutdown();
    getter.cancel();
    co_await getter;
    CHECK_EQ(end, End::cancelled);
}

CO_TEST("SEM-Q-12: shutdown(immediate) empties the queue, and join() returns") {
    Queue<int> queue;
    for (const int item : {1, 2, 3}) queue.put_nowait(item);
    End joined = End::pending;
    const auto joiner = create_task(note_end(queue.join(), joined));
    co_await turns_pass(3);
    CHECK_EQ(joined, End::pending);
    queue.shutdown(Shutdown::immediate);
    CHECK(queue.empty());
    co_await yield_now();
    CHECK_EQ(joined, End::done);
    CHECK(joiner.done());
    CHECK_THROWS_AS(co_await queue.get(), QueueShutDown);
    CHECK_THROWS_AS(queue.task_done(), ValueError); // the drained items are accounted for
}

CO_TEST("SEM-Q-12: shutdown(immediate) wakes getters and putters too") {
    Queue<int> queue(1);
    queue.put_nowait(1);
    End put = End::pending;
    const auto putter = create_task(note_end(queue.put(2), put));
    co_await yield_now();
    queue.shutdown(Shutdown::immediate);
    co_await putter;
    CHECK_EQ(put, End::shut_down);
    Queue<int> empty;
    End got = End::pending;
    const auto getter = create_task(note_end(empty.get(), got));
    co_await yield_now();
    empty.put_nowait(1);
    empty.shutdown(Shutdown::immediate); // takes away what the getter was woken for
    co_await getter;
    CHECK_EQ(got, End::shut_down);
}

CO_TEST("SEM-Q-12: shutdown() that drains leaves join() waiting for what is left") {
    Queue<int> queue;
    queue.put_nowait(1);
    End joined = End::pending;
    const auto joiner = create_task(note_end(queue.join(), joined));
    co_await yield_now();
    queue.shutdown();
    co_await turns_pass(3);
    CHECK_EQ(joined, End::pending);
    static_cast<void>(co_await queue.get());
    queue.task_done();
    co_await joiner;
    CHECK_EQ(joined, End::done);
}

CO_TEST("SEM-Q-13: shutdown(immediate) with an item at work: join() waits for its task_done()") {
    Queue<int> queue;
    for (const int item : {1, 2, 3}) queue.put_nowait(item);
    static_cast<void>(co_await queue.get());
    End joined = End::pending;
    const auto joiner = create_task(note_end(queue.join(), joined));
    co_await yield_now();
    queue.shutdown(Shutdown::immediate);
    co_await turns_pass(3);
    CHECK_EQ(joined, End::pending);
    queue.task_done();
    co_await joiner;
    CHECK_EQ(joined, End::done);
}

CO_TEST("SEM-Q-14: shutdown() twice does no more than once, and immediate may follow") {
    Queue<int> queue;
    for (const int item : {1, 2}) queue.put_nowait(item);
    queue.shutdown();
    queue.shutdown();
    CHECK_EQ(queue.qsize(), 2U);
    CHECK_EQ(co_await queue.get(), 1);
    queue.shutdown(Shutdown::immediate);
    CHECK(queue.empty());
    queue.shutdown(Shutdown::immediate);
    queue.shutdown();
    CHECK_THROWS_AS(queue.get_nowait(), QueueShutDown);
    queue.task_done(); // of the one that was taken
    co_await queue.join();
}

CO_TEST("SEM-Q-15: LifoQueue and PriorityQueue count for join() as Queue does") {
    const auto check = [](auto& queue) -> Coro<> {
        for (const int item : {2, 1, 3}) co_await queue.put(item);
        End joined = End::pending;
        const auto joiner = create_task(note_end(queue.join(), joined));
        for (int i = 0; i < 3; ++i) {
            co_await turns_pass(2);
            CHECK_EQ(joined, End::pending);
            static_cast<void>(co_await queue.get());
            queue.task_done();
        }
        co_await joiner;
        CHECK_EQ(joined, End::done);
        CHECK_THROWS_AS(queue.task_done(), ValueError);
    };
    co_await for_each_kind(check);
}

CO_TEST("SEM-Q-15: LifoQueue and PriorityQueue are shut down as Queue is") {
    const auto check = [](auto& queue) -> Coro<> {
        for (const int item : {2, 1, 3}) co_await queue.put(item);
        End put = End::pending;
        const auto putter = create_task(note_end(queue.put(4), put));
        co_await yield_now();
        queue.shutdown();
        co_await putter;
        CHECK_EQ(put, End::shut_down);
        CHECK_THROWS_AS(queue.put_nowait(5), QueueShutDown);
        CHECK_EQ(queue.qsize(), 3U);
        static_cast<void>(co_await queue.get());
        queue.shutdown(Shutdown::immediate);
        CHECK(queue.empty());
        CHECK_THROWS_AS(co_await queue.get(), QueueShutDown);
        queue.task_done();
        co_await wait_for(queue.join(), 1s);
    };
    co_await for_each_kind(check);
}

CO_TEST("next() gives what is left after shutdown(), then nothing") {
    Queue<int> queue;
    for (const int item : {1, 2, 3}) queue.put_nowait(item);
    queue.shutdown();
    Numbers got;
    while (const auto item = co_await queue.next()) got.push_back(*item);
    CHECK_EQ(got, Numbers{1, 2, 3});
    CHECK(!co_await queue.next());
}

CO_TEST("next() that waits ends with nothing when the queue is shut down") {
    Queue<int> queue;
    Numbers got;
    const auto consume = [&]() -> Coro<> {
        while (const auto item = co_await queue.next()) got.push_back(*item);
    };
    const auto a = create_task(consume());
    const auto b = create_task(consume());
    co_await yield_now();
    queue.put_nowait(1);
    co_await turns_pass(2);
    queue.shutdown();
    co_await wait_for(a, 1s);
    co_await wait_for(b, 1s);
    CHECK_EQ(got, Numbers{1});
}

CO_TEST("outcome(queue.get()) and outcome(queue.next()) give the end of a queue as a value") {
    Queue<int> queue;
    queue.put_nowait(1);
    queue.shutdown();
    const auto first = co_await outcome(queue.get());
    CHECK(first.has_value());
    const auto second = co_await outcome(queue.next());
    CHECK(second.has_value() && !second.value());
    CHECK_EQ(end_of(co_await outcome(queue.get())), End::shut_down);
    CHECK_EQ(end_of(co_await outcome(queue.put(1))), End::shut_down);
}

CO_SWEEP("a queue that is shut down under the cancel sweep: nobody hangs, nothing is lost") {
    Queue<int> queue(2);
    Numbers got;
    got.reserve(5); // the victim's memory may fail, but not between its get() and this
    int put = 0;
    const auto consume = [&]() -> Coro<> {
        while (const auto item = co_await queue.next()) {
            got.push_back(*item);
            queue.task_done();
        }
    };
    const auto produce = [&]() -> Coro<> {
        for (int i = 0; i < 5; ++i) {
            co_await queue.put(i);
            ++put;
            co_await yield_now();
        }
        queue.shutdown();
    };
    const auto victim = sweep.victim(consume());
    const auto bystander = create_task(consume());
    const auto producer = create_task(produce());
    co_await wait_for(producer, 10s);
    co_await wait_for(bystander, 10s);
    const auto end = co_await outcome(victim);
    CHECK(end.has_value() || sweep.struck());
    CHECK_EQ(got, Numbers{0, 1, 2, 3, 4});
    CHECK_EQ(put, 5);
    co_await wait_for(queue.join(), 1s);
}

CO_SWEEP("a producer under the cancel sweep, its queue shut down behind it: what was put is got") {
    Queue<int> queue(1);
    Numbers got;
    int put = 0;
    const auto produce = [&]() -> Coro<> {
        for (int i = 0; i < 4; ++i) {
            co_await queue.put(i);
            ++put;
        }
    };
    const auto consume = [&]() -> Coro<> {
        while (const auto item = co_await queue.next()) got.push_back(*item);
    };
    const auto victim = sweep.victim(produce());
    const auto consumer = create_task(consume());
    const auto end = co_await outcome(victim);
    CHECK(end.has_value() || sweep.struck());
    queue.shutdown();
    co_await wait_for(consumer, 10s);
    CHECK_EQ(got.size(), static_cast<std::size_t>(put));
    for (int i = 0; i < put; ++i) CHECK_EQ(got[static_cast<std::size_t>(i)], i);
}
