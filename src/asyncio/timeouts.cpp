// SPDX-License-Identifier: MIT
// Timeouts: arming, expiring, and telling one's own cancel from that of others.
#include "asyncio/timeouts.h"

#include "asyncio/events.h"

#include <cstdio>

namespace asyncio {

namespace detail {

std::optional<TimePoint> deadline_from(std::optional<Duration> delay) {
    const LoopCore& loop = running_loop();
    if (!delay) return std::nullopt;
    return TimePoint(std::chrono::nanoseconds(deadline_after(loop.now_ns(), *delay)));
}

} // namespace detail

Timeout timeout(std::optional<Duration> delay) { return Timeout(detail::deadline_from(delay)); }

void Timeout::enter() {
    if (state_ != State::created) throw RuntimeError("Timeout has already been entered");
    if (detail::here.task == nullptr) throw RuntimeError("Timeout should be used inside a task");
    arm(when_);
    task_ = detail::here.task;
    cancelling_ = task_->cancels;
    shields_ = detail::shield_depth(task_);
    state_ = State::active;
}

// Only as many cancels as there were at the beginning are left: then the one that ended the body
// was this scope's own.
bool Timeout::leave(bool cancelled) noexcept {
    disarm();
    if (state_ != State::expiring) {
        state_ = State::finished;
        return false;
    }
    state_ = State::expired;
    return detail::uncancel(task_) <= cancelling_ && cancelled;
}

void Timeout::drop() noexcept {
    disarm();
    state_ = State::finished;
}

void Timeout::reschedule(std::optional<TimePoint> when) {
    switch (state_) {
    case State::active: break;
    case State::created: throw RuntimeError("Timeout has not been entered");
    case State::expiring: throw RuntimeError("Cannot change state of expiring Timeout");
    case State::expired: throw RuntimeError("Cannot change state of expired Timeout");
    case State::finished: throw RuntimeError("Cannot change state of finished Timeout");
    }
    arm(when);
}

// A deadline that has passed is not a timer: those come after what is ready already, and the body
// must not get past its first suspension.
void Timeout::arm(std::optional<TimePoint> when) {
    EventLoop& loop = get_running_loop();
    std::optional<TimerHandle> timer;
    std::optional<Handle> soon;
    // LIFETIME: disarm() takes the callback back before this goes.
    if (when && *when > loop.time()) {
        timer = loop.call_at(*when, [this] { expire(); });
    } else if (when) {
        soon = loop.call_soon([this] { expire(); });
    }
    disarm(); // whatever could throw has been done
    timer_ = std::move(timer);
    soon_ = std::move(soon);
    when_ = when;
}

void Timeout::disarm() noexcept {
    if (timer_) timer_->cancel();
    if (soon_) soon_->cancel();
    timer_.reset();
    soon_.reset();
}

void Timeout::expire() noexcept {
    detail::cancel(task_, {}, shields_);
    state_ = State::expiring;
}

std::string to_string(const Timeout& timeout) {
    using State = Timeout::State;
    switch (timeout.state_) {
    case State::created: return "<Timeout [created]>";
    case State::expiring: return "<Timeout [expiring]>";
    case State::expired: return "<Timeout [expired]>";
    case State::finished: return "<Timeout [finished]>";
    case State::active: break;
    }
    if (!timeout.when_) return "<Timeout [active] when=None>";
    char seconds[40];
    std::snprintf(seconds, sizeof seconds, "%.3f",
                  Duration(timeout.when_->time_since_epoch()).seconds().count());
    std::string text = seconds;
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text += '0';
    return "<Timeout [active] when=" + text + ">";
}

} // namespace asyncio
