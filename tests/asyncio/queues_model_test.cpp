// SPDX-License-Identifier: MIT
// Queues against a ledger: random producers, consumers, cancels, timeouts and shutdowns.
#include "asyncio/queues.h"

#include "asyncio/testing/testing.h"
#include "asyncio/wait_for.h"
#include "support/dice.h"

#include <algorithm>
#include <deque>
#include <random>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

struct Item {
    int producer;
    int number;
    friend auto operator<=>(const Item&, const Item&) = default;
};

// Every item that is put is got once, or is still in the queue, or was dropped by a shutdown; an
// item whose put() ended otherwise is nowhere.
template <class Q>
struct Ledger {
    Q queue;
    support::Dice dice;
    std::vector<Item> put;
    std::vector<Item> got;
    int refused = 0;

    Ledger(unsigned seed, std::size_t maxsize) : queue(maxsize), dice(seed) {}
    Duration pause() { return dice.milliseconds_below(4); }

    Coro<> produce(int producer) {
        for (int number = 0; number < 12; ++number) {
            const Item item{producer, number};
            if (dice.below(3) == 0) {
                if (!queue.try_put(Item(item))) continue;
                put.push_back(item);
            } else if (dice.below(3) == 0) {
                const auto end = co_await outcome(wait_for(queue.put(item), pause()));
                if (end.has_value()) {
                    put.push_back(item);
                } else if (is_exception<QueueShutDown>(end.exception()) || end.cancelled()) {
                    end.value();
                }
            } else {
                co_await queue.put(item);
                put.push_back(item);
            }
            if (dice.below(3) == 0) co_await sleep(pause());
        }
    }

    Coro<> consume() {
        for (;;) {
            if (dice.below(4) == 0) {
                if (auto item = queue.try_get()) {
                    take(*item);
                } else {
                    co_await sleep(pause());
                }
            } else if (dice.below(3) == 0) {
                const auto end = co_await outcome(wait_for(queue.get(), pause()));
                if (end.has_value()) {
                    take(end.value());
                } else if (!is_exception<TimeoutError>(end.exception())) {
                    end.value();
                }
            } else {
                take(co_await queue.get());
            }
        }
    }

    void take(const Item& item) {
        got.push_back(item);
        queue.task_done();
    }
};

template <class Q>
Coro<> run_ledger(Ledger<Q>& ledger) {
    std::vector<Task<>> tasks;
    for (int i = 0; i < 6; ++i) tasks.push_back(create_task(ledger.produce(i)));
    for (int i = 0; i < 5; ++i) tasks.push_back(create_task(ledger.consume()));
    for (int i = 0; i < 40; ++i) {
        if (ledger.dice.below(3) == 0) {
            Task<>& victim = tasks[static_cast<std::size_t>(ledger.dice.below(11))];
            victim.cancel();
            if (ledger.dice.below(4) == 0) victim.uncancel();
        }
        co_await sleep(ledger.pause());
    }
    tasks.push_back(create_task(ledger.consume())); // one is there to the end
    for (std::size_t i = 0; i < 6; ++i)
        static_cast<void>(co_await outcome(wait_for(tasks[i], 60s)));
    co_await wait_for(ledger.queue.join(), 60s);
    ledger.queue.shutdown();
    for (const Task<>& task : tasks) {
        const auto end = co_await outcome(wait_for(task, 60s));
        CHECK(!is_exception<TimeoutError>(end.exception()));
    }
}

std::vector<Item> sorted(std::vector<Item> items) {
    std::sort(items.begin(), items.end());
    return items;
}

std::vector<Item> of_producer(const std::vector<Item>& items, int producer) {
    std::vector<Item> own;
    for (const Item& item : items) {
        if (item.producer == producer) own.push_back(item);
    }
    return own;
}

template <class Q>
Coro<> check_ledgers(bool ordered) {
    for (unsigned seed = 1; seed <= 25; ++seed) {
        for (const std::size_t maxsize : {0U, 1U, 3U}) {
            Ledger<Q> ledger(seed, maxsize);
            co_await run_ledger(ledger);
            CHECK(!ledger.put.empty());
            CHECK(sorted(ledger.put) == sorted(ledger.got));
            CHECK_EQ(to_string(ledger.queue).find("tasks="), std::string::npos);
            if (!ordered) continue;
            for (int producer = 0; producer < 6; ++producer) {
                const auto own = of_producer(ledger.got, producer);
                CHECK(std::is_sorted(own.begin(), own.end()));
            }
        }
    }
}

} // namespace

CO_TEST("FLT-SYNC-04: get and put cancelled or timed out at random: no item of a Queue is lost, "
        "doubled or reordered") {
    co_await check_ledgers<Queue<Item>>(true);
}

CO_TEST("FLT-SYNC-04: the same for a LifoQueue: none is lost or doubled") {
    co_await check_ledgers<LifoQueue<Item>>(false);
}

CO_TEST("FLT-SYNC-04: the same for a PriorityQueue: none is lost or doubled") {
    co_await check_ledgers<PriorityQueue<Item>>(false);
}

CO_TEST("FLT-SYNC-04: wait_for(queue.get()) that times out in the turn of a put loses no item") {
    for (int offset = -1; offset <= 1; ++offset) {
        Queue<int> queue;
        std::optional<int> got;
        const auto consume = [&]() -> Coro<> {
            const auto end = co_await outcome(wait_for(queue.get(), 10ms));
            if (end.has_value()) got = end.value();
        };
        const auto consumer = create_task(consume());
        co_await sleep(std::chrono::milliseconds(10 + offset));
        queue.put_nowait(1);
        co_await consumer;
        CHECK_EQ(queue.qsize() + (got ? 1U : 0U), 1U);
    }
}

// ---- against a model ----------------------------------------------------------------------------

namespace {

// asyncio's rules once more, as plainly as they can be written: what a queue without waiters does.
struct PlainQueue {
    std::deque<int> items;
    std::size_t maxsize;
    int unfinished = 0;
    bool shut_down = false;

    std::string put(int item) {
        if (shut_down) return "QueueShutDown";
        if (maxsize != 0 && items.size() >= maxsize) return "QueueFull";
        items.push_back(item);
        ++unfinished;
        return "ok";
    }
    std::string get() {
        if (items.empty()) return shut_down ? "QueueShutDown" : "QueueEmpty";
        const int item = items.front();
        items.pop_front();
        return std::to_string(item);
    }
    std::string done() {
        if (unfinished == 0) return "ValueError";
        --unfinished;
        return "ok";
    }
    void shutdown(bool immediate) {
        shut_down = true;
        if (!immediate) return;
        for (; !items.empty(); items.pop_front()) unfinished -= unfinished > 0 ? 1 : 0;
    }
};

template <class F>
std::string result_of(F f) {
    try {
        return f();
    } catch (...) {
        return type_name(std::current_exception());
    }
}

} // namespace

CO_TEST("without waiters a queue does, step by step, what a plain model of it does") {
    for (unsigned seed = 1; seed <= 50; ++seed) {
        std::mt19937 random(seed);
        const std::size_t maxsize = random() % 6;
        Queue<int> queue(maxsize);
        PlainQueue plain{{}, maxsize};
        for (int step = 0; step < 300; ++step) {
            std::string got;
            std::string wanted;
            switch (random() % 8) {
            case 0:
            case 1:
            case 2:
                got = result_of([&] {
                    queue.put_nowait(step);
                    return std::string("ok");
                });
                wanted = plain.put(step);
                break;
            case 3:
            case 4:
            case 5:
                got = result_of([&] { return std::to_string(queue.get_nowait()); });
                wanted = plain.get();
                break;
            case 6:
                got = result_of([&] {
                    queue.task_done();
                    return std::string("ok");
                });
                wanted = plain.done();
                break;
            default:
                if (step < 250) break;
                const bool immediate = random() % 2 == 0;
                queue.shutdown(immediate ? Shutdown::immediate : Shutdown::drain);
                plain.shutdown(immediate);
            }
            CHECK_EQ(got, wanted);
            CHECK_EQ(queue.qsize(), plain.items.size());
            CHECK_EQ(queue.empty(), plain.items.empty());
            CHECK_EQ(queue.full(), maxsize != 0 && plain.items.size() >= maxsize);
        }
        std::string joined;
        const auto joiner = create_task(outcome(wait_for(queue.join(), 1s)));
        CHECK_EQ((co_await joiner).has_value(), plain.unfinished == 0);
    }
}

// ---- load ---------------------------------------------------------------------------------------

CO_TEST("FLT-SYNC-05: a producer ten times faster for 60 s: a bounded queue holds it back") {
    constexpr std::size_t bound = 10;
    Queue<std::string> queue(bound);
    std::size_t longest = 0;
    int produced = 0;
    int consumed = 0;
    const auto produce = [&]() -> Coro<> {
        for (;;) {
            co_await queue.put(std::string(1000, 'x'));
            ++produced;
            longest = std::max(longest, queue.qsize());
            co_await sleep(1ms);
        }
    };
    const auto consume = [&]() -> Coro<> {
        for (;;) {
            static_cast<void>(co_await queue.get());
            ++consumed;
            co_await sleep(10ms);
        }
    };
    const auto producer = create_task(produce());
    const auto consumer = create_task(consume());
    co_await sleep(1s);
    const std::size_t blocks = base::frame_stats().live_blocks;
    co_await sleep(59s);
    CHECK_EQ(base::frame_stats().live_blocks, blocks);
    CHECK_EQ(longest, bound);
    CHECK(consumed >= 5990 && consumed <= 6010);
    CHECK(produced - consumed <= static_cast<int>(bound) + 1);
    producer.cancel();
    consumer.cancel();
    CHECK((co_await outcome(producer)).cancelled());
    CHECK((co_await outcome(consumer)).cancelled());
}

CO_TEST("FLT-SYNC-05: maxsize 0 takes what a fast producer puts, and gives it out in order") {
    Queue<int> queue(0);
    constexpr int count = 100'000;
    for (int i = 0; i < count; ++i) co_await queue.put(i);
    CHECK_EQ(queue.qsize(), static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
        if (co_await queue.get() != i) FAIL("out of order");
        queue.task_done();
    }
    CHECK_THROWS_AS(queue.task_done(), ValueError);
    co_await queue.join();
}

CO_TEST("FLT-SYNC-05: shutdown() with a thousand waiters releases every one of them") {
    Queue<int> empty;
    Queue<int> full(1);
    full.put_nowait(0);
    int shut_down = 0;
    const auto wait = [&shut_down](auto operation) -> Coro<> {
        const auto end = co_await outcome(std::move(operation));
        if (is_exception<QueueShutDown>(end.exception())) ++shut_down;
    };
    std::vector<Task<>> tasks;
    for (int i = 0; i < 500; ++i) {
        tasks.push_back(create_task(wait(empty.get())));
        tasks.push_back(create_task(wait(full.put(i))));
    }
    co_await yield_now();
    empty.shutdown();
    full.shutdown();
    co_await yield_now();
    CHECK_EQ(shut_down, 1000);
    for (const Task<>& task : tasks) CHECK(task.done());
}

// ---- items that fail to move --------------------------------------------------------------------

namespace {

struct Fragile {
    static inline int moves_left = -1; // until one throws; negative: none does
    int value = 0;

    explicit Fragile(int number) : value(number) {}
    Fragile(Fragile&& other) noexcept(false) : value(other.value) {
        if (moves_left == 0) {
            moves_left = -1;
            throw std::bad_alloc();
        }
        if (moves_left > 0) --moves_left;
    }
};

} // namespace

CO_TEST("an item that cannot be moved out stays in the queue, and the next getter has it") {
    Queue<Fragile> queue;
    std::vector<std::string> order;
    const auto get = [&](std::string name) -> Coro<> {
        const auto end = co_await outcome(queue.get());
        order.push_back(name + (end.has_value() ? " got it" : " failed"));
    };
    const auto a = create_task(get("a"));
    const auto b = create_task(get("b"));
    co_await yield_now();
    queue.put_nowait(Fragile(1));
    Fragile::moves_left = 0;
    co_await wait_for(a, 1s);
    co_await wait_for(b, 1s);
    CHECK_EQ(order, std::vector<std::string>{"a failed", "b got it"});
}

CO_TEST("a put() that fails for want of memory leaves its room to the next putter") {
    Queue<Fragile> queue(1);
    queue.put_nowait(Fragile(0));
    const auto a = create_task(queue.put(Fragile(1)));
    const auto b = create_task(queue.put(Fragile(2)));
    co_await yield_now();
    CHECK_EQ(queue.get_nowait().value, 0);
    Fragile::moves_left = 0; // the next move is that of a's item into the queue
    CHECK_THROWS_AS(co_await a, std::bad_alloc);
    co_await wait_for(b, 1s);
    CHECK_EQ(queue.get_nowait().value, 2);
    CHECK(queue.empty());
}
