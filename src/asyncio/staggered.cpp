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

RaceBase::RaceBase(std::size_t attempts, std::optional<Duration> delay)
    : attempts_(attempts), delay_(delay) {
    running_.reserve(attempts + 1); // a task an attempt, and one that finds none left
    failures_.reserve(attempts + 1);
}

void RaceBase::add(const Task<>& task) {
    running_.push_back(task);
    try {
        task.add_done_callback([this](const Task<>& ended) { task_done(ended); });
    } catch (...) { // it still waits to be added, and never will be
        running_.pop_back();
        task.cancel();
        throw;
    }
}

void RaceBase::task_done(const Task<>& task) {
    std::erase(running_, task);
    if (running_.empty()) none_left_.set();
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
        none_left_.clear();
        Outcome<> end = co_await outcome(none_left_.wait());
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
