// SPDX-License-Identifier: MIT
// ProcessPoolExecutor: calls in other processes, what they throw, and how their workers end.
#include "multiprocessing/process_pool.h"

#include "asyncio/testing/testing.h"
#include "asyncio/wait_for.h"
#include "os/descriptor.h"
#include "support/held_workers.h"

#include <csignal>
#include <cstdlib>
#include <map>
#include <set>
#include <sys/prctl.h>
#include <unistd.h>

using namespace multiprocessing;
using namespace std::chrono_literals;
using asyncio::Coro;
using support::HeldWorker;
using support::is_alive;
using support::long_enough;
using support::pid_after;
using support::Scratch;

namespace {

// ---- what the workers run -----------------------------------------------------------------------

int add(int a, int b) { return a + b; }
int worker_pid() { return ::getpid(); }
std::string echo(const std::string& text) { return text; }
std::map<std::string, std::vector<int>> counted(std::vector<std::string> words) {
    std::map<std::string, std::vector<int>> found;
    for (std::size_t i = 0; i < words.size(); ++i) found[words[i]].push_back(static_cast<int>(i));
    return found;
}
void fail(const std::string& text) { throw asyncio::ValueError(text); }
void exit_with(int code) { std::exit(code); }
void die_by(int number) { ::kill(::getpid(), number); }
void abort_here() {
    ::prctl(PR_SET_DUMPABLE, 0); // no core
    std::signal(SIGABRT, SIG_DFL);
    std::abort();
}
int product = 0;
void set_product(int a, int b) { product = a * b; }
int get_product() { return product; }
void fail_to_begin(std::string text) { throw asyncio::RuntimeError(text); }
bool is_even(int number) {
    if (number < 0) throw asyncio::ValueError("negative");
    return number % 2 == 0;
}
int not_registered() { return 1; }

const Registration functions[] = {
    {"add", add},
    {"worker_pid", worker_pid},
    {"echo", echo},
    {"counted", counted},
    {"fail", fail},
    {"exit_with", exit_with},
    {"die_by", die_by},
    {"abort_here", abort_here},
    {"set_product", set_product},
    {"get_product", get_product},
    {"fail_to_begin", fail_to_begin},
    {"is_even", is_even},
};

// ---- what the tests share -----------------------------------------------------------------------

int exitcode_of(const asyncio::ConcurrentFuture<>& future) {
    try {
        future.result(long_enough);
    } catch (const BrokenProcessPool& lost) {
        return lost.exitcode().value_or(1000);
    }
    return 2000;
}

} // namespace

// ---- calls --------------------------------------------------------------------------------------

TEST("MP01: submit calls a function in another process, and gives what it returns") {
    ProcessPoolExecutor pool(1);
    CHECK_EQ(pool.submit(add, 40, 2).get(long_enough), 42);
    CHECK(pool.submit(worker_pid).get(long_enough) != ::getpid());
}

TEST("MP01: containers and texts go there and back as values") {
    ProcessPoolExecutor pool(1);
    const auto found = pool.submit(counted, std::vector<std::string>{"a", "b", "a"}).get();
    CHECK_EQ(found.size(), 2U);
    CHECK(found.at("a") == std::vector<int>({0, 2}));
    CHECK_EQ(pool.submit(echo, "from a literal").get(), "from a literal");
    CHECK_EQ(pool.submit(echo, std::string("with\0NUL", 8)).get(), std::string("with\0NUL", 8));
}

TEST("MP01: arguments and results may be as large as they like") {
    ProcessPoolExecutor pool(1);
    const std::string large(64U << 20U, 'x');
    CHECK(pool.submit(echo, large).get(long_enough) == large);
    CHECK(pool.submit(echo, "").get().empty());
}

TEST("MP01: no more workers than max_workers, and all of them are used") {
    ProcessPoolExecutor pool(3);
    const HeldWorker a(pool);
    const HeldWorker b(pool);
    const HeldWorker c(pool);
    const std::set<int> pids{a.pid(), b.pid(), c.pid()};
    CHECK_EQ(pids.size(), 3U);
    auto waits = pool.submit(worker_pid);
    a.let_go();
    CHECK(pids.contains(waits.get(long_enough)));
    b.let_go();
    c.let_go();
    CHECK_EQ(pool.max_workers(), 3);
}

TEST("MP01: what a function throws comes through with type and text") {
    ProcessPoolExecutor pool(1);
    CHECK_THROWS_MSG(pool.submit(fail, "bad argument 7").get(), asyncio::ValueError,
                     "bad argument 7");
    CHECK_EQ(pool.submit(add, 1, 2).get(), 3); // the worker is as before
}

TEST("MP01: a function that is not registered is a PicklingError of its future") {
    ProcessPoolExecutor pool(1);
    const auto future = pool.submit(not_registered);
    CHECK(future.done());
    CHECK_THROWS_AS(future.result(), PicklingError);
}

TEST("MP01: map gives the results in order, as many as the shortest range has") {
    ProcessPoolExecutor pool(2);
    std::vector<int> sums;
    for (int sum : pool.map(add, std::vector<int>{1, 2, 3, 4}, std::vector<int>{10, 20, 30})) {
        sums.push_back(sum);
    }
    CHECK(sums == std::vector<int>({11, 22, 33}));
}

TEST("MP01: map with chunks ends at what a call throws, behind the results before it") {
    ProcessPoolExecutor pool(2);
    auto results =
        pool.map(MapOptions().chunksize(3), is_even, std::vector<int>{0, 1, 2, 3, -1, 4, 5, 6, 7});
    for (const bool expected : {true, false, true, false}) {
        CHECK_EQ(results.next(long_enough).value(), expected);
    }
    CHECK_THROWS_MSG(results.next(long_enough), asyncio::ValueError, "negative");
    CHECK(!results.next(long_enough));
    CHECK_THROWS_AS(pool.map(MapOptions().chunksize(0), is_even, std::vector<int>{1}),
                    asyncio::ValueError);
}

TEST("MP01: map ends with TimeoutError when its time is up") {
    ProcessPoolExecutor pool(1);
    const HeldWorker held(pool);
    auto results = pool.map(MapOptions().timeout(1ms), is_even, std::vector<int>{1, 2});
    CHECK_THROWS_AS(results.next(), asyncio::TimeoutError);
    CHECK(!results.next());
    held.let_go();
}

// ---- on a loop ----------------------------------------------------------------------------------

CO_TEST("MP01: run_in_executor awaits a call in another process, and what it throws") {
    ProcessPoolExecutor pool(2);
    auto& loop = asyncio::get_running_loop();
    auto first = loop.run_in_executor(&pool, add, 1, 2);
    auto second = loop.run_in_executor(&pool, worker_pid);
    CHECK_EQ(co_await first, 3);
    CHECK(co_await second != ::getpid());
    auto failed = loop.run_in_executor(&pool, fail, "there");
    CHECK_THROWS_MSG(co_await failed, asyncio::ValueError, "there");
}

CO_TEST("MP01: a virtual clock waits for a worker") {
    ProcessPoolExecutor pool(1);
    auto work = asyncio::get_running_loop().run_in_executor(&pool, add, 1, 2);
    auto limited = asyncio::wait_for(std::move(work), 1ms);
    CHECK_EQ(co_await std::move(limited), 3);
}

CO_TEST("MP01: map's results can be awaited one by one") {
    ProcessPoolExecutor pool(2);
    auto results = pool.map(add, std::vector<int>{1, 2, 3}, std::vector<int>{10, 20, 30});
    std::vector<int> sums;
    while (auto sum = co_await results.anext()) sums.push_back(*sum);
    CHECK(sums == std::vector<int>({11, 22, 33}));
}

CO_TEST("FLT-EXEC-01: a cancelled await of a result leaves it to the next await") {
    ProcessPoolExecutor pool(1);
    const Scratch scratch;
    auto results = pool.map(pid_after, std::vector<std::string>{scratch.path("begun")},
                            std::vector<std::string>{scratch.path("go")});
    auto waiting = asyncio::create_task(results.anext());
    co_await asyncio::yield_now();
    waiting.cancel();
    CHECK_THROWS_AS(co_await waiting, asyncio::CancelledError);
    scratch.put("go", "x");
    const auto pid = co_await results.anext();
    CHECK(pid.has_value());
}

CO_TEST("FLT-EXEC-01: cancelling a call that has not begun drops it, one that runs goes on") {
    ProcessPoolExecutor pool(1);
    auto& loop = asyncio::get_running_loop();
    const HeldWorker held(pool);
    held.pid();
    const Scratch scratch;
    auto queued = loop.run_in_executor(&pool, pid_after, scratch.path("begun"), scratch.path("go"));
    queued.cancel();
    CHECK_THROWS_AS(co_await queued, asyncio::CancelledError);
    CHECK(!held.future().cancel());
    held.let_go();
    CHECK(co_await asyncio::wrap_future(held.future()) > 0);
    pool.shutdown();
    CHECK_EQ(scratch.count(), 0U); // it was never run
}

// ---- initializers, limits, the end --------------------------------------------------------------

TEST("MP01: each worker runs the initializer before its first work") {
    ProcessPoolExecutor pool(ProcessPoolOptions(2).initializer(set_product, 6, 7));
    CHECK_EQ(pool.submit(get_product).get(long_enough), 42);
    CHECK_EQ(product, 0); // theirs, not ours
}

TEST("MP01: an initializer that throws breaks the pool, for what is queued and what comes") {
    ProcessPoolExecutor pool(ProcessPoolOptions(1).initializer(fail_to_begin, "no paper"));
    const auto first = pool.submit(add, 1, 2);
    CHECK_THROWS_MSG(first.result(long_enough), BrokenProcessPool,
                     "A process initializer failed with RuntimeError('no paper'): the process pool "
                     "is not usable anymore");
    pool.shutdown(); // the thread that has told the first tells the pool, too
    ProcessPoolExecutor broken(ProcessPoolOptions(1).initializer(exit_with, 4));
    const auto lost = broken.submit(add, 1, 2);
    const auto behind = broken.submit(add, 1, 2);
    CHECK_THROWS_AS(behind.result(long_enough), BrokenProcessPool);
    CHECK_THROWS_AS(broken.submit(add, 1, 2), BrokenProcessPool);
    std::string text;
    try {
        lost.result(long_enough);
    } catch (const BrokenProcessPool& error) {
        text = error.what();
    }
    CHECK(text.find("exit code 4") != std::string::npos);
    CHECK(text.find("freeze_support()") != std::string::npos);
}

TEST("MP01: max_tasks_per_child gives work to another process after so many calls") {
    ProcessPoolExecutor pool(ProcessPoolOptions(1).max_tasks_per_child(2));
    std::vector<int> pids;
    for (int i = 0; i < 5; ++i) pids.push_back(pool.submit(worker_pid).get(long_enough));
    CHECK_EQ(pids[0], pids[1]);
    CHECK_EQ(pids[2], pids[3]);
    CHECK_EQ(std::set<int>(pids.begin(), pids.end()).size(), 3U);
    CHECK_THROWS_AS(ProcessPoolExecutor(ProcessPoolOptions(1).max_tasks_per_child(0)),
                    asyncio::ValueError);
    CHECK_THROWS_AS(ProcessPoolExecutor(0), asyncio::ValueError);
}

TEST("FLT-EXEC-02: shutdown does what is queued, and refuses what comes") {
    ProcessPoolExecutor pool(1);
    const HeldWorker held(pool);
    auto queued = pool.submit(add, 1, 2);
    pool.shutdown(false);
    CHECK_THROWS_MSG(pool.submit(add, 1, 2), asyncio::RuntimeError,
                     "cannot schedule new futures after shutdown");
    held.let_go();
    pool.shutdown();
    CHECK(queued.done());
    CHECK_EQ(queued.get(), 3);
}

TEST("MP01: shutdown with cancel_futures cancels what has not begun") {
    ProcessPoolExecutor pool(1);
    const HeldWorker held(pool);
    const int pid = held.pid();
    const auto queued = pool.submit(add, 1, 2);
    pool.shutdown(false, true);
    CHECK(queued.cancelled());
    held.let_go();
    pool.shutdown();
    CHECK_EQ(held.future().result(), pid);
    CHECK(!is_alive(pid)); // and reaped
}

TEST("MP01: terminate_workers ends what runs, and cancels what is queued") {
    ProcessPoolExecutor pool(1);
    const HeldWorker held(pool);
    const int pid = held.pid();
    const auto queued = pool.submit(add, 1, 2);
    pool.terminate_workers();
    CHECK(queued.cancelled());
    CHECK_THROWS_AS(held.future().result(), BrokenProcessPool);
    CHECK(!is_alive(pid));
}

TEST("MP01: a done-callback may drop the pool; it cannot wait for it") {
    const std::size_t before = asyncio::os::open_descriptors_count();
    auto pool = std::make_unique<ProcessPoolExecutor>(1);
    HeldWorker held(*pool);
    bool refused = false;
    asyncio::ConcurrentFuture<> dropped;
    held.future().add_done_callback([&] {
        try {
            pool->shutdown();
        } catch (const asyncio::RuntimeError&) {
            refused = true;
        }
        pool.reset();
        dropped.set_result();
    });
    held.let_go();
    dropped.result(long_enough);
    CHECK(refused);
    // The thread, which nobody can wait for, ends its worker.
    while (asyncio::os::open_descriptors_count() > before) support::take_time(1ms);
}

TEST("MP01: a pool leaves no process and no descriptor behind") {
    const std::size_t before = asyncio::os::open_descriptors_count();
    int pid = 0;
    {
        ProcessPoolExecutor pool(2);
        pid = pool.submit(worker_pid).get(long_enough);
        CHECK(asyncio::os::open_descriptors_count() > before);
    }
    CHECK_EQ(asyncio::os::open_descriptors_count(), before);
    CHECK(!is_alive(pid));
}

// ---- workers that are lost ----------------------------------------------------------------------

TEST("MP01: a worker that is lost is its caller's BrokenProcessPool, which says how it ended") {
    ProcessPoolExecutor pool(1);
    CHECK_EQ(exitcode_of(pool.submit(exit_with, 3)), 3);
    CHECK_EQ(exitcode_of(pool.submit(die_by, SIGKILL)), -SIGKILL);
    CHECK_EQ(exitcode_of(pool.submit(die_by, SIGINT)), -SIGINT);
    CHECK_EQ(exitcode_of(pool.submit(abort_here)), -SIGABRT);
    CHECK_EQ(pool.submit(add, 1, 2).get(long_enough), 3);
    std::string text;
    try {
        pool.submit(die_by, SIGKILL).get(long_enough);
    } catch (const BrokenProcessPool& lost) {
        text = lost.what();
    }
    CHECK(text.find("has ended with signal 9 (SIGKILL) while it ran die_by") != std::string::npos);
}

TEST("MP01: a worker that is lost is nobody else's error") {
    ProcessPoolExecutor pool(2);
    const HeldWorker held(pool);
    held.pid();
    const auto lost = pool.submit(exit_with, 1);
    std::vector<asyncio::ConcurrentFuture<int>> others;
    for (int i = 0; i < 20; ++i) others.push_back(pool.submit(add, i, 1));
    CHECK_EQ(exitcode_of(lost), 1);
    for (int i = 0; i < 20; ++i) {
        CHECK_EQ(others[static_cast<std::size_t>(i)].result(long_enough), i + 1);
    }
    held.let_go();
    CHECK(held.future().result(long_enough) > 0);
}

TEST("MP01: a worker that is killed while it is idle is replaced, and nobody hears of it") {
    ProcessPoolExecutor pool(1);
    for (int i = 0; i < 10; ++i) {
        const int pid = pool.submit(worker_pid).get(long_enough);
        ::kill(pid, SIGKILL);
        CHECK(pool.submit(worker_pid).get(long_enough) != pid);
    }
}
