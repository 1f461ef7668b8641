// SPDX-License-Identifier: MIT
// ProcessPoolExecutor: runs registered functions in a few other processes.
#pragma once

#include "multiprocessing/results.h"
#include "multiprocessing/worker_pool.h"

#include <concepts>

namespace multiprocessing {

/// The keyword arguments of ProcessPoolExecutor.
class ProcessPoolOptions {
public:
    ProcessPoolOptions() {}
    ProcessPoolOptions(int max_workers) {
        max_workers_ = max_workers;
    } // ProcessPoolExecutor pool(4)

    /// How many processes at most; the processors that this process may use.
    ProcessPoolOptions& max_workers(int processes) {
        max_workers_ = processes;
        return *this;
    }
    /// A worker ends after so many calls, and another one takes its place; nothing: it stays.
    ProcessPoolOptions& max_tasks_per_child(std::optional<int> calls) {
        max_tasks_per_child_ = calls;
        return *this;
    }
    /// Each worker calls `function(args...)`, which is registered, before its first work. If it
    /// throws, the pool is broken.
    /// Throws    PicklingError: it is not registered, or an argument cannot be packed.
    template <class R, class... P, class... Args>
        requires std::invocable<R (*)(P...), Args...>
    ProcessPoolOptions& initializer(R (*function)(P...), Args&&... args) {
        static_assert(std::is_void_v<R>, "an initializer returns nothing");
        start_ = detail::request_for_call(function, std::forward<Args>(args)...);
        return *this;
    }

private:
    friend class ProcessPoolExecutor;
    std::optional<int> max_workers_;
    std::optional<int> max_tasks_per_child_;
    std::string start_;
};

/// The keyword arguments of ProcessPoolExecutor::map.
class MapOptions {
public:
    MapOptions() noexcept {}
    /// For all results, counted from the call of map; nothing: no limit.
    MapOptions& timeout(std::optional<asyncio::Duration> time) {
        timeout_ = time;
        return *this;
    }
    /// How many items travel together: more is cheaper for small ones; 1.
    MapOptions& chunksize(std::size_t items) {
        chunksize_ = items;
        return *this;
    }

private:
    friend class ProcessPoolExecutor;
    std::optional<asyncio::Duration> timeout_;
    std::size_t chunksize_ = 1;
};

namespace detail {

/// Submits one call of a function.
/// Returns   the future of its result; if it cannot be packed, that is what the future throws.
template <class R, class... P, class... Args>
asyncio::ConcurrentFuture<std::remove_cvref_t<R>> submit_call(WorkerPool& pool, R (*function)(P...),
                                                              Args&&... args) {
    using Value = std::remove_cvref_t<R>;
    asyncio::ConcurrentFuture<Value> future;
    std::string request;
    try {
        request = request_for_call(function, std::forward<Args>(args)...);
    } catch (...) {
        future.set_exception(std::current_exception());
        return future;
    }
    pool.submit(std::make_unique<FutureJob<R, Value>>(std::move(request), future));
    return future;
}

/// Takes calls together to requests of `chunksize` each.
template <class... P>
class Chunks {
public:
    Chunks(void (*function)(), std::size_t chunksize)
        : function_(function), chunksize_(chunksize) {}

    template <class... Args>
    void add(Args&&... args) {
        if (!calls_) calls_ = std::make_unique<Packer>();
        pack_call<P...>(*calls_, std::forward<Args>(args)...);
        if (++held_ == chunksize_) close();
    }
    std::vector<std::string> take() && {
        if (held_ != 0) close();
        return std::move(requests_);
    }

private:
    void close() {
        requests_.push_back(request_for(function_, std::move(*calls_).take()));
        calls_.reset();
        held_ = 0;
    }

    void (*function_)();
    std::size_t chunksize_;
    std::unique_ptr<Packer> calls_;
    std::size_t held_ = 0;
    std::vector<std::string> requests_;
};

/// Submits requests; gives their futures in the same order.
template <class R>
std::vector<asyncio::ConcurrentFuture<Batch<R>>> submit_all(WorkerPool& pool,
                                                            std::vector<std::string> requests) {
    std::vector<asyncio::ConcurrentFuture<Batch<R>>> futures;
    for (std::string& request : requests) {
        asyncio::ConcurrentFuture<Batch<R>> future;
        pool.submit(std::make_unique<FutureJob<R, Batch<R>>>(std::move(request), future));
        futures.push_back(std::move(future));
    }
    return futures;
}

} // namespace detail

/// Runs functions in up to max_workers processes, which are started as they are needed.
///
/// A worker is this program, executed again: main() begins with freeze_support(), and the functions
/// are registered (registry.h). Nothing is shared with them. Arguments and results are packed, and
/// what a function throws comes through with its type where that is known here. A worker that ends
/// while it works (a crash, a kill, an exit) is BrokenProcessPool to the caller whose work it had,
/// and nobody else; another one takes its place.
///
/// Workers have the program's output and working folder, default signals (so Ctrl-C ends them) and
/// no other descriptors. They are killed when the program ends.
///
/// The destructor is shutdown(): it waits for all work, unless shutdown(false) was called before.
///
///     multiprocessing::ProcessPoolExecutor pool(2);
///     int found = co_await loop.run_in_executor(&pool, count_primes, 100'000);
///
/// Thread    any; but not for a loop's: shutdown(), the destructor and results that are not there
///           block.
/// Cost      a call: two messages through a socket; a worker: a thread here, and a process.
/// Source    CPython 3.14 concurrent.futures.ProcessPoolExecutor.  Differs: functions are
///           registered; a lost worker does not break the pool; only spawn, no fork.
class ProcessPoolExecutor {
public:
    /// Throws    RuntimeError: freeze_support() was not called. ValueError: a number is too small.
    explicit ProcessPoolExecutor(ProcessPoolOptions options = ProcessPoolOptions());
    ProcessPoolExecutor(const ProcessPoolExecutor&) = delete;
    ProcessPoolExecutor& operator=(const ProcessPoolExecutor&) = delete;
    ~ProcessPoolExecutor();

    /// Calls a registered function in one of the processes, in the order of submission.
    ///
    /// Returns   the future of its result or exception. It can be cancelled until a worker has it.
    ///           PicklingError: the function is not registered, or a value cannot be packed.
    /// Throws    RuntimeError: the pool is shut down, or no thread can be made. BrokenProcessPool.
    template <class R, class... P, class... Args>
        requires std::invocable<R (*)(P...), Args...>
    auto submit(R (*function)(P...), Args&&... args) {
        return detail::submit_call(*pool_, function, std::forward<Args>(args)...);
    }

    /// Calls a registered function with each item of a range, or with the n-th items of several (as
    /// many as the shortest has).
    ///
    /// ranges    their items are packed before this returns
    /// Returns   the results in the order of the items.
    /// Throws    as submit. PicklingError. ValueError: a chunksize of 0.
    template <class R, class... P, class... Ranges>
    Results<R> map(R (*function)(P...), const Ranges&... ranges) {
        return map(MapOptions(), function, ranges...);
    }
    template <class R, class... P, class... Ranges>
    Results<R> map(const MapOptions& options, R (*function)(P...), const Ranges&... ranges) {
        static_assert(sizeof...(P) == sizeof...(Ranges), "a range for each parameter");
        check_chunksize(options.chunksize_);
        std::optional<asyncio::TimePoint> deadline;
        if (options.timeout_) {
            deadline = asyncio::TimePoint(asyncio::Clock::now()) + *options.timeout_;
        }
        detail::Chunks<P...> chunks(reinterpret_cast<void (*)()>(function), options.chunksize_);
        [&](auto... its) {
            for (; ((its != std::end(ranges)) && ...); ((void)++its, ...)) chunks.add(*its...);
        }(std::begin(ranges)...);
        return Results<R>(detail::submit_all<R>(*pool_, std::move(chunks).take()), deadline, false);
    }

    /// Takes no more work; what is queued is still done.
    ///
    /// wait            blocks until all work is done and the workers have ended
    /// cancel_futures  cancels what has not begun
    /// Throws    RuntimeError: a thread of the pool (a done-callback) waits for itself.
    void shutdown(bool wait = true, bool cancel_futures = false);
    /// Ends all workers by SIGTERM, and shuts down; what runs ends with BrokenProcessPool, what has
    /// not begun is cancelled.
    void terminate_workers();
    /// The same by SIGKILL.
    void kill_workers();

    int max_workers() const noexcept; // how many processes it may have

private:
    static void check_chunksize(std::size_t chunksize);
    void end_workers(int signal_number);

    std::shared_ptr<detail::WorkerPool> pool_;
};

} // namespace multiprocessing
