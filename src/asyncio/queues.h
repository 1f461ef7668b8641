// SPDX-License-Identifier: MIT
// Queue, LifoQueue, PriorityQueue: tasks that hand items to one another.
// Long: the containers are read, and measured, together with the queue that asks them.
#pragma once

#include "asyncio/mixins.h"
#include "asyncio/tasks.h"
#include "base/heapq.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace asyncio {

/// How a queue is shut down.
enum class Shutdown : unsigned char {
    drain,     // what is in it can still be taken
    immediate, // what is in it is thrown away
};

// ---- what holds the items -----------------------------------------------------------------------

/// First in, first out: a ring that doubles when it is full, and keeps its size.
///
/// What a Queue asks of its container is what this one has in public.
template <class T>
class FifoItems {
public:
    static constexpr const char* name = "Queue";

    constexpr FifoItems() noexcept = default;
    FifoItems(const FifoItems&) = delete;
    FifoItems& operator=(const FifoItems&) = delete;
    ~FifoItems() {
        while (size() != 0) drop_front();
        if (slots_ != nullptr) std::allocator<T>().deallocate(slots_, room_);
    }

    std::size_t size() const noexcept { return end_ - begin_; } // how many are in it
    /// Takes one in.
    /// Throws    std::bad_alloc, and has not taken it.
    void push(T&& item) {
        if (size() == room_) [[unlikely]]
            grow();
        std::construct_at(slot(end_), std::move(item));
        ++end_;
    }
    /// Gives out the next one. It is not empty.
    T pop() {
        T item(std::move(*slot(begin_)));
        drop_front();
        return item;
    }
    /// Calls `f(const T&)` for each one, as they lie: for reports.
    template <class F>
    void for_each(F f) const {
        for (std::size_t i = begin_; i != end_; ++i) f(*slot(i));
    }

private:
    T* slot(std::size_t place) const noexcept { return slots_ + (place & (room_ - 1)); }
    void drop_front() noexcept {
        std::destroy_at(slot(begin_));
        ++begin_;
    }
    [[gnu::noinline]] void grow() {
        const std::size_t room = room_ == 0 ? 4 : room_ * 2;
        T* slots = std::allocator<T>().allocate(room);
        for (std::size_t i = begin_; i != end_; ++i) {
            std::construct_at(slots + (i & (room - 1)), std::move(*slot(i)));
            std::destroy_at(slot(i));
        }
        if (slots_ != nullptr) std::allocator<T>().deallocate(slots_, room_);
        slots_ = slots;
        room_ = room;
    }

    T* slots_ = nullptr;
    std::size_t room_ = 0; // a power of two, or 0
    std::size_t begin_ = 0; // counts on and on; the slot is the remainder
    std::size_t end_ = 0;
};

/// Last in, first out.
template <class T>
class LifoItems {
public:
    static constexpr const char* name = "LifoQueue";

    /// All as of FifoItems.
    std::size_t size() const noexcept { return items_.size(); }
    void push(T&& item) { items_.push_back(std::move(item)); }
    T pop() {
        T item(std::move(items_.back()));
        items_.pop_back();
        return item;
    }
    template <class F>
    void for_each(F f) const {
        for (const T& item : items_) f(item);
    }

private:
    std::vector<T> items_;
};

/// Smallest first, by `Compare`; equal ones as Python's heapq gives them.
template <class T, class Compare = std::less<>>
class PriorityItems {
public:
    static constexpr const char* name = "PriorityQueue";

    /// All as of FifoItems.
    std::size_t size() const noexcept { return items_.size(); }
    void push(T&& item) { base::heappush(items_, std::move(item), Compare()); }
    T pop() { return base::heappop(items_, Compare()); }
    template <class F>
    void for_each(F f) const {
        for (const T& item : items_) f(item);
    }

private:
    std::vector<T> items_;
};

// ---- the queue ----------------------------------------------------------------------------------

template <class T, class Items = FifoItems<T>>
class Queue;
template <class T>
using LifoQueue = Queue<T, LifoItems<T>>;
template <class T, class Compare = std::less<>>
using PriorityQueue = Queue<T, PriorityItems<T, Compare>>;

namespace detail {

template <class T, class Items>
class PutAwaiter;
template <class T, class Items, class Result>
class TakeAwaiter;
template <class T, class Items>
class [[nodiscard("co_await it")]] Put;
template <class T, class Items, class Result>
class [[nodiscard("co_await it")]] Take;

/// What queues of all item types share.
class QueueBase {
public:
    using Join = Signal<QueueBase>;

    QueueBase(const QueueBase&) = delete; // waiters know its address
    QueueBase& operator=(const QueueBase&) = delete;

    /// How many items it may hold; 0: no bound.
    std::size_t maxsize() const noexcept { return limit_ == unlimited ? 0 : limit_; }
    /// Was shutdown() called?
    bool is_shut_down() const noexcept { return shut_down_; }

    /// Says that an item that was taken has been dealt with.
    /// Throws    ValueError: this was said as often as there were items already.
    void task_done() {
        if (unfinished_ == 0) [[unlikely]]
            throw_done_too_often();
        if (--unfinished_ == 0) joiners_.wake_all();
    }
    /// Waits until every item that was put has been dealt with.
    /// Throws    RuntimeError: it would have to wait, but the queue belongs to another loop.
    /// Cancel    leaves; the queue does not change.
    Join join() noexcept { return Join(*this); }

protected:
    explicit constexpr QueueBase(std::size_t maxsize) noexcept
        : limit_(maxsize == 0 || maxsize > PTRDIFF_MAX ? unlimited : maxsize) {}
    ~QueueBase() = default;

    virtual std::string text() const = 0;
    /// "<Queue maxsize=2 _queue=[1, 2] _putters[1] tasks=2>"
    friend std::string to_string(const QueueBase& queue) { return queue.text(); }
    std::string facts_text(const char* name, const std::string& items) const;

    static constexpr std::size_t unlimited = SIZE_MAX;

    [[noreturn]] static void throw_done_too_often();
    [[noreturn]] static void throw_shut_down();
    [[noreturn]] static void throw_full();
    [[noreturn]] static void throw_empty();
    static std::exception_ptr shut_down_error();

    WaitLine getters_;
    WaitLine putters_;
    WaitLine joiners_;
    std::size_t limit_;
    std::size_t unfinished_ = 0; // items that were put and not yet dealt with
    LoopBound loop_;
    bool shut_down_ = false;

private:
    friend class SignalAwaiter<QueueBase>;
    static constexpr const char* signal_label = "Queue.join";
    bool is_open() const noexcept { return unfinished_ == 0; }
    WaitLine& signal_line() noexcept { return joiners_; }
};

} // namespace detail

/// Items that some tasks put in and others take out.
///
///     asyncio::Queue<std::string> lines(100);   // put() waits while 100 are in it
///     co_await lines.put("one");
///     while (auto line = co_await lines.next()) use(*line);
///
/// Items need only be movable. A woken task takes its item when it runs; until then the item is in
/// the queue, and whoever calls get() first has it. Who waits is served first come, first served;
/// who was woken for an item that another has taken waits again, at the end of the line.
///
/// T         what it holds.
/// Items     in which order it gives it out: a class like FifoItems.
/// Thread    the loop's own.
/// Lifetime  must outlive who waits for it; a wait that it does not outlive throws RuntimeError.
/// Cost      nothing is allocated while there is no more in it than has been before.
/// Source    CPython 3.14 asyncio.Queue, LifoQueue, PriorityQueue.
template <class T, class Items>
class Queue final : public detail::QueueBase {
public:
    using value_type = T;
    using Put = detail::Put<T, Items>;
    using Get = detail::Take<T, Items, T>;
    using Next = detail::Take<T, Items, std::optional<T>>;

    /// maxsize   how many items it may hold. 0 (or a negative number): no bound.
    explicit constexpr Queue(std::size_t maxsize = 0) noexcept : QueueBase(maxsize) {}

    std::size_t qsize() const noexcept { return items_.size(); } // how many items are in it
    bool empty() const noexcept { return items_.size() == 0; }
    bool full() const noexcept { return items_.size() >= limit_; } // would put() wait?

    /// Puts `item` in; waits while the queue is full.
    /// Throws    QueueShutDown, also if the queue is shut down while it waits.
    ///           RuntimeError: it would have to wait, but the queue belongs to another loop.
    /// Cancel    the item has not been put in, and goes.
    Put put(T item) { return Put(*this, std::move(item)); }
    /// Puts `item` in.
    /// Throws    QueueShutDown. QueueFull.
    void put_nowait(T item) {
        if (shut_down_) [[unlikely]]
            throw_shut_down();
        if (full()) [[unlikely]]
            throw_full();
        putters_.overtake();
        insert(std::move(item));
    }
    /// Puts `item` in if there is room and the queue is not shut down; else leaves it as it is.
    /// Returns   whether it was put in.
    bool try_put(T& item) {
        if (shut_down_ || full()) return false;
        putters_.overtake();
        insert(std::move(item));
        return true;
    }
    bool try_put(T&& item) { return try_put(item); }

    /// Takes the next item; waits while there is none.
    /// Returns   the item, by move.
    /// Throws    QueueShutDown: there is none, and none will come.
    ///           RuntimeError: it would have to wait, but the queue belongs to another loop.
    /// Cancel    takes nothing; an item that this task was woken for goes to the next.
    Get get() noexcept { return Get(*this); }
    /// Takes the next item.
    /// Throws    QueueEmpty. QueueShutDown: there is none, and none will come.
    T get_nowait() {
        if (empty()) [[unlikely]] {
            if (shut_down_) throw_shut_down();
            throw_empty();
        }
        getters_.overtake();
        return take();
    }
    /// Takes the next item, if there is one.
    std::optional<T> try_get() {
        if (empty()) return std::nullopt;
        getters_.overtake();
        return take();
    }
    /// get() for a loop: `while (auto item = co_await queue.next())`.
    /// Returns   the next item; nothing once the queue is shut down and empty.
    /// Cancel    as get().
    Next next() noexcept { return Next(*this); }

    /// Ends it: nothing can be put in any more. Harmless twice.
    ///
    /// Who waits in put() gets QueueShutDown; so does who waits in get(), once it is empty.
    /// how       drain: what is in it can still be taken. immediate: it is dropped, and counts as
    ///           dealt with.
    void shutdown(Shutdown how = Shutdown::drain) {
        shut_down_ = true;
        if (how == Shutdown::immediate) drop_items();
        while (getters_.wake_next_to_look()) {
        }
        while (putters_.wake_next_to_look()) {
        }
    }

private:
    friend detail::PutAwaiter<T, Items>;
    friend detail::TakeAwaiter<T, Items, T>;
    friend detail::TakeAwaiter<T, Items, std::optional<T>>;

    void insert(T&& item) {
        items_.push(std::move(item));
        ++unfinished_;
        getters_.wake_next_to_look();
    }
    T take() {
        T item = items_.pop();
        putters_.wake_next_to_look();
        return item;
    }
    void drop_items() {
        while (!empty()) {
            items_.pop();
            if (unfinished_ > 0) --unfinished_;
        }
        if (unfinished_ == 0) joiners_.wake_all();
    }
    std::string text() const override {
        std::string items;
        items_.for_each([&items](const T& item) {
            if (!items.empty()) items += ", ";
            items += detail::value_text(item);
        });
        return facts_text(Items::name, items);
    }

    Items items_;
};

// ---- waiting ------------------------------------------------------------------------------------

namespace detail {

/// Puts an item in, or waits for room.
template <class T, class Items>
class [[nodiscard]] PutAwaiter final : public LineWaiter {
public:
    PutAwaiter(Queue<T, Items>& queue, T&& item)
        : LineWaiter(queue.putters_), queue_(&queue), item_(std::move(item)) {}

    bool await_ready() noexcept {
        return !queue_->full() || queue_->shut_down_ || !queue_->loop_.binds();
    }
    void await_resume() {
        const WaitEnd end = settle();
        if (!is_served(end)) [[unlikely]]
            throw_end(end);
        if (queue_->shut_down_) [[unlikely]]
            queue_->throw_shut_down();
        insert(end);
    }
    Outcome<void> await_outcome() {
        const WaitEnd end = settle();
        if (!is_served(end)) return outcome_of<void>(end);
        if (queue_->shut_down_) return Outcome<void>::with_exception(queue_->shut_down_error());
        try {
            insert(end);
            return Outcome<void>::with_value();
        } catch (...) {
            return Outcome<void>::with_exception(std::current_exception());
        }
    }
    bool resumes() noexcept final {
        if (to_be_cancelled() || queue_->shut_down_ || !queue_->full()) return true;
        wait_again();
        return false;
    }
    const char* label() const noexcept final { return "Queue.put"; }

private:
    std::string object_text() const final { return to_string(*queue_); }
    // Served: there is room, or the queue is shut down.
    WaitEnd settle() noexcept {
        const WaitEnd end = leave_line();
        if (end == WaitEnd::at_once) {
            if (queue_->full() && !queue_->shut_down_) [[unlikely]]
                return WaitEnd::refused;
            queue_->putters_.overtake();
        } else if (end == WaitEnd::passed_on && !queue_->full()) {
            queue_->putters_.wake_next_to_look();
        }
        return end;
    }
    void insert(WaitEnd end) {
        if (end == WaitEnd::at_once) return queue_->insert(std::move(item_));
        try {
            queue_->insert(std::move(item_));
        } catch (...) { // no memory: the room that this one was woken for is the next one's
            queue_->putters_.wake_next_to_look();
            throw;
        }
    }

    Queue<T, Items>* queue_;
    T item_;
};

/// Waits for an item. `Result` is T: then the end of the queue is an error; or optional<T>.
template <class T, class Items, class Result>
class [[nodiscard]] TakeAwaiter final : public LineWaiter {
    static constexpr bool ends = !std::is_same_v<T, Result>;

public:
    explicit TakeAwaiter(Queue<T, Items>& queue) noexcept
        : LineWaiter(queue.getters_), queue_(&queue) {}

    bool await_ready() noexcept {
        return !queue_->empty() || queue_->shut_down_ || !queue_->loop_.binds();
    }
    Result await_resume() {
        const WaitEnd end = settle();
        if (!is_served(end)) [[unlikely]]
            throw_end(end);
        if (queue_->empty()) [[unlikely]] {
            if constexpr (ends) return std::nullopt;
            queue_->throw_shut_down();
        }
        return take();
    }
    Outcome<Result> await_outcome() {
        const WaitEnd end = settle();
        if (!is_served(end)) return outcome_of<Result>(end);
        if (queue_->empty()) {
            if constexpr (ends) return Outcome<Result>::with_value();
            return Outcome<Result>::with_exception(queue_->shut_down_error());
        }
        try {
            return Outcome<Result>::with_value(take());
        } catch (...) {
            return Outcome<Result>::with_exception(std::current_exception());
        }
    }
    bool resumes() noexcept final {
        if (to_be_cancelled() || queue_->shut_down_ || !queue_->empty()) return true;
        wait_again();
        return false;
    }
    const char* label() const noexcept final { return ends ? "Queue.next" : "Queue.get"; }

private:
    std::string object_text() const final { return to_string(*queue_); }
    // Served: there is an item, or the queue is shut down.
    WaitEnd settle() noexcept {
        const WaitEnd end = leave_line();
        if (end == WaitEnd::at_once) {
            if (queue_->empty() && !queue_->shut_down_) [[unlikely]]
                return WaitEnd::refused;
            queue_->getters_.overtake();
        } else if (end == WaitEnd::passed_on && !queue_->empty()) {
            queue_->getters_.wake_next_to_look();
        }
        return end;
    }
    T take() {
        if constexpr (std::is_nothrow_move_constructible_v<T>) {
            return queue_->take();
        } else {
            try {
                return queue_->take();
            } catch (...) { // it is still there, for the next one
                queue_->getters_.wake_next_to_look();
                throw;
            }
        }
    }

    Queue<T, Items>* queue_;
};

// The operations: what to do on which queue, and nothing else.

template <class T, class Items>
class Put {
public:
    Put(Queue<T, Items>& queue, T&& item) : queue_(&queue), item_(std::move(item)) {}
    PutAwaiter<T, Items> operator co_await() {
        return PutAwaiter<T, Items>(*queue_, std::move(item_));
    }

private:
    Queue<T, Items>* queue_; // LIFETIME: see Queue
    T item_;
};

template <class T, class Items, class Result>
class Take {
public:
    explicit Take(Queue<T, Items>& queue) noexcept : queue_(&queue) {}
    TakeAwaiter<T, Items, Result> operator co_await() const noexcept {
        return TakeAwaiter<T, Items, Result>(*queue_);
    }

private:
    Queue<T, Items>* queue_; // LIFETIME: see Queue
};

} // namespace detail

} // namespace asyncio
