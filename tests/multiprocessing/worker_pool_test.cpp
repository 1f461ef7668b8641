// SPDX-License-Identifier: MIT
// The line of jobs and its threads: under many callers, without processes, and at the end.
#include "multiprocessing/worker_pool.h"

#include "asyncio/concurrent_wait.h"
#include "asyncio/testing/testing.h"
#include "multiprocessing/process_pool.h"
#include "os/system_calls.h"
#include "support/held_workers.h"

#include <cerrno>
#include <csignal>
#include <random>
#include <thread>

using namespace multiprocessing;
using detail::FutureJob;
using support::long_enough;

namespace {

namespace os = asyncio::os;

int next_of(int number) { return number + 1; }
std::string reversed(std::string text) { return {text.rbegin(), text.rend()}; }
int own_pid() { return ::getpid(); }
int dies_sometimes(int number) {
    if (number % 5 == 0) ::_exit(number);
    return number;
}
const Registration functions[] = {
    {"line.next_of", next_of},
    {"line.reversed", reversed},
    {"line.own_pid", own_pid},
    {"line.dies_sometimes", dies_sometimes},
};

/// While it lives, no process can be started. It touches that call alone: a thread that nobody can
/// wait for, of a case before, may still use others.
struct NoProcesses {
    NoProcesses() {
        os::system_calls.clone = [](int (*)(void*), void*, int, void*, int*) {
            errno = EAGAIN;
            return -1;
        };
    }
    NoProcesses(const NoProcesses&) = delete;
    NoProcesses& operator=(const NoProcesses&) = delete;
    ~NoProcesses() { os::system_calls.clone = before; }

    const decltype(os::SystemCalls::clone) before = os::system_calls.clone;
};

/// A job that notes what becomes of it.
class NotedJob final : public detail::Job {
public:
    NotedJob(std::string request, std::string& into) : Job(std::move(request)), into_(into) {}
    bool begin() override {
        into_ += "begin ";
        return true;
    }
    void finish(std::string_view) noexcept override { into_ += "finish"; }
    void fail(std::exception_ptr error) noexcept override { into_ += asyncio::type_name(error); }
    void cancel() noexcept override { into_ += "cancel"; }

private:
    std::string& into_;
};

detail::PoolSettings settings(int max_workers) {
    detail::PoolSettings made;
    made.max_workers = max_workers;
    return made;
}

std::string request_of_next(int number) {
    Packer call;
    pack_call<int>(call, number);
    return detail::request_for(reinterpret_cast<void (*)()>(&next_of), std::move(call).take());
}

} // namespace

TEST("MP01: a job that has given its result does not fail any more, whatever comes behind it") {
    const asyncio::ConcurrentFuture<int> future;
    FutureJob<int, int> job(detail::request_for_call(next_of, 4), future);
    CHECK(job.begin());
    Packer calls;
    pack_call<int>(calls, 4);
    job.finish(run_registered("line.next_of", std::move(calls).take()));
    job.fail(std::make_exception_ptr(std::bad_alloc()));
    CHECK_EQ(future.result(), 5);
}

TEST("MP01: many threads may submit at once, and each gets its own results") {
    ProcessPoolExecutor pool(3);
    std::vector<std::thread> callers;
    std::atomic<int> wrong{0};
    for (int caller = 0; caller < 4; ++caller) {
        callers.emplace_back([&pool, &wrong, caller] {
            std::vector<asyncio::ConcurrentFuture<int>> futures;
            for (int i = 0; i < 100; ++i)
                futures.push_back(pool.submit(next_of, caller * 1000 + i));
            for (int i = 0; i < 100; ++i) {
                const int got = futures[static_cast<std::size_t>(i)].result(long_enough);
                if (got != caller * 1000 + i + 1) ++wrong;
            }
        });
    }
    for (std::thread& caller : callers) caller.join();
    CHECK_EQ(wrong.load(), 0);
}

TEST("MP01: each call ends once, with its own result or its own loss, however many are lost") {
    ProcessPoolExecutor pool(3);
    std::vector<asyncio::ConcurrentFuture<int>> futures;
    for (int i = 1; i <= 40; ++i) futures.push_back(pool.submit(dies_sometimes, i));
    for (int i = 1; i <= 40; ++i) {
        const auto& future = futures[static_cast<std::size_t>(i - 1)];
        if (i % 5 != 0) {
            CHECK_EQ(future.result(long_enough), i);
            continue;
        }
        std::optional<int> exitcode;
        try {
            future.result(long_enough);
        } catch (const BrokenProcessPool& lost) {
            exitcode = lost.exitcode();
        }
        CHECK(exitcode == i);
    }
}

TEST("MP01: a call whose worker is killed at any moment gives its own result or is lost") {
    ProcessPoolExecutor pool(1);
    const std::string large(300'000, 'x'); // some are hit on their way
    std::minstd_rand dice(7);
    for (int i = 0; i < 40; ++i) {
        const int pid = pool.submit(own_pid).get(long_enough);
        const std::string text = large + std::to_string(i);
        auto future = pool.submit(reversed, text);
        support::take_time(std::chrono::microseconds(dice() % 1000));
        ::kill(pid, SIGKILL);
        try {
            CHECK(future.result(long_enough) == std::string(text.rbegin(), text.rend()));
        } catch (const BrokenProcessPool& lost) {
            CHECK_EQ(lost.exitcode().value_or(0), -SIGKILL);
        }
    }
}

TEST("MP01: no process to be had is an OSError of that call, and no end of the pool") {
    ProcessPoolExecutor pool(1);
    {
        const NoProcesses none;
        CHECK_THROWS_AS(pool.submit(next_of, 1).get(long_enough), asyncio::BlockingIOError);
    }
    CHECK_EQ(pool.submit(next_of, 1).get(long_enough), 2);
}

TEST("MP01: a job begins once and ends once; one that is left in the line is cancelled") {
    std::string first;
    std::string second;
    {
        const auto pool = detail::WorkerPool::make(settings(1));
        pool->submit(std::make_unique<NotedJob>(request_of_next(1), first));
        pool->stop_taking(false);
        pool->join();
        const auto other = detail::WorkerPool::make(settings(1));
        const support::Scratch scratch;
        Packer call;
        pack_call<const std::string&, const std::string&>(call, scratch.path("begun"),
                                                          scratch.path("go"));
        std::string held;
        other->submit(std::make_unique<NotedJob>(
            detail::request_for(reinterpret_cast<void (*)()>(&support::pid_after),
                                std::move(call).take()),
            held));
        support::wait_for_file(scratch.path("begun"));
        other->submit(std::make_unique<NotedJob>(request_of_next(1), second));
        other->strike(SIGKILL);
        other->join();
        CHECK_EQ(held, "begin BrokenProcessPool");
    }
    CHECK_EQ(first, "begin finish");
    CHECK_EQ(second, "cancel");
}

TEST("MP01: a pool that was made and not used starts no process and ends at once") {
    const NoProcesses none;
    const ProcessPoolExecutor pool(4);
    CHECK_EQ(pool.max_workers(), 4);
}

TEST("MP01: as many workers as processors are the default") {
    CHECK_EQ(ProcessPoolExecutor().max_workers(), detail::usable_processors());
    CHECK(detail::usable_processors() >= 1);
}
