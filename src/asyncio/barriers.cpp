// SPDX-License-Identifier: MIT
// The rounds of a Barrier.
#include "asyncio/barriers.h"

namespace asyncio {

Barrier::Barrier(int parties) : parties_(parties) {
    if (parties < 1) throw ValueError("parties must be >= 1");
}

Coro<int> Barrier::wait() {
    const detail::Visit visit(visitors_);
    co_await changed_.acquire();
    // From here on every end but the barrier's own has to give the lock back; a wait that there is
    // no memory for is one, too.
    const auto is_open = [this] { return !leaving(); };
    const auto is_decided = [this] { return state_ != State::filling; };
    std::exception_ptr error;
    int index = -1; // not counted in
    try {
        co_await changed_.wait_for(is_open);
        error = come_error();
        if (!error) index = count_++;
        if (!error && count_ == parties_) {
            state_ = State::draining; // who comes now waits until all have left
            changed_.notify_all();
        } else if (!error) {
            co_await changed_.wait_for(is_decided);
            error = pass_error();
        }
    } catch (...) {
        if (visit.over()) detail::throw_gone("Barrier.wait");
        error = std::current_exception();
    }
    if (index >= 0) leave();
    changed_.release();
    if (error) std::rethrow_exception(error);
    co_return index;
}

std::exception_ptr Barrier::come_error() const {
    if (state_ != State::broken) return nullptr;
    return std::make_exception_ptr(BrokenBarrierError("Barrier aborted"));
}

std::exception_ptr Barrier::pass_error() const {
    if (state_ != State::broken && state_ != State::resetting) return nullptr;
    return std::make_exception_ptr(BrokenBarrierError("Abort or reset of barrier"));
}

// The last to leave lets those in who wait for it.
void Barrier::leave() noexcept {
    if (--count_ != 0) return;
    if (leaving()) state_ = State::filling;
    changed_.notify_all();
}

Coro<> Barrier::reset() {
    const LockGuard guard = co_await changed_.scoped();
    state_ = count_ > 0 ? State::resetting : State::filling;
    changed_.notify_all();
}

Coro<> Barrier::abort() {
    const LockGuard guard = co_await changed_.scoped();
    state_ = State::broken;
    changed_.notify_all();
}

std::string to_string(const Barrier& barrier) {
    static constexpr const char* names[] = {"filling", "draining", "resetting", "broken"};
    std::string facts = names[static_cast<std::size_t>(barrier.state_)];
    if (!barrier.broken()) {
        facts += ", waiters:" + std::to_string(barrier.n_waiting()) + "/" +
                 std::to_string(barrier.parties());
    }
    return detail::object_text("locks.Barrier", &barrier, facts);
}

} // namespace asyncio
