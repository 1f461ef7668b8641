// SPDX-License-Identifier: MIT
// Coro<T>: a coroutine that runs when it is awaited, and what can be awaited at all.
#pragma once

#include "asyncio/outcomes.h"
#include "asyncio/scheduling.h"

#include <concepts>
#include <coroutine>
#include <new>
#include <source_location>
#include <type_traits>
#include <utility>

namespace asyncio {

template <class T = void>
class Coro;

namespace detail {

template <class T>
using Stored =
    std::conditional_t<std::is_void_v<T>, std::monostate,
                       std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>>;

/// The base of every promise. A frame ends by itself: nobody destroys a finished one.
///
/// `parent` and `where` are right for suspended frames; of frames that run, the InlineChild chain
/// knows.
struct Frame {
    Frame* parent = nullptr;    // who awaits this; null until it has suspended, and for a root
    std::source_location where; // the await it is suspended at; before the start: the function
    CellHead* out = nullptr; // where the result goes; null before the start

    Frame() noexcept = default;

    void created(std::source_location function) noexcept {
        where = function;
        if (here.track_origins) [[unlikely]]
            note_origin(this);
    }

    /// Does it yield to whoever asks, and belong to its AsyncGenerator? Its `out` is this mark.
    bool is_generator() const noexcept { return out == &generator_mark; }
    static inline CellHead generator_mark;

    std::coroutine_handle<Frame> handle() noexcept {
        return std::coroutine_handle<Frame>::from_promise(*this);
    }

    static void* operator new(std::size_t bytes) { return base::FramePool::take(bytes); }
    static void operator delete(void* memory, std::size_t bytes) noexcept {
        base::FramePool::give(memory, bytes);
    }

    static void note_origin(Frame* frame) noexcept; // debug: where the coroutine was made
};

/// The innermost running coroutine at its last known line; an empty location if none runs.
std::source_location running_location() noexcept;
/// Debug mode: the coroutine starts or goes, so nobody will ask for its origin.
void forget_origin(const Frame* frame) noexcept;
/// Looks closer at a start that care_limit stopped.
/// Returns   whether the trampoline must start it, because the stack is low.
bool starts_afresh(const Frame* child) noexcept;
/// An exception leaves the body of `frame`: notes its way for the task that it may end.
void note_failure(const Frame& frame, const std::exception_ptr& error) noexcept;

/// Of a coroutine that is dropped without having been awaited: reports it in debug mode.
void report_never_awaited(Frame& frame) noexcept;
[[noreturn]] void throw_awaited_twice();
[[noreturn]] void throw_not_in_task(const char* operation);

inline FutureState* suspend_task(Waiter* waiter, Frame& frame,
                                 std::source_location where) noexcept {
    FutureState* task = here.task;
    frame.where = where;
    waiter->task = task;
    task->cell.st = reinterpret_cast<std::uintptr_t>(&frame);
    task->waiter() = waiter;
    return task;
}

/// The cell in an awaiting frame. The payload follows `head` at once; for 16-byte alignment the
/// head stands in the second half of the first 16 bytes.
template <class T, bool Wide = (alignof(Stored<T>) > 8)>
struct ResultCell {
    CellHead head;
    alignas(8) std::byte payload[sizeof(Stored<T>) < 8 ? 8 : sizeof(Stored<T>)];
};
template <class T>
struct alignas(16) ResultCell<T, true> {
    std::byte padding[8];
    CellHead head;
    std::byte payload[sizeof(Stored<T>)];
};

template <class T>
Stored<T>& value_in(CellHead& head) noexcept {
    return *std::launder(static_cast<Stored<T>*>(head.payload()));
}

template <class T>
void destroy_result(CellHead& head) noexcept {
    if (head.st == CellHead::value) {
        value_in<T>(head).~Stored<T>();
    } else if (head.st == CellHead::error) {
        head.exception().~exception_ptr();
    }
}

template <class T>
class PromiseOf : public Frame {
    static_assert(alignof(Stored<T>) <= 16, "results may be aligned to 16 bytes at most");

public:
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept {
        here.next = parent; // null for a root, and for a child that ran inline
        return {};
    }
    void unhandled_exception() noexcept {
        destroy_result<T>(*out); // a local's destructor may throw after co_return
        ::new (out->payload()) std::exception_ptr(std::current_exception());
        out->st = CellHead::error;
        note_failure(*this, out->exception());
    }

protected:
    template <class U>
    void store(U&& value) {
        // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): set before the first resume.
        ::new (out->payload()) Stored<T>(std::forward<U>(value));
        out->st = CellHead::value;
    }
};

template <class T>
struct CoroPromise : PromiseOf<T> {
    Coro<T>
    get_return_object(std::source_location function = std::source_location::current()) noexcept;

    template <class U = T>
        requires std::is_constructible_v<T, U&&>
    void return_value(U&& value) {
        if constexpr (std::is_reference_v<T>) {
            this->store(std::addressof(value));
        } else {
            this->store(std::forward<U>(value));
        }
    }
};

template <>
struct CoroPromise<void> : PromiseOf<void> {
    Coro<void>
    get_return_object(std::source_location function = std::source_location::current()) noexcept;
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): set before the first resume.
    void return_void() noexcept { out->st = CellHead::value; }
};

template <class Promise>
constexpr bool is_frame = std::is_base_of_v<Frame, Promise>;

/// Starts a child inline; only if that suspends does the parent suspend behind it.
template <class T>
class [[nodiscard]] CoroAwaiter {
public:
    explicit CoroAwaiter(Frame* child) noexcept {
        cell_.head.st = reinterpret_cast<std::uintptr_t>(child);
    }
    CoroAwaiter(const CoroAwaiter&) = delete; // the child knows the cell's address
    CoroAwaiter& operator=(const CoroAwaiter&) = delete;
    ~CoroAwaiter() {
        if (cell_.head.st <= CellHead::gone) [[likely]] {
            destroy_result<T>(cell_.head);
        } else {
            if (here.track_origins) forget_origin(cell_.head.frame());
            cell_.head.frame()->handle().destroy();
        }
    }

    bool await_ready(std::source_location where = std::source_location::current()) {
        Frame* child = cell_.head.frame();
        if (child == nullptr) [[unlikely]]
            throw_awaited_twice();
        child->out = &cell_.head;
        if (stack_position() < here.care_limit && starts_afresh(child)) [[unlikely]] {
            here.next = child; // the frames above suspend in turn; the trampoline starts it
            return false;
        }
        InlineChild running{here.inline_child, child, where};
        here.inline_child = &running;
        child->handle().resume();
        here.inline_child = running.outer;
        return cell_.head.settled();
    }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> parent,
                       std::source_location where = std::source_location::current()) noexcept {
        static_assert(is_frame<Promise>, "co_await this in an asyncio coroutine");
        parent.promise().where = where;
        cell_.head.frame()->parent = &parent.promise();
    }

    T await_resume() {
        if (cell_.head.st == CellHead::error) [[unlikely]] {
            std::rethrow_exception(std::move(cell_.head.exception()));
        }
        return take();
    }

    Outcome<T> await_outcome() {
        if (cell_.head.st == CellHead::error) {
            return Outcome<T>::with_exception(std::move(cell_.head.exception()));
        }
        if constexpr (std::is_void_v<T>) {
            return Outcome<T>::with_value();
        } else {
            return Outcome<T>::with_value(take());
        }
    }

private:
    T take() {
        if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*value_in<T>(cell_.head));
        } else if constexpr (!std::is_void_v<T>) {
            return std::move(value_in<T>(cell_.head));
        }
    }

    ResultCell<T> cell_; // st: the child, until it is settled
};

} // namespace detail

/// A coroutine: lazy, move-only, awaited once. It runs while somebody awaits it; to run it beside
/// others, make a task of it.
///
/// `co_await` gives T by move, or throws what the body threw. Destroying one that was never awaited
/// frees it with its arguments; in debug mode that is reported.
///
/// Cancel    a cancel of the awaiting task goes to what the body awaits innermost.
/// Lifetime  parameters live in the frame: take them by value unless the caller awaits at once.
/// Cost      one frame from the pool; awaiting one that does not suspend is a call.
/// Source    Python's coroutine objects.
template <class T>
class [[nodiscard("co_await it, or make a task of it")]] Coro {
public:
    using promise_type = detail::CoroPromise<T>;
    using value_type = T;

    Coro(Coro&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    Coro& operator=(Coro&& other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~Coro() {
        if (frame_ != nullptr) discard();
    }

    /// False after it was awaited, moved from, or made a task.
    explicit operator bool() const noexcept { return frame_ != nullptr; }

    /// Throws    RuntimeError: it was awaited already.
    detail::CoroAwaiter<T> operator co_await() && noexcept {
        return detail::CoroAwaiter<T>(release());
    }
    detail::CoroAwaiter<T> operator co_await() & noexcept {
        return detail::CoroAwaiter<T>(release());
    }

    /// Frees it without a report, as `close()` of Python's coroutines does.
    void close() noexcept {
        detail::Frame* const frame = release();
        if (frame == nullptr) return;
        if (detail::here.track_origins) detail::forget_origin(frame);
        frame->handle().destroy();
    }

    /// The frame, for tasks. LIFETIME: whoever takes it starts or destroys it.
    detail::Frame* release() noexcept { return std::exchange(frame_, nullptr); }
    const detail::Frame* frame() const noexcept { return frame_; }

private:
    friend promise_type;
    explicit Coro(detail::Frame* frame) noexcept : frame_(frame) {}

    void discard() noexcept {
        detail::report_never_awaited(*frame_);
        frame_->handle().destroy();
    }

    detail::Frame* frame_;
};

namespace detail {

template <class T>
Coro<T> CoroPromise<T>::get_return_object(std::source_location function) noexcept {
    this->created(function);
    static_assert(alignof(CoroPromise) <= 16);
    return Coro<T>(static_cast<Frame*>(this));
}
inline Coro<void> CoroPromise<void>::get_return_object(std::source_location function) noexcept {
    this->created(function);
    return Coro<void>(static_cast<Frame*>(this));
}

template <class A>
concept HasMemberCoAwait = requires(A&& a) { std::forward<A>(a).operator co_await(); };
template <class A>
concept HasFreeCoAwait = requires(A&& a) { operator co_await(std::forward<A>(a)); };
template <class A>
concept Awaiter = requires(A& a) {
    { a.await_ready() } -> std::convertible_to<bool>;
    a.await_resume();
};

/// The awaiter of `a`, as a prvalue where there is an operator co_await.
template <class A>
decltype(auto) awaiter_of(A&& a) {
    if constexpr (HasMemberCoAwait<A>) {
        return std::forward<A>(a).operator co_await();
    } else if constexpr (HasFreeCoAwait<A>) {
        return operator co_await(std::forward<A>(a));
    } else {
        return std::forward<A>(a);
    }
}

template <class A>
using awaiter_t = decltype(awaiter_of(std::declval<A>()));

template <class A>
struct IsCoro : std::false_type {};
template <class T>
struct IsCoro<Coro<T>> : std::true_type {};

} // namespace detail

/// Anything that `co_await` takes: coroutines, operations, futures, tasks.
template <class A>
concept Awaitable = detail::HasMemberCoAwait<A> || detail::HasFreeCoAwait<A> ||
                    detail::Awaiter<std::remove_reference_t<A>>;

/// What `co_await` of an A gives.
template <Awaitable A>
using await_result_t =
    decltype(std::declval<std::remove_reference_t<detail::awaiter_t<A>>&>().await_resume());

template <class A>
inline constexpr bool is_coro_v = detail::IsCoro<std::remove_cvref_t<A>>::value; // iscoroutine

namespace detail {

/// Awaits another awaiter and gives its end as a value.
template <class A>
class [[nodiscard]] OutcomeAwaiter {
    using Inner = std::remove_reference_t<awaiter_t<A>>;
    using Result = decltype(std::declval<Inner&>().await_resume());

public:
    explicit OutcomeAwaiter(A&& operation) : inner_(awaiter_of(std::forward<A>(operation))) {}
    OutcomeAwaiter(const OutcomeAwaiter&) = delete;
    OutcomeAwaiter& operator=(const OutcomeAwaiter&) = delete;

    bool await_ready(std::source_location where = std::source_location::current()) {
        if constexpr (requires { inner_.await_ready(where); }) {
            return inner_.await_ready(where);
        } else {
            return inner_.await_ready();
        }
    }
    template <class Promise>
    auto await_suspend(std::coroutine_handle<Promise> frame,
                       std::source_location where = std::source_location::current()) {
        if constexpr (requires { inner_.await_suspend(frame, where); }) {
            return inner_.await_suspend(frame, where);
        } else {
            return inner_.await_suspend(frame);
        }
    }
    Outcome<std::remove_cvref_t<Result>> await_resume() {
        using Value = std::remove_cvref_t<Result>;
        if constexpr (requires {
                          { inner_.await_outcome() } -> std::same_as<Outcome<Value>>;
                      }) {
            return inner_.await_outcome();
        } else {
            return caught<Value>();
        }
    }

private:
    template <class Value>
    Outcome<Value> caught() {
        try {
            if constexpr (std::is_void_v<Value>) {
                inner_.await_resume();
                return Outcome<Value>::with_value();
            } else {
                return Outcome<Value>::with_value(inner_.await_resume());
            }
        } catch (...) {
            return Outcome<Value>::with_exception(std::current_exception());
        }
    }

    awaiter_t<A> inner_;
};

/// The operation `outcome(a)`: keeps `a` by value until it is awaited.
template <class A>
class [[nodiscard("co_await it")]] OutcomeOf {
public:
    explicit OutcomeOf(A operation) : operation_(std::move(operation)) {}
    OutcomeAwaiter<A> operator co_await() && { return OutcomeAwaiter<A>(std::move(operation_)); }
    OutcomeAwaiter<A> operator co_await() & { return OutcomeAwaiter<A>(std::move(operation_)); }

private:
    A operation_;
};

} // namespace detail

/// Awaits `operation` and gives how it ended as a value: nothing is thrown.
///
/// Returns   Outcome<T>: a value, an exception, or a cancellation.
/// Cancel    a cancel of the awaiting task arrives as `cancelled()`, not as a throw: pass it on
///           (value() throws it) unless you mean to swallow it.
/// Cost      no throw on the way: a tenth of a catch.
/// Source    (C++ only: co_await is not allowed in a catch block)
template <class A>
    requires Awaitable<std::decay_t<A>>
detail::OutcomeOf<std::decay_t<A>> outcome(A&& operation) {
    return detail::OutcomeOf<std::decay_t<A>>(std::forward<A>(operation));
}

} // namespace asyncio
