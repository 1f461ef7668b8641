// SPDX-License-Identifier: MIT
// What locks and queues are made of: the line of waiting tasks, and the loop they are bound to.
#pragma once

#include "asyncio/coroutines.h"

namespace asyncio::detail {

/// The loop that an object belongs to: the one on which a task first had to wait for it.
class LoopBound {
public:
    /// Binds to the running loop. Returns false if it is bound to another one.
    bool binds() noexcept {
        const std::uint16_t running = here.loop_index;
        if (loop_ == running) [[likely]]
            return true;
        if (loop_ != 0) return false;
        loop_ = running;
        return true;
    }

private:
    std::uint16_t loop_ = 0; // index of the loop; 0: not bound yet
};

[[noreturn]] void throw_other_loop(const std::string& object_text);

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
    refused, // what it would have to wait for belongs to another loop
};

[[noreturn]] void throw_gone(const char* operation);
std::exception_ptr gone_error(const char* operation);
std::exception_ptr other_loop_error(const std::string& object_text);

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
    void taken_apart() noexcept final {
        if (linked()) line_->leave(this); // woken, and not cancelled since
    }
    void dropped() noexcept final {
        line_ = nullptr;
        task->clear(FutureState::asks); // there is nothing left to look at
        if (!task->has(FutureState::queued)) wake(task);
    }

protected:
    explicit LineWaiter(WaitLine& line) noexcept : line_(&line) {}
    ~LineWaiter() = default;

    /// The text form of what it waits for.
    virtual std::string object_text() const = 0;

    /// First thing when the await ends. Only after `at_once`, `woken` and `passed_on` is what it
    /// waited for still known to exist.
    WaitEnd leave_line() noexcept {
        if (linked()) {
            line_->leave_woken(this);
            if (!to_be_cancelled()) [[likely]]
                return WaitEnd::woken;
            take_cancel();
            return WaitEnd::passed_on;
        }
        if (task == nullptr) [[likely]]
            return WaitEnd::at_once;
        if (line_ == nullptr) return WaitEnd::gone; // a cancel that came too is for the next await
        take_cancel();
        return WaitEnd::cancelled;
    }
    static bool is_served(WaitEnd end) noexcept { return end <= WaitEnd::woken; }

    /// Waits on, at the end of the line: for resumes().
    void wait_again() noexcept {
        line_->leave(this);
        line_->join(this);
    }
    bool to_be_cancelled() const noexcept {
        return task->has(FutureState::must_cancel | FutureState::deliver_cancel);
    }

    [[noreturn]] void throw_end(WaitEnd end) const {
        if (end == WaitEnd::gone) throw_gone(label());
        if (end == WaitEnd::refused) throw_other_loop(object_text());
        throw_cancelled();
    }
    template <class T>
    Outcome<T> outcome_of(WaitEnd end) const {
        if (end == WaitEnd::gone) return Outcome<T>::with_exception(gone_error(label()));
        if (end == WaitEnd::refused)
            return Outcome<T>::with_exception(other_loop_error(object_text()));
        return Outcome<T>::with_cancellation(take_cancel_message(here.task));
    }

private:
    WaitLine* line_; // LIFETIME: the line sets it to null when it goes first
};

/// Waits in an object's line until it is woken, which is all. Its friends are what has is_open()
/// (no need to wait), signal_line(), signal_label and loop_.
template <class Object>
class [[nodiscard]] SignalAwaiter final : public LineWaiter {
public:
    explicit SignalAwaiter(Object& object) noexcept
        : LineWaiter(object.signal_line()), object_(&object) {}

    bool await_ready() noexcept { return object_->is_open() || !object_->loop_.binds(); }
    void await_resume() {
        if (const WaitEnd end = settle(); !is_served(end)) [[unlikely]]
            throw_end(end);
    }
    Outcome<void> await_outcome() {
        const WaitEnd end = settle();
        return is_served(end) ? Outcome<void>::with_value() : outcome_of<void>(end);
    }
    const char* label() const noexcept final { return Object::signal_label; }

private:
    std::string object_text() const final { return to_string(*object_); }
    WaitEnd settle() noexcept {
        const WaitEnd end = leave_line();
        return end == WaitEnd::at_once && !object_->is_open() ? WaitEnd::refused : end;
    }

    Object* object_;
};

/// The operation of waiting for an object's signal.
template <class Object>
class [[nodiscard("co_await it")]] Signal {
public:
    explicit Signal(Object& object) noexcept : object_(&object) {}
    SignalAwaiter<Object> operator co_await() const noexcept {
        return SignalAwaiter<Object>(*object_);
    }

private:
    Object* object_; // LIFETIME: see the object
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
