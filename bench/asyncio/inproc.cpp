// SPDX-License-Identifier: MIT
// The in-process workloads, as every peer of the comparison runs them.
//
// Question   what do an await, a task, a queue, a timer, a callback cost?
// Against    hand-written C++, asio, libuv, tokio, Go, Node, CPython: see docs/performance.md.
// Try it     inproc [--idle-fd] WORKLOAD N [ROUNDS]
#include "../meter.h"

#include <asyncio/asyncio.h>

#include <array>
#include <atomic>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <linux/futex.h>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <thread>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

constexpr unsigned seconds_max = 150; // a run that hangs ends by an alarm

struct Job {
    const bench::Report& report;
    long n;
    long rounds;
};

void require(bool holds) {
    if (!holds) std::abort();
}

[[gnu::noinline]] Coro<int> one(int x) { co_return x + 1; }

Coro<> await_ready(Job job) {
    int sum = 0;
    for (long i = 0; i < job.n / 10; ++i) sum = co_await one(sum);
    sum = 0;
    const bench::Meter meter(job.report);
    for (long i = 0; i < job.n; ++i) sum = co_await one(sum);
    meter.stop(static_cast<double>(job.n));
    require(sum == static_cast<int>(job.n));
}

Coro<> tiny() { co_return; }

Coro<> spawn_await(Job job) {
    for (long i = 0; i < job.n / 10; ++i) co_await create_task(tiny());
    const bench::Meter meter(job.report);
    for (long i = 0; i < job.n; ++i) co_await create_task(tiny());
    meter.stop(static_cast<double>(job.n));
}

Coro<> yielder() { co_await yield_now(); } // sleep(0)

Coro<> gather_yielders(long n) {
    std::vector<Coro<>> coros;
    coros.reserve(static_cast<std::size_t>(n));
    for (long i = 0; i < n; ++i) coros.push_back(yielder());
    co_await gather(std::move(coros));
}

Coro<> gather_yield(Job job) {
    co_await gather_yielders(job.n);
    const bench::Meter meter(job.report);
    for (long round = 0; round < job.rounds; ++round) co_await gather_yielders(job.n);
    meter.stop(static_cast<double>(job.n * job.rounds));
}

Coro<> produce(Queue<int>& queue, long n) {
    for (long i = 0; i < n; ++i) co_await queue.put(static_cast<int>(i));
}

Coro<> consume(Queue<int>& queue, long n) {
    for (long i = 0; i < n; ++i) require(co_await queue.get() == static_cast<int>(i));
}

Coro<> through_queue(Job job, std::size_t size) {
    Queue<int> queue(size);
    co_await gather(produce(queue, job.n / 10), consume(queue, job.n / 10));
    const bench::Meter meter(job.report);
    co_await gather(produce(queue, job.n), consume(queue, job.n));
    meter.stop(static_cast<double>(job.n));
}

Coro<> queue1(Job job) { return through_queue(job, 1); }
Coro<> queue100(Job job) { return through_queue(job, 100); }

Coro<> take_turns(Lock& lock, int& inside, long times) {
    for (long i = 0; i < times; ++i) {
        const auto guard = co_await lock.scoped();
        require(inside++ == 0);
        co_await sleep(0s);
        --inside;
    }
}

Coro<> mutex(Job job) {
    constexpr int tasks = 1000;
    Lock lock;
    int inside = 0;
    std::vector<Coro<>> coros;
    for (int i = 0; i < tasks; ++i) coros.push_back(take_turns(lock, inside, job.n / tasks));
    const bench::Meter meter(job.report);
    co_await gather(std::move(coros));
    meter.stop(static_cast<double>(job.n));
}

struct Countdown {
    EventLoop& loop;
    long left;
    Future<> done;

    void call() {
        if (--left > 0) {
            loop.call_soon(&Countdown::step, this);
        } else if (!done.done()) {
            done.set_result();
        }
    }
    static void step(Countdown* self) { self->call(); }
};

Coro<> callbacks(Job job, long in_flight) {
    Countdown countdown{get_running_loop(), job.n, Future<>()};
    const bench::Meter meter(job.report);
    for (long i = 0; i < in_flight; ++i) countdown.loop.call_soon(&Countdown::step, &countdown);
    co_await countdown.done;
    meter.stop(static_cast<double>(job.n));
    while (countdown.left > -in_flight + 1) co_await sleep(0s); // the rest of those in flight
}

Coro<> call_soon_chain(Job job) { return callbacks(job, 1); }
Coro<> call_soon_1000(Job job) { return callbacks(job, 1000); }

void futex_wait(std::atomic<int>& word, int while_it_is) {
    while (word.load(std::memory_order_acquire) == while_it_is) {
        ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, while_it_is, nullptr, nullptr, 0);
    }
}

void futex_wake(std::atomic<int>& word) {
    ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

Coro<> xthread(Job job) {
    EventLoop& loop = get_running_loop();
    Future<> done;
    std::atomic<int> answers{0};
    std::thread foreign([&] {
        const bench::Meter meter(job.report);
        for (long i = 0; i < job.n; ++i) {
            const int before = answers.load();
            loop.call_soon_threadsafe([&answers] {
                answers.fetch_add(1, std::memory_order_release);
                futex_wake(answers);
            });
            futex_wait(answers, before);
        }
        meter.stop(static_cast<double>(job.n));
        loop.call_soon_threadsafe([&done] { done.set_result(); });
    });
    co_await done;
    foreign.join();
}

Coro<> cancel(Job job) {
    std::vector<Task<>> tasks;
    tasks.reserve(static_cast<std::size_t>(job.n));
    for (long i = 0; i < job.n; ++i) tasks.push_back(create_task(sleep(3600s)));
    co_await sleep(0s);
    const bench::Meter meter(job.report);
    for (const Task<>& task : tasks) task.cancel();
    co_await gather_outcomes(std::move(tasks));
    meter.stop(static_cast<double>(job.n));
}

Coro<> timers(Job job) {
    const double resident = bench::resident_bytes();
    bench::Random random;
    const bench::Meter meter(job.report);
    std::vector<Task<>> tasks;
    tasks.reserve(static_cast<std::size_t>(job.n));
    for (long i = 0; i < job.n; ++i) {
        tasks.push_back(create_task(sleep(std::chrono::milliseconds(1 + random.next() % 1000))));
    }
    for (const Task<>& task : tasks) co_await task;
    meter.stop(static_cast<double>(job.n));
    job.report.value("rss", (bench::peak_bytes() - resident) / static_cast<double>(job.n),
                     "B/task");
}

struct Workload {
    std::string_view name;
    Coro<> (*run)(Job);
};

constexpr std::array workloads{
    Workload{"await_ready", &await_ready},
    Workload{"spawn_await", &spawn_await},
    Workload{"gather_yield", &gather_yield},
    Workload{"queue1", &queue1},
    Workload{"queue100", &queue100},
    Workload{"mutex", &mutex},
    Workload{"call_soon_chain", &call_soon_chain},
    Workload{"call_soon_1000", &call_soon_1000},
    Workload{"xthread", &xthread},
    Workload{"cancel", &cancel},
    Workload{"timers", &timers},
};

Coro<> with_idle_descriptor(Coro<> work) {
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    get_running_loop().add_reader(fd, [] {});
    co_await std::move(work);
    get_running_loop().remove_reader(fd);
    ::close(fd);
}

} // namespace

int main(int argc, char** argv) {
    const bool idle_fd = argc > 1 && std::strcmp(argv[1], "--idle-fd") == 0;
    const int first = idle_fd ? 2 : 1;
    if (argc < first + 2) {
        std::fprintf(stderr, "usage: inproc [--idle-fd] WORKLOAD N [ROUNDS]\n");
        return 2;
    }
    ::alarm(seconds_max);
    const long n = std::atol(argv[first + 1]);
    const long rounds = argc > first + 2 ? std::atol(argv[first + 2]) : 5;
    for (const Workload& workload : workloads) {
        if (workload.name != argv[first]) continue;
        const bench::Report report(idle_fd ? "ours-fd" : "ours", argv[first], n);
        Coro<> work = workload.run({report, n, rounds});
        run(idle_fd ? with_idle_descriptor(std::move(work)) : std::move(work));
        return 0;
    }
    return 3; // not offered
}
