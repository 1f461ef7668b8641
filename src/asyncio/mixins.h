// SPDX-License-Identifier: MIT
// What locks and queues are made of: the line of waiting tasks, and the loop they are bound to.
#pragma once

#include "asyncio/coroutines.h"

namespace asyncio::detail {

/// The loop that an object belongs to: the one on which a task first had to wait for it.
class LoopBound {
public:
    bool is_running() const noexcept { return loop_ == here.loop->index; }
    /// Binds to the running loop. Returns false if it is bound to another one.
    bool bind() noexcept {
        if (loop_ == 0) loop_ = here.loop->index;
        return is_running();
    }

private:
    std::uint16_t loop_ = 0; // index of the loop; 0: not bound yet
};

[[noreturn]] void throw_other_loop(const std::string& object_text);

template <class Owner>
[[gnu::noinline]] void bind_for_first_wait(LoopBound& bound, const Owner& owner,
                                           const char* operation) {
    if (here.task == nullptr) throw_not_in_task(operation);
    if (!bound.bind()) throw_other_loop(to_string(owner));
}

/// Binds `owner`, for which `operation` has to wait, to the running loop.
/// Throws    RuntimeError: no task is running, or it is bound to a different loop.
template <class Owner>
void bind_to_loop(LoopBound& bound, const Owner& owner, const char* operation) {
    if (!bound.is_running()) [[unlikely]]
        bind_for_first_wait(bound, owner, operation);
}

/// Tasks that wait for one thing, first come first. Those that were woken stand in front, and keep
/// their places until they run.
class WaitLine {
public:
    constexpr WaitLine() noexcept = default;
    WaitLine(const WaitLine&) = delete; // waiters know its address
    WaitLine& operator=(const WaitLine&) = delete;
    ~WaitLine() {
        if (!all_.empty()) [[unlikely]]
            drop_all();
    }

    /// Nobody waits, and nobody who was woken is still to run.
    bool empty() const noexcept { return all_.empty(); }
    void join(LinkedWaiter* waiter) noexcept {
        if (all_.empty() || next_ == nullptr) next_ = waiter;
        all_.push_back(waiter);
    }
    void leave(LinkedWaiter* waiter) noexcept {
        if (next_ == waiter) next_ = all_.after(waiter);
        all_.remove(waiter);
    }
    void leave_woken(LinkedWaiter* waiter) noexcept { all_.remove(waiter); }

    /// Wakes the first that is not woken yet. Returns false if there is none.
    bool wake_next() noexcept {
        LinkedWaiter* waiter = next_;
        if (waiter == nullptr) return false;
        next_ = all_.after(waiter);
        wake(waiter->task);
        return true;
    }
    /// The same, for what others can take before the woken one runs: who takes it says so by
    /// overtake(), and the woken one looks for itself when its turn comes.
    ///
    /// Only one that is woken while no other is can rely on finding what it was woken for, and it
    /// stands in front.
    bool wake_next_to_look() noexcept {
        LinkedWaiter* waiter = next_;
        if (waiter == nullptr) return false;
        next_ = all_.after(waiter);
        if (waiter != all_.front()) waiter->task->set(FutureState::asks);
        wake(waiter->task);
        return true;
    }
    void overtake() noexcept {
        if (all_.front() != next_) [[unlikely]]
            all_.front()->task->set(FutureState::asks);
    }
    void wake_all() noexcept {
        while (wake_next()) {
        }
    }

    std::size_t size() const noexcept { return count_from(all_.front()); }
    /// Without those that were woken.
    std::size_t waiting() const noexcept { return count_from(next_); }

private:
    std::size_t count_from(const LinkedWaiter* waiter) const noexcept;
    void drop_all() noexcept;

    WaiterList all_;
    LinkedWaiter* next_ = nullptr; // the first that is not woken; null: all are
};

/// How a wait in a line ended.
enum class WaitEnd : unsigned char {
    at_once, // there was no need to wait
    woken, // the task goes on with what it waited for
    cancelled, // it had left the line when it was cancelled
    passed_on, // it had been woken and was cancelled then: what it was woken for is for the next
    gone, // the line was destroyed
};

[[noreturn]] void throw_gone(const char* operation);
std::exception_ptr gone_error(const char* operation);

/// A task's place in a line; the base of the awaiters of locks and queues.
class LineWaiter : public LinkedWaiter {
public:
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame,
                       std::source_location where = std::source_location::current()) noexcept {
        static_assert(is_frame<Promise>, "co_await this in an asyncio coroutine");
        line_->join(this);
        suspended(suspend_task(this, frame.promise(), where));
    }

    void fired() noexcept final { wake(task); }
    void abandon() noexcept final { line_->leave(this); }
    void dropped() noexcept final {
        line_ = nullptr;
        task->clear(FutureState::asks); // there is nothing left to look at
        if (!task->has(FutureState::queued)) wake(task);
    }

protected:
    explicit LineWaiter(WaitLine& line) noexcept : line_(&line) {}
    ~LineWaiter() {
        if (linked()) [[unlikely]]
            line_->leave(this); // the task is taken apart by its loop
    }

    /// First thing when the await ends. Only after `at_once`, `woken` and `passed_on` is what it
    /// waited for still known to exist.
    WaitEnd leave_line() noexcept {
        if (linked()) {
            line_->leave_woken(this);
            if (!task->has(cancel_flags)) [[likely]]
                return WaitEnd::woken;
            take_cancel();
            return WaitEnd::passed_on;
        }
        if (task == nullptr) [[likely]]
            return WaitEnd::at_once;
        if (line_ == nullptr)
            return WaitEnd::gone; // a cancel, if one came too, is for the next await
        take_cancel();
        return WaitEnd::cancelled;
    }
    static bool is_served(WaitEnd end) noexcept { return end <= WaitEnd::woken; }

    /// Waits on, at the end of the line: for resumes().
    void wait_again() noexcept {
        line_->leave(this);
        line_->join(this);
    }
    bool to_be_cancelled() const noexcept { return task->has(cancel_flags); }

    [[noreturn]] void throw_end(WaitEnd end) const {
        if (end == WaitEnd::gone) throw_gone(label());
        throw_cancelled();
    }
    template <class T>
    Outcome<T> outcome_of(WaitEnd end) const {
        if (end == WaitEnd::gone) return Outcome<T>::with_exception(gone_error(label()));
        return Outcome<T>::with_cancellation(take_cancel_message(here.task));
    }

private:
    static constexpr std::uint16_t cancel_flags =
        FutureState::must_cancel | FutureState::deliver_cancel;

    WaitLine* line_; // LIFETIME: the line sets it to null when it goes first
};

/// Waits in a line until it is woken, which is all.
class SignalAwaiter : public LineWaiter {
public:
    void await_resume() {
        if (const WaitEnd end = leave_line(); !is_served(end)) [[unlikely]]
            throw_end(end);
    }
    Outcome<void> await_outcome() {
        const WaitEnd end = leave_line();
        return is_served(end) ? Outcome<void>::with_value() : outcome_of<void>(end);
    }

protected:
    using LineWaiter::LineWaiter;
    ~SignalAwaiter() = default;
};

/// Those who use an object across awaits, or will in a destructor, and must know when it is gone.
class Visit;
class Visitors {
public:
    constexpr Visitors() noexcept = default;
    Visitors(const Visitors&) = delete; // visits know its address
    Visitors& operator=(const Visitors&) = delete;
    ~Visitors() {
        while (list_.pop_front() != nullptr) {
        }
    }

private:
    friend Visit;
    base::IntrusiveList<base::ListNode> list_;
};

class Visit : private base::ListNode {
public:
    explicit Visit(Visitors& object) noexcept : object_(&object) { object.list_.push_back(this); }
    Visit(Visit&& other) noexcept : object_(other.object_) {
        if (other.over()) return;
        other.end();
        object_->list_.push_back(this);
    }
    Visit& operator=(Visit&&) = delete;
    ~Visit() {
        if (!over()) end();
    }

    /// Is the object gone, or was this visit ended?
    bool over() const noexcept { return !linked(); }
    void end() noexcept { object_->list_.remove(this); }

private:
    Visitors* object_; // LIFETIME: only followed while linked
};

/// "<asyncio.locks.Lock object at 0x7ffd01c8 [unlocked]>"
std::string object_text(const char* type, const void* object, const std::string& facts);

} // namespace asyncio::detail
