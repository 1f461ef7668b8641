// SPDX-License-Identifier: MIT
// staggered_race: who starts when, who wins, what is left of the others.
#include "asyncio/staggered.h"

#include "asyncio/testing/sweep.h"

#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

/// One attempt: says when it began and how it ended.
struct Attempt {
    std::string name;
    Duration takes;
    bool succeeds;
    std::vector<std::string>* log;

    Coro<std::string> operator()() const { return run(name, takes, succeeds, log); }

    static Coro<std::string> run(std::string name, Duration takes, bool succeeds,
                                 std::vector<std::string>* log) {
        const auto now = [] {
            return std::to_string(testing::loop().time().time_since_epoch() / 1s);
        };
        log->push_back(name + " begins at " + now());
        auto end = co_await outcome(sleep(takes));
        if (end.cancelled()) {
            log->push_back(name + " cancelled at " + now());
            end.value();
        }
        if (!succeeds) throw ValueError(name + " failed");
        co_return name;
    }
};

using Log = std::vector<std::string>;

std::vector<std::string> texts(const std::vector<std::exception_ptr>& errors) {
    std::vector<std::string> all;
    for (const std::exception_ptr& error : errors) all.push_back(repr(error));
    return all;
}

} // namespace

CO_TEST("SEM-STG-01: the next attempt starts when the previous failed or after the delay") {
    Log log;
    std::vector<Attempt> attempts{
        {"a", 2s, false, &log}, {"b", 100s, false, &log}, {"c", 1s, true, &log}};
    const auto result = co_await staggered_race(std::move(attempts), Duration(5s));
    CHECK_EQ(log, Log{"a begins at 0", "b begins at 2", "c begins at 7", "b cancelled at 8"});
    CHECK_EQ(result.winner, std::optional<std::string>("c"));
}

CO_TEST("SEM-STG-01: without a delay the attempts are strictly sequential") {
    Log log;
    std::vector<Attempt> attempts{
        {"a", 10s, false, &log}, {"b", 10s, true, &log}, {"c", 1s, true, &log}};
    const auto result = co_await staggered_race(std::move(attempts), std::nullopt);
    CHECK_EQ(log, Log{"a begins at 0", "b begins at 10"});
    CHECK_EQ(result.index, std::optional<std::size_t>(1));
}

CO_TEST(
    "SEM-STG-02: the first success cancels the others and there is an entry an attempt started") {
    Log log;
    std::vector<Attempt> attempts{{"a", 1s, false, &log},
                                  {"b", 50s, true, &log},
                                  {"c", 3s, true, &log},
                                  {"d", 1s, true, &log}};
    const auto result = co_await staggered_race(std::move(attempts), Duration(10s));
    CHECK_EQ(result.winner, std::optional<std::string>("c"));
    CHECK_EQ(result.index, std::optional<std::size_t>(2));
    const auto errors = texts(result.exceptions);
    CHECK_EQ(errors, Log{"ValueError('a failed')", "CancelledError()", "None"});
    CHECK_EQ(testing::loop().timer_count(), 0U);
}

CO_TEST("SEM-STG-03: no attempts give no winner and an empty list") {
    const auto result = co_await staggered_race(std::vector<Attempt>(), Duration(1s));
    CHECK(!result.winner.has_value());
    CHECK(!result.index.has_value());
    CHECK(result.exceptions.empty());
}

CO_TEST("SEM-STG-03: when all fail there is no winner but all exceptions") {
    Log log;
    std::vector<Attempt> attempts{{"a", 1s, false, &log}, {"b", 1s, false, &log}};
    const auto result = co_await staggered_race(std::move(attempts), std::nullopt);
    CHECK(!result.winner.has_value());
    const auto errors = texts(result.exceptions);
    CHECK_EQ(errors, Log{"ValueError('a failed')", "ValueError('b failed')"});
}

namespace {

Coro<> race_stubborn(Log& log) {
    auto stubborn = [&log]() -> Coro<> {
        auto end = co_await outcome(sleep(100s));
        while (end.cancelled()) {
            log.push_back("cancelled");
            if (log.size() == 2) break;
            end = co_await outcome(sleep(10s));
        }
        log.push_back("ended");
    };
    std::vector<decltype(stubborn)> attempts{stubborn};
    co_await staggered_race(std::move(attempts), std::nullopt);
}

} // namespace

CO_TEST("SEM-STG-04: external cancellation waits for the attempts over repeated cancellations") {
    Log log;
    auto task = create_task(race_stubborn(log));
    co_await sleep(1s);
    task.cancel();
    co_await sleep(1s);
    CHECK(!task.done());
    task.cancel();
    const auto end = co_await outcome(task);
    CHECK(end.cancelled());
    CHECK_EQ(log, Log{"cancelled", "cancelled", "ended"});
}

CO_TEST("SEM-STG-05: with eager tasks an attempt that fails synchronously starts the next one") {
    testing::loop().set_task_factory(eager_task_factory);
    std::vector<std::string> begun;
    auto fails = [&begun]() -> Coro<int> {
        begun.push_back("begun");
        if (begun.size() < 3) throw ValueError("at once");
        co_return 7;
    };
    std::vector<decltype(fails)> attempts{fails, fails, fails};
    const auto result = co_await staggered_race(std::move(attempts), Duration(1s));
    testing::loop().set_task_factory(nullptr);
    CHECK_EQ(result.winner, std::optional<int>(7));
    CHECK_EQ(testing::loop().time().time_since_epoch(), 0s);
}

CO_SWEEP("staggered_race under the cancel sweep: no attempt is left behind") {
    Log log;
    std::vector<Attempt> attempts{
        {"a", 1s, false, &log}, {"b", 9s, true, &log}, {"c", 3s, true, &log}};
    auto race = sweep.victim(staggered_race(std::move(attempts), Duration(2s)));
    const auto end = co_await outcome(race);
    CHECK(sweep.accounts_for(end));
    if (end.has_value() && !sweep.struck()) CHECK(end.value().winner.has_value());
    CHECK_EQ(testing::loop().timer_count(), 0U);
}

CO_TEST(
    "staggered_race: an attempt that throws before it begins to wait has failed like any other") {
    const auto attempt = [](int number) {
        if (number == 0) throw ValueError("not even begun");
        return sleep(1s, number);
    };
    const auto first = [&attempt] { return attempt(0); };
    const auto second = [&attempt] { return attempt(1); };
    std::vector<base::Function<SleepFor<int>()>> attempts;
    attempts.emplace_back(first);
    attempts.emplace_back(second);
    const auto result = co_await staggered_race(std::move(attempts), std::nullopt);
    CHECK_EQ(result.winner, std::optional<int>(1));
    CHECK_EQ(repr(result.exceptions[0]), "ValueError('not even begun')");
}

CO_TEST(
    "staggered_race: attempts without a result, eager tasks, a winner that others wait behind") {
    testing::loop().set_task_factory(eager_task_factory);
    Log log;
    using Void = Coro<> (*)();
    const std::vector<Void> attempts{[]() -> Coro<> { co_await sleep(5s); },
                                     []() -> Coro<> { co_await sleep(1s); },
                                     []() -> Coro<> { co_await sleep(1s); }};
    const auto result = co_await staggered_race(attempts, Duration(2s));
    testing::loop().set_task_factory(nullptr);
    CHECK(result.winner.has_value());
    CHECK_EQ(result.index, std::optional<std::size_t>(1));
    CHECK_EQ(result.exceptions.size(), 2U); // the third was never begun
    CHECK_EQ(testing::loop().time().time_since_epoch(), 3s);
    CHECK_EQ(testing::loop().timer_count(), 0U);
}
