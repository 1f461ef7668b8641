// SPDX-License-Identifier: MIT
// concurrent::wait and concurrent::as_completed: what is done, in which order, and in what time.
#include "asyncio/concurrent_wait.h"

#include "asyncio/testing/testing.h"
#include "support/threads.h"

#include <string>
#include <thread>

using namespace asyncio;
using namespace std::chrono_literals;
using support::long_enough;

TEST("TP01: wait gives done and not done in the order given, each once") {
    const std::vector<ConcurrentFuture<int>> made(3);
    made[2].set_result(2);
    made[0].set_result(0);
    const std::vector<ConcurrentFuture<int>> futures{made[0], made[1], made[2], made[0]};
    const auto result = concurrent::wait(futures, WaitOptions().timeout(1ms));
    CHECK(result.done == std::vector<ConcurrentFuture<int>>{made[0], made[2]});
    CHECK(result.not_done == std::vector<ConcurrentFuture<int>>{made[1]});
}

TEST("TP01: wait for the first returns when one is done") {
    const std::vector<ConcurrentFuture<int>> futures(3);
    std::thread other([one = futures[1]] { one.set_result(1); });
    const auto result = concurrent::wait(futures, FIRST_COMPLETED);
    CHECK_EQ(result.done.size(), 1U);
    CHECK_EQ(result.not_done.size(), 2U);
    other.join();
}

TEST("TP01: wait for the first exception passes over values and cancellations") {
    const std::vector<ConcurrentFuture<int>> futures(4);
    std::thread other([futures] {
        futures[0].set_result(0);
        futures[1].cancel();
        futures[2].set_exception(ValueError("third"));
    });
    const auto result = concurrent::wait(futures, FIRST_EXCEPTION);
    CHECK_EQ(result.done.size(), 3U);
    REQUIRE(result.not_done.size() == 1U);
    CHECK(result.not_done[0] == futures[3]);
    other.join();
}

TEST("TP01: wait for all takes cancelled ones for done; of nothing it returns at once") {
    const std::vector<ConcurrentFuture<int>> futures(2);
    std::thread other([futures] {
        futures[0].cancel();
        futures[1].set_result(1);
    });
    CHECK_EQ(concurrent::wait(futures).done.size(), 2U);
    other.join();
    CHECK(concurrent::wait(std::vector<ConcurrentFuture<int>>()).done.empty());
}

TEST("TP01: as_completed gives futures in the order in which they end") {
    const std::vector<ConcurrentFuture<int>> futures(4);
    futures[3].set_result(3);
    auto completed = concurrent::as_completed(futures, long_enough);
    std::thread other([futures] {
        futures[1].set_result(1);
        futures[0].set_result(0);
        futures[2].cancel();
    });
    std::vector<std::size_t> order;
    for (const auto& future : completed) {
        for (std::size_t i = 0; i < futures.size(); ++i) {
            if (futures[i] == future) order.push_back(i);
        }
    }
    CHECK_EQ(order, std::vector<std::size_t>{3, 1, 0, 2});
    other.join();
}

TEST("TP01: as_completed throws TimeoutError that counts what is unfinished") {
    const std::vector<ConcurrentFuture<int>> futures(3);
    futures[1].set_result(1);
    auto completed = concurrent::as_completed(futures, 2ms);
    CHECK(completed.next() == futures[1]);
    CHECK_THROWS_MSG(completed.next(), TimeoutError, "2 (of 3) futures unfinished");
}
