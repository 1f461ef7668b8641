// SPDX-License-Identifier: MIT
// Cancelling, completing and ending of states; what this thread runs.
#include "asyncio/scheduling.h"

#include "asyncio/base_events.h"
#include "asyncio/task_steps.h"

#include <algorithm>
#include <limits>

namespace asyncio::detail {

[[gnu::tls_model("initial-exec")]] constinit thread_local ThisThread here;
LoopCore* loop_table[loops_max] = {};

std::uint64_t take_id_block() noexcept {
    static std::atomic<std::uint64_t> next{0};
    constexpr std::uint64_t block = 4096;
    const std::uint64_t first = next.fetch_add(block, std::memory_order_relaxed);
    here.last_id = first + block;
    return first;
}

// ---- completing ---------------------------------------------------------------------------------

void complete(FutureState* state) noexcept {
    state->set(FutureState::is_done);
    tell_waiters(state);
}

void complete_error(FutureState* state, std::exception_ptr error) noexcept {
    ::new (state->cell.payload()) std::exception_ptr(std::move(error));
    state->cell.st = CellHead::error;
    complete(state);
}

void complete_cancelled(FutureState* state, std::string_view message) noexcept {
    keep_cancel_message(state, message);
    state->set(FutureState::is_cancelled);
    complete_error(state, nullptr); // the CancelledError is made when somebody asks
}

std::exception_ptr exception_of(FutureState* state) noexcept {
    state->set(FutureState::retrieved);
    std::exception_ptr& kept = state->cell.exception();
    if (!kept && state->has(FutureState::is_cancelled))
        return std::make_exception_ptr(cancelled_error_of(state));
    return kept;
}

void rethrow_failure(FutureState* state) {
    if (!state->failed()) return;
    state->set(FutureState::retrieved);
    if (const std::exception_ptr& kept = state->cell.exception()) std::rethrow_exception(kept);
    throw cancelled_error_of(state);
}

bool has_step(FutureState* task) noexcept {
    if (task->has(FutureState::asks)) {
        task->clear(FutureState::asks | FutureState::queued);
        if (!task->waiter()->resumes()) return false;
    }
    if (task->has(FutureState::not_started) && task->has(FutureState::must_cancel)) {
        finish_unstarted_task(task);
        return false;
    }
    return true;
}

void finish_unstarted_task(FutureState* task) noexcept {
    task->clear(FutureState::not_started | FutureState::must_cancel | FutureState::queued);
    Frame* frame = task->cell.frame();
    task->cell.st = 0;
    frame->handle().destroy(); // the arguments go
    leave_task_list(task);
    task->set(FutureState::is_cancelled);
    complete_error(task, nullptr);
    release(task);
}

void finish_failed_task(FutureState* task) {
    bool fatal = false;
    if (task->has(FutureState::must_cancel)) {
        // Cancelled after its last await: the result is lost, as in Python.
        task->clear(FutureState::must_cancel);
        if (!task->failed()) {
            if (task->ops->destroy_value != nullptr) task->ops->destroy_value(task);
            ::new (task->cell.payload()) std::exception_ptr();
            task->cell.st = CellHead::error;
            task->set(FutureState::is_cancelled);
        }
    }
    if (task->failed() && !task->has(FutureState::is_cancelled)) {
        const std::type_info& type = *type_of(task->cell.exception());
        if (type == typeid(CancelledError)) {
            task->set(FutureState::is_cancelled);
        } else {
            fatal = type == typeid(KeyboardInterrupt) || type == typeid(SystemExit);
            keep_failure(task);
            if (fatal) task->set(FutureState::fatal);
        }
    }
    leave_task_list(task);
    task->set(FutureState::is_done);
    tell_waiters(task);
    if (!fatal) return release(task);
    const std::exception_ptr interrupt = task->cell.exception();
    release(task);
    std::rethrow_exception(interrupt);
}

// ---- the end of a state -------------------------------------------------------------------------

namespace {

void free_state(FutureState* state) noexcept {
    const StateOps& ops = *state->ops;
    state->~FutureState();
    if (ops.wide) {
        base::FramePool::give(state, ops.bytes);
    } else {
        base::StatePool::give(state, ops.bytes);
    }
}

// Failed, pending, or with a value or parts that have to be destroyed.
[[gnu::noinline]] void destroy_special_state(FutureState* state) noexcept {
    if (state->done() && state->failed() &&
        !state->has(FutureState::is_cancelled | FutureState::retrieved)) {
        state->refs = 1; // the report shows the future
        state->set(FutureState::retrieved);
        report_never_retrieved(state);
        if (--state->refs != 0) return; // the handler kept it
    }
    while (LinkedWaiter* waiter = state->callbacks.pop_front()) waiter->dropped();
    if (state->failed()) {
        state->cell.exception().~exception_ptr();
    } else if (state->cell.st == CellHead::value && state->ops->destroy_value != nullptr) {
        state->ops->destroy_value(state);
    }
    if (state->ops->destroy_extra != nullptr) state->ops->destroy_extra(state);
    delete existing_cold_part(state);
    free_state(state);
}

} // namespace

void destroy_state(FutureState* state) noexcept {
    const std::uint8_t pool_class = state->ops->plain;
    const bool plain = pool_class != 0 && state->cell.st == CellHead::value &&
                       (state->cold & FutureState::cold_bit) == 0 && state->context.empty();
    if (!plain) return destroy_special_state(state);
    base::StatePool::give_to_class(state, pool_class);
}

// ---- cancelling ---------------------------------------------------------------------------------

namespace {

// A task waits on a leaf operation: it leaves the line and will throw when it resumes.
void deliver(FutureState* task, std::string_view message) noexcept {
    task->waiter()->abandon();
    keep_cancel_message(task, message);
    task->set(FutureState::deliver_cancel);
    wake(task);
}

// Cancels a future that is no task.
bool cancel_future(FutureState* future, std::string_view message) noexcept {
    if (future->ops->cancel != nullptr) return future->ops->cancel(future, message);
    complete_cancelled(future, message);
    return true;
}

bool suspended_on_something(FutureState* task) noexcept {
    return !task->cell.settled() && !task->has(FutureState::not_started | FutureState::queued) &&
           task->waiter() != nullptr;
}

} // namespace

bool cancel(FutureState* state, std::string_view message, unsigned scope) noexcept {
    if (state->done()) {
        state->set(FutureState::retrieved);
        return false;
    }
    if (!state->has(FutureState::is_task)) return cancel_future(state, message);
    FutureState* const first = state;
    std::size_t passed = 0;
    for (;;) {
        if (state->has(FutureState::shielded)) [[unlikely]] {
            if (put_off_cancel(state, message, state == first ? scope : 0)) break;
        }
        count_cancels(state, 1);
        if (!suspended_on_something(state)) {
            request_cancel(state, message);
            break;
        }
        state->set(FutureState::on_cancel_path);
        ++passed;
        FutureState* target = state->waiter()->target();
        if (target == nullptr || target->has(FutureState::on_cancel_path)) {
            deliver(state, message); // a leaf; or tasks that await one another
            break;
        }
        if (!target->has(FutureState::is_task)) {
            if (!cancel_future(target, message)) request_cancel(state, message);
            break;
        }
        state = target;
    }
    for (state = first; passed > 0; --passed) {
        state->clear(FutureState::on_cancel_path);
        if (passed > 1) state = state->waiter()->target();
    }
    return true;
}

int uncancel(FutureState* task) noexcept {
    const bool elsewhere = task->has(FutureState::shielded) && here.task != task;
    if (elsewhere && take_back_put_off(task)) return cancelling(task);
    if (task->cancels > 0 && --task->cancels == 0) {
        task->clear(FutureState::must_cancel);
        if (task->has(FutureState::shielded)) forget_request(task);
    }
    return cancelling(task);
}

int cancelling(FutureState* task) noexcept {
    const bool elsewhere = task->has(FutureState::shielded) && here.task != task;
    return task->cancels + (elsewhere ? cancels_put_off(task) : 0);
}

void count_cancels(FutureState* task, int more) noexcept {
    constexpr int most = std::numeric_limits<std::uint16_t>::max();
    task->cancels = static_cast<std::uint16_t>(std::min(task->cancels + more, most));
}

void request_cancel(FutureState* task, std::string_view message) noexcept {
    // One that is on its way already keeps its message.
    if (!task->has(FutureState::deliver_cancel)) keep_cancel_message(task, message);
    task->set(FutureState::must_cancel);
}

void deliver_pending_cancel(FutureState* task) noexcept {
    const std::string message = take_cancel_message(task);
    FutureState* target = task->waiter()->target();
    if (target == nullptr) {
        task->clear(FutureState::must_cancel);
        return deliver(task, message);
    }
    task->set(FutureState::on_cancel_path); // what it awaits may await it
    if (cancel(target, message)) {
        task->clear(FutureState::must_cancel);
    } else {
        keep_cancel_message(task, message);
    }
    task->clear(FutureState::on_cancel_path);
}

} // namespace asyncio::detail
