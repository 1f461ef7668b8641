// SPDX-License-Identifier: MIT
// Pool: the names of Python's multiprocessing, blocking and awaited.
#include "multiprocessing/pool.h"

#include "asyncio/gather.h"
#include "asyncio/testing/testing.h"
#include "support/held_workers.h"

#include <algorithm>
#include <set>
#include <unistd.h>

using namespace multiprocessing;
using namespace std::chrono_literals;
using asyncio::Coro;
using support::long_enough;
using support::pid_after;
using support::Scratch;

namespace {

int square(int number) {
    if (number < 0) throw asyncio::ValueError("negative: " + std::to_string(number));
    return number * number;
}
std::string repeated(const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
}
int own_pid(int) { return ::getpid(); }
void nothing(int) {}
int base = 0;
void set_base(int value) { base = value; }
int above_base(int value) { return base + value; }
int kill_self(int) {
    ::kill(::getpid(), SIGKILL);
    return 0;
}
/// The first of them waits until there is a file, which the second makes.
int in_turns(const std::string& file, int turn) {
    if (turn == 1) {
        support::wait_for_file(file);
    } else {
        std::ofstream(file) << "x";
    }
    return turn;
}
int wait_for_second(int turn) {
    return in_turns("/tmp/asyncio-pool-test-" + std::to_string(::getppid()), turn);
}

const Registration functions[] = {
    {"pool.square", square},       {"pool.repeated", repeated},
    {"pool.own_pid", own_pid},     {"pool.nothing", nothing},
    {"pool.set_base", set_base},   {"pool.above_base", above_base},
    {"pool.kill_self", kill_self}, {"pool.wait_for_second", wait_for_second},
};

std::vector<int> up_to(int count) {
    std::vector<int> numbers;
    for (int i = 0; i < count; ++i) numbers.push_back(i);
    return numbers;
}

std::vector<int> squares(int count) {
    std::vector<int> all = up_to(count);
    for (int& number : all) number *= number;
    return all;
}

} // namespace

TEST("MP01: apply and map block for results, in the order of the items") {
    Pool pool(2);
    CHECK_EQ(pool.apply(square, 7), 49);
    for (const std::size_t chunksize : {1U, 3U, 100U}) {
        CHECK(pool.map(square, up_to(20), chunksize) == squares(20));
    }
    CHECK(pool.map(square, up_to(20)) == squares(20));
    CHECK(pool.map(square, std::vector<int>{}).empty());
    CHECK_EQ(pool.map(nothing, up_to(3)).size(), 3U);
    CHECK_THROWS_AS(pool.map(square, up_to(3), 0), asyncio::ValueError);
}

TEST("MP01: starmap takes tuples of arguments") {
    Pool pool(2);
    const std::vector<std::tuple<std::string, int>> items{{"a", 1}, {"b", 2}};
    CHECK(pool.starmap(repeated, items) == std::vector<std::string>({"a", "bb"}));
}

TEST("MP01: map throws what a call has thrown, when all others are done") {
    Pool pool(2);
    CHECK_THROWS_MSG(pool.map(square, std::vector<int>{1, -2, 3}, 1), asyncio::ValueError,
                     "negative: -2");
    CHECK_EQ(pool.apply(square, 2), 4);
}

TEST("MP01: an AsyncResult says whether it is ready and successful") {
    Pool pool(1);
    const Scratch scratch;
    const auto held = pool.apply_async(pid_after, scratch.path("begun"), scratch.path("go"));
    const auto failed = pool.apply_async(square, -1);
    CHECK(!held.ready());
    CHECK_THROWS_AS(held.successful(), asyncio::ValueError);
    CHECK_THROWS_AS(held.get(1ms), asyncio::TimeoutError);
    held.wait(1ms);
    CHECK(!held.ready());
    scratch.put("go", "x");
    held.wait();
    CHECK(held.successful());
    CHECK(held.get() > 0);
    failed.wait(long_enough);
    CHECK(!failed.successful());
    CHECK_THROWS_AS(failed.get(), asyncio::ValueError);
}

CO_TEST("MP01: results of a Pool can be awaited, several at once") {
    Pool pool(2);
    auto both = asyncio::gather(pool.apply_async(square, 3), pool.map_async(square, up_to(5)));
    const auto results = co_await std::move(both);
    CHECK_EQ(std::get<0>(results), 9);
    CHECK(std::get<1>(results) == squares(5));
    auto failed = pool.apply_async(square, -3);
    CHECK_THROWS_MSG(co_await failed, asyncio::ValueError, "negative: -3");
}

TEST("MP01: imap gives each result at its place, also behind one that failed") {
    Pool pool(2);
    auto results = pool.imap(square, std::vector<int>{1, -1, 3});
    CHECK_EQ(results.next(long_enough).value(), 1);
    CHECK_THROWS_AS(results.next(long_enough), asyncio::ValueError);
    CHECK_EQ(results.next(long_enough).value(), 9);
    CHECK(!results.next(long_enough));
}

TEST("MP01: imap keeps what a limit for one result has missed") {
    Pool pool(1);
    const Scratch scratch;
    const auto held = pool.apply_async(pid_after, scratch.path("begun"), scratch.path("go"));
    auto results = pool.imap(square, std::vector<int>{5});
    CHECK_THROWS_AS(results.next(1ms), asyncio::TimeoutError);
    scratch.put("go", "x");
    CHECK_EQ(results.next(long_enough).value(), 25);
}

TEST("MP01: imap_unordered gives results as they come") {
    Pool pool(2);
    const std::string file = "/tmp/asyncio-pool-test-" + std::to_string(::getpid());
    std::vector<int> turns;
    auto results = pool.imap_unordered(wait_for_second, std::vector<int>{1, 2});
    turns.push_back(results.next(long_enough).value());
    turns.push_back(results.next(long_enough).value());
    ::unlink(file.c_str());
    CHECK(std::set<int>(turns.begin(), turns.end()) == std::set<int>({1, 2}));
    auto many = pool.imap_unordered(square, up_to(50), 7);
    std::vector<int> all;
    for (const int one : many) all.push_back(one);
    std::sort(all.begin(), all.end());
    CHECK(all == squares(50));
}

CO_TEST("MP01: imap_unordered can be awaited result by result") {
    Pool pool(2);
    auto results = pool.imap_unordered(square, up_to(10));
    std::vector<int> all;
    while (auto one = co_await results.anext()) all.push_back(*one);
    std::sort(all.begin(), all.end());
    CHECK(all == squares(10));
}

TEST("MP01: workers of a Pool run the initializer, and end after maxtasksperchild") {
    Pool pool(PoolOptions(1).initializer(set_base, 100).maxtasksperchild(1));
    CHECK(pool.map(above_base, std::vector<int>{1, 2, 3}, 1) == std::vector<int>({101, 102, 103}));
    const auto pids = pool.map(own_pid, up_to(3), 1);
    CHECK_EQ(std::set<int>(pids.begin(), pids.end()).size(), 3U);
}

TEST("MP01: a closed Pool does what it has, and takes no more; join waits") {
    Pool pool(2);
    const auto results = pool.map_async(square, up_to(30), 1);
    CHECK_THROWS_MSG(pool.join(), asyncio::ValueError, "Pool is still running");
    pool.close();
    CHECK_THROWS_MSG(pool.apply(square, 1), asyncio::ValueError, "Pool not running");
    CHECK_THROWS_AS(pool.map(square, up_to(2)), asyncio::ValueError);
    pool.join();
    CHECK(results.ready());
    CHECK(results.get() == squares(30));
}

TEST("MP01: terminate ends what runs, and no result is waited for in vain") {
    Pool pool(1);
    const Scratch scratch;
    const auto held = pool.apply_async(pid_after, scratch.path("begun"), scratch.path("go"));
    support::wait_for_file(scratch.path("begun"));
    const int pid = std::stoi(scratch.get("begun"));
    const auto queued = pool.map_async(square, up_to(3));
    pool.terminate();
    pool.join();
    CHECK_THROWS_AS(held.get(long_enough), BrokenProcessPool);
    CHECK_THROWS_AS(queued.get(long_enough), asyncio::CancelledError);
    CHECK(!support::is_alive(pid));
}

TEST("MP01: a worker that is lost fails the map that it worked for, and the pool goes on") {
    Pool pool(2);
    CHECK_THROWS_AS(pool.map(kill_self, up_to(2)), BrokenProcessPool);
    CHECK(pool.map(square, up_to(4)) == squares(4));
}
