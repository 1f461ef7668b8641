// SPDX-License-Identifier: MIT
// The threads of a pool: each waits for a job, then for its worker.
#include "multiprocessing/worker_pool.h"

#include "multiprocessing/freeze_support.h"
#include "multiprocessing/worker_process.h"
#include "os/process.h"

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace multiprocessing::detail {

namespace {

/// So often a job is given to a worker that ends before it has read it. Such a worker was idle when
/// something ended it, so the first that is started anew will do.
constexpr int attempts_max = 3;

std::string broken_text(const std::string& why) {
    return "A worker process has ended before it was ready (" + why +
           "): the process pool is not usable anymore. Does main() begin with "
           "multiprocessing::freeze_support()?";
}

std::exception_ptr broken_pool(const std::string& message,
                               std::optional<int> exitcode = std::nullopt) {
    return std::make_exception_ptr(BrokenProcessPool(message, exitcode));
}

std::exception_ptr lost_worker(int pid, const asyncio::os::ExitStatus& status,
                               const std::string& request) {
    const auto function = Unpacker(request).take<std::string>();
    std::optional<int> exitcode;
    if (status.is_known) exitcode = status.returncode;
    return broken_pool("A worker process (" + std::to_string(pid) + ") has ended with " +
                           to_string(status) + " while it ran " + function,
                       exitcode);
}

} // namespace

int usable_processors() noexcept {
    const unsigned count = std::thread::hardware_concurrency();
    return count > 0 ? static_cast<int>(count) : 1;
}

std::string request_for(void (*function)(), std::string_view calls) {
    const std::string* name = name_of(function);
    if (name == nullptr) {
        throw PicklingError("Can't pickle the function: declare a multiprocessing::Registration "
                            "for it at namespace scope, so that workers know it by name");
    }
    Packer request;
    request.add(*name);
    return std::move(request).take().append(calls);
}

namespace {
thread_local const void* attended = nullptr; // the pool that this thread works for
} // namespace

/// What the pool and its threads share.
struct WorkerPool::Parts {
    /// A thread's place for its worker. The worker is changed under the lock, by its thread alone.
    struct Seat {
        std::thread thread;
        WorkerProcess worker;
        int tasks_left = 0; // of max_tasks_per_child
    };
    enum class Start { begun, no_process, broken };

    explicit Parts(PoolSettings from) : settings(std::move(from)) {}

    void add_thread(const std::shared_ptr<Parts>& self);
    std::unique_ptr<Job> take_job();
    void cancel_queued() noexcept;
    void break_down(const std::string& message);

    void attend(Seat& seat) noexcept;
    void serve(Seat& seat, Job& job);
    bool have_worker(Seat& seat, Job* job);
    void seat_worker(Seat& seat, WorkerProcess worker);
    bool has_begun(Seat& seat, Job* job);
    WorkerProcess unseat(Seat& seat);
    void retire(Seat& seat);
    void discard(Seat& seat) noexcept;

    const PoolSettings settings;
    std::mutex lock; // for all that follows
    std::condition_variable more; // work came, or the end
    std::condition_variable ended; // the last thread is about to end
    std::deque<std::unique_ptr<Job>> queue;
    std::vector<std::unique_ptr<Seat>> seats;
    std::size_t live = 0; // threads
    std::size_t idle = 0; // threads that wait for work, or are woken and not yet up
    bool eager = false; // workers are started before there is work
    bool stopped = false;
    int struck_by = 0; // the signal that all workers get
    std::string broken; // why it is
};

// ---- the line of jobs ---------------------------------------------------------------------------

void WorkerPool::Parts::add_thread(const std::shared_ptr<Parts>& self) {
    seats.push_back(std::make_unique<Seat>());
    Seat& seat = *seats.back();
    try {
        seat.thread = std::thread([self, &seat] { self->attend(seat); });
        ++live;
    } catch (...) { // those there are do the work, if there are any
        seats.pop_back();
        if (live == 0) throw asyncio::RuntimeError("can't start new thread");
    }
}

std::unique_ptr<Job> WorkerPool::Parts::take_job() {
    std::unique_lock hold(lock);
    while (queue.empty()) {
        if (stopped || !broken.empty()) return nullptr;
        ++idle;
        more.wait(hold);
        --idle;
    }
    std::unique_ptr<Job> job = std::move(queue.front());
    queue.pop_front();
    return job;
}

void WorkerPool::Parts::cancel_queued() noexcept {
    std::deque<std::unique_ptr<Job>> left;
    {
        const std::scoped_lock hold(lock);
        left.swap(queue);
    }
    for (const auto& job : left) job->cancel(); // calls others' callbacks: without the lock
}

void WorkerPool::Parts::break_down(const std::string& message) {
    std::deque<std::unique_ptr<Job>> left;
    {
        const std::scoped_lock hold(lock);
        broken = message;
        left.swap(queue);
        more.notify_all();
    }
    for (const auto& job : left) {
        if (job->begin()) job->fail(broken_pool(message)); // its own: threads share no exception
    }
}

// ---- a thread and its worker --------------------------------------------------------------------

void WorkerPool::Parts::attend(Seat& seat) noexcept {
    attended = this;
    asyncio::os::name_this_thread("ProcessPool");
    if (eager) have_worker(seat, nullptr);
    while (const std::unique_ptr<Job> job = take_job()) {
        try {
            if (job->begin()) serve(seat, *job);
        } catch (...) { // no memory for the reply, or a function has written into the connection
            discard(seat);
            job->fail(std::current_exception());
        }
    }
    retire(seat);
    const std::scoped_lock hold(lock);
    if (--live == 0) ended.notify_all();
}

void WorkerPool::Parts::serve(Seat& seat, Job& job) {
    for (int attempt = 1;; ++attempt) {
        if (!have_worker(seat, &job)) return;
        WorkerProcess& worker = seat.worker;
        if (worker.send(FrameKind::call, job.request())) {
            if (const auto reply = worker.receive(); reply && reply->kind == FrameKind::reply) {
                job.finish(reply->payload);
                if (settings.max_tasks_per_child && --seat.tasks_left == 0) retire(seat);
                return;
            }
        }
        WorkerProcess lost = unseat(seat);
        const asyncio::os::ExitStatus status = lost.end_of_lost();
        if (!lost.has_taken_all() && attempt < attempts_max) continue;
        return job.fail(lost_worker(lost.pid(), status, job.request()));
    }
}

// False: there is none, and the job, if there is one, knows.
bool WorkerPool::Parts::have_worker(Seat& seat, Job* job) {
    if (seat.worker.pid() != 0) return true;
    try {
        seat_worker(seat, WorkerProcess(settings.start));
    } catch (...) { // no process: that may be another time
        if (job != nullptr) job->fail(std::current_exception());
        return false;
    }
    return has_begun(seat, job);
}

void WorkerPool::Parts::seat_worker(Seat& seat, WorkerProcess worker) {
    const std::scoped_lock hold(lock);
    seat.worker = std::move(worker);
    seat.tasks_left = settings.max_tasks_per_child.value_or(0);
    if (struck_by != 0) seat.worker.signal(struck_by);
}

// Waits for the worker's first message.
bool WorkerPool::Parts::has_begun(Seat& seat, Job* job) {
    const std::optional<Frame> first = seat.worker.receive();
    if (first && first->kind == FrameKind::ready) return true;
    WorkerProcess lost = unseat(seat);
    const asyncio::os::ExitStatus status = lost.end_of_lost();
    std::string message;
    {
        const std::scoped_lock hold(lock);
        if (struck_by != 0) message = "The process pool was terminated";
    }
    if (first && first->kind == FrameKind::failed) {
        message = "A process initializer failed with " +
                  asyncio::repr(unpack_exception(first->payload)) +
                  ": the process pool is not usable anymore";
    } else if (message.empty()) {
        message = broken_text(to_string(status));
    }
    if (job != nullptr) job->fail(broken_pool(message));
    break_down(message);
    return false;
}

WorkerProcess WorkerPool::Parts::unseat(Seat& seat) {
    const std::scoped_lock hold(lock);
    return std::exchange(seat.worker, WorkerProcess());
}

void WorkerPool::Parts::retire(Seat& seat) {
    seat.worker.finish(); // may be struck meanwhile
    unseat(seat);
}

void WorkerPool::Parts::discard(Seat& seat) noexcept {
    WorkerProcess lost = unseat(seat);
    lost.signal(SIGKILL);
    if (lost.pid() != 0) lost.end_of_lost();
}

// ---- the pool -----------------------------------------------------------------------------------

WorkerPool::WorkerPool(PoolSettings settings)
    : parts_(std::make_shared<Parts>(std::move(settings))) {}

WorkerPool::~WorkerPool() { detach(); }

std::shared_ptr<WorkerPool> WorkerPool::make(PoolSettings settings) {
    require_freeze_support();
    if (settings.max_workers <= 0) {
        throw asyncio::ValueError(std::string(settings.max_workers_name) +
                                  " must be greater than 0");
    }
    if (settings.max_tasks_per_child && *settings.max_tasks_per_child <= 0) {
        throw asyncio::ValueError("max_tasks_per_child must be >= 1");
    }
    return std::shared_ptr<WorkerPool>(new WorkerPool(std::move(settings)));
}

void WorkerPool::submit(std::unique_ptr<Job> job) {
    Parts& parts = *parts_;
    const std::scoped_lock hold(parts.lock);
    if (!parts.broken.empty()) throw BrokenProcessPool(parts.broken);
    if (parts.stopped) throw asyncio::RuntimeError("cannot schedule new futures after shutdown");
    const bool all_busy = parts.queue.size() + 1 > parts.idle;
    if (all_busy && parts.seats.size() < static_cast<std::size_t>(parts.settings.max_workers)) {
        parts.add_thread(parts_);
    }
    parts.queue.push_back(std::move(job));
    if (parts.idle > 0) parts.more.notify_one();
}

void WorkerPool::start_all() {
    Parts& parts = *parts_;
    const std::scoped_lock hold(parts.lock);
    parts.eager = true;
    while (parts.seats.size() < static_cast<std::size_t>(parts.settings.max_workers)) {
        parts.add_thread(parts_);
    }
}

void WorkerPool::stop_taking(bool cancel_queued) {
    {
        const std::scoped_lock hold(parts_->lock);
        parts_->stopped = true;
        parts_->more.notify_all();
    }
    if (cancel_queued) parts_->cancel_queued();
}

void WorkerPool::strike(int signal_number) {
    stop_taking(true);
    const std::scoped_lock hold(parts_->lock);
    parts_->struck_by = signal_number;
    for (const auto& seat : parts_->seats) seat->worker.signal(signal_number);
}

void WorkerPool::join() {
    if (is_own_thread()) throw asyncio::RuntimeError("cannot join current thread");
    std::vector<std::thread> all;
    {
        std::unique_lock hold(parts_->lock);
        parts_->ended.wait(hold, [this] { return parts_->live == 0; });
        for (const auto& seat : parts_->seats) {
            if (seat->thread.joinable()) all.push_back(std::move(seat->thread));
        }
    }
    for (std::thread& thread : all) thread.join();
}

bool WorkerPool::is_own_thread() const noexcept { return attended == parts_.get(); }

void WorkerPool::detach() noexcept {
    const std::scoped_lock hold(parts_->lock);
    for (const auto& seat : parts_->seats) {
        if (seat->thread.joinable()) seat->thread.detach();
    }
}

int WorkerPool::max_workers() const noexcept { return parts_->settings.max_workers; }

bool WorkerPool::is_stopped() const {
    const std::scoped_lock hold(parts_->lock);
    return parts_->stopped;
}

} // namespace multiprocessing::detail
