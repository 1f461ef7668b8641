// SPDX-License-Identifier: MIT
// Future<T>: a result that will be there later, and that callbacks and tasks can wait for.
#pragma once

#include "asyncio/callbacks.h"
#include "asyncio/coroutines.h"

#include <compare>
#include <optional>

namespace asyncio {

class AnyFuture;
class AnyTask;
template <class T = void>
class Future;
template <class T = void>
class Task;

/// Names one registration of a done-callback.
class CallbackId {
public:
    friend auto operator<=>(CallbackId, CallbackId) noexcept = default;

private:
    friend class FutureBase;
    explicit CallbackId(std::uint64_t serial) noexcept : serial_(serial) {}
    std::uint64_t serial_;
};

namespace detail {

/// The text of a value, as Python's repr would write it; "..." for types it does not know.
template <class T>
std::string value_text(const T& value);
std::string value_text_of(bool value);
std::string value_text_of(long long value);
std::string value_text_of(unsigned long long value);
std::string value_text_of(double value);
std::string value_text_of(std::string_view value);

template <class T>
std::string value_text(const T& value) {
    if constexpr (std::is_same_v<T, std::monostate>) {
        return "None";
    } else if constexpr (std::is_same_v<T, bool>) {
        return value_text_of(value);
    } else if constexpr (std::is_floating_point_v<T>) {
        return value_text_of(static_cast<double>(value));
    } else if constexpr (std::is_integral_v<T> && std::is_unsigned_v<T>) {
        return value_text_of(static_cast<unsigned long long>(value));
    } else if constexpr (std::is_integral_v<T>) {
        return value_text_of(static_cast<long long>(value));
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
        return value_text_of(std::string_view(value));
    } else {
        return "...";
    }
}

template <class T>
void destroy_value(FutureState* state) noexcept {
    static_cast<TypedState<Stored<T>>*>(state)->value().~Stored<T>();
}
template <class T>
std::string state_value_text(const FutureState* state) {
    auto* typed = const_cast<FutureState*>(state);
    return value_text(static_cast<TypedState<Stored<T>>*>(typed)->value());
}

/// StateOps::plain of a State whose values are of type V.
template <class State, class V>
constexpr std::uint8_t plain_class() noexcept {
    if (alignof(V) > 8 || !std::is_trivially_destructible_v<V>) return 0;
    return static_cast<std::uint8_t>(base::StatePool::class_of(sizeof(State)));
}

template <class T>
inline constexpr StateOps plain_ops{sizeof(TypedState<Stored<T>>),
                                    (alignof(Stored<T>) > 8),
                                    plain_class<TypedState<Stored<T>>, Stored<T>>(),
                                    std::is_trivially_destructible_v<Stored<T>> ? nullptr
                                                                                : &destroy_value<T>,
                                    &state_value_text<T>,
                                    nullptr,
                                    nullptr};

/// A new state. Wide ones come from the frames' pool, whose blocks are aligned to 16 bytes.
template <class State, class... Args>
[[gnu::always_inline]] inline State* make_state(const StateOps& ops, Args... args) {
    static_assert(alignof(State) <= 8);
    void* memory =
        ops.wide ? base::FramePool::take(sizeof(State)) : base::StatePool::take(sizeof(State));
    return ::new (memory) State(&ops, std::move(args)...);
}

/// A done-callback: told by the state, then queued as a call of its own.
struct DoneCallback : CallbackNode, LinkedWaiter {
    DoneCallback(const CallbackOps* operations, std::uint16_t loop_index,
                 std::uint64_t serial_number)
        : CallbackNode(operations, loop_index), serial(serial_number) {}
    void fired() noexcept final; // queues itself; source is set by whoever completes
    void abandon() noexcept final {}
    void dropped() noexcept final { release(this); }
    FutureState* awaiting() const noexcept final { return nullptr; }

    std::uint64_t serial;
    FutureState* source = nullptr; // whose end it waits for; counted once `told`
    bool told = false;

protected:
    ~DoneCallback() {
        if (told) release(source);
    }
};

/// A done-callback for `f(args..., handle)` or `f(args...)`.
template <class H>
struct DoneCallbackFor : DoneCallback {
    using DoneCallback::DoneCallback;

    template <class F, class Arguments>
    static void call(DoneCallbackFor* self, F& callable, Arguments& arguments) {
        std::apply(
            [&](auto&... args) {
                if constexpr (std::is_invocable_v<F&, decltype(args)..., H>) {
                    callable(args..., H(StateRef(self->source)));
                } else {
                    callable(args...);
                }
            },
            arguments);
    }
};

/// May the running task wait for `target`? Not for itself, nor for another loop's.
[[noreturn]] void throw_not_awaitable(FutureState* target);
inline void check_awaitable(FutureState* target) {
    FutureState* task = here.task;
    if (task == nullptr || task == target || task->loop() != target->loop()) [[unlikely]] {
        throw_not_awaitable(target);
    }
}

/// Awaits a future or task: a node in its line.
class FutureAwaiterBase : public LinkedWaiter {
public:
    bool await_ready() {
        if (target_->done()) return true;
        check_awaitable(target_.get());
        return false;
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame,
                       std::source_location where = std::source_location::current()) noexcept {
        static_assert(is_frame<Promise>, "co_await this in an asyncio coroutine");
        FutureState* waiting = suspend_task(this, frame.promise(), where);
        add_done_waiter(target_.get(), this);
        suspended(waiting);
    }

    void fired() noexcept final { wake(task); }
    void abandon() noexcept final {
        if (linked()) target_->callbacks.remove(this);
    }
    FutureState* target() const noexcept final { return target_.get(); }
    const char* label() const noexcept final { return "Future"; }

protected:
    explicit FutureAwaiterBase(StateRef target) noexcept : target_(std::move(target)) {}
    ~FutureAwaiterBase() = default;

    /// The task was cancelled: is that what it sees, and not the target's own cancellation?
    /// A failure that it was woken for counts as seen even so, as in CPython.
    bool throws_cancel() noexcept {
        if (target_->has(FutureState::is_cancelled)) return false;
        if (target_->failed()) target_->set(FutureState::retrieved);
        return true;
    }

    StateRef target_;
};

/// Can it be copied? Types that claim so whatever they hold are asked about what they hold.
template <class T>
inline constexpr bool is_copyable = std::is_copy_constructible_v<T>;
template <class T, class A>
inline constexpr bool is_copyable<std::vector<T, A>> = is_copyable<T>;
template <class T>
inline constexpr bool is_copyable<std::optional<T>> = is_copyable<T>;
template <class A, class B>
inline constexpr bool is_copyable<std::pair<A, B>> = is_copyable<A> && is_copyable<B>;
template <class... T>
inline constexpr bool is_copyable<std::tuple<T...>> = (is_copyable<T> && ...);
template <>
inline constexpr bool is_copyable<Outcome<void>> = true;
template <class T>
inline constexpr bool is_copyable<Outcome<T>> = is_copyable<T>;

/// The value of a done state: moved out if nobody else can see it, or if it cannot be copied.
template <class Value>
Value take_value(FutureState* state) {
    Value& value = static_cast<TypedState<Value>*>(state)->value();
    if constexpr (is_copyable<Value>) {
        if (state->refs > 1) return value; // other handles still show it
    }
    return std::move(value);
}

template <class T, bool Move>
class [[nodiscard]] FutureAwaiter final : public FutureAwaiterBase {
public:
    using Value = Stored<T>;
    using Result =
        std::conditional_t<std::is_void_v<T>, void,
                           std::conditional_t<std::is_reference_v<T> || Move, T,
                                              std::add_lvalue_reference_t<std::add_const_t<T>>>>;

    explicit FutureAwaiter(StateRef target) noexcept : FutureAwaiterBase(std::move(target)) {}

    Result await_resume() {
        if (task != nullptr && take_cancel()) [[unlikely]] {
            if (throws_cancel()) throw_cancelled();
            take_cancel_message(here.task);
        }
        if (target_->failed()) [[unlikely]]
            rethrow_failure(target_.get());
        return take();
    }

    Outcome<T> await_outcome() {
        if (task != nullptr && take_cancel()) {
            const std::string message = take_cancel_message(here.task);
            if (throws_cancel()) return Outcome<T>::with_cancellation(message);
        }
        if (target_->failed()) return Outcome<T>::with_exception(exception_of(target_.get()));
        if constexpr (std::is_void_v<T>) {
            return Outcome<T>::with_value();
        } else {
            return Outcome<T>::with_value(take());
        }
    }

private:
    Result take() {
        if constexpr (!std::is_void_v<T>) {
            Value& value = static_cast<TypedState<Value>*>(target_.get())->value();
            if constexpr (std::is_reference_v<T>) {
                return static_cast<T>(*value);
            } else if constexpr (!Move) {
                return value;
            } else {
                return take_value<Value>(target_.get());
            }
        }
    }
};

/// Can the value of a Future<T> be made of these?
template <class T, class... Args>
inline constexpr bool makes_value = std::is_constructible_v<Stored<T>, Args&&...>;
template <class... Args>
inline constexpr bool makes_value<void, Args...> = sizeof...(Args) == 0;
template <class T, class... Args>
inline constexpr bool makes_value<T&, Args...> = false;
template <class T, class A>
inline constexpr bool makes_value<T&, A> =
    std::is_lvalue_reference_v<A&&> && std::is_convertible_v<std::remove_reference_t<A>*, T*>;

void check_thread_slow(LoopCore& loop, const char* what);
/// Throws    RuntimeError: in debug mode, on another thread than the one that runs its loop.
inline void check_thread(const FutureState* state, const char* what) {
    LoopCore* loop = loop_of(state);
    if (loop != nullptr && loop->debug) [[unlikely]]
        check_thread_slow(*loop, what);
}

/// Who a new future belongs to.
std::uint16_t loop_for_new_future();
std::uint16_t index_of(EventLoop& loop) noexcept;

} // namespace detail

/// What all future handles share.
///
/// A handle: copies are the same future. Its count is plain: the loop's own thread only.
class FutureBase {
public:
    bool done() const noexcept { return state_->done(); }
    /// Did it end by cancellation?
    bool cancelled() const noexcept { return state_->has(detail::FutureState::is_cancelled); }
    /// What it failed with; null if it has a value. Marks the exception as seen.
    /// Throws    InvalidStateError: not done. CancelledError: it was cancelled.
    std::exception_ptr exception() const;

    /// Cancels a pending future; of a task: asks it to end (see Task).
    ///
    /// Returns   false if it is done already; its exception then counts as seen.
    /// Throws    RuntimeError: in debug mode, on another thread than the one that runs its loop.
    bool cancel(std::string_view message = {}) const {
        detail::check_thread(state_.get(), "cancel");
        return detail::cancel(state_.get(), message);
    }

    /// Removes that registration.
    /// Returns   how many there were: 1, or 0 if it has been called or removed.
    int remove_done_callback(CallbackId id) const noexcept;

    /// The loop it belongs to.
    EventLoop& get_loop() const noexcept;

    /// True for a handle that was not moved from.
    explicit operator bool() const noexcept { return static_cast<bool>(state_); }
    friend bool operator==(const FutureBase& a, const FutureBase& b) noexcept {
        return a.state_ == b.state_;
    }
    friend std::string to_string(const FutureBase& future);

    detail::FutureState* state() const noexcept { return state_.get(); } // the library's own use

protected:
    FutureBase() noexcept = default;
    explicit FutureBase(detail::StateRef state) noexcept : state_(std::move(state)) {}
    FutureBase(const FutureBase&) noexcept = default;
    FutureBase(FutureBase&&) noexcept = default;
    FutureBase& operator=(const FutureBase&) noexcept = default;
    FutureBase& operator=(FutureBase&&) noexcept = default;
    ~FutureBase() = default;

    template <class H, class F, class... Args>
    CallbackId add_callback(F&& f, Args&&... args) const;
    void throw_unless_value() const;

    detail::StateRef state_;

private:
    template <class H, class F, class... Args>
    detail::DoneCallback* make_done_callback(F&& f, Args&&... args) const;
    static std::uint64_t next_callback_serial() noexcept;
    CallbackId register_callback(detail::DoneCallback* callback) const;
};

/// A future or task of any result type.
/// Source    what Python writes for every future.
class AnyFuture : public FutureBase {
public:
    AnyFuture() noexcept = default; // empty: no future
    template <class T>
    AnyFuture(const Future<T>& future) noexcept : FutureBase(future) {}
    AnyFuture(const AnyTask& task) noexcept;
    explicit AnyFuture(detail::StateRef state) noexcept : FutureBase(std::move(state)) {}

    /// As Future<T>::add_done_callback; `f` is given an AnyFuture.
    template <class F, class... Args>
    CallbackId add_done_callback(F&& f, Args&&... args) const {
        return add_callback<AnyFuture>(std::forward<F>(f), std::forward<Args>(args)...);
    }
    /// Has it a body that it is the end of?
    bool is_task() const noexcept { return state_->has(detail::FutureState::is_task); }

    /// Waits until it is done and throws its failure; its value is not given.
    detail::FutureAwaiter<void, true> operator co_await() const noexcept {
        return detail::FutureAwaiter<void, true>(state_);
    }
};

/// A result that will be there later.
///
/// `co_await future` waits until it is done: of an lvalue it gives `const T&`, which lives as long
/// as the handle; of an rvalue T, moved out if no other handle shows it.
///
/// Cancel    cancelling a task that awaits it cancels the future (shield() prevents that).
/// Thread    the loop's own.
/// Source    CPython 3.14 asyncio.Future.
template <class T>
class Future : public FutureBase {
public:
    using value_type = T;

    /// A pending future of the running loop, or else of the thread's current one.
    /// Throws    RuntimeError: there is none.
    Future(std::source_location where = std::source_location::current())
        : Future(detail::loop_for_new_future(), where) {}
    explicit Future(EventLoop& loop, std::source_location where = std::source_location::current())
        : Future(detail::index_of(loop), where) {}
    explicit Future(detail::StateRef state) noexcept : FutureBase(std::move(state)) {}

    /// Completes it with a value made of `args`. Waiters run in the next turn.
    /// Throws    InvalidStateError: it is done already. RuntimeError: as cancel().
    template <class... Args>
        requires(detail::makes_value<T, Args...>)
    void set_result(Args&&... args) const {
        throw_if_done();
        if constexpr (std::is_reference_v<T>) {
            ::new (state_->cell.payload()) detail::Stored<T>(std::addressof(args)...);
        } else {
            ::new (state_->cell.payload()) detail::Stored<T>(std::forward<Args>(args)...);
        }
        state_->cell.st = detail::CellHead::value;
        detail::complete(state_.get());
    }

    /// Completes it with an exception.
    /// Throws    InvalidStateError: it is done already. TypeError: null.
    void set_exception(std::exception_ptr error) const;
    template <class E>
        requires(!std::is_same_v<std::decay_t<E>, std::exception_ptr>)
    void set_exception(E&& error) const {
        set_exception(std::make_exception_ptr(std::forward<E>(error)));
    }

    /// The value.
    /// Throws    InvalidStateError: not done. CancelledError: cancelled. Else what it failed with.
    decltype(auto) result() const {
        throw_unless_value();
        if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*stored());
        } else if constexpr (!std::is_void_v<T>) {
            return static_cast<const T&>(stored());
        }
    }

    /// Calls `f(args..., future)`, or `f(args...)`, through the loop when it is done; in the next
    /// turn if it is done already. Runs in a copy of the present context, or in the one that a
    /// leading in_context(...) gives.
    template <class F, class... Args>
    CallbackId add_done_callback(F&& f, Args&&... args) const {
        return add_callback<Future<T>>(std::forward<F>(f), std::forward<Args>(args)...);
    }

    detail::FutureAwaiter<T, false> operator co_await() const& noexcept {
        return detail::FutureAwaiter<T, false>(state_);
    }
    detail::FutureAwaiter<T, true> operator co_await() && noexcept {
        return detail::FutureAwaiter<T, true>(std::move(state_));
    }

protected:
    Future(std::uint16_t loop, std::source_location created)
        : FutureBase(
              detail::StateRef::adopt(detail::make_state<detail::TypedState<detail::Stored<T>>>(
                  detail::plain_ops<T>, std::uint16_t{0}, loop, created))) {
        if (detail::here.track_origins) [[unlikely]]
            detail::note_origin(state_.get(), created);
    }

    void throw_if_done() const;
    detail::Stored<T>& stored() const noexcept {
        return static_cast<detail::TypedState<detail::Stored<T>>*>(state_.get())->value();
    }
};

/// Throws    InvalidStateError ("invalid state"): the future is done already.
[[noreturn]] void throw_invalid_state();

template <class T>
void Future<T>::throw_if_done() const {
    if (done()) throw_invalid_state();
    detail::check_thread(state_.get(), "set_result");
}

template <class T>
void Future<T>::set_exception(std::exception_ptr error) const {
    throw_if_done();
    if (!error) throw TypeError("set_exception needs an exception");
    detail::complete_error(state_.get(), std::move(error));
}

template <class H, class F, class... Args>
CallbackId FutureBase::add_callback(F&& f, Args&&... args) const {
    if constexpr (std::is_same_v<std::decay_t<F>, InContext>) {
        detail::DoneCallback* node = make_done_callback<H>(std::forward<Args>(args)...);
        node->context = ContextAccess::slot(f.context);
        return register_callback(node);
    } else {
        return register_callback(
            make_done_callback<H>(std::forward<F>(f), std::forward<Args>(args)...));
    }
}

template <class H, class F, class... Args>
detail::DoneCallback* FutureBase::make_done_callback(F&& f, Args&&... args) const {
    using Callable = std::decay_t<F>;
    static_assert(std::is_invocable_v<Callable&, std::decay_t<Args>&..., H> ||
                      std::is_invocable_v<Callable&, std::decay_t<Args>&...>,
                  "a done-callback is called as f(args..., future) or f(args...)");
    const auto loop = state_->loop();
    return detail::make_callback<detail::DoneCallbackFor<H>>(
        std::tuple(loop, next_callback_serial()), std::forward<F>(f), std::forward<Args>(args)...);
}

template <class A>
inline constexpr bool is_future_v =
    std::is_base_of_v<FutureBase, std::remove_cvref_t<A>>; // isfuture

} // namespace asyncio
