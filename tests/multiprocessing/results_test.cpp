// SPDX-License-Identifier: MIT
// Results: one after the other, blocking and awaited, from futures that the test completes.
#include "multiprocessing/results.h"

#include "asyncio/testing/testing.h"
#include "asyncio/timeouts.h"
#include "asyncio/wait_for.h"
#include "multiprocessing/errors.h"

#include <thread>

using namespace multiprocessing;
using namespace std::chrono_literals;
using asyncio::Coro;

namespace {

using Future = Results<int>::Future;

Batch<int> batch_of(std::vector<int> results, std::exception_ptr error = nullptr) {
    return {std::move(results), std::move(error)};
}

std::exception_ptr value_error(const char* text) {
    return std::make_exception_ptr(asyncio::ValueError(text));
}

/// Separate futures: copies of one would be the same.
std::vector<Future> separate(std::size_t count) {
    std::vector<Future> all;
    for (std::size_t i = 0; i < count; ++i) all.emplace_back();
    return all;
}

} // namespace

TEST("MP01: results come batch by batch, in order, whenever the batches are done") {
    const auto batches = separate(3);
    Results<int> results(batches, std::nullopt, false);
    batches[2].set_result(batch_of({5}));
    batches[0].set_result(batch_of({1, 2}));
    batches[1].set_result(batch_of({}));
    std::vector<int> all;
    for (const int one : results) all.push_back(one);
    CHECK(all == std::vector<int>({1, 2, 5}));
    CHECK(!results.next());
}

TEST("MP01: next waits for a thread that completes the batch") {
    const auto batches = separate(1);
    Results<int> results(batches, std::nullopt, false);
    std::thread other([&] { batches[0].set_result(batch_of({7})); });
    CHECK_EQ(results.next().value(), 7);
    other.join();
}

TEST("MP01: of an executor's map, an error ends the results and cancels what has not begun") {
    const auto batches = separate(3);
    Results<int> results(batches, std::nullopt, false);
    batches[0].set_result(batch_of({1}, value_error("first")));
    CHECK_EQ(results.next().value(), 1);
    CHECK_THROWS_MSG(results.next(), asyncio::ValueError, "first");
    CHECK(batches[1].cancelled() && batches[2].cancelled());
    CHECK(!results.next());
}

TEST("MP01: of an imap, an error is one of the results") {
    const auto batches = separate(3);
    Results<int> results(batches, std::nullopt, true);
    batches[0].set_result(batch_of({}, value_error("first")));
    batches[1].set_exception(BrokenProcessPool("lost"));
    batches[2].set_result(batch_of({3}));
    CHECK_THROWS_AS(results.next(), asyncio::ValueError);
    CHECK_THROWS_AS(results.next(), BrokenProcessPool);
    CHECK_EQ(results.next().value(), 3);
    CHECK(!results.next());
}

TEST("MP01: a limit for one result takes nothing away, one for all of them ends them") {
    const auto batches = separate(2);
    Results<int> patient(batches, std::nullopt, true);
    CHECK_THROWS_AS(patient.next(1ms), asyncio::TimeoutError);
    batches[0].set_result(batch_of({1}));
    CHECK_EQ(patient.next(1ms).value(), 1);
    const auto others = separate(2);
    Results<int> limited(others, asyncio::TimePoint(asyncio::Clock::now()), false);
    CHECK_THROWS_AS(limited.next(), asyncio::TimeoutError);
    CHECK(others[0].cancelled() && others[1].cancelled());
    CHECK(!limited.next());
}

TEST("MP01: results that go away cancel what has not begun, and nothing else") {
    const auto batches = separate(3);
    batches[1].set_running_or_notify_cancel();
    {
        Results<int> results(batches, std::nullopt, false);
        Results<int> moved = std::move(results);
        batches[0].set_result(batch_of({1}));
        CHECK_EQ(moved.next().value(), 1);
    }
    CHECK(batches[1].running());
    CHECK(batches[2].cancelled());
}

TEST("MP01: results of functions that return nothing are counted") {
    Results<void>::Future future;
    future.set_result(Batch<void>{std::vector<std::monostate>(2), nullptr});
    Results<void> results({future}, std::nullopt, false);
    int count = 0;
    while (results.next()) ++count;
    CHECK_EQ(count, 2);
}

CO_TEST("MP01: anext gives what next would, and waits without holding up the loop") {
    const auto batches = separate(2);
    Results<int> results(batches, std::nullopt, true);
    auto first = asyncio::create_task(results.anext());
    co_await asyncio::yield_now();
    CHECK(!first.done());
    batches[0].set_result(batch_of({4, 5}));
    CHECK_EQ((co_await first).value(), 4);
    auto second = co_await results.anext();
    CHECK_EQ(second.value(), 5);
    batches[1].set_exception(BrokenProcessPool("lost"));
    auto third = results.anext();
    CHECK_THROWS_AS(co_await std::move(third), BrokenProcessPool);
    auto end = co_await results.anext();
    CHECK(!end);
}

CO_TEST("FLT-EXEC-01: a cancelled anext leaves its batch uncancelled for the next one") {
    const auto batches = separate(1);
    Results<int> results(batches, std::nullopt, true);
    auto waiting = asyncio::create_task(results.anext());
    co_await asyncio::yield_now();
    waiting.cancel();
    CHECK_THROWS_AS(co_await waiting, asyncio::CancelledError);
    co_await asyncio::yield_now();
    CHECK(!batches[0].cancelled());
    batches[0].set_result(batch_of({9}));
    auto again = co_await results.anext();
    CHECK_EQ(again.value(), 9);
}
