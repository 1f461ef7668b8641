// SPDX-License-Identifier: MIT
// Pool: worker processes under the names of Python's multiprocessing.
#pragma once

#include "multiprocessing/process_pool.h"
#include "multiprocessing/results.h"

#include <mutex>

namespace multiprocessing {

/// The result of apply_async() and its like: for threads that wait, and for loops.
///
/// A handle: copies show the same result. `co_await result` waits on a loop; a cancelled await
/// cancels what has not begun.
///
/// Thread    any.
/// Source    CPython multiprocessing.pool.AsyncResult.  Differs: it can be awaited.
template <class T>
class AsyncResult {
public:
    explicit AsyncResult(asyncio::ConcurrentFuture<T> future) : future_(std::move(future)) {}

    /// Blocks until it is there.
    /// Throws    TimeoutError: the time was up. BrokenProcessPool. What the function has thrown.
    T get(std::optional<asyncio::Duration> timeout = std::nullopt) const {
        return future_.get(timeout);
    }
    /// Blocks until it is there, or the time is up.
    void wait(std::optional<asyncio::Duration> timeout = std::nullopt) const {
        if (timeout) {
            future_.wait_for(*timeout);
        } else {
            future_.wait();
        }
    }
    bool ready() const noexcept { return future_.done(); }
    /// Did it end without an exception?
    /// Throws    ValueError: it has not ended.
    bool successful() const {
        if (!ready()) throw asyncio::ValueError("the result is not ready");
        return !future_.cancelled() && future_.exception() == nullptr;
    }
    /// What it stands on; for add_done_callback() and concurrent::wait().
    const asyncio::ConcurrentFuture<T>& future() const noexcept { return future_; }

    auto operator co_await() const {
        asyncio::Future<T> in_loop = asyncio::wrap_job(future_);
        return std::move(in_loop).operator co_await();
    }

private:
    asyncio::ConcurrentFuture<T> future_;
};

/// The keyword arguments of Pool.
class PoolOptions {
public:
    PoolOptions() {}
    PoolOptions(int processes) { processes_ = processes; } // Pool pool(4)

    /// How many processes; the processors that this process may use.
    PoolOptions& processes(int count) {
        processes_ = count;
        return *this;
    }
    /// A worker ends after so many pieces of work, and another one takes its place.
    PoolOptions& maxtasksperchild(std::optional<int> tasks) {
        maxtasksperchild_ = tasks;
        return *this;
    }
    /// Each worker calls `function(args...)`, which is registered, before its first work. If it
    /// throws, the pool is broken.
    /// Throws    PicklingError: it is not registered, or an argument cannot be packed.
    template <class R, class... P, class... Args>
        requires std::invocable<R (*)(P...), Args...>
    PoolOptions& initializer(R (*function)(P...), Args&&... args) {
        start_ = detail::request_for_call(function, std::forward<Args>(args)...);
        return *this;
    }

private:
    friend class Pool;
    std::optional<int> processes_;
    std::optional<int> maxtasksperchild_;
    std::string start_;
};

namespace detail {

/// Puts the results of all batches together when the last of them is done.
template <class R>
class Collector : public std::enable_shared_from_this<Collector<R>> {
public:
    using Future = asyncio::ConcurrentFuture<Batch<R>>;
    using Whole = std::vector<Result<R>>;

    static asyncio::ConcurrentFuture<Whole> collect(std::vector<Future> batches) {
        auto collector = std::make_shared<Collector>(std::move(batches));
        const auto whole = collector->whole_;
        if (whole.set_running_or_notify_cancel()) collector->begin();
        return whole;
    }
    explicit Collector(std::vector<Future> batches)
        : left_(batches.size()), batches_(std::move(batches)) {}

private:
    void begin() {
        if (batches_.empty()) return whole_.set_result();
        const std::vector<Future> watched = batches_;
        for (const Future& batch : watched) {
            batch.add_done_callback(
                [self = this->shared_from_this()](const Future& done) { self->one_done(done); });
        }
    }
    void one_done(const Future& done) {
        if (note(done)) finish();
    }
    /// The first error counts. True: it was the last one.
    bool note(const Future& done) {
        const std::exception_ptr error = error_of(done);
        const std::scoped_lock hold(lock_);
        if (!error_) error_ = error;
        return --left_ == 0;
    }
    static std::exception_ptr error_of(const Future& done) {
        if (done.cancelled()) return std::make_exception_ptr(asyncio::CancelledError());
        if (auto error = done.exception()) return error;
        return done.result().error;
    }
    void finish() {
        const std::vector<Future> batches = std::exchange(batches_, {});
        if (error_) return whole_.set_exception(std::exchange(error_, nullptr));
        try {
            Whole all;
            for (const Future& batch : batches) {
                const auto& results = batch.result().results;
                all.insert(all.end(), results.begin(), results.end());
            }
            whole_.set_result(std::move(all));
        } catch (...) {
            whole_.set_exception(std::current_exception());
        }
    }

    std::mutex lock_;
    std::exception_ptr error_;
    std::size_t left_;
    std::vector<Future> batches_;
    asyncio::ConcurrentFuture<Whole> whole_;
};

/// As many futures: the first is done as soon as one of the batches is, and so on.
template <class R>
std::vector<asyncio::ConcurrentFuture<Batch<R>>>
as_they_come(const std::vector<asyncio::ConcurrentFuture<Batch<R>>>& batches) {
    using Future = asyncio::ConcurrentFuture<Batch<R>>;
    auto slots = std::make_shared<const std::vector<Future>>(batches.size());
    const auto next = std::make_shared<std::atomic<std::size_t>>(0);
    for (const Future& batch : batches) {
        batch.add_done_callback([slots, next](const Future& done) {
            const Future& slot = (*slots)[next->fetch_add(1)];
            if (!slot.set_running_or_notify_cancel()) return;
            if (done.cancelled()) return slot.set_exception(asyncio::CancelledError());
            if (auto error = done.exception()) return slot.set_exception(std::move(error));
            slot.set_result(done.result());
        });
    }
    return *slots;
}

} // namespace detail

/// Processes that work through ranges, under the names of Python's multiprocessing.
///
/// What is true of ProcessPoolExecutor's workers is true here: main() begins with freeze_support(),
/// functions are registered, a lost worker is BrokenProcessPool to whose work it had. All workers
/// are started at once. The forms that end in _async give a result that threads can wait for and
/// loops can await; the others block.
///
/// The destructor is terminate() and join().
///
///     multiprocessing::Pool pool(2);
///     std::vector<long> sums = pool.map(sum_below, numbers);              // blocks
///     sums = co_await pool.map_async(sum_below, numbers);                 // on a loop
///
/// Thread    any; what blocks is not for a loop's.
/// Source    CPython 3.14 multiprocessing.pool.Pool.  Differs: functions are registered; arguments
///           are given one by one, not as a tuple; what a terminated pool has not done ends with
///           CancelledError or BrokenProcessPool, and not never.
class Pool {
    template <class R>
    using Whole = std::vector<Result<R>>;

public:
    /// Throws    RuntimeError: freeze_support() was not called, or no thread can be made.
    ///           ValueError: a number is not positive.
    explicit Pool(PoolOptions options = PoolOptions());
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    ~Pool();

    /// Calls a registered function in one of the processes, and blocks for its result.
    /// Throws    what it throws. ValueError: the pool is closed. PicklingError, BrokenProcessPool.
    template <class R, class... P, class... Args>
        requires std::invocable<R (*)(P...), Args...>
    std::remove_cvref_t<R> apply(R (*function)(P...), Args&&... args) {
        return apply_async(function, std::forward<Args>(args)...).get();
    }
    /// The same without blocking.
    template <class R, class... P, class... Args>
        requires std::invocable<R (*)(P...), Args...>
    AsyncResult<std::remove_cvref_t<R>> apply_async(R (*function)(P...), Args&&... args) {
        check_running();
        return AsyncResult(detail::submit_call(*pool_, function, std::forward<Args>(args)...));
    }

    /// Calls a registered function with each item of a range, and blocks for all results, which are
    /// in the order of the items.
    ///
    /// chunksize  how many items travel together; nothing: about a quarter of a worker's share
    /// Throws    the first that a call throws, when all are done; else as apply().
    template <class R, class P, class Range>
    Whole<R> map(R (*function)(P), const Range& range,
                 std::optional<std::size_t> chunksize = std::nullopt) {
        return map_async(function, range, chunksize).get();
    }
    /// The same without blocking.
    template <class R, class P, class Range>
    AsyncResult<Whole<R>> map_async(R (*function)(P), const Range& range,
                                    std::optional<std::size_t> chunksize = std::nullopt) {
        return whole(function, chunked(function, range, chunksize));
    }

    /// As map(), with tuples of arguments as items.
    template <class R, class... P, class Range>
    Whole<R> starmap(R (*function)(P...), const Range& range,
                     std::optional<std::size_t> chunksize = std::nullopt) {
        return starmap_async(function, range, chunksize).get();
    }
    template <class R, class... P, class Range>
    AsyncResult<Whole<R>> starmap_async(R (*function)(P...), const Range& range,
                                        std::optional<std::size_t> chunksize = std::nullopt) {
        detail::Chunks<P...> chunks(erased(function), chunk_of(range, chunksize));
        for (const auto& item : range) {
            std::apply([&chunks](const auto&... args) { chunks.add(args...); }, item);
        }
        return whole(function, std::move(chunks).take());
    }

    /// As map(), but the results are given one after the other: by next(), anext() or a range-for.
    /// A call that throws does so at its place, and the others are given behind it.
    template <class R, class P, class Range>
    Results<R> imap(R (*function)(P), const Range& range, std::size_t chunksize = 1) {
        return Results<R>(submitted(function, range, chunksize), std::nullopt, true);
    }
    /// The same, in the order in which they come.
    template <class R, class P, class Range>
    Results<R> imap_unordered(R (*function)(P), const Range& range, std::size_t chunksize = 1) {
        return Results<R>(detail::as_they_come<R>(submitted(function, range, chunksize)),
                          std::nullopt, true);
    }

    /// Takes no more work; the workers end when all is done.
    void close();
    /// Ends the workers at once: what runs is BrokenProcessPool, what has not begun is cancelled.
    void terminate();
    /// Blocks until all workers have ended.
    /// Throws    ValueError: neither close() nor terminate() was called.
    void join();

private:
    template <class R, class... P>
    static void (*erased(R (*function)(P...)) noexcept)() {
        return reinterpret_cast<void (*)()>(function);
    }
    template <class Range>
    std::size_t chunk_of(const Range& range, std::optional<std::size_t> chunksize) const {
        check_running();
        const auto count = std::distance(std::begin(range), std::end(range));
        return chunk_for(static_cast<std::size_t>(count), chunksize);
    }
    template <class R, class P, class Range>
    std::vector<std::string> chunked(R (*function)(P), const Range& range,
                                     std::optional<std::size_t> chunksize) const {
        detail::Chunks<P> chunks(erased(function), chunk_of(range, chunksize));
        for (const auto& item : range) chunks.add(item);
        return std::move(chunks).take();
    }
    template <class R, class P, class Range>
    auto submitted(R (*function)(P), const Range& range, std::size_t chunksize) {
        return detail::submit_all<R>(*pool_, chunked(function, range, chunksize));
    }
    template <class R, class... P>
    AsyncResult<Whole<R>> whole(R (*)(P...), std::vector<std::string> requests) {
        return AsyncResult(
            detail::Collector<R>::collect(detail::submit_all<R>(*pool_, std::move(requests))));
    }

    void check_running() const;
    std::size_t chunk_for(std::size_t items, std::optional<std::size_t> chunksize) const;

    std::shared_ptr<detail::WorkerPool> pool_;
};

} // namespace multiprocessing
