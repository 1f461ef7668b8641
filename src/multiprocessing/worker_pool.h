// SPDX-License-Identifier: MIT
// Workers that take calls from one line: what ProcessPoolExecutor and Pool stand on.
#pragma once

#include "asyncio/concurrent_futures.h"
#include "multiprocessing/registry.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace multiprocessing::detail {

/// Something for a worker: a function's name and its calls, packed; and who waits for the reply.
///
/// Thread    one at a time.
class Job {
public:
    explicit Job(std::string request) : request_(std::move(request)) {}
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;
    virtual ~Job() = default;

    const std::string& request() const noexcept { return request_; }
    /// It is given to a worker. False: it was cancelled.
    virtual bool begin() = 0;
    /// A worker has done it.
    virtual void finish(std::string_view reply) noexcept = 0;
    /// It has begun, and nothing will come of it.
    virtual void fail(std::exception_ptr error) noexcept = 0;
    /// It will not begin.
    virtual void cancel() noexcept = 0;

private:
    std::string request_;
};

/// A job whose future gets what `Into` makes of the batch: a result, or the batch itself.
template <class R, class T>
class FutureJob final : public Job {
public:
    FutureJob(std::string request, asyncio::ConcurrentFuture<T> future)
        : Job(std::move(request)), future_(std::move(future)) {}

    bool begin() override { return future_.set_running_or_notify_cancel(); }
    void finish(std::string_view reply) noexcept override {
        try {
            deliver(unpack_batch<R>(reply));
        } catch (...) {
            fail(std::current_exception());
        }
    }
    void fail(std::exception_ptr error) noexcept override {
        if (future_.state() == nullptr) return; // it went with its result
        try {
            std::move(future_).set_exception(std::move(error));
        } catch (...) { // a handle has completed it
        }
    }
    void cancel() noexcept override { future_.cancel(); }

private:
    void deliver(Batch<R> batch) {
        if constexpr (std::is_same_v<T, Batch<R>>) {
            std::move(future_).set_result(std::move(batch));
        } else if (batch.error) {
            fail(std::move(batch.error));
        } else if (batch.results.empty()) {
            throw PicklingError("a worker has replied without a result");
        } else if constexpr (std::is_void_v<T>) {
            std::move(future_).set_result();
        } else {
            std::move(future_).set_result(T(std::move(batch.results.front())));
        }
    }

    asyncio::ConcurrentFuture<T> future_;
};

/// What the workers of a pool have in common.
struct PoolSettings {
    int max_workers = 1;
    std::optional<int> max_tasks_per_child;
    std::string start; // what each begins with: an initializer's call, or nothing
    const char* max_workers_name = "max_workers"; // for messages
};

/// How many processors this process may use; as many workers are the default.
int usable_processors() noexcept;

/// The request for calls of `function`, of which `calls` has the arguments.
/// Throws    PicklingError: it is not registered.
std::string request_for(void (*function)(), std::string_view calls);
/// The request for the one call function(args...).
/// Throws    PicklingError: it is not registered, or an argument cannot be packed.
template <class R, class... P, class... Args>
std::string request_for_call(R (*function)(P...), Args&&... args) {
    Packer call;
    pack_call<P...>(call, std::forward<Args>(args)...);
    return request_for(reinterpret_cast<void (*)()>(function), std::move(call).take());
}

/// Threads, each with one worker that it starts when it has something for it, and one line of jobs.
///
/// A worker that ends while it works for a job is that job's error; the thread starts another one
/// for the next. Workers that cannot begin break the pool.
///
/// Thread    any.
/// Lifetime  shared with its threads: it lives until the last of them has gone.
class WorkerPool {
public:
    /// Throws    RuntimeError: freeze_support() was not called. ValueError: a number is too small.
    static std::shared_ptr<WorkerPool> make(PoolSettings settings);
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;
    ~WorkerPool();

    /// Throws    RuntimeError: it is shut down, or no thread can be made. BrokenProcessPool.
    void submit(std::unique_ptr<Job> job);
    /// Starts all workers that it may have, before there is work for them.
    void start_all();
    /// Takes no more. Workers end when there is nothing left for them.
    void stop_taking(bool cancel_queued);
    /// The same, cancels what has not begun, and sends all workers a signal.
    void strike(int signal_number);
    /// Waits until all workers have ended.
    /// Throws    RuntimeError: a thread of the pool waits for itself.
    void join();
    bool is_own_thread() const noexcept;
    /// Nobody waits for its threads.
    void detach() noexcept;

    int max_workers() const noexcept;
    bool is_stopped() const;

private:
    struct Parts;
    explicit WorkerPool(PoolSettings settings);
    std::shared_ptr<Parts> parts_;
};

} // namespace multiprocessing::detail
