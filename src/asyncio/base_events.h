// SPDX-License-Identifier: MIT
// The parts of a loop that are rarely touched, and what the library's own rooms use of it.
#pragma once

#include "asyncio/channels.h"
#include "asyncio/events.h"
#include "asyncio/format_helpers.h"

#include <mutex>
#include <thread>
#include <unordered_map>

namespace asyncio::detail {

/// Told before and after each step of a task: what tests count suspensions with.
class LoopInstruments {
public:
    virtual void before_step(FutureState* task) = 0; // it is about to resume
    virtual void after_step(FutureState* task) = 0;  // it has suspended (or is done)

protected:
    ~LoopInstruments() = default;
};

/// The callbacks of one descriptor. Each holds a count.
struct Watch {
    CallbackNode* reader = nullptr;
    CallbackNode* writer = nullptr;
    std::uint32_t generation = 0; // of the registration; in the tag, so that a stale event is known

    static std::uint64_t tag(int fd, std::uint32_t generation) noexcept {
        return (std::uint64_t{generation & 0x7fffffffU} << 32) | static_cast<std::uint32_t>(fd);
    }
    std::uint32_t interest() const noexcept {
        return (reader != nullptr ? Backend::readable : 0) |
               (writer != nullptr ? Backend::writable : 0);
    }
};

struct SignalWatch {
    int number;
    CallbackNode* handler = nullptr; // add_signal_handler()'s; may be null
    CallbackNode* streams = nullptr; // SignalStream's; may be null
};
/// Calls `node` when the signal comes, beside what else is called then. Takes the node over.
/// Throws    as add_signal_handler.
void set_signal_callback(EventLoop& loop, int number, CallbackNode* SignalWatch::* whose,
                         CallbackNode* node);
/// Returns   whether there was one.
bool remove_signal_callback(EventLoop& loop, int number,
                            CallbackNode* SignalWatch::* whose) noexcept;

struct WorkInFlight;
class Resolver;

/// How other threads reach a loop that may be gone by then. The loop cuts it when it closes.
struct LoopLink {
    explicit LoopLink(EventLoop* to) noexcept : loop(to) {}
    /// Puts a node into the loop's inbox. False: the loop is closed.  Thread: any.
    bool post(Hop* node) noexcept {
        const std::scoped_lock hold(lock);
        return loop != nullptr && loop->put_in_inbox(node);
    }
    void cut() noexcept {
        const std::scoped_lock hold(lock);
        loop = nullptr;
    }

    std::mutex lock;
    EventLoop* loop; // written under the lock, and by the loop's thread alone
    base::IntrusiveList<WorkInFlight> in_flight; // the loop's thread alone
};
/// The futures of work in flight stay pending; late results are destroyed where they come.
void leave_outside_work(LoopLink& link) noexcept; // outside_work.cpp

struct LoopParts {
    LoopParts();
    ~LoopParts();

    std::unique_ptr<Backend> backend;
    std::unique_ptr<Channels> channels; // made at first use
    std::unique_ptr<Resolver> resolver; // made at first use
    std::unordered_map<int, Watch> watches; // by descriptor
    std::uint32_t next_generation = 1;
    std::shared_ptr<ExceptionHandler> exception_handler;
    TaskFactory task_factory;
    std::shared_ptr<LoopLink> link;
    std::shared_ptr<ThreadPoolExecutor> executor;
    bool executor_shut_down = false;
    base::ListNode generators{&generators, &generators}; // started and not finished
    std::vector<SignalWatch> signals;
    base::Function<void()> on_sigint; // run()'s: first cancels, then interrupts
    std::int64_t trimmed_at = INT64_MIN / 2; // when this thread's pools were trimmed last
    LoopInstruments* instruments = nullptr;
    std::atomic<std::size_t> outside_jobs{0}; // threads at work for this loop
    std::uint64_t shuffle_state = 0;
    std::thread::id thread; // that runs it
    bool running = false;
    bool orphaned = false; // this is a forked child, and the loop its parent's
    ThisThread outer; // restored when the loop leaves
    ContextSlot* outer_context = nullptr;
};

/// A callback posted from another thread.
struct ThreadsafeNode : Hop {
    explicit ThreadsafeNode(CallbackNode* callback) noexcept;

    std::atomic<std::uint32_t> refs{1};
    std::recursive_mutex running; // held while the callback runs
    bool cancelled = false;
    CallbackNode* inner; // null once it ran or was cancelled
};
void release(ThreadsafeNode* node) noexcept;

/// Tells the loop's handler of an exception that nobody looked at.
void report_never_retrieved(FutureState* state) noexcept;
/// Writes to the log handler.
void log(LogLevel level, std::string_view message) noexcept;
/// Does the environment ask for debug mode (ASYNCIO_DEBUG)?
bool debug_by_environment() noexcept;

/// The inbox of a closed loop: nothing more gets in.
inline constexpr std::uintptr_t closed_inbox = 2;

// events.cpp
/// Throws    RuntimeError: 65,535 loops exist.
std::uint16_t take_loop_index(LoopCore* loop);
/// A loop of this process, as other threads may know it.
struct KnownLoop {
    std::uint16_t index;
    std::shared_ptr<LoopLink> link;
};
/// All that are not closed, in no order.
/// Throws    std::bad_alloc.
/// Thread    any.
std::vector<KnownLoop> all_loops();
/// Gives its index back; it is not this thread's current loop any more.
void forget_loop(EventLoop& loop) noexcept;

// forks.cpp
void watch_forks(std::mutex& loop_table_lock);

// signals.cpp
void dispatch_signals(EventLoop& loop);
void remove_all_signals(EventLoop& loop) noexcept;
void catch_sigint(EventLoop& loop, base::Function<void()> on_sigint);
void release_sigint(EventLoop& loop) noexcept;

} // namespace asyncio::detail
