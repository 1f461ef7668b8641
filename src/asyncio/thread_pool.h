// SPDX-License-Identifier: MIT
// ThreadPoolExecutor: runs functions on a few threads.
#pragma once

#include "asyncio/thread_pool_map.h"
#include "base/function.h"

#include <stop_token>

namespace asyncio {

/// An executor cannot work any more.
struct BrokenExecutor : RuntimeError {
    using RuntimeError::RuntimeError;
};
/// The initializer of one of a pool's threads has failed.
struct BrokenThreadPool : BrokenExecutor {
    using BrokenExecutor::BrokenExecutor;
};

/// The keyword arguments of ThreadPoolExecutor.
class ThreadPoolOptions {
public:
    ThreadPoolOptions() noexcept {}
    ThreadPoolOptions(int max_workers) : max_workers_(max_workers) {} // ThreadPoolExecutor pool(4)

    /// How many threads at most; the processors of this process + 4, at most 32.
    ThreadPoolOptions& max_workers(int threads) {
        max_workers_ = threads;
        return *this;
    }
    /// Threads are called "prefix_0", "prefix_1" and so on; the kernel keeps 15 bytes of it, so a
    /// long prefix is cut. "ThreadPool-N".
    ThreadPoolOptions& thread_name_prefix(std::string prefix) {
        prefix_ = std::move(prefix);
        return *this;
    }
    /// Each thread calls `f(args...)` before its first work; threads may do so at the same time.
    /// If it throws, the pool is broken.
    template <class F, class... Args>
    ThreadPoolOptions& initializer(F&& f, Args&&... args) {
        initializer_ = std::make_shared<base::Function<void()>>(
            [f = std::decay_t<F>(std::forward<F>(f)),
             bound = std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...)] {
                std::apply(f, bound);
            });
        return *this;
    }

private:
    friend class ThreadPoolExecutor;
    std::optional<int> max_workers_;
    std::string prefix_;
    std::shared_ptr<base::Function<void()>> initializer_; // shared, so that options can be copied
};

namespace detail {

struct Pool;

/// What a pool's worker runs. The queue holds one count, which goes to whoever takes it out.
class PoolJob : public base::ListNode {
public:
    /// On a worker, with the queue's count.
    virtual void run() noexcept = 0;
    /// It will not be run: null, the pool was told to cancel it; else what broke the pool. With the
    /// queue's count.
    virtual void refuse(std::exception_ptr error) noexcept = 0;
    virtual const std::type_info& callable() const noexcept = 0;

    /// Takes it out of the queue. False: a worker has it already. True: its count is the caller's.
    bool withdraw() noexcept;
    /// The pool is not needed any more: it runs.
    void forget_pool() noexcept { pool_.reset(); }

protected:
    ~PoolJob() = default;

private:
    friend struct Pool;
    std::shared_ptr<Pool> pool_; // set while it may be withdrawn
};

template <class F, class... Args>
inline constexpr bool wants_stop_token =
    !std::is_invocable_v<F&, Args...> && std::is_invocable_v<F&, std::stop_token, Args...>;

template <class F, class... Args>
struct CallResult {
    static_assert(std::is_invocable_v<F&, Args...>,
                  "work for a thread is called as f(args...) or f(std::stop_token, args...)");
    using Type = std::invoke_result_t<F&, Args...>;
};
template <class F, class... Args>
    requires wants_stop_token<F, Args...>
struct CallResult<F, Args...> {
    using Type = std::invoke_result_t<F&, std::stop_token, Args...>;
};

/// What f(args...) gives on a thread: an lvalue reference as it is, anything else as a value.
template <class F, class... Args>
struct JobResult {
    using Raw = typename CallResult<std::decay_t<F>, std::decay_t<Args>...>::Type;
    using Type = std::conditional_t<std::is_lvalue_reference_v<Raw>, Raw, std::remove_cvref_t<Raw>>;
    static_assert(!is_coro_v<Raw>, "coroutines cannot be used with executors: make a task");
};
template <class F, class... Args>
using job_result_t = typename JobResult<F, Args...>::Type;

/// A callable and its arguments, until the call is over; may be asked to stop.
template <class F, class... Args>
class JobCall {
    struct NoStop {};
    static constexpr bool stoppable = wants_stop_token<F, Args...>;

public:
    using Result = job_result_t<F, Args...>;

    template <class... Parts>
    explicit JobCall(Parts&&... parts) : bound_(std::in_place, std::forward<Parts>(parts)...) {}

    /// Calls it, then destroys callable and arguments. Gives `into(result)`, or what was thrown.
    template <class Into>
    std::exception_ptr run(Into&& into) noexcept {
        std::exception_ptr error;
        try {
            if constexpr (std::is_void_v<Result>) {
                call();
                into();
            } else {
                into(call());
            }
        } catch (...) {
            error = std::current_exception();
        }
        drop();
        return error;
    }
    void drop() noexcept { bound_.reset(); }

    /// Thread    any, also while it runs.
    void request_stop() noexcept {
        if constexpr (stoppable) stop_.request_stop();
    }

private:
    struct Bound {
        template <class G, class... As>
        explicit Bound(G&& f, As&&... args)
            : callable(std::forward<G>(f)), arguments(std::forward<As>(args)...) {}
        F callable;
        std::tuple<Args...> arguments;
    };

    decltype(auto) call() {
        if constexpr (stoppable) {
            return std::apply(bound_->callable, std::tuple_cat(std::tuple(stop_.get_token()),
                                                               std::move(bound_->arguments)));
        } else {
            return std::apply(bound_->callable, std::move(bound_->arguments));
        }
    }

    std::optional<Bound> bound_;
    std::conditional_t<stoppable, std::stop_source, NoStop> stop_;
};

/// Work that submit() was given, and the future of its result.
template <class F, class... Args>
class SubmittedJob final : public TypedConcurrentState<job_result_t<F, Args...>>, public PoolJob {
    using Result = job_result_t<F, Args...>;

public:
    template <class... Parts>
    explicit SubmittedJob(Parts&&... parts) : call_(std::forward<Parts>(parts)...) {}

    void run() noexcept override {
        if (!this->claim()) return this->release();
        forget_pool();
        this->finish_and_release(call_.run([this](auto&&... result) {
            if constexpr (std::is_lvalue_reference_v<Result>) {
                this->emplace(std::addressof(result)...);
            } else {
                this->emplace(std::forward<decltype(result)>(result)...);
            }
        }));
    }
    void refuse(std::exception_ptr error) noexcept override {
        if (!error) this->cancel();
        if (!this->claim()) return this->release();
        forget_pool();
        call_.drop();
        this->finish_and_release(std::move(error));
    }
    const std::type_info& callable() const noexcept override { return typeid(F); }
    bool is_job() const noexcept override { return true; }

private:
    void withdrawn() noexcept override {
        call_.drop();
        if (withdraw()) this->release();
    }
    void stop_wanted() noexcept override { call_.request_stop(); }

    JobCall<F, Args...> call_;
};

} // namespace detail

/// Runs functions on up to max_workers threads, which are made as they are needed.
///
/// Work is taken in the order it was submitted. A function that takes a std::stop_token first is
/// given one: stop is requested when its future is cancelled while it runs.
///
/// The destructor is shutdown(): it waits for all work, unless shutdown(false) was called before;
/// then the threads are left to end by themselves, at the latest with the process.
///
/// Thread    any.
/// Source    CPython 3.14 concurrent.futures.ThreadPoolExecutor.  Differs: no GIL, so it serves
///           computing too.
class ThreadPoolExecutor {
public:
    /// Throws    ValueError: max_workers is not positive.
    explicit ThreadPoolExecutor(ThreadPoolOptions options = ThreadPoolOptions());
    ThreadPoolExecutor(const ThreadPoolExecutor&) = delete;
    ThreadPoolExecutor& operator=(const ThreadPoolExecutor&) = delete;
    ~ThreadPoolExecutor();

    /// Runs `f(args...)` on one of the threads. Callable and decayed arguments are kept until it
    /// has run, and destroyed before the future is done.
    ///
    /// Returns   the future of its result or exception.
    /// Throws    RuntimeError: the pool is shut down, or no thread can be made. BrokenThreadPool.
    template <class F, class... Args>
    auto submit(F&& f, Args&&... args) {
        return submit_to(pool_, std::forward<F>(f), std::forward<Args>(args)...);
    }

    /// Calls `f` with each item of a range, or with the n-th items of several (as many as the
    /// shortest has), on the threads; f is called from several at once.
    ///
    /// ranges    their items are copied before this returns
    /// Returns   the results in the order of the items: iterate, or call next().
    /// Throws    RuntimeError, BrokenThreadPool: as submit. ValueError: a chunk or buffer of 0.
    template <class F, class... Ranges>
        requires(!std::is_same_v<std::decay_t<F>, MapOptions>)
    auto map(F&& f, const Ranges&... ranges) {
        return map(MapOptions(), std::forward<F>(f), ranges...);
    }
    template <class F, class... Ranges>
    auto map(const MapOptions& options, F&& f, const Ranges&... ranges);

    /// Takes no more work; what is queued is still done.
    ///
    /// wait            blocks until all work is done and the threads have ended
    /// cancel_futures  cancels what has not begun
    /// Throws    RuntimeError: a thread of the pool waits for itself.
    void shutdown(bool wait = true, bool cancel_futures = false);

    int max_workers() const noexcept; // how many threads it may have

    // ---- the library's own use ---------------------------------------------------------------

    /// Queues a job; takes over one count of it if it returns.
    void add(detail::PoolJob& job) { add_to(pool_, job); }
    /// Takes no more work. The future is done when the last thread is about to end.
    ConcurrentFuture<> shutdown_and_tell();
    /// What runs and how much is queued, for a report: "2 running (f, g), 3 queued".
    std::string unfinished_work() const;

private:
    static void add_to(const std::shared_ptr<detail::Pool>& pool, detail::PoolJob& job);
    static void check_map(const MapOptions& options);

    template <class F, class... Args>
    static auto submit_to(const std::shared_ptr<detail::Pool>& pool, F&& f, Args&&... args) {
        using Job = detail::SubmittedJob<std::decay_t<F>, std::decay_t<Args>...>;
        using Result = detail::job_result_t<F, Args...>;
        using State = detail::TypedConcurrentState<Result>;
        auto job =
            detail::Counted<State>::adopt(new Job(std::forward<F>(f), std::forward<Args>(args)...));
        detail::Counted<State> queued(job);
        add_to(pool, static_cast<Job&>(*queued));
        queued.release_ownership(); // the queue's count now
        return ConcurrentFuture<Result>(std::move(job));
    }

    std::shared_ptr<detail::Pool> pool_;
};

template <class F, class... Ranges>
auto ThreadPoolExecutor::map(const MapOptions& options, F&& f, const Ranges&... ranges) {
    check_map(options);
    auto items = detail::zipped(ranges...);
    using Item = typename decltype(items)::value_type;
    using Work = detail::MapWork<std::decay_t<F>, Item>;
    using Piece = typename Work::Piece;
    const std::size_t total = items.size();
    auto submit_next =
        [pool = pool_, work = Work(std::forward<F>(f), std::move(items)), next = std::size_t{0},
         total, chunk = options.chunk_]() mutable -> std::optional<ConcurrentFuture<Piece>> {
        if (next == total) return std::nullopt;
        const std::size_t first = next;
        next += chunk < total - first ? chunk : total - first;
        return submit_to(pool, work, first, std::size_t{next});
    };
    return MapResults<typename Work::Result>(std::move(submit_next), options.timeout_,
                                             options.buffer_);
}

} // namespace asyncio
