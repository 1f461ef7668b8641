// SPDX-License-Identifier: MIT
// The tasks of a race: who runs, who has ended, and what ends them all.
#include "asyncio/staggered.h"

#include "asyncio/wait_for.h"

namespace asyncio::detail {

bool is_interrupt(const std::exception_ptr& error) noexcept {
    return is_exception<KeyboardInterrupt>(error) || is_exception<SystemExit>(error);
}

void set_once(const Future<>& signal) {
    if (!signal.done()) signal.set_result();
}

void RaceBase::add(const Task<>& task) {
    running_.push_back(task);
    task.add_done_callback([this](const Task<>& ended) { task_done(ended); });
}

void RaceBase::task_done(const Task<>& task) {
    std::erase(running_, task);
    if (none_left_ && running_.empty()) set_once(*none_left_);
    if (task.cancelled()) return;
    if (std::exception_ptr error = task.exception()) failures_.push_back(std::move(error));
}

Coro<> RaceBase::wait_for_start(Future<> failed_before) {
    Outcome<> end = co_await outcome(wait_for(std::move(failed_before), delay_));
    if (!end.has_value() && !is_exception<TimeoutError>(end.exception())) end.value();
}

void RaceBase::stop_others() noexcept {
    for (const Task<>& task : running_) {
        if (task.state() != here.task) task.cancel();
    }
}

Coro<> RaceBase::all_ended() {
    Outcome<> cancelled = Outcome<>::with_value();
    while (!running_.empty()) {
        const Future<> signal;
        none_left_ = signal;
        Outcome<> end = co_await outcome(signal);
        none_left_.reset();
        if (end.has_value()) continue;
        for (const Task<>& task : running_) task.cancel(message_of(end.exception()));
        cancelled = std::move(end);
    }
    if (!failures_.empty()) {
        std::rethrow_exception(make_exception_group("staggered race failed", failures_));
    }
    cancelled.value();
}

} // namespace asyncio::detail
