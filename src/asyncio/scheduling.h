// SPDX-License-Identifier: MIT
// What futures, tasks, timers and primitives are made of: ready queue, waiters, states, threads.
//
// A task that is ready is a node of the loop's one FIFO. A task that waits hangs on its innermost
// awaiter, which is a node in the line of whatever it waits for. Neither allocates.
#pragma once

#include "asyncio/cold_parts.h"
#include "asyncio/contextvars.h"
#include "base/counted.h"
#include "base/frame_pool.h"
#include "base/intrusive_list.h"
#include "base/timer_queue.h"

#include <bit>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>

namespace asyncio {

class EventLoop;

namespace detail {

using base::Counted;

struct Frame;
struct FutureState;
struct LoopCore;

// ---- ready queue ------------------------------------------------------------------------------

/// What a queued node is. It stands in the link that leads to the node, so the node needs no tag.
enum class ReadyKind : std::uintptr_t { task = 0, callback = 1, hop = 2, due = 3 };

struct ReadyNode {
    std::uintptr_t next = 0; // the next node with its kind in the low bits; 0 at the end
};

/// A node of the library's own that does something in the loop's next turn.
struct Hop : ReadyNode {
    explicit Hop(void (*action)(Hop*), void (*at_close)(Hop*) noexcept = nullptr) noexcept
        : run(action), drop(at_close) {}
    void (*run)(Hop*);
    void (*drop)(Hop*) noexcept; // instead of run if the loop closes first; null: nothing to do
};

/// The loop's FIFO. A node is queued at most once, and never taken out from the middle.
class ReadyQueue {
public:
    static constexpr std::uintptr_t kind_mask = 7;

    ReadyQueue() noexcept = default;
    ReadyQueue(const ReadyQueue&) = delete; // tail_ may point into it
    ReadyQueue& operator=(const ReadyQueue&) = delete;

    bool empty() const noexcept { return head_.next == 0; }
    const ReadyNode* last() const noexcept { return tail_; }

    void push(ReadyNode* node, ReadyKind kind) noexcept {
        node->next = 0;
        tail_->next = reinterpret_cast<std::uintptr_t>(node) | static_cast<std::uintptr_t>(kind);
        tail_ = node;
    }

    /// The first node and its kind. The queue must not be empty.
    std::uintptr_t pop() noexcept {
        const std::uintptr_t link = head_.next;
        head_.next = node_of(link)->next;
        if (head_.next == 0) tail_ = &head_;
        return link;
    }

    static ReadyNode* node_of(std::uintptr_t link) noexcept {
        return reinterpret_cast<ReadyNode*>(link & ~kind_mask);
    }
    static ReadyKind kind_of(std::uintptr_t link) noexcept {
        return static_cast<ReadyKind>(link & kind_mask);
    }

private:
    ReadyNode head_;
    ReadyNode* tail_ = &head_;
};

// ---- waiters ----------------------------------------------------------------------------------

/// What a suspended task hangs on. Lives in the awaiting frame and never moves.
///
/// waiting -> woken (its event came; fired() was called) or waiting -> abandoned (the task was
/// cancelled): once, and either queues the task, which is queued exactly then. The task's `waiter`
/// points to it until the task's step takes it up.
class Waiter {
public:
    Waiter() noexcept = default;
    Waiter(const Waiter&) = delete; // lists and tasks hold its address
    Waiter& operator=(const Waiter&) = delete;

    /// The event came: queues the task.
    virtual void fired() noexcept = 0;
    /// Leaves what it waits for. Called only while waiting. The caller queues the task.
    virtual void abandon() noexcept = 0;
    /// The loop takes the task apart, which was queued: leaves whatever it still stands in.
    virtual void taken_apart() noexcept {}
    /// What it waited for is gone without having happened.
    virtual void dropped() noexcept {}
    /// Asked when it is the turn of a task that was woken with the flag `asks`. False: what it was
    /// woken for is gone again; it has joined the line anew and the task stays suspended.
    virtual bool resumes() noexcept { return true; }
    /// The future or task it waits for, if it waits for one: a cancel goes there.
    virtual FutureState* target() const noexcept { return nullptr; }
    /// The task that waits here; null: not (only) a task's.
    virtual FutureState* awaiting() const noexcept { return task; }
    /// The future that this completes: who waits for that one waits here too. Null: none.
    virtual FutureState* behind() const noexcept { return nullptr; }
    /// What it is, for reports: "Lock.acquire".
    virtual const char* label() const noexcept { return "an operation"; }

    FutureState* task = nullptr; // who waits; set when it suspends

protected:
    ~Waiter() = default;
};

class LinkedWaiter : public Waiter, public base::ListNode {
protected:
    ~LinkedWaiter() = default;
};

class TimedWaiter : public Waiter, public base::TimerSlot {
public:
    /// A deadline that has come takes a turn of its own, as the call that completes a future in
    /// Python. Until then nobody asks for it, so its memory is the link in the ready queue.
    void queue_due(ReadyQueue& ready) noexcept {
        ready.push(::new (static_cast<void*>(&when)) ReadyNode, ReadyKind::due);
    }
    static TimedWaiter* of_due(ReadyNode* link) noexcept {
        auto* slot =
            reinterpret_cast<base::TimerSlot*>(reinterpret_cast<char*>(link) - when_offset);
        return static_cast<TimedWaiter*>(slot);
    }

protected:
    ~TimedWaiter() = default;

private:
    static constexpr std::size_t when_offset = sizeof(base::ListNode);
    static_assert(sizeof(base::TimerSlot) == when_offset + sizeof(ReadyNode));
};

using WaiterList = base::IntrusiveList<LinkedWaiter>;

// ---- states -----------------------------------------------------------------------------------

/// Where a result goes: in the awaiting frame, or in a task's state. The payload lies behind it.
struct CellHead {
    static constexpr std::uintptr_t value = 1; // the payload is the value
    static constexpr std::uintptr_t error = 2; // the payload is an exception_ptr
    static constexpr std::uintptr_t gone = 3; // taken apart by the loop; nothing is left

    std::uintptr_t st = 0; // one of these, or a Frame* that is still at work, or 0: pending

    bool settled() const noexcept { return st - 1 < 2; }
    Frame* frame() const noexcept { return reinterpret_cast<Frame*>(st); }
    void* payload() noexcept { return this + 1; }
    std::exception_ptr& exception() noexcept {
        return *std::launder(static_cast<std::exception_ptr*>(payload()));
    }
};
static_assert(sizeof(CellHead) == 8);

/// What differs between result types and kinds of future.
struct StateOps {
    std::uint32_t bytes; // of the whole object
    bool wide; // the value is aligned to 16 bytes
    std::uint8_t plain; // one that has a value is just memory of this class of the state pool; or 0
    void (*destroy_value)(FutureState*) noexcept; // null: nothing to do
    std::string (*value_text)(const FutureState*); // repr of the value
    bool (*cancel)(FutureState*, std::string_view); // null: complete it as cancelled
    void (*destroy_extra)(FutureState*) noexcept; // members behind the value; null: none
};

/// The state behind Future<T> and Task<T>; the value lies behind `cell`.
struct FutureState : ReadyNode {
    enum Flag : std::uint16_t {
        is_task = 1 << 0,
        is_done = 1 << 1,
        is_cancelled = 1 << 2,
        not_started = 1 << 3, // the body has not run yet
        queued = 1 << 4, // in the ready queue
        must_cancel = 1 << 5, // a cancel that no awaiter has taken up yet
        deliver_cancel = 1 << 6, // the awaiter was abandoned: throw when it resumes
        retrieved = 1 << 7, // somebody has seen the exception
        fatal = 1 << 8, // ended by a KeyboardInterrupt or SystemExit
        named = 1 << 9, // cold part holds a name
        silent = 1 << 10, // not reported when it is destroyed pending
        asks = 1 << 11, // woken, but its awaiter decides whether it resumes
        marked = 1 << 12, // seen by a function that looks for duplicates; clear otherwise
        on_cancel_path = 1 << 13, // the present cancel came through it
        shielded = 1 << 14, // in a shielded() body: cancels from outside of it are put off
        gathered = 1 << 15, // a task of a gather, which is told of its end first
    };
    static constexpr std::uintptr_t cold_bit = 1;

    std::uint32_t refs = 1;
    std::uint16_t flags = 0;
    std::uint16_t cancels = 0; // cancelling(); saturates
    WaiterList callbacks; // who is told at the end, in order
    base::ListNode all; // the loop's unfinished tasks
    const StateOps* ops;
    ContextSlot context;
    std::uintptr_t cold = 0; // a source_location, a GatherSlot*, or ColdPart* with cold_bit
    std::uint64_t identity; // the index of its loop and, above 16 bits, the number of a task
    CellHead cell; // st: innermost suspended frame, or settled

    FutureState(const StateOps* operations, std::uint16_t initial_flags, std::uint16_t loop_index,
                std::source_location created) noexcept
        : flags(initial_flags), ops(operations), cold(std::bit_cast<std::uintptr_t>(created)),
          identity(loop_index) {}
    /// A task of the running thread, in the present context, with so many counts.
    FutureState(const StateOps* operations, std::uint32_t counts, std::uint16_t initial_flags,
                std::uint16_t loop_index, std::uint64_t task_number,
                std::source_location created) noexcept
        : refs(counts), flags(initial_flags), ops(operations),
          context(std::as_const(current_context())), cold(std::bit_cast<std::uintptr_t>(created)),
          identity(task_number << 16 | loop_index) {}
    FutureState(const FutureState&) = delete;
    FutureState& operator=(const FutureState&) = delete;

    std::uint16_t loop() const noexcept { return static_cast<std::uint16_t>(identity); }
    std::uint64_t id() const noexcept { return identity >> 16; } // of a task; unique in the process

    bool done() const noexcept { return (flags & is_done) != 0; }
    bool has(std::uint16_t flag) const noexcept { return (flags & flag) != 0; }
    void set(std::uint16_t flag) noexcept { flags = static_cast<std::uint16_t>(flags | flag); }
    void clear(std::uint16_t flag) noexcept { flags = static_cast<std::uint16_t>(flags & ~flag); }

    /// The innermost awaiter while suspended; null while the body runs. Only while not settled.
    Waiter*& waiter() noexcept { return *static_cast<Waiter**>(cell.payload()); }
    bool failed() const noexcept { return cell.st == CellHead::error; }

    /// The task whose `all` this is.
    static FutureState* of(base::ListNode* node) noexcept {
        return reinterpret_cast<FutureState*>(reinterpret_cast<char*>(node) - all_offset);
    }
    static constexpr std::size_t all_offset = 24;
};
static_assert(sizeof(FutureState) == 80);

template <class T>
struct TypedState : FutureState {
    static_assert(alignof(T) <= 16, "results may be aligned to 16 bytes at most");
    using FutureState::FutureState;
    alignas(8) std::byte storage[sizeof(T) < 8 ? 8 : sizeof(T)];

    T& value() noexcept { return *std::launder(static_cast<T*>(cell.payload())); }
};

inline void add_ref(FutureState* state) noexcept { ++state->refs; }
void destroy_state(FutureState* state) noexcept;
inline void release(FutureState* state) noexcept {
    if (--state->refs == 0) destroy_state(state);
}

using StateRef = base::Counted<FutureState>;

// ---- this thread ------------------------------------------------------------------------------

/// A child coroutine that runs inline below its parent's await; lives on the machine stack.
struct InlineChild {
    InlineChild* outer;
    Frame* child;
    std::source_location where; // the parent's await
};

/// The hot state of a thread that runs a loop.
struct ThisThread {
    Frame* next = nullptr; // trampoline: what to resume when the present frame returns
    std::uintptr_t stack_limit = 0; // below it, children start on a fresh stack
    std::uintptr_t care_limit = 0; // the same; in debug mode the highest address: all are looked at
    FutureState* task = nullptr; // the running task
    LoopCore* loop = nullptr; // the running loop
    std::uint16_t loop_index = 0; // the running loop's; 0: none runs
    InlineChild* inline_child = nullptr; // innermost one
    std::uint64_t next_id = 0; // of tasks; a thread takes them in blocks
    std::uint64_t last_id = 0;
    bool track_origins = false; // debug: note where coroutines are created
    bool holds_failure = false; // note_failure keeps an exception alive
};

[[gnu::tls_model("initial-exec")]] extern constinit thread_local ThisThread here;

inline std::uintptr_t stack_position() noexcept {
    return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}
inline bool stack_is_low() noexcept { return stack_position() < here.stack_limit; }

/// How much stack nested inline starts may use before they go through the trampoline.
inline constexpr std::uintptr_t inline_stack_bytes = 64 * 1024;

// ---- the loop's core --------------------------------------------------------------------------

/// What the hot paths need of a loop. EventLoop derives from it.
struct LoopCore {
    ReadyQueue ready;
    base::TimerQueue<TimedWaiter> timers;
    base::ListNode tasks{&tasks, &tasks}; // ring of FutureState::all, by creation
    std::uint16_t index = 0;
    bool debug = false;
    bool closed = false;
    bool has_task_factory = false;
    bool careful = false; // closed, or in debug mode: calls are looked at
    bool plain_tasks = true; // not careful, no task factory: one test for create_task

    void update_tests() noexcept { // after a change of what they sum up
        careful = closed || debug;
        plain_tasks = !careful && !has_task_factory;
    }

    /// Why a turn is not just running what is ready; one test for all of them.
    enum TurnFlag : std::uint8_t {
        polls = 1, // a descriptor besides the loop's own is registered
        stopping = 2, // stop() was called
        instrumented = 4, // debug mode, or a test looks on
    };
    std::uint8_t turn_flags = 0;
    bool has_turn(TurnFlag flag) const noexcept { return (turn_flags & flag) != 0; }
    void set_turn(TurnFlag flag, bool on = true) noexcept {
        turn_flags = static_cast<std::uint8_t>(on ? turn_flags | flag : turn_flags & ~flag);
    }

    LoopCore() = default;
    LoopCore(const LoopCore&) = delete;
    LoopCore& operator=(const LoopCore&) = delete;

    std::int64_t now_ns() const; // the loop's clock

protected:
    ~LoopCore() = default;
};

inline constexpr std::size_t loops_max = 65536;
extern LoopCore* loop_table[loops_max]; // by index; a slot is its loop's thread's to read

/// Nearly always the running loop: a branch that is foreseen, where the table would be two loads
/// that every wake-up has to wait for.
inline LoopCore* loop_of(const FutureState* state) noexcept {
    if (here.loop_index == state->loop()) [[likely]]
        return here.loop;
    return loop_table[state->loop()];
}

/// The loop that new futures belong to: the running one, else this thread's current one.
/// Throws    RuntimeError: there is none.
LoopCore& running_or_current_loop();
[[noreturn]] void throw_no_running_loop();
/// Throws    RuntimeError ("no running event loop").
inline LoopCore& running_loop() {
    if (here.loop == nullptr) [[unlikely]]
        throw_no_running_loop();
    return *here.loop;
}

// ---- waking, suspending, cancelling -------------------------------------------------------------

/// Queues a suspended task.
inline void wake(FutureState* task) noexcept {
    task->set(FutureState::queued);
    loop_of(task)->ready.push(task, ReadyKind::task);
}

/// The turn of a deadline that has come: queues the task, unless a cancel has done it since.
inline void wake_due(TimedWaiter* waiter) noexcept {
    if (!waiter->task->has(FutureState::queued)) wake(waiter->task);
}

/// Runs a node that is neither a task nor a user's callback.
inline void run_own_node(ReadyNode* node, ReadyKind kind) {
    if (kind == ReadyKind::due) return wake_due(TimedWaiter::of_due(node));
    auto* hop = static_cast<Hop*>(node);
    hop->run(hop);
}

/// The loop has closed first: what the node would do is not done.
inline void drop_hop(Hop* hop) noexcept {
    if (hop->drop != nullptr) hop->drop(hop);
}

inline void queue_hop(LoopCore& loop, Hop* hop) noexcept {
    if (!loop.closed) [[likely]]
        return loop.ready.push(hop, ReadyKind::hop);
    drop_hop(hop);
}

/// Gives the new awaiter of `task` the cancel that was asked for before it existed.
void deliver_pending_cancel(FutureState* task) noexcept;

/// First half of every await_suspend: the running task hangs on `waiter`. The caller then links the
/// waiter and calls suspended().
inline FutureState* suspend_task(Waiter* waiter, Frame& frame, std::source_location where) noexcept;

/// Second half, after linking.
inline void suspended(FutureState* task) noexcept {
    if (task->has(FutureState::must_cancel)) [[unlikely]]
        deliver_pending_cancel(task);
}

/// First thing of every await_resume: was the task cancelled at this await? Clears the request.
inline bool take_cancel() noexcept {
    FutureState* task = here.task;
    constexpr std::uint16_t both = FutureState::must_cancel | FutureState::deliver_cancel;
    if (!task->has(both)) [[likely]]
        return false;
    task->clear(both);
    return true;
}

/// Throws afresh and inline: one unwinder frame less than a helper would cost.
[[noreturn, gnu::always_inline]] inline void throw_cancelled() {
    throw CancelledError(take_cancel_message(here.task));
}

/// Task.cancel and Future.cancel: follows awaits down to who can be cancelled.
///
/// scope   who cancels, for a task in shielded() bodies: the shield_depth() that it had when the
///         timeout or group was entered. 0: anybody else; put off until the bodies have ended.
bool cancel(FutureState* state, std::string_view message, unsigned scope = 0) noexcept;
int uncancel(FutureState* task) noexcept;
/// How many cancels were asked for. The task itself is not told of those that were put off.
int cancelling(FutureState* task) noexcept;
/// In how many shielded() bodies the task is.
unsigned shield_depth(FutureState* task) noexcept;

// What shield.cpp does for cancel() and uncancel(), of a task that is in a shielded() body.
bool put_off_cancel(FutureState* task, std::string_view message, unsigned scope) noexcept;
int cancels_put_off(FutureState* task) noexcept;
bool take_back_put_off(FutureState* task) noexcept;
void forget_request(FutureState* task) noexcept;
void count_cancels(FutureState* task, int more) noexcept;
void request_cancel(FutureState* task, std::string_view message) noexcept; // at the next await

/// Marks `state` done and tells who waits. Its cell is settled, or it was cancelled.
void complete(FutureState* state) noexcept;
/// Completes a pending future as cancelled.
void complete_cancelled(FutureState* state, std::string_view message) noexcept;
/// Completes a pending future with `error`.
void complete_error(FutureState* state, std::exception_ptr error) noexcept;

/// Tells the gather that has made the task.
void tell_gather(FutureState* task) noexcept;

/// Adds to who is told at the end. The state is not done.
inline void add_done_waiter(FutureState* state, LinkedWaiter* waiter) noexcept {
    state->callbacks.push_back(waiter);
}

/// The exception of a done state; makes a CancelledError for a cancelled one. Marks it retrieved.
std::exception_ptr exception_of(FutureState* state) noexcept;
/// Throws what a done state ended with, if it did not end with a value. Marks it retrieved.
void rethrow_failure(FutureState* state);

std::uint64_t take_id_block() noexcept;
inline void reserve_task_ids() noexcept { // for this thread, before others take some
    if (here.next_id == here.last_id) [[unlikely]]
        here.next_id = take_id_block();
}
inline std::uint64_t next_task_id() noexcept {
    reserve_task_ids();
    return ++here.next_id;
}

} // namespace detail

} // namespace asyncio
