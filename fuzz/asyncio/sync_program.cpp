// SPDX-License-Identifier: MIT
// The interpreter of the programs, and the model beside it.
#include "sync_program.h"

#include "asyncio/events.h"
#include "asyncio/locks.h"
#include "asyncio/queues.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/virtual_clock.h"
#include "asyncio/wait_for.h"
#include "base/frame_pool.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <vector>

namespace fuzz {

namespace {

using namespace asyncio;

constexpr std::size_t steps_max = 400;
constexpr std::size_t workers_max = 40; // at work at a time
constexpr int turns_to_settle = 60;

enum class Line { none, get, put, join, lock, semaphore, event };

/// One task of the program, and where it stands.
struct Worker {
    bool done() const { return task && task->done(); }

    std::optional<Task<>> task;         // nothing: it is just being made
    Line line = Line::none;             // what it waits for
    std::uint64_t arrival = 0;          // who came earlier has a smaller one
    std::uint64_t turn = 0;             // in which it came
    std::optional<TimePoint> deadline;  // from then on it may be on its way out
    bool is_released = false;           // the event was set while it waited
    bool cancelled = false;
};

/// The primitives, and what they have to hold.
class World {
public:
    World(std::size_t queue_size, int permits)
        : queue_(queue_size), semaphore_(permits), permits_(permits) {}
    World(const World&) = delete; // workers know its address
    World& operator=(const World&) = delete;

    Coro<> run(std::span<const std::uint8_t> steps, bool eager);
    const std::string& broken() const { return broken_; }

private:
    void expect(bool holds, const char* promise) {
        if (!holds && broken_.empty()) broken_ = promise;
    }

    // ---- lines: who came when -------------------------------------------------------------------

    void join_line(Worker& worker, Line line) {
        worker.line = line;
        worker.arrival = ++arrivals_;
        worker.turn = get_running_loop().turn_count();
        worker.is_released = false;
    }
    bool waits(const Worker& other, Line line) const {
        const bool is_over = other.deadline && *other.deadline <= get_running_loop().time();
        return other.line == line && !other.cancelled && !is_over && !other.done();
    }
    /// It was served by a lock or a semaphore: nobody who came earlier still waits. (In a queue's
    /// line who was woken for nothing waits again at the end.)
    void served_in_order(Worker& worker) {
        const Line line = std::exchange(worker.line, Line::none);
        for (const auto& other : workers_) {
            expect(!waits(*other, line) || other->arrival > worker.arrival,
                   "who waits is served first come, first served");
        }
    }

    // ---- what workers do ------------------------------------------------------------------------

    Coro<> put(Worker& worker, int number);
    Coro<> get(Worker& worker);
    Coro<> next(Worker& worker);
    Coro<> join(Worker& worker);
    Coro<> hold_lock(Worker& worker, int turns);
    Coro<> hold_permit(Worker& worker, int turns);
    Coro<> wait_for_event(Worker& worker);

    void was_put(int number) {
        expect(!shut_down_, "nothing is put into a queue that was shut down");
        items_.push_back(number);
        ++unfinished_;
    }
    void was_taken(int number) {
        expect(!items_.empty() && items_.front() == number, "a queue gives the first item first");
        if (!items_.empty()) items_.pop_front();
        if (unfinished_ == 0) return expect(false, "an item is taken once");
        --unfinished_;
        queue_.task_done();
    }

    // ---- steps ----------------------------------------------------------------------------------

    Coro<> step(unsigned what, unsigned argument);
    template <class Start>
    void spawn(Start start);
    static Coro<> in_time(Worker& worker, Coro<> work, Duration limit);
    template <class Start>
    void spawn_limited(unsigned argument, Start start);
    void spawn_one_of(unsigned argument);
    Worker* worker_at(unsigned argument);
    void set_event();
    void shut_down(bool immediate);

    // ---- what has to hold -----------------------------------------------------------------------

    void check_now();
    void check_settled();
    Coro<> settle();
    Coro<> end_all();

    Queue<int> queue_;
    Lock lock_;
    Semaphore semaphore_;
    Event event_;

    std::deque<int> items_; // that the queue has to have
    std::size_t unfinished_ = 0;
    bool shut_down_ = false;
    int lock_holders_ = 0;
    int permits_; // that are not taken
    std::vector<std::unique_ptr<Worker>> workers_;
    std::uint64_t arrivals_ = 0;
    int numbers_ = 0;
    bool eager_ = false;
    std::string broken_;
};

// LIFETIME: `worker` and the world outlive every task: end_all() waits for them.

Coro<> World::put(Worker& worker, int number) {
    join_line(worker, Line::put);
    const auto end = co_await outcome(queue_.put(number));
    if (end.has_value()) {
        was_put(number);
        worker.line = Line::none;
    } else {
        worker.line = Line::none;
        expect(end.cancelled() || (shut_down_ && is_exception<QueueShutDown>(end.exception())),
               "put() ends with a value, by a cancel, or by the queue's shutdown");
        if (end.cancelled()) end.value();
    }
}

Coro<> World::get(Worker& worker) {
    join_line(worker, Line::get);
    auto end = co_await outcome(queue_.get());
    if (end.has_value()) {
        was_taken(end.value());
        worker.line = Line::none;
    } else {
        worker.line = Line::none;
        expect(end.cancelled() || (shut_down_ && items_.empty()),
               "get() ends without an item only by a cancel, or at the end of the queue");
        if (end.cancelled()) end.value();
    }
}

Coro<> World::next(Worker& worker) {
    for (;;) {
        join_line(worker, Line::get);
        const auto end = co_await outcome(queue_.next());
        if (!end.has_value()) {
            worker.line = Line::none;
            expect(end.cancelled(), "next() throws nothing but CancelledError");
            end.value();
        }
        if (!end.value().has_value()) break;
        was_taken(*end.value());
        worker.line = Line::none;
    }
    worker.line = Line::none;
    expect(shut_down_ && items_.empty(), "next() gives nothing only at the end of the queue");
}

Coro<> World::join(Worker& worker) {
    join_line(worker, Line::join);
    const auto end = co_await outcome(queue_.join());
    worker.line = Line::none;
    end.value();
}

Coro<> World::hold_lock(Worker& worker, int turns) {
    join_line(worker, Line::lock);
    const auto taken = co_await outcome(lock_.acquire());
    if (!taken.has_value()) worker.line = Line::none;
    taken.value();
    served_in_order(worker);
    expect(++lock_holders_ == 1, "one task at a time has the lock");
    Outcome<void> end = Outcome<void>::with_value();
    for (int i = 0; i < turns && end.has_value(); ++i) end = co_await outcome(yield_now());
    --lock_holders_;
    lock_.release();
    end.value();
}

Coro<> World::hold_permit(Worker& worker, int turns) {
    join_line(worker, Line::semaphore);
    const auto taken = co_await outcome(semaphore_.acquire());
    if (!taken.has_value()) worker.line = Line::none;
    taken.value();
    served_in_order(worker);
    expect(--permits_ >= 0, "no more tasks have permits than there are");
    Outcome<void> end = Outcome<void>::with_value();
    for (int i = 0; i < turns && end.has_value(); ++i) end = co_await outcome(yield_now());
    ++permits_;
    semaphore_.release();
    end.value();
}

Coro<> World::wait_for_event(Worker& worker) {
    join_line(worker, Line::event);
    const auto end = co_await outcome(event_.wait());
    const bool came_late = worker.turn != get_running_loop().turn_count();
    expect(!end.has_value() || !came_late || worker.is_released,
           "who waits for an event goes on when it was set");
    worker.line = Line::none;
    end.value();
}

// ---- steps --------------------------------------------------------------------------------------

template <class Start>
void World::spawn(Start start) {
    std::erase_if(workers_, [](const auto& worker) { return worker->done(); });
    if (workers_.size() >= workers_max) return;
    workers_.push_back(std::make_unique<Worker>());
    Worker& worker = *workers_.back();
    worker.task = create_task(start(worker), TaskOptions().eager_start(eager_));
}

Coro<> World::in_time(Worker& worker, Coro<> work, Duration limit) {
    worker.deadline = get_running_loop().time() + limit;
    const auto end = co_await outcome(wait_for(std::move(work), limit));
    if (end.cancelled()) end.value();
}

// The same, and no longer than some milliseconds.
template <class Start>
void World::spawn_limited(unsigned argument, Start start) {
    spawn([argument, start](Worker& worker) {
        return in_time(worker, start(worker), std::chrono::milliseconds(argument % 6));
    });
}

void World::spawn_one_of(unsigned argument) {
    const int turns = static_cast<int>(argument % 4);
    switch (argument / 4 % 4) {
    case 0: return spawn_limited(argument, [this](Worker& worker) { return get(worker); });
    case 1:
        return spawn_limited(argument, [this](Worker& worker) { return put(worker, ++numbers_); });
    case 2:
        return spawn_limited(argument,
                             [this, turns](Worker& worker) { return hold_lock(worker, turns); });
    default:
        return spawn_limited(argument,
                             [this, turns](Worker& worker) { return hold_permit(worker, turns); });
    }
}

Worker* World::worker_at(unsigned argument) {
    return workers_.empty() ? nullptr : workers_[argument % workers_.size()].get();
}

void World::set_event() {
    for (const auto& worker : workers_) {
        if (worker->line == Line::event) worker->is_released = true;
    }
    event_.set();
}

void World::shut_down(bool immediate) {
    queue_.shutdown(immediate ? Shutdown::immediate : Shutdown::drain);
    shut_down_ = true;
    if (!immediate) return;
    unfinished_ -= items_.size();
    items_.clear();
}

Coro<> World::step(unsigned what, unsigned argument) {
    const int turns = static_cast<int>(argument % 5);
    switch (what % 16) {
    case 0: spawn([this](Worker& worker) { return put(worker, ++numbers_); }); break;
    case 1: spawn([this](Worker& worker) { return get(worker); }); break;
    case 2:
        if (queue_.try_put(++numbers_)) was_put(numbers_);
        break;
    case 3:
        if (const auto item = queue_.try_get()) was_taken(*item);
        break;
    case 4: spawn([this](Worker& worker) { return next(worker); }); break;
    case 5: spawn([this, turns](Worker& worker) { return hold_lock(worker, turns); }); break;
    case 6: spawn([this, turns](Worker& worker) { return hold_permit(worker, turns); }); break;
    case 7: spawn([this](Worker& worker) { return wait_for_event(worker); }); break;
    case 8: set_event(); break;
    case 9: event_.clear(); break;
    case 10:
        if (Worker* worker = worker_at(argument)) {
            worker->cancelled = worker->task->cancel() || worker->cancelled;
        }
        break;
    case 11: spawn([this](Worker& worker) { return join(worker); }); break;
    case 12:
        for (int i = 0; i <= turns; ++i) co_await yield_now();
        break;
    case 13: co_await asyncio::sleep(std::chrono::milliseconds(argument % 8)); break;
    case 14:
        if (argument % 8 == 0) shut_down(argument % 16 == 0);
        break;
    default: spawn_one_of(argument); break;
    }
}

// ---- what has to hold ---------------------------------------------------------------------------

void World::check_now() {
    expect(queue_.qsize() == items_.size(), "a queue holds what was put and not taken");
    expect(queue_.maxsize() == 0 || queue_.qsize() <= queue_.maxsize(), "a queue keeps its bound");
    expect(lock_holders_ == 0 || lock_.locked(), "a lock that somebody has is locked");
    expect(lock_holders_ <= 1, "one task at a time has the lock");
}

// Nothing is ready any more: who waits waits for something that is not there.
void World::check_settled() {
    check_now();
    for (const auto& worker : workers_) {
        if (worker->done()) continue;
        switch (worker->line) {
        case Line::none: break;
        case Line::get:
            expect(items_.empty() && !shut_down_, "nobody waits for an item that is there");
            break;
        case Line::put:
            expect(queue_.full() && !shut_down_, "nobody waits for room that is there");
            break;
        case Line::join: expect(unfinished_ != 0, "join() ends when all is dealt with"); break;
        case Line::lock: expect(lock_.locked(), "nobody waits for a lock that is free"); break;
        case Line::semaphore:
            expect(permits_ == 0, "nobody waits for a permit that is free");
            break;
        case Line::event:
            expect(!worker->is_released && !event_.is_set(), "an event wakes all who wait");
            break;
        }
        expect(!worker->cancelled, "a cancelled task ends");
    }
}

Coro<> World::settle() {
    for (int i = 0; i < turns_to_settle; ++i) co_await yield_now();
    check_settled();
}

Coro<> World::end_all() {
    for (const auto& worker : workers_) {
        worker->cancelled = true;
        worker->task->cancel();
    }
    co_await settle();
    for (const auto& worker : workers_) expect(worker->done(), "a cancelled task ends");
    if (!broken_.empty()) co_return; // what is left is taken apart by the loop
    expect(lock_.try_acquire(), "a lock is free when nobody has it");
    for (int i = 0; i < permits_; ++i) {
        expect(semaphore_.try_acquire(), "permits that were given back can be taken");
    }
    expect(!semaphore_.try_acquire(), "there are no more permits than at the beginning");
}

Coro<> World::run(std::span<const std::uint8_t> steps, bool eager) {
    eager_ = eager;
    const std::size_t count = std::min(steps.size() / 2, steps_max);
    for (std::size_t i = 0; i < count && broken_.empty(); ++i) {
        co_await step(steps[2 * i], steps[2 * i + 1]);
        check_now();
    }
    co_await settle();
    co_await end_all();
}

std::string run_world(std::span<const std::uint8_t> program) {
    LoopOptions options;
    options.backend(testing::make_virtual_backend());
    EventLoop loop(std::move(options));
    loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {
        // An exception that nobody looks at is the program's, and says nothing of the primitives.
    });
    World world(program[0] % 5, program[1] % 4);
    loop.run_until_complete(world.run(program.subspan(3), (program[2] & 1) != 0));
    if (!world.broken().empty()) return world.broken();
    if (loop.timer_count() != 0) return "no timer is left";
    return {};
}

} // namespace

std::string run_sync_program(std::span<const std::uint8_t> program) {
    if (program.size() < 3) return {};
    const std::size_t before = base::frame_stats().live_blocks;
    std::string broken = run_world(program);
    if (broken.empty() && base::frame_stats().live_blocks != before) {
        return "frames and states all come back";
    }
    return broken;
}

} // namespace fuzz
