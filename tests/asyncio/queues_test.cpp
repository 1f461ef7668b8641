// SPDX-License-Identifier: MIT
// Queues: order, bounds, waiting, join.
#include "asyncio/queues.h"

#include "asyncio/testing/sweep.h"
#include "asyncio/wait_for.h"
#include "support/moments.h"

#include <memory>

using namespace asyncio;
using namespace std::chrono_literals;
using support::contains;
using support::turn;
using support::turns_pass;

namespace {

using Numbers = std::vector<int>;

template <class Q>
Coro<> get_into(Q& queue, Numbers& got) {
    got.push_back(co_await queue.get());
}

Coro<> put_turn(Queue<int>& queue, int item, std::uint64_t& at) {
    co_await queue.put(item);
    at = turn();
}

Coro<> get_turn(Queue<int>& queue, std::uint64_t& at) {
    static_cast<void>(co_await queue.get());
    at = turn();
}

template <class Q>
Numbers drain(Q& queue) {
    Numbers items;
    while (auto item = queue.try_get()) items.push_back(*item);
    return items;
}

} // namespace

CO_TEST("SEM-Q-01: a Queue gives the first item first, a LifoQueue the last, a PriorityQueue the "
        "smallest") {
    Queue<int> fifo;
    LifoQueue<int> lifo;
    PriorityQueue<int> priority;
    PriorityQueue<int, std::greater<>> largest;
    for (const int item : {3, 1, 4, 1, 5, 9, 2, 6}) {
        co_await fifo.put(item);
        co_await lifo.put(item);
        co_await priority.put(item);
        co_await largest.put(item);
    }
    CHECK_EQ(drain(fifo), Numbers{3, 1, 4, 1, 5, 9, 2, 6});
    CHECK_EQ(drain(lifo), Numbers{6, 2, 9, 5, 1, 4, 1, 3});
    CHECK_EQ(drain(priority), Numbers{1, 1, 2, 3, 4, 5, 6, 9});
    CHECK_EQ(drain(largest), Numbers{9, 6, 5, 4, 3, 2, 1, 1});
}

CO_TEST("SEM-Q-01: a Queue keeps its order while it grows and wraps around") {
    Queue<int> queue;
    int next_in = 0;
    int next_out = 0;
    for (int round = 0; round < 200; ++round) {
        for (int i = 0; i < round % 7 + 1; ++i) queue.put_nowait(next_in++);
        for (int i = 0; i < round % 5 + 1 && !queue.empty(); ++i) {
            CHECK_EQ(queue.get_nowait(), next_out++);
        }
    }
    for (const int item : drain(queue)) CHECK_EQ(item, next_out++);
    CHECK_EQ(next_out, next_in);
    co_return;
}

CO_TEST("SEM-Q-02: maxsize 0, and a negative one, is no bound: the queue is never full") {
    Queue<int> queue;
    Queue<int> negative(static_cast<std::size_t>(-1));
    CHECK_EQ(queue.maxsize(), 0U);
    CHECK_EQ(negative.maxsize(), 0U);
    const testing::Turns turns;
    for (int i = 0; i < 5000; ++i) {
        co_await queue.put(i);
        co_await negative.put(i);
        CHECK(!queue.full() && !negative.full());
    }
    CHECK_EQ(turns.count(), 0);
    CHECK_EQ(queue.qsize(), 5000U);
}

CO_TEST("SEM-Q-02: full() as soon as qsize() has reached maxsize") {
    Queue<int> queue(2);
    CHECK_EQ(queue.maxsize(), 2U);
    CHECK(queue.empty() && !queue.full());
    queue.put_nowait(1);
    CHECK(!queue.empty() && !queue.full());
    queue.put_nowait(2);
    CHECK(queue.full());
    CHECK_EQ(queue.qsize(), 2U);
    co_return;
}

CO_TEST("SEM-Q-02: put() waits while the queue is full, get() while it is empty") {
    Queue<int> queue(1);
    Numbers got;
    const auto getter = create_task(get_into(queue, got));
    co_await turns_pass(3);
    CHECK(!getter.done());
    co_await queue.put(1);
    co_await getter;
    co_await queue.put(2);
    const auto putter = create_task(queue.put(3));
    co_await turns_pass(3);
    CHECK(!putter.done());
    CHECK_EQ(queue.qsize(), 1U);
    CHECK_EQ(co_await queue.get(), 2);
    co_await putter;
    CHECK_EQ(co_await queue.get(), 3);
    CHECK_EQ(got, Numbers{1});
}

CO_TEST("SEM-Q-03: put_nowait() throws QueueFull, get_nowait() QueueEmpty") {
    Queue<int> queue(1);
    CHECK_THROWS_AS(queue.get_nowait(), QueueEmpty);
    queue.put_nowait(1);
    CHECK_THROWS_AS(queue.put_nowait(2), QueueFull);
    CHECK_EQ(queue.get_nowait(), 1);
    CHECK_THROWS_AS(queue.get_nowait(), QueueEmpty);
    co_return;
}

CO_TEST("try_put() and try_get() say by their value whether there was room or an item") {
    Queue<std::string> queue(1);
    std::string kept(40, 'k');
    CHECK(!queue.try_get());
    CHECK(queue.try_put(std::string("first")));
    CHECK(!queue.try_put(kept));
    CHECK_EQ(kept, std::string(40, 'k')); // a refused item stays as it was
    CHECK(queue.try_get() == "first");
    CHECK(queue.try_put(kept));
    CHECK(kept.empty());
    queue.shutdown();
    CHECK(!queue.try_put(std::string("late")));
    CHECK(queue.try_get().has_value());
    CHECK(!queue.try_get());
    co_return;
}

CO_TEST("SEM-Q-04: each put wakes at most one getter") {
    Queue<int> queue;
    Numbers got;
    std::vector<Task<>> getters;
    for (int i = 0; i < 3; ++i) getters.push_back(create_task(get_into(queue, got)));
    co_await yield_now();
    queue.put_nowait(1);
    CHECK(contains(to_string(queue), "_getters[2]"));
    co_await turns_pass(3);
    CHECK_EQ(got, Numbers{1});
    CHECK(getters[0].done() && !getters[1].done());
    queue.put_nowait(2);
    queue.put_nowait(3);
    co_await getters[2];
    CHECK_EQ(got, Numbers{1, 2, 3});
}

CO_TEST("SEM-Q-04: blocked putters are served in the order in which they came, one a get") {
    Queue<int> queue(1);
    queue.put_nowait(0);
    std::vector<Task<>> putters;
    for (int i = 1; i <= 3; ++i) putters.push_back(create_task(queue.put(i)));
    co_await yield_now();
    CHECK_EQ(queue.get_nowait(), 0);
    CHECK(contains(to_string(queue), "_putters[2]"));
    co_await turns_pass(3);
    CHECK(putters[0].done() && !putters[1].done());
    for (int i = 1; i <= 3; ++i) CHECK_EQ(co_await queue.get(), i);
    co_await putters[2];
}

CO_TEST("SEM-Q-04: getters are served in the order in which they came") {
    Queue<int> queue;
    std::vector<std::string> order;
    const auto get = [&](std::string name) -> Coro<> {
        const int item = co_await queue.get();
        order.push_back(name + std::to_string(item));
    };
    const auto a = create_task(get("a"));
    const auto b = create_task(get("b"));
    const auto c = create_task(get("c"));
    co_await yield_now();
    for (int i = 0; i < 3; ++i) queue.put_nowait(i);
    co_await c;
    CHECK_EQ(order, std::vector<std::string>{"a0", "b1", "c2"});
    CHECK(a.done() && b.done());
}

CO_TEST("a woken getter that finds the queue empty again waits again, at the end of the line") {
    Queue<int> queue;
    std::vector<std::string> order;
    const auto get = [&](std::string name) -> Coro<> {
        const int item = co_await queue.get();
        order.push_back(name + std::to_string(item));
    };
    const auto a = create_task(get("a"));
    const auto b = create_task(get("b"));
    co_await yield_now();
    queue.put_nowait(1);               // wakes a
    CHECK_EQ(queue.get_nowait(), 1);   // overtakes it
    co_await turns_pass(3);
    CHECK(order.empty());
    queue.put_nowait(2);
    queue.put_nowait(3);
    co_await a;
    CHECK_EQ(order, std::vector<std::string>{"b2", "a3"});
    CHECK(b.done());
}

CO_TEST("a woken putter that finds the queue full again waits again, at the end of the line") {
    Queue<int> queue(1);
    queue.put_nowait(0);
    const auto a = create_task(queue.put(1));
    const auto b = create_task(queue.put(2));
    co_await yield_now();
    CHECK_EQ(queue.get_nowait(), 0); // wakes a
    queue.put_nowait(9);             // overtakes it
    co_await turns_pass(3);
    CHECK(!a.done() && !b.done());
    CHECK_EQ(queue.qsize(), 1U);
    Numbers items;
    for (int i = 0; i < 3; ++i) items.push_back(co_await queue.get());
    CHECK_EQ(items, Numbers{9, 2, 1});
    CHECK(a.done() && b.done());
}

CO_TEST("of several woken getters and too few items, the last woken go without") {
    Queue<int> queue;
    Numbers got;
    std::vector<Task<>> getters;
    for (int i = 0; i < 4; ++i) getters.push_back(create_task(get_into(queue, got)));
    co_await yield_now();
    for (int i = 0; i < 4; ++i) queue.put_nowait(i);
    CHECK_EQ(queue.get_nowait(), 0);
    CHECK_EQ(queue.get_nowait(), 1);
    queue.put_nowait(4);
    co_await turns_pass(3);
    CHECK_EQ(got, Numbers{2, 3, 4});
    CHECK(!getters[3].done());
    CHECK(contains(to_string(queue), "_getters[1]"));
    queue.put_nowait(5);
    co_await getters[3];
}

CO_TEST("SEM-Q-05: a cancelled getter leaves no trace, and the next one is served") {
    Queue<int> queue;
    Numbers got;
    const auto a = create_task(get_into(queue, got));
    const auto b = create_task(get_into(queue, got));
    co_await yield_now();
    a.cancel();
    CHECK(contains(to_string(queue), "_getters[1]"));
    queue.put_nowait(7);
    co_await b;
    CHECK_EQ(got, Numbers{7});
    CHECK_THROWS_AS(co_await a, CancelledError);
    CHECK_EQ(to_string(queue), "<Queue maxsize=0 tasks=1>");
}

CO_TEST("SEM-Q-05: a cancelled putter leaves no trace, and its item is not in the queue") {
    Queue<int> queue(1);
    queue.put_nowait(0);
    const auto a = create_task(queue.put(1));
    const auto b = create_task(queue.put(2));
    co_await yield_now();
    a.cancel();
    CHECK(contains(to_string(queue), "_putters[1]"));
    CHECK_EQ(co_await queue.get(), 0);
    co_await b;
    CHECK_THROWS_AS(co_await a, CancelledError);
    CHECK_EQ(drain(queue), Numbers{2});
}

CO_TEST("SEM-Q-06: a getter woken and then cancelled leaves the item, and wakes the next getter") {
    Queue<int> queue;
    Numbers got;
    const auto a = create_task(get_into(queue, got));
    const auto b = create_task(get_into(queue, got));
    co_await yield_now();
    queue.put_nowait(7);
    a.cancel();
    CHECK_EQ(queue.qsize(), 1U);
    co_await wait_for(b, 1s);
    CHECK_EQ(got, Numbers{7});
    CHECK(a.cancelled());
}

CO_TEST("SEM-Q-06: without another getter the item stays for whoever comes") {
    Queue<int> queue;
    Numbers got;
    const auto a = create_task(get_into(queue, got));
    co_await yield_now();
    queue.put_nowait(7);
    a.cancel();
    CHECK_THROWS_AS(co_await a, CancelledError);
    CHECK_EQ(queue.qsize(), 1U);
    CHECK_EQ(co_await queue.get(), 7);
}

CO_TEST("SEM-Q-07: a putter woken and then cancelled does not insert, and wakes the next putter") {
    Queue<int> queue(1);
    queue.put_nowait(0);
    const auto a = create_task(queue.put(1));
    const auto b = create_task(queue.put(2));
    co_await yield_now();
    CHECK_EQ(queue.get_nowait(), 0);
    a.cancel();
    co_await wait_for(b, 1s);
    CHECK(a.cancelled());
    CHECK_EQ(drain(queue), Numbers{2});
}

CO_TEST("SEM-Q-08: task_done() more often than items were put raises ValueError") {
    Queue<int> queue;
    CHECK_THROWS_MSG(queue.task_done(), ValueError, "task_done() called too many times");
    queue.put_nowait(1);
    queue.put_nowait(2);
    queue.task_done(); // also for an item that is still in it
    queue.task_done();
    CHECK_THROWS_AS(queue.task_done(), ValueError);
    co_return;
}

CO_TEST("SEM-Q-09: join() returns at once while there is nothing to do") {
    Queue<int> queue;
    const testing::Turns turns;
    co_await queue.join();
    queue.put_nowait(1);
    static_cast<void>(queue.get_nowait());
    queue.task_done();
    co_await queue.join();
    CHECK_EQ(turns.count(), 0);
}

CO_TEST("SEM-Q-09: two workers over 100 items have done all of them when join() returns") {
    Queue<int> queue;
    int sum = 0;
    const auto worker = [&]() -> Coro<> {
        for (;;) {
            const int item = co_await queue.get();
            co_await sleep(std::chrono::milliseconds(item % 3));
            sum += item;
            queue.task_done();
        }
    };
    const auto a = create_task(worker());
    const auto b = create_task(worker());
    for (int i = 0; i < 100; ++i) queue.put_nowait(i);
    co_await queue.join();
    CHECK_EQ(sum, 4950);
    CHECK(queue.empty());
    a.cancel();
    b.cancel();
    CHECK((co_await outcome(a)).cancelled());
    CHECK((co_await outcome(b)).cancelled());
}

CO_TEST("SEM-Q-09: join() that was woken returns, though new items were put meanwhile") {
    Queue<int> queue;
    queue.put_nowait(1);
    const auto joiner = create_task(queue.join());
    co_await yield_now();
    queue.task_done();
    queue.put_nowait(2);
    co_await joiner;
    CHECK_EQ(queue.qsize(), 2U);
}

CO_TEST("SEM-Q-16: the text lists maxsize, items, getters, putters, the unfinished, shutdown") {
    Queue<int> queue(2);
    CHECK_EQ(to_string(queue), "<Queue maxsize=2>");
    Numbers got;
    const auto getter = create_task(get_into(queue, got));
    co_await yield_now();
    CHECK_EQ(to_string(queue), "<Queue maxsize=2 _getters[1]>");
    queue.put_nowait(1);
    queue.put_nowait(2);
    CHECK_EQ(to_string(queue), "<Queue maxsize=2 _queue=[1, 2] tasks=2>");
    co_await getter;
    queue.put_nowait(3);
    const auto putter = create_task(queue.put(4));
    co_await yield_now();
    CHECK_EQ(to_string(queue), "<Queue maxsize=2 _queue=[2, 3] _putters[1] tasks=3>");
    queue.shutdown();
    CHECK_EQ(to_string(queue), "<Queue maxsize=2 _queue=[2, 3] tasks=3 shutdown>");
    CHECK_THROWS_AS(co_await putter, QueueShutDown);
    LifoQueue<std::string> lifo;
    lifo.put_nowait("a");
    CHECK_EQ(to_string(lifo), "<LifoQueue maxsize=0 _queue=['a'] tasks=1>");
    PriorityQueue<int> priority;
    CHECK_EQ(to_string(priority), "<PriorityQueue maxsize=0>");
}

CO_TEST(
    "SEM-HOP-09: get() goes on 1 turn after put_nowait(); until then the item is in the queue") {
    Queue<int> queue;
    std::uint64_t got = 0;
    const auto getter = create_task(get_turn(queue, got));
    co_await sleep(1s);
    const std::uint64_t put = turn();
    queue.put_nowait(1);
    CHECK_EQ(queue.qsize(), 1U);
    co_await getter;
    CHECK_EQ(got - put, 1U);
    CHECK_EQ(queue.qsize(), 0U);
}

CO_TEST("SEM-HOP-09: put() goes on 1 turn after get_nowait(); until then its item is not in") {
    Queue<int> queue(1);
    queue.put_nowait(0);
    std::uint64_t put = 0;
    const auto putter = create_task(put_turn(queue, 1, put));
    co_await sleep(1s);
    const std::uint64_t got = turn();
    CHECK_EQ(queue.get_nowait(), 0);
    CHECK_EQ(queue.qsize(), 0U);
    co_await putter;
    CHECK_EQ(put - got, 1U);
    CHECK_EQ(queue.qsize(), 1U);
}

CO_TEST("SEM-HOP-09: join() goes on 1 turn after the last task_done()") {
    Queue<int> queue;
    queue.put_nowait(0);
    std::uint64_t joined = 0;
    const auto join = [&]() -> Coro<> {
        co_await queue.join();
        joined = turn();
    };
    const auto joiner = create_task(join());
    co_await sleep(1s);
    const std::uint64_t done = turn();
    queue.task_done();
    co_await joiner;
    CHECK_EQ(joined - done, 1U);
}

// ---- what is in it ------------------------------------------------------------------------------

CO_TEST("items need only be movable, in every kind of queue") {
    struct Smaller {
        bool operator()(const std::unique_ptr<int>& a, const std::unique_ptr<int>& b) const {
            return *a < *b;
        }
    };
    Queue<std::unique_ptr<int>> fifo(1);
    LifoQueue<std::unique_ptr<int>> lifo;
    PriorityQueue<std::unique_ptr<int>, Smaller> priority;
    co_await fifo.put(std::make_unique<int>(1));
    const auto putter = create_task(fifo.put(std::make_unique<int>(2)));
    co_await yield_now();
    const auto first = co_await fifo.get();
    const auto second = co_await fifo.next();
    CHECK_EQ(*first, 1);
    CHECK_EQ(**second, 2);
    CHECK(putter.done());
    for (const int item : {2, 1, 3}) {
        lifo.put_nowait(std::make_unique<int>(item));
        priority.put_nowait(std::make_unique<int>(item));
    }
    const auto last = lifo.get_nowait();
    const auto smallest = priority.get_nowait();
    CHECK_EQ(*last, 3);
    CHECK_EQ(*smallest, 1);
}

CO_TEST("put_nowait() takes a braced item; pairs come out by their first part") {
    PriorityQueue<std::pair<int, std::string>> queue;
    queue.put_nowait({2, "tidy up"});
    queue.put_nowait({0, "alarm"});
    queue.put_nowait({1, "answer"});
    CHECK_EQ(queue.get_nowait().second, "alarm");
    const auto answer = co_await queue.get();
    CHECK_EQ(answer.second, "answer");
}

namespace {

// Gives out items in turn from either end: an order of one's own.
template <class T>
class EitherEnd {
public:
    static constexpr const char* name = "EitherEndQueue";
    std::size_t size() const noexcept { return items_.size(); }
    void push(T&& item) { items_.push_back(std::move(item)); }
    T pop() {
        const auto place = from_front_ ? items_.begin() : items_.end() - 1;
        from_front_ = !from_front_;
        T item = std::move(*place);
        items_.erase(place);
        return item;
    }
    template <class F>
    void for_each(F f) const {
        for (const T& item : items_) f(item);
    }

private:
    std::vector<T> items_;
    bool from_front_ = true;
};

} // namespace

CO_TEST("a container of one's own decides the order") {
    Queue<int, EitherEnd<int>> queue(4);
    for (const int item : {1, 2, 3, 4}) co_await queue.put(item);
    CHECK_EQ(to_string(queue), "<EitherEndQueue maxsize=4 _queue=[1, 2, 3, 4] tasks=4>");
    CHECK_EQ(drain(queue), Numbers{1, 4, 2, 3});
}

CO_TEST("items that are left are destroyed with the queue, and each once") {
    const auto shared = std::make_shared<int>(1);
    {
        Queue<std::shared_ptr<int>> queue;
        for (int i = 0; i < 10; ++i) queue.put_nowait(shared);
        for (int i = 0; i < 3; ++i) static_cast<void>(queue.get_nowait());
        for (int i = 0; i < 3; ++i) queue.put_nowait(shared);
        CHECK_EQ(shared.use_count(), 11);
    }
    CHECK_EQ(shared.use_count(), 1);
    co_return;
}

// ---- sweeps -------------------------------------------------------------------------------------

CO_SWEEP("Queue.get under the cancel sweep: no item is lost, doubled or out of order") {
    Queue<int> queue(2);
    Numbers got;
    got.reserve(6); // the victim's memory may fail, but not between its get() and this
    const auto consume = [&](int count) -> Coro<> {
        for (int i = 0; i < count; ++i) got.push_back(co_await queue.get());
    };
    const auto produce = [&]() -> Coro<> {
        for (int i = 0; i < 6; ++i) co_await queue.put(i);
    };
    const auto victim = sweep.victim(consume(3));
    const auto producer = create_task(produce());
    co_await turns_pass(4);
    const auto end = co_await outcome(victim);
    CHECK(end.has_value() || sweep.struck());
    const auto rest = create_task(consume(6 - static_cast<int>(got.size())));
    co_await wait_for(rest, 10s);
    co_await producer;
    CHECK_EQ(got, Numbers{0, 1, 2, 3, 4, 5});
    CHECK(queue.empty());
}

CO_SWEEP("Queue.put under the cancel sweep: what was put is in, what was cancelled is not") {
    Queue<int> queue(1);
    int put = 0;
    const auto produce = [&]() -> Coro<> {
        for (int i = 0; i < 4; ++i) {
            co_await queue.put(i);
            ++put;
        }
    };
    const auto victim = sweep.victim(produce());
    Numbers got;
    for (int i = 0; i < 12; ++i) {
        co_await yield_now();
        if (auto item = queue.try_get()) got.push_back(*item);
    }
    const auto end = co_await outcome(victim);
    CHECK(end.has_value() || sweep.struck());
    CHECK_EQ(got.size(), static_cast<std::size_t>(put));
    for (std::size_t i = 0; i < got.size(); ++i) CHECK_EQ(got[i], static_cast<int>(i));
    co_await wait_for(queue.put(9), 1s);
    CHECK_EQ(queue.get_nowait(), 9);
}

CO_SWEEP("Queue.join and next under the cancel sweep: the bystanders' join() returns") {
    Queue<int> queue;
    const auto work = [&]() -> Coro<> {
        while (auto item = co_await queue.next()) {
            const auto end = co_await outcome(yield_now());
            queue.task_done();
            end.value();
        }
    };
    const auto victim_work = [&]() -> Coro<> {
        co_await queue.join();
        co_await work();
    };
    queue.put_nowait(0);
    const auto victim = sweep.victim(victim_work());
    const auto worker = create_task(work());
    co_await turns_pass(4);
    for (int i = 1; i < 5; ++i) queue.put_nowait(i);
    co_await wait_for(queue.join(), 10s);
    queue.shutdown();
    co_await worker;
    const auto end = co_await outcome(victim);
    CHECK(end.has_value() || sweep.struck());
    CHECK_EQ(to_string(queue), "<Queue maxsize=0 shutdown>");
}
