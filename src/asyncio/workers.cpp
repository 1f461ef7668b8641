// SPDX-License-Identifier: MIT
// Workers: a thread and a loop each, and one loop that waits for all of them.
#include "asyncio/workers.h"

#include "asyncio/runners.h"
#include "asyncio/threads.h"
#include "asyncio/wait.h"
#include "os/process.h"

#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace asyncio::detail {

namespace {

/// One worker: its thread, and how to stop it.
class Seat {
public:
    Seat(Worker which, WorkerMain& main, const WorkersOptions& options)
        : worker_(which), main_(main), options_(options) {}
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    ~Seat() {
        stop();
        if (thread_.joinable()) thread_.join();
    }

    /// Throws    std::system_error.
    void start() {
        ended_.set_running_or_notify_cancel(); // so that who waits cannot cancel it
        thread_ = std::thread([this] { work(); });
    }

    /// Cancels its main, now or as soon as it begins.  Thread: any.
    void stop() {
        const std::scoped_lock hold(lock_);
        if (std::exchange(stopping_, true) || loop_ == nullptr) return;
        loop_->call_soon_threadsafe([this] {
            if (task_) task_.cancel();
        });
    }

    const ConcurrentFuture<>& ended() const noexcept { return ended_; }
    /// What its main has failed with; null: it has not.  Once it has ended.
    const std::exception_ptr& error() const noexcept { return error_; }

private:
    void work() {
        os::name_this_thread(options_.name() + std::to_string(worker_.index()));
        try {
            run_loop();
        } catch (const CancelledError&) {
            const std::scoped_lock hold(lock_);
            if (!stopping_) error_ = std::current_exception(); // it has cancelled itself
        } catch (...) {
            error_ = std::current_exception();
        }
        ended_.set_result();
    }

    void run_loop() {
        RunOptions options;
        if (options_.debug()) options.debug(*options_.debug());
        Runner runner(std::move(options));
        EventLoop& loop = runner.get_loop();
        struct Leave { // before the loop goes
            Seat& seat;
            ~Leave() {
                const std::scoped_lock hold(seat.lock_);
                seat.loop_ = nullptr;
            }
        } leave{*this};
        {
            const std::scoped_lock hold(lock_);
            if (stopping_) return;
            loop_ = &loop;
        }
        runner.run(body());
        runner.close();
    }

    Coro<> body() {
        task_ = current_task();
        struct Forget { // a stop that comes later finds nobody
            AnyTask& task;
            ~Forget() { task = AnyTask(); }
        } forget{task_};
        co_await main_(worker_);
    }

    Worker worker_;
    WorkerMain& main_;              // LIFETIME: run_crew's
    const WorkersOptions& options_; // the same
    std::thread thread_;
    std::mutex lock_; // of the two below
    EventLoop* loop_ = nullptr;
    bool stopping_ = false;
    AnyTask task_;             // the loop's thread alone
    std::exception_ptr error_; // its thread's, until it has ended
    ConcurrentFuture<> ended_;
};

using Crew = std::vector<std::unique_ptr<Seat>>;

void stop_all(const Crew& crew) {
    for (const std::unique_ptr<Seat>& seat : crew) seat->stop();
}

// LIFETIME: `crew` is run_crew's, which waits for this.
Coro<> wait_for_one(const Crew& crew, std::size_t i) {
    co_await wrap_future(crew[i]->ended());
    if (crew[i]->error()) stop_all(crew);
}

Coro<> wait_for_all(const Crew& crew) {
    std::vector<Task<>> ends;
    for (std::size_t i = 0; i < crew.size(); ++i) {
        ends.push_back(create_task(wait_for_one(crew, i)));
    }
    const auto end = co_await outcome(wait(ends));
    if (!end.cancelled()) co_return;
    stop_all(crew); // Ctrl-C
    co_await wait(ends);
    end.value(); // the cancellation
}

void throw_failures(const Crew& crew) {
    std::vector<std::exception_ptr> errors;
    for (const std::unique_ptr<Seat>& seat : crew) {
        // Behind a second Ctrl-C some may still clean up: what they fail with is theirs until then.
        if (seat->ended().done() && seat->error()) errors.push_back(seat->error());
    }
    if (errors.empty()) return;
    if (errors.size() == 1) std::rethrow_exception(errors.front());
    std::rethrow_exception(make_exception_group("errors in workers", std::move(errors)));
}

} // namespace

void run_crew(std::size_t count, WorkerMain main, const WorkersOptions& options) {
    if (count == 0) throw ValueError("run_workers: at least one worker");
    check_can_run();
    Crew crew;
    for (std::size_t i = 0; i < count; ++i) {
        crew.push_back(std::make_unique<Seat>(Worker(i, count), main, options));
    }
    const auto supervise = [](const Crew& all) -> Coro<> {
        for (const std::unique_ptr<Seat>& seat : all) seat->start();
        co_await wait_for_all(all);
    };
    try {
        run(supervise(crew));
    } catch (const KeyboardInterrupt&) {
        throw_failures(crew);
        throw;
    }
    throw_failures(crew);
}

} // namespace asyncio::detail
