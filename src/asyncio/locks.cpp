// SPDX-License-Identifier: MIT
// Locks: errors, text forms, and the long way of a Condition's wait.
#include "asyncio/locks.h"

namespace asyncio {

namespace {

std::string with_waiters(std::string facts, const detail::WaitLine& line) {
    if (!line.empty()) facts += ", waiters:" + std::to_string(line.size());
    return facts;
}

} // namespace

// ---- Lock, Event, Semaphore ---------------------------------------------------------------------

void Lock::throw_not_acquired() { throw RuntimeError("Lock is not acquired."); }

std::string to_string(const Lock& lock) {
    const std::string facts = lock.locked_ ? "locked" : "unlocked";
    return detail::object_text("locks.Lock", &lock, with_waiters(facts, lock.line_));
}

std::string to_string(const Event& event) {
    const std::string facts = event.set_ ? "set" : "unset";
    return detail::object_text("locks.Event", &event, with_waiters(facts, event.line_));
}

void Semaphore::throw_negative() { throw ValueError("Semaphore initial value must be >= 0"); }
void Semaphore::throw_released_too_often() {
    throw ValueError("BoundedSemaphore released too many times");
}

std::string to_string(const Semaphore& semaphore) {
    const std::string facts =
        semaphore.locked() ? "locked" : "unlocked, value:" + std::to_string(semaphore.value_);
    const bool bounded = semaphore.limit_ != Semaphore::unlimited;
    return detail::object_text(bounded ? "locks.BoundedSemaphore" : "locks.Semaphore", &semaphore,
                               with_waiters(facts, semaphore.line_));
}

// ---- Condition ----------------------------------------------------------------------------------

Coro<bool> Condition::wait() {
    if (!locked()) throw RuntimeError("cannot wait on un-acquired lock");
    if (!loop_.binds()) detail::throw_other_loop(to_string(*this));
    Lock* const lock = lock_; // LIFETIME: followed while lock_visit lasts
    const detail::Visit visit(visitors_);
    const detail::Visit lock_visit(lock->visitors_);
    lock->release();
    const Outcome<void> notified = co_await outcome(detail::Signal<Condition>(*this));
    std::exception_ptr error = notified.exception();
    // Whoever called this holds the lock, and expects to hold it however this ends.
    while (!lock_visit.over()) {
        const Outcome<void> taken = co_await outcome(lock->acquire());
        if (taken.has_value()) break;
        error = taken.exception();
        if (!taken.cancelled()) break; // there will be no lock any more
    }
    if (!error && lock_visit.over()) error = detail::gone_error("Condition.wait");
    if (!error) co_return true;
    // It may have been notified, or take itself for notified: another one may have missed it.
    if (!visit.over()) line_.wake_next();
    std::rethrow_exception(error);
}

void Condition::check_held() const {
    if (!locked()) throw RuntimeError("cannot notify on un-acquired lock");
}

void Condition::notify(std::ptrdiff_t count) {
    check_held();
    while (count-- > 0 && line_.wake_next()) {
    }
}

void Condition::notify_all() {
    check_held();
    line_.wake_all();
}

std::string to_string(const Condition& condition) {
    const std::string facts = condition.locked() ? "locked" : "unlocked";
    return detail::object_text("locks.Condition", &condition, with_waiters(facts, condition.line_));
}

} // namespace asyncio
