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

/// Runs a queued task until it suspends or ends. Nothing of a frame is touched after its resume:
/// it may be gone. Inlined into the turn, where it has to be; elsewhere call run_step.
[[gnu::always_inline]] inline void step_task(FutureState* task) {
    if (task->has(FutureState::asks)) [[unlikely]] {
        task->clear(FutureState::asks | FutureState::queued);
        if (!task->waiter()->resumes()) return;
    }
    if (task->has(FutureState::not_started)) {
        if (task->has(FutureState::must_cancel)) [[unlikely]]
            return finish_unstarted_task(task);
        task->clear(FutureState::not_started);
    }
    task->clear(FutureState::queued);
    here.task = task;
    context_slot = &task->context;
    task->waiter() = nullptr;
    Frame* frame = task->cell.frame();
    do {
        here.next = nullptr;
        here.resumed = frame;
        frame->handle().resume();
        frame = here.next;
    } while (frame != nullptr);
    if (task->cell.settled()) finish_task(task);
    here.task = nullptr;
    context_slot = nullptr;
}

void run_step(FutureState* task);

} // namespace asyncio::detail
