// SPDX-License-Identifier: MIT
// One step of a task: from a wake-up to the next suspension or to its end. For the loop alone.
#pragma once

#include "asyncio/coroutines.h"
#include "asyncio/scheduling.h"

namespace asyncio::detail {

/// Ends a task whose body has ended: says how, tells who waits, drops the loop's count.
/// Throws    KeyboardInterrupt, SystemExit: what the body ended with, after all is told.
void finish_failed_task(FutureState* task);
/// Ends a task that was cancelled before its first step; the body never runs.
void finish_unstarted_task(FutureState* task) noexcept;

inline void leave_task_list(FutureState* task) noexcept { base::unlink(task->all); }

inline void tell_waiters(FutureState* state) noexcept {
    if (state->has(FutureState::gathered)) tell_gather(state);
    while (LinkedWaiter* waiter = state->callbacks.pop_front()) waiter->fired();
}

[[gnu::always_inline]] inline void finish_task(FutureState* task) {
    if (task->failed() || task->has(FutureState::must_cancel)) [[unlikely]] {
        return finish_failed_task(task);
    }
    leave_task_list(task);
    task->set(FutureState::is_done);
    tell_waiters(task);
    release(task);
}

/// Of a task that asks, or has a cancel to come: is there a step to run? Ends one that was
/// cancelled before its first step.
bool has_step(FutureState* task) noexcept;

/// The same of a task that may not have started besides: then its result gets its place.
inline bool has_special_step(FutureState* task) noexcept {
    if (task->has(FutureState::asks | FutureState::must_cancel) && !has_step(task)) return false;
    if (task->has(FutureState::not_started)) task->cell.frame()->out = &task->cell;
    return true;
}

/// Runs a queued task until it suspends or ends. Nothing of a frame is touched after its resume:
/// it may be gone. Inlined into the turn, where it has to be; elsewhere call run_step.
/// The task stays the current one: whoever runs something else next calls leave_task().
[[gnu::always_inline]] inline void step_task(FutureState* task) {
    constexpr std::uint16_t special =
        FutureState::asks | FutureState::must_cancel | FutureState::not_started;
    if (task->has(special)) [[unlikely]] {
        if (!has_special_step(task)) return;
    }
    task->clear(FutureState::queued | FutureState::not_started);
    here.task = task;
    context_slot = &task->context;
    task->waiter() = nullptr;
    for (;;) {
        here.next = nullptr;
        task->cell.frame()->handle().resume();
        if (here.next == nullptr) break;
        task->cell.st = reinterpret_cast<std::uintptr_t>(here.next);
    }
    if (task->cell.settled()) finish_task(task);
}

inline void leave_task() noexcept {
    here.task = nullptr;
    context_slot = nullptr;
}

void run_step(FutureState* task);

} // namespace asyncio::detail
