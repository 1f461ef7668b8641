// SPDX-License-Identifier: MIT
// ThreadPoolExecutor: submitting, limits, names, initializers, the end.
#include "asyncio/thread_pool.h"

#include "asyncio/concurrent_wait.h"
#include "asyncio/testing/testing.h"
#include "support/threads.h"

#include <algorithm>
#include <latch>
#include <memory>
#include <set>
#include <string>
#include <thread>

using namespace asyncio;
using namespace std::chrono_literals;
using support::Blocker;
using support::Counted;
using support::long_enough;
using support::this_thread_name;

namespace {

std::string joined(const std::string& a, std::string b, std::unique_ptr<int> c) {
    return a + b + std::to_string(*c);
}

struct Adder {
    int base;
    int add(int x) const { return base + x; }
};

} // namespace

TEST("TP01: submit runs the function with its arguments on another thread") {
    ThreadPoolExecutor pool;
    const std::thread::id here = std::this_thread::get_id();
    auto text = pool.submit(joined, "a", std::string("b"), std::make_unique<int>(3));
    auto elsewhere = pool.submit([here] { return std::this_thread::get_id() != here; });
    CHECK_EQ(text.get(), "ab3");
    CHECK(elsewhere.get());
    CHECK_EQ(pool.submit(&Adder::add, Adder{40}, 2).get(), 42);
}

TEST("TP01: submit gives references as references and move-only values by move") {
    ThreadPoolExecutor pool(1);
    int counter = 1;
    auto reference = pool.submit([](int* i) -> int& { return *i; }, &counter);
    ++reference.result();
    CHECK_EQ(counter, 2);
    const auto unique = pool.submit([] { return std::make_unique<int>(9); }).get();
    CHECK_EQ(*unique, 9);
}

TEST("TP01: what the work throws is the exception of its future") {
    ThreadPoolExecutor pool(1);
    auto failed = pool.submit([]() -> int { throw ValueError("from the thread"); });
    CHECK_THROWS_MSG(failed.result(), ValueError, "from the thread");
    auto interrupted = pool.submit([] { throw KeyboardInterrupt(); });
    CHECK_THROWS_AS(interrupted.get(), KeyboardInterrupt);
    CHECK_EQ(pool.submit([] { return 1; }).get(), 1); // the thread has survived
}

TEST("TP01: callable and arguments are destroyed before the future is done") {
    std::atomic<int> alive{0};
    std::atomic<int> alive_at_end{-1};
    ThreadPoolExecutor pool(1);
    {
        Blocker blocker(pool);
        auto future = pool.submit([a = Counted(alive)](const Counted&) {}, Counted(alive));
        future.add_done_callback([&] { alive_at_end = alive.load(); });
        CHECK_EQ(alive.load(), 2);
    }
    pool.shutdown();
    CHECK_EQ(alive_at_end.load(), 0);
}

TEST("TP01: no more than max_workers run at once, and work is begun in order") {
    ThreadPoolExecutor pool(2);
    CHECK_EQ(pool.max_workers(), 2);
    std::atomic<int> running{0};
    std::atomic<int> most{0};
    std::vector<ConcurrentFuture<>> futures;
    for (int i = 0; i < 20; ++i) {
        futures.push_back(pool.submit([&] {
            const int now = ++running;
            int seen = most;
            while (seen < now && !most.compare_exchange_weak(seen, now)) {
            }
            support::take_time(100us);
            --running;
        }));
    }
    concurrent::wait(futures);
    CHECK(most <= 2);

    ThreadPoolExecutor one(1);
    std::vector<int> order;
    {
        Blocker blocker(one);
        for (int i = 0; i < 5; ++i) one.submit([&order, i] { order.push_back(i); });
    }
    one.shutdown();
    CHECK_EQ(order, std::vector<int>{0, 1, 2, 3, 4});
}

TEST("TP01: threads are made as they are needed, and idle ones are used again") {
    ThreadPoolExecutor pool(8);
    std::set<std::thread::id> threads;
    for (int i = 0; i < 10; ++i) {
        threads.insert(pool.submit([] { return std::this_thread::get_id(); }).get());
        while (pool.unfinished_work() != "0 running, 0 queued") std::this_thread::yield();
    }
    CHECK_EQ(threads.size(), 1U);

    constexpr int together = 4;
    std::latch meeting{together};
    std::vector<ConcurrentFuture<>> futures;
    for (int i = 0; i < together; ++i) {
        futures.push_back(pool.submit([&] { meeting.arrive_and_wait(); }));
    }
    CHECK(concurrent::wait(futures, WaitOptions().timeout(long_enough)).not_done.empty());
}

TEST("TP01: max_workers is min(32, processors + 4) unless given, and never 0") {
    const int processors = static_cast<int>(std::thread::hardware_concurrency());
    CHECK_EQ(ThreadPoolExecutor().max_workers(), std::min(32, processors + 4));
    CHECK_THROWS_MSG(ThreadPoolExecutor(0), ValueError, "max_workers must be greater than 0");
    CHECK_THROWS_AS(ThreadPoolExecutor(ThreadPoolOptions().max_workers(-1)), ValueError);
}

TEST("TP01: threads bear the prefix and a number, cut to what the kernel keeps") {
    ThreadPoolExecutor named(ThreadPoolOptions(1).thread_name_prefix("worker"));
    CHECK_EQ(named.submit(this_thread_name).get(), "worker_0");
    ThreadPoolExecutor cut(ThreadPoolOptions(1).thread_name_prefix("a prefix that is long"));
    CHECK_EQ(cut.submit(this_thread_name).get(), "a prefix that_0");
    ThreadPoolExecutor unnamed(1);
    CHECK(unnamed.submit(this_thread_name).get().starts_with("ThreadPool-"));
}

TEST("TP01: each thread calls the initializer once, before its first work") {
    static thread_local int prepared = 0;
    std::atomic<int> calls{0};
    ThreadPoolExecutor pool(ThreadPoolOptions(2).initializer(
        [](std::atomic<int>* count, int value) {
            ++*count;
            prepared += value;
        },
        &calls, 7));
    std::latch meeting{2};
    const auto work = [&meeting] {
        meeting.arrive_and_wait();
        return prepared;
    };
    auto first = pool.submit(work);
    auto second = pool.submit(work);
    CHECK_EQ(first.get(), 7);
    CHECK_EQ(second.get(), 7);
    CHECK_EQ(pool.submit([] { return prepared; }).get(), 7);
    CHECK_EQ(calls.load(), 2);
}

TEST("TP01: a failing initializer breaks the pool: all work gets BrokenThreadPool") {
    ThreadPoolExecutor pool(ThreadPoolOptions(1).initializer([] { throw ValueError("no"); }));
    auto future = pool.submit([] { return 1; });
    CHECK_THROWS_MSG(future.get(), BrokenThreadPool, "A thread initializer failed");
    CHECK_THROWS_AS(pool.submit([] { return 2; }), BrokenThreadPool);
    CHECK_THROWS_AS(pool.submit([] { return 2; }), BrokenExecutor);
    pool.shutdown();
    const auto logs = testing::take_logs();
    REQUIRE(logs.size() == 1);
    CHECK_EQ(logs[0].text, "Exception in initializer: ValueError('no')");
}

TEST("TP01: cancelling queued work drops it and its arguments at once") {
    std::atomic<int> alive{0};
    ThreadPoolExecutor pool(1);
    bool ran = false;
    {
        Blocker blocker(pool);
        auto queued = pool.submit([&ran](const Counted&) { ran = true; }, Counted(alive));
        CHECK(!queued.running());
        CHECK(queued.cancel());
        CHECK_EQ(alive.load(), 0);
        CHECK_THROWS_AS(queued.get(), CancelledError);
        CHECK_EQ(pool.unfinished_work().substr(0, 9), "1 running");
        CHECK(pool.unfinished_work().ends_with(", 0 queued"));
    }
    pool.shutdown();
    CHECK(!ran);
}

TEST("TP01: cancelling running work requests the stop that its std::stop_token shows") {
    ThreadPoolExecutor pool(1);
    std::latch begun{1};
    auto future = pool.submit(
        [&begun](const std::stop_token& stop, int value) {
            begun.count_down();
            while (!stop.stop_requested()) std::this_thread::yield();
            return value;
        },
        5);
    begun.wait();
    CHECK(!future.cancel());
    CHECK_EQ(future.get(long_enough), 5); // it was running: its result counts
}

TEST("TP01: shutdown waits for all work, and then nothing can be submitted") {
    ThreadPoolExecutor pool(2);
    std::atomic<int> done{0};
    for (int i = 0; i < 10; ++i) {
        pool.submit([&done] {
            support::take_time(100us);
            ++done;
        });
    }
    pool.shutdown();
    CHECK_EQ(done.load(), 10);
    CHECK_THROWS_MSG(pool.submit([] {}), RuntimeError,
                     "cannot schedule new futures after shutdown");
    pool.shutdown(); // harmless twice
}

TEST("TP01: shutdown(wait=false) returns at once, and queued work is still done") {
    ThreadPoolExecutor pool(1);
    auto blocker = std::make_unique<Blocker>(pool);
    auto queued = pool.submit([] { return 1; });
    pool.shutdown(false);
    CHECK(!queued.done());
    CHECK_THROWS_AS(pool.submit([] {}), RuntimeError);
    blocker.reset();
    CHECK_EQ(queued.get(long_enough), 1);
    pool.shutdown(true);
}

TEST("TP01: shutdown(cancel_futures=true) cancels what has not begun") {
    ThreadPoolExecutor pool(1);
    auto blocker = std::make_unique<Blocker>(pool);
    std::vector<ConcurrentFuture<>> queued;
    for (int i = 0; i < 3; ++i) queued.push_back(pool.submit([] {}));
    pool.shutdown(false, true);
    for (const auto& future : queued) CHECK(future.cancelled());
    blocker.reset();
    pool.shutdown();
}

TEST("TP01: the destructor waits for all work; after shutdown(false) it leaves it") {
    std::atomic<int> done{0};
    {
        ThreadPoolExecutor pool(1);
        for (int i = 0; i < 3; ++i) pool.submit([&done] { ++done; });
    }
    CHECK_EQ(done.load(), 3);

    std::latch gate{1};
    ConcurrentFuture<int> late;
    {
        ThreadPoolExecutor pool(1);
        late = pool.submit([&gate] {
            gate.wait();
            return 8;
        });
        pool.shutdown(false);
    }
    CHECK(!late.done());
    gate.count_down();
    CHECK_EQ(late.get(long_enough), 8);
}

TEST("TP01: a thread of the pool cannot wait for its own end") {
    ThreadPoolExecutor pool(1);
    auto own = pool.submit([&pool] { pool.shutdown(); });
    CHECK_THROWS_MSG(own.get(), RuntimeError, "cannot join current thread");

    auto shared = std::make_shared<ThreadPoolExecutor>(1);
    std::latch gate{1};
    auto last = shared->submit(
        [&gate](std::shared_ptr<ThreadPoolExecutor> kept) {
            gate.wait();
            kept.reset(); // the last handle: destroyed on its own thread
            return 1;
        },
        shared);
    shared.reset();
    gate.count_down();
    CHECK_EQ(last.get(long_enough), 1);
}

TEST("TP01: work may submit work to its own pool") {
    ThreadPoolExecutor pool(1);
    auto outer = pool.submit([&pool] { return pool.submit([] { return 6; }); });
    CHECK_EQ(outer.get().get(long_enough), 6);
}

TEST("TP01: many threads may submit, cancel and shut down at once") {
    constexpr int rounds = 20;
    for (int round = 0; round < rounds; ++round) {
        std::atomic<int> ran{0};
        std::atomic<int> cancelled{0};
        std::atomic<int> refused{0};
        ThreadPoolExecutor pool(2);
        std::vector<std::thread> threads;
        for (int t = 0; t < 3; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < 20; ++i) {
                    try {
                        const auto future = pool.submit([&ran] { ++ran; });
                        if (i % 2 == 0 && future.cancel()) ++cancelled;
                    } catch (const RuntimeError&) {
                        ++refused;
                    }
                }
            });
        }
        threads.emplace_back([&] { pool.shutdown(true, false); });
        for (std::thread& thread : threads) thread.join();
        CHECK_EQ(ran + cancelled + refused, 60);
    }
}
