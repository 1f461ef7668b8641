// SPDX-License-Identifier: MIT
// ConcurrentFuture: phases, blocking reads, callbacks.
#include "asyncio/concurrent_futures.h"

#include "asyncio/testing/testing.h"
#include "support/threads.h"

#include <memory>
#include <string>
#include <thread>

using namespace asyncio;
using namespace std::chrono_literals;
using support::Counted;
using support::long_enough;

TEST("TP01: a new future is pending, neither running nor done") {
    const ConcurrentFuture<int> future;
    CHECK(!future.done());
    CHECK(!future.running());
    CHECK(!future.cancelled());
    CHECK_EQ(to_string(future), "<ConcurrentFuture pending>");
}

TEST("TP01: a future gives its value to every handle") {
    const ConcurrentFuture<std::string> future;
    const ConcurrentFuture<std::string> other = future;
    future.set_result("value");
    CHECK(other.done());
    CHECK_EQ(other.result(), "value");
    CHECK_EQ(future.get(), "value");
    CHECK(future.exception() == nullptr);
    CHECK_EQ(to_string(future), "<ConcurrentFuture finished result='value'>");
}

TEST("TP01: a handle that is given away with its result leaves it to who reads it") {
    const auto value = std::make_shared<int>(7);
    ConcurrentFuture<std::shared_ptr<int>> given;
    ConcurrentFuture<std::shared_ptr<int>> read = given;
    std::move(given).set_result(value);
    const auto got = std::move(read).get(); // moved out: no other handle shows it
    CHECK_EQ(got.use_count(), 2);

    ConcurrentFuture<int> failing;
    const ConcurrentFuture<int> failed = failing;
    CHECK_THROWS_AS(std::move(failing).set_exception(std::exception_ptr()), TypeError);
    std::move(failing).set_exception(std::make_exception_ptr(ValueError("bad")));
    CHECK(failed.state()->sole_owner());
    CHECK_THROWS_MSG(failed.result(), ValueError, "bad");
}

TEST("TP01: a future throws the exception it was given") {
    const ConcurrentFuture<int> future;
    future.set_exception(ValueError("bad"));
    CHECK_THROWS_MSG(future.result(), ValueError, "bad");
    CHECK_EQ(repr(future.exception()), "ValueError('bad')");
    CHECK_EQ(to_string(future), "<ConcurrentFuture finished exception=ValueError('bad')>");
}

TEST("TP01: a future is completed once only") {
    const ConcurrentFuture<int> future;
    future.set_result(1);
    CHECK_THROWS_AS(future.set_result(2), InvalidStateError);
    CHECK_THROWS_AS(future.set_exception(ValueError("late")), InvalidStateError);
    CHECK_THROWS_AS(future.set_running_or_notify_cancel(), InvalidStateError);
    CHECK_EQ(future.result(), 1);
    CHECK_THROWS_AS(ConcurrentFuture<int>().set_exception(std::exception_ptr()), TypeError);
}

TEST("TP01: a value that cannot be made leaves the future pending") {
    struct Refuses {
        Refuses() = default;
        explicit Refuses(int) { throw ValueError("no"); }
    };
    const ConcurrentFuture<Refuses> future;
    CHECK_THROWS_AS(future.set_result(1), ValueError);
    CHECK(!future.done());
    future.set_result();
    CHECK(future.done());
}

TEST("TP01: a pending future can be cancelled, a running or finished one cannot") {
    const ConcurrentFuture<> pending;
    CHECK(pending.cancel());
    CHECK(pending.cancelled());
    CHECK(pending.done());
    CHECK(pending.cancel()); // again
    CHECK(!pending.set_running_or_notify_cancel());
    CHECK_THROWS_AS(pending.result(), CancelledError);
    CHECK_THROWS_AS(pending.exception(), CancelledError);
    CHECK_THROWS_AS(pending.set_result(), InvalidStateError);

    const ConcurrentFuture<> running;
    CHECK(running.set_running_or_notify_cancel());
    CHECK(running.running());
    CHECK(!running.cancel());
    running.set_result();
    CHECK(!running.cancel());
    CHECK(!running.cancelled());
}

TEST("TP01: reading blocks until another thread completes the future") {
    const ConcurrentFuture<int> future;
    std::thread other([future] {
        support::take_time(1ms);
        future.set_result(42);
    });
    CHECK_EQ(future.result(long_enough), 42);
    other.join();
}

TEST("TP01: reading throws TimeoutError when the time is up, and the future goes on") {
    const ConcurrentFuture<int> future;
    CHECK_THROWS_AS(future.result(1ms), TimeoutError);
    CHECK_THROWS_AS(future.exception(0s), TimeoutError);
    CHECK(!future.wait_for(1ms));
    CHECK(!future.wait_for(-1s));
    future.set_result(5);
    CHECK(future.wait_for(0s));
    CHECK_EQ(future.result(0s), 5);
}

TEST("TP01: a cancel by another thread wakes who waits") {
    const ConcurrentFuture<int> future;
    std::thread other([future] { future.cancel(); });
    CHECK_THROWS_AS(future.get(long_enough), CancelledError);
    other.join();
}

TEST("TP01: the last handle gives its value by move, others by copy") {
    ConcurrentFuture<std::unique_ptr<int>> unique;
    unique.set_result(std::make_unique<int>(7));
    const std::unique_ptr<int> taken = std::move(unique).get();
    CHECK_EQ(*taken, 7);

    ConcurrentFuture<std::string> shared;
    const ConcurrentFuture<std::string> other = shared;
    shared.set_result("kept");
    CHECK_EQ(std::move(shared).get(), "kept");
    CHECK_EQ(other.get(), "kept");
}

TEST("TP01: callbacks are called once each, in order, on the completing thread") {
    const ConcurrentFuture<int> future;
    std::vector<int> calls;
    std::thread::id where;
    future.add_done_callback(
        [&](const ConcurrentFuture<int>& done) { calls.push_back(done.result()); });
    future.add_done_callback([&] {
        calls.push_back(2);
        where = std::this_thread::get_id();
    });
    CHECK(calls.empty());
    std::thread other([future] { future.set_result(1); });
    const std::thread::id worker = other.get_id();
    other.join();
    CHECK_EQ(calls, std::vector<int>{1, 2});
    CHECK(where == worker);
    future.add_done_callback([&] { calls.push_back(3); }); // done already: here and now
    CHECK_EQ(calls.size(), 3U);
}

TEST("TP01: cancelling calls the callbacks before it returns") {
    const ConcurrentFuture<int> future;
    bool cancelled = false;
    future.add_done_callback([&](const ConcurrentFuture<int>& f) { cancelled = f.cancelled(); });
    CHECK(future.cancel());
    CHECK(cancelled);
}

TEST("TP01: a callback that throws is logged and stops no other") {
    const ConcurrentFuture<> future;
    bool second = false;
    future.add_done_callback([] { throw ValueError("from a callback"); });
    future.add_done_callback([&] { second = true; });
    future.set_result();
    CHECK(second);
    const auto logs = testing::take_logs();
    REQUIRE(logs.size() == 1);
    CHECK(logs[0].text.find("ValueError('from a callback')") != std::string::npos);
}

TEST("TP01: a future that nobody can complete any more frees its callbacks") {
    std::atomic<int> alive{0};
    {
        const ConcurrentFuture<> future;
        future.add_done_callback([captured = Counted(alive)] {});
        CHECK_EQ(alive.load(), 1);
    }
    CHECK_EQ(alive.load(), 0);
}

TEST("TP01: many threads may wait for, cancel and complete one future at once") {
    constexpr int rounds = 50;
    for (int round = 0; round < rounds; ++round) {
        const ConcurrentFuture<int> future;
        std::atomic<int> ends{0};
        future.add_done_callback([&ends] { ++ends; });
        std::vector<std::thread> threads;
        std::atomic<int> values{0};
        std::atomic<int> cancels{0};
        for (int i = 0; i < 3; ++i) {
            threads.emplace_back([future, &values, &cancels] {
                try {
                    values += future.get(long_enough);
                } catch (const CancelledError&) {
                    ++cancels;
                }
            });
        }
        threads.emplace_back([future] { future.cancel(); });
        threads.emplace_back([future] {
            if (future.set_running_or_notify_cancel()) future.set_result(1);
        });
        for (std::thread& thread : threads) thread.join();
        CHECK_EQ(ends.load(), 1);
        CHECK_EQ(values + cancels, 3);
        CHECK_EQ(cancels == 3, future.cancelled());
    }
}
