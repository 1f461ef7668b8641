// SPDX-License-Identifier: MIT
// The threads of a ThreadPoolExecutor, and the line of work they share.
#include "asyncio/thread_pool.h"

#include "asyncio/base_events.h"
#include "os/process.h"

#include <condition_variable>
#include <cstdio>

namespace asyncio {

namespace detail {

namespace {

constexpr int default_workers_max = 32;
constexpr int spare_workers = 4; // beyond the processors, for work that waits
constexpr char broken_text[] = "A thread initializer failed, the thread pool is not usable anymore";

thread_local const Pool* worker_of = nullptr; // whose worker this thread is

int default_max_workers() noexcept {
    const int processors = static_cast<int>(std::thread::hardware_concurrency());
    const int wanted = (processors > 0 ? processors : 1) + spare_workers;
    return wanted < default_workers_max ? wanted : default_workers_max;
}

std::string default_prefix() {
    static std::atomic<unsigned> made{0};
    return "ThreadPool-" + std::to_string(made.fetch_add(1, std::memory_order_relaxed));
}

void name_this_thread(const std::string& prefix, std::size_t number) noexcept {
    char suffix[24];
    const int digits = std::snprintf(suffix, sizeof suffix, "_%zu", number);
    const std::size_t room = os::thread_name_bytes_max - static_cast<std::size_t>(digits);
    os::name_this_thread(prefix.substr(0, room) + suffix); // short: no allocation
}

} // namespace

/// What the executor and its workers share; lives until the last of them has gone.
struct Pool {
    struct Worker {
        std::thread thread;
        const std::type_info* work = nullptr; // what it runs
    };

    void submit(const std::shared_ptr<Pool>& self, PoolJob& job);
    bool withdraw(PoolJob& job) noexcept;
    PoolJob* take_job() noexcept; // under the lock
    void refuse_queued(bool because_broken) noexcept;
    void stop_taking(bool cancel_queued);
    void work(std::size_t number) noexcept;
    bool initialize() noexcept;
    void run_queue(std::unique_lock<std::mutex>& hold, std::size_t number) noexcept;
    void break_down() noexcept;
    void join();
    void detach() noexcept;

    int max_workers = 0;
    std::string prefix;
    std::shared_ptr<base::Function<void()>> initializer;

    mutable std::mutex lock; // for all that follows
    std::condition_variable more; // work came, or the end
    std::condition_variable ended; // the last worker is about to end
    base::IntrusiveList<PoolJob> queue;
    std::size_t queued = 0;
    std::size_t idle = 0; // workers that sleep, or are woken and not yet up
    std::size_t live = 0;
    std::vector<Worker> workers; // all that were made
    std::vector<ConcurrentFuture<>> enders;
    bool shut_down = false;
    bool broken = false;
};

bool PoolJob::withdraw() noexcept {
    const std::shared_ptr<Pool> pool = std::move(pool_);
    return pool != nullptr && pool->withdraw(*this);
}

bool Pool::withdraw(PoolJob& job) noexcept {
    const std::scoped_lock hold(lock);
    if (!job.linked()) return false;
    queue.remove(&job);
    --queued;
    return true;
}

void Pool::submit(const std::shared_ptr<Pool>& self, PoolJob& job) {
    const std::scoped_lock hold(lock);
    if (broken) throw BrokenThreadPool(broken_text);
    if (shut_down) throw RuntimeError("cannot schedule new futures after shutdown");
    if (queued + 1 > idle && workers.size() < static_cast<std::size_t>(max_workers)) {
        const std::size_t number = workers.size();
        workers.emplace_back();
        try {
            workers.back().thread = std::thread([self, number] { self->work(number); });
            ++live;
        } catch (...) { // those there are do the work, if there are any
            workers.pop_back();
            if (live == 0) throw RuntimeError("can't start new thread");
        }
    }
    job.pool_ = self;
    queue.push_back(&job);
    ++queued;
    if (idle > 0) more.notify_one();
}

PoolJob* Pool::take_job() noexcept {
    PoolJob* job = queue.pop_front();
    if (job != nullptr) --queued;
    return job;
}

// One at a time: a job that somebody cancels meanwhile is in the queue or in one hand.
void Pool::refuse_queued(bool because_broken) noexcept {
    for (;;) {
        std::unique_lock hold(lock);
        PoolJob* job = take_job();
        hold.unlock();
        if (job == nullptr) return;
        std::exception_ptr error; // its own: threads share no exception
        if (because_broken) error = std::make_exception_ptr(BrokenThreadPool(broken_text));
        job->refuse(std::move(error));
    }
}

void Pool::stop_taking(bool cancel_queued) {
    {
        const std::scoped_lock hold(lock);
        shut_down = true;
        more.notify_all();
    }
    if (cancel_queued) refuse_queued(false);
}

// ---- on a worker --------------------------------------------------------------------------------

void Pool::work(std::size_t number) noexcept {
    worker_of = this;
    name_this_thread(prefix, number);
    if (!initialize()) break_down();
    std::vector<ConcurrentFuture<>> to_tell;
    {
        std::unique_lock hold(lock);
        run_queue(hold, number);
        if (--live == 0) {
            to_tell.swap(enders);
            ended.notify_all();
        }
    }
    for (const ConcurrentFuture<>& ender : to_tell) {
        if (ender.set_running_or_notify_cancel()) ender.set_result();
    }
}

bool Pool::initialize() noexcept {
    if (initializer == nullptr) return true;
    try {
        (*initializer)();
        return true;
    } catch (...) {
        try {
            log(LogLevel::error, "Exception in initializer: " + repr(std::current_exception()));
        } catch (...) {
            log(LogLevel::error, "Exception in initializer");
        }
        return false;
    }
}

void Pool::run_queue(std::unique_lock<std::mutex>& hold, std::size_t number) noexcept {
    for (;;) {
        PoolJob* job = broken ? nullptr : take_job();
        if (job == nullptr) {
            if (shut_down || broken) return;
            ++idle;
            more.wait(hold);
            --idle;
            continue;
        }
        workers[number].work = &job->callable();
        hold.unlock();
        job->run();
        hold.lock();
        workers[number].work = nullptr;
    }
}

void Pool::break_down() noexcept {
    {
        const std::scoped_lock hold(lock);
        broken = true;
        more.notify_all();
    }
    refuse_queued(true);
}

// ---- the end ------------------------------------------------------------------------------------

void Pool::join() {
    std::vector<Worker> all;
    {
        std::unique_lock hold(lock);
        ended.wait(hold, [this] { return live == 0; });
        all.swap(workers);
    }
    for (Worker& worker : all) worker.thread.join();
}

void Pool::detach() noexcept {
    const std::scoped_lock hold(lock);
    for (Worker& worker : workers) {
        if (worker.thread.joinable()) worker.thread.detach();
    }
}

} // namespace detail

ThreadPoolExecutor::ThreadPoolExecutor(ThreadPoolOptions options)
    : pool_(std::make_shared<detail::Pool>()) {
    pool_->max_workers =
        options.max_workers_ ? *options.max_workers_ : detail::default_max_workers();
    if (pool_->max_workers <= 0) throw ValueError("max_workers must be greater than 0");
    pool_->prefix = options.prefix_.empty() ? detail::default_prefix() : std::move(options.prefix_);
    pool_->initializer = std::move(options.initializer_);
}

ThreadPoolExecutor::~ThreadPoolExecutor() {
    bool left_alone = false;
    {
        const std::scoped_lock hold(pool_->lock);
        left_alone = pool_->shut_down;
    }
    pool_->stop_taking(false);
    if (!left_alone && detail::worker_of != pool_.get()) pool_->join();
    pool_->detach();
}

void ThreadPoolExecutor::add_to(const std::shared_ptr<detail::Pool>& pool, detail::PoolJob& job) {
    pool->submit(pool, job);
}

void ThreadPoolExecutor::check_map(const MapOptions& options) {
    if (options.chunk_ == 0) throw ValueError("chunk must be greater than 0");
    if (options.buffer_ && *options.buffer_ == 0) {
        throw ValueError("buffer must be greater than 0");
    }
}

void ThreadPoolExecutor::shutdown(bool wait, bool cancel_futures) {
    pool_->stop_taking(cancel_futures);
    if (!wait) return;
    if (detail::worker_of == pool_.get()) throw RuntimeError("cannot join current thread");
    pool_->join();
}

int ThreadPoolExecutor::max_workers() const noexcept { return pool_->max_workers; }

ConcurrentFuture<> ThreadPoolExecutor::shutdown_and_tell() {
    ConcurrentFuture<> ender;
    pool_->stop_taking(false);
    {
        const std::scoped_lock hold(pool_->lock);
        if (pool_->live != 0) {
            pool_->enders.push_back(ender);
            return ender;
        }
    }
    ender.set_result();
    return ender;
}

std::string ThreadPoolExecutor::unfinished_work() const {
    std::vector<const std::type_info*> running;
    std::size_t queued = 0;
    {
        const std::scoped_lock hold(pool_->lock);
        for (const auto& worker : pool_->workers) {
            if (worker.work != nullptr) running.push_back(worker.work);
        }
        queued = pool_->queued;
    }
    std::string text = std::to_string(running.size()) + " running";
    const char* separator = " (";
    for (const std::type_info* type : running) {
        text += separator + detail::callable_name(*type);
        separator = ", ";
    }
    if (!running.empty()) text += ")";
    return text + ", " + std::to_string(queued) + " queued";
}

} // namespace asyncio
