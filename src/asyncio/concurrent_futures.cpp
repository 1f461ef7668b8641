// SPDX-License-Identifier: MIT
// Concurrent futures: phases, threads that sleep on them, observers.
#include "asyncio/concurrent_futures.h"

#include "asyncio/base_events.h"

#include <condition_variable>
#include <mutex>

namespace asyncio::detail {

namespace {

// A state's lock is one of a few that all share: it is held for a moment only, and never two at a
// time. What is told under it takes no other state's lock.
constexpr std::size_t stripes = 64;
std::mutex stripe_locks[stripes];

std::mutex& lock_of(const ConcurrentState* state) noexcept {
    return stripe_locks[(reinterpret_cast<std::uintptr_t>(state) >> 6) % stripes];
}

// One thread that sleeps for one state.
class Sleeper final : public BlockedWaiter {
public:
    explicit Sleeper(ThreadAtWork* work) noexcept : work_(work) {}
    void fired() noexcept override {
        const std::scoped_lock hold(lock_);
        fired_ = true;
        if (resting_) work_->works_again();
        resting_ = false;
        woken_.notify_one();
    }
    bool sleep(std::optional<TimePoint> deadline) {
        std::unique_lock hold(lock_);
        const auto is_fired = [this] { return fired_; };
        if (work_ != nullptr && !fired_) {
            resting_ = true;
            work_->rests();
        }
        if (deadline) {
            woken_.wait_until(hold, *deadline, is_fired);
        } else {
            woken_.wait(hold, is_fired);
        }
        if (resting_) work_->works_again(); // the time is up
        return fired_;
    }

private:
    std::mutex lock_;
    std::condition_variable woken_;
    bool fired_ = false;
    ThreadAtWork* work_; // what rests meanwhile; null: it does not count
    bool resting_ = false;
};

} // namespace

thread_local ThreadAtWork* thread_at_work = nullptr;

ConcurrentState::~ConcurrentState() {
    while (observers_ != nullptr) {
        std::exchange(observers_, observers_->next_observer)->never_completed();
    }
}

void ConcurrentState::throw_unless_value() const {
    if (cancelled()) throw CancelledError();
    if (error_) std::rethrow_exception(error_);
}

bool ConcurrentState::start() {
    const std::scoped_lock hold(lock_of(this));
    const Phase now = phase_.load(std::memory_order_relaxed);
    if (now == Phase::cancelled) return false;
    if (now != Phase::pending) throw InvalidStateError("Future in unexpected state");
    phase_.store(Phase::running, std::memory_order_release);
    return true;
}

bool ConcurrentState::claim() noexcept {
    const std::scoped_lock hold(lock_of(this));
    if (phase_.load(std::memory_order_relaxed) != Phase::pending) return false;
    phase_.store(Phase::settling, std::memory_order_release);
    return true;
}

ConcurrentState::Phase ConcurrentState::begin_result() {
    const std::scoped_lock hold(lock_of(this));
    const Phase now = phase_.load(std::memory_order_relaxed);
    if (now >= Phase::settling) throw InvalidStateError("invalid state");
    phase_.store(Phase::settling, std::memory_order_release);
    return now;
}

void ConcurrentState::take_back_result(Phase before) noexcept {
    const std::scoped_lock hold(lock_of(this));
    phase_.store(before, std::memory_order_release);
}

void ConcurrentState::finish_and_release(std::exception_ptr error) noexcept {
    ConcurrentObserver* observers = nullptr;
    bool last = false;
    {
        const std::scoped_lock hold(lock_of(this));
        error_ = std::move(error);
        observers = end_in(Phase::finished);
        if (observers == nullptr) last = refs_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    }
    if (last) delete this;
    if (observers == nullptr) return; // this may be gone
    tell(observers);
    release();
}

bool ConcurrentState::cancel() noexcept {
    const Counted<ConcurrentState> keep(this);
    ConcurrentObserver* observers = nullptr;
    Phase before = Phase::pending;
    {
        const std::scoped_lock hold(lock_of(this));
        before = phase_.load(std::memory_order_relaxed);
        if (before == Phase::pending) observers = end_in(Phase::cancelled);
    }
    if (before == Phase::pending) {
        withdrawn();
        tell(observers);
        return true;
    }
    if (before < Phase::cancelled) stop_wanted();
    return before == Phase::cancelled;
}

ConcurrentObserver* ConcurrentState::end_in(Phase end) noexcept {
    phase_.store(end, std::memory_order_release);
    while (BlockedWaiter* waiter = waiters_.pop_front()) waiter->fired();
    return std::exchange(observers_, nullptr);
}

void ConcurrentState::tell(ConcurrentObserver* newest) noexcept {
    ConcurrentObserver* oldest = nullptr;
    while (newest != nullptr) {
        ConcurrentObserver* const older = std::exchange(newest->next_observer, oldest);
        oldest = std::exchange(newest, older);
    }
    while (oldest != nullptr) std::exchange(oldest, oldest->next_observer)->completed(*this);
}

bool ConcurrentState::remove(ConcurrentObserver* observer) noexcept {
    const std::scoped_lock hold(lock_of(this));
    for (ConcurrentObserver** at = &observers_; *at != nullptr; at = &(*at)->next_observer) {
        if (*at != observer) continue;
        *at = observer->next_observer;
        return true;
    }
    return false;
}

bool ConcurrentState::done_or_add(BlockedWaiter* waiter) noexcept {
    const std::scoped_lock hold(lock_of(this));
    if (done()) return true;
    waiters_.push_back(waiter);
    return false;
}

void ConcurrentState::remove(BlockedWaiter* waiter) noexcept {
    const std::scoped_lock hold(lock_of(this)); // who fires it has left it then
    if (waiter->linked()) waiters_.remove(waiter);
}

std::optional<TimePoint> deadline_of(std::optional<Duration> timeout) noexcept {
    if (!timeout) return std::nullopt;
    const std::int64_t now = TimePoint(Clock::now()).time_since_epoch().count();
    const std::int64_t when = deadline_after(now, *timeout);
    if (when == INT64_MAX) return std::nullopt;
    return TimePoint(std::chrono::nanoseconds(when));
}

bool ConcurrentState::wait(std::optional<Duration> timeout) {
    if (done()) return true;
    if (timeout && timeout->ns() <= 0) return false;
    Sleeper sleeper(is_loops() ? thread_at_work : nullptr);
    if (done_or_add(&sleeper)) return true;
    const bool fired = sleeper.sleep(deadline_of(timeout));
    remove(&sleeper);
    return fired || done();
}

void ConcurrentState::observe(ConcurrentObserver* observer) noexcept {
    {
        const std::scoped_lock hold(lock_of(this));
        if (!done()) {
            observer->next_observer = std::exchange(observers_, observer);
            return;
        }
    }
    observer->completed(*this);
}

// ---- reports ------------------------------------------------------------------------------------

std::string concurrent_text(const ConcurrentState& state, std::string (*value_text)(const void*),
                            const void* value) {
    std::string text = "<ConcurrentFuture ";
    switch (state.phase()) {
    case ConcurrentState::Phase::pending: return text + "pending>";
    case ConcurrentState::Phase::running:
    case ConcurrentState::Phase::settling: return text + "running>";
    case ConcurrentState::Phase::cancelled: return text + "cancelled>";
    case ConcurrentState::Phase::finished: break;
    }
    if (state.error()) return text + "finished exception=" + repr(state.error()) + ">";
    return text + "finished" + (value != nullptr ? " result=" + value_text(value) : "") + ">";
}

void log_failed_callback() noexcept {
    try {
        log(LogLevel::error,
            "Exception in callback of a ConcurrentFuture\n" + repr(std::current_exception()));
    } catch (...) {
        log(LogLevel::error, "Exception in callback of a ConcurrentFuture");
    }
}

} // namespace asyncio::detail
