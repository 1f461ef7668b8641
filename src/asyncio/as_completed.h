// SPDX-License-Identifier: MIT
// as_completed: awaitables in the order in which they end.
#pragma once

#include "asyncio/children.h"

namespace asyncio {

namespace detail {

class AsCompletedState;

/// One member, in its line of who is told at the end; and, as a Hop, on its way to those who wait.
struct AsCompletedNode final : LinkedWaiter, Hop { // queued: holds a count of the owner
    AsCompletedNode(AsCompletedState& of_owner, StateRef of_member) noexcept;
    ~AsCompletedNode() {
        if (linked()) member->callbacks.remove(this);
    }
    void fired() noexcept override;
    void abandon() noexcept override {}
    FutureState* awaiting() const noexcept override { return nullptr; }
    const char* label() const noexcept override { return "as_completed"; }

    AsCompletedState& owner;
    StateRef member;
    AsCompletedNode* next_done = nullptr;
};

/// What an iterator and the awaitables that it has given share: members that are done and not
/// fetched, and tasks that wait for one.
class AsCompletedState {
public:
    explicit AsCompletedState(LoopCore& loop) noexcept : loop_(loop.index) {}
    AsCompletedState(const AsCompletedState&) = delete; // nodes know its address
    AsCompletedState& operator=(const AsCompletedState&) = delete;

    void reserve(std::size_t members) { nodes_.reserve(members); }
    void add(StateRef member) noexcept;
    void start(std::optional<Duration> timeout);

    /// How many members have not been asked for.
    std::size_t left() const noexcept { return left_; }
    void take_turn() noexcept { --left_; }
    void give_turn_back() noexcept { ++left_; }

    bool empty() const noexcept { return done_ == nullptr && expired_ == 0; }
    /// The next member that is done; null: one that the timeout has cut off.
    StateRef fetch() noexcept;
    void wake_next() noexcept;
    /// Throws    RuntimeError: outside of a task, or on another loop.
    void check_waiter() const;

    WaiterList waiting; // tasks, first come, first served

    static void* operator new(std::size_t bytes) { return base::StatePool::take(bytes); }
    static void operator delete(void* memory, std::size_t bytes) noexcept {
        base::StatePool::give(memory, bytes);
    }

private:
    friend struct AsCompletedNode;
    friend class AsCompletedRef;
    ~AsCompletedState();

    void completed(AsCompletedNode& node) noexcept;
    void time_is_up() noexcept;

    std::uint32_t refs_ = 0;
    std::uint16_t loop_;
    bool timed_out_ = false;
    base::FixedArray<AsCompletedNode> nodes_;
    AsCompletedNode* done_ = nullptr; // in the order in which they ended
    AsCompletedNode* last_done_ = nullptr;
    std::size_t todo_ = 0;            // not done
    std::size_t left_ = 0;
    std::size_t expired_ = 0;         // cut off by the timeout, and not fetched
    std::optional<TimerHandle> timer_;
};

class AsCompletedRef {
public:
    AsCompletedRef() noexcept = default;
    explicit AsCompletedRef(AsCompletedState* state) noexcept : state_(state) { ++state->refs_; }
    AsCompletedRef(const AsCompletedRef& other) noexcept : state_(other.state_) {
        if (state_ != nullptr) ++state_->refs_;
    }
    AsCompletedRef(AsCompletedRef&& other) noexcept
        : state_(std::exchange(other.state_, nullptr)) {}
    AsCompletedRef& operator=(AsCompletedRef other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~AsCompletedRef() {
        if (state_ != nullptr && --state_->refs_ == 0) delete state_;
    }

    static AsCompletedRef adopt(AsCompletedState* state) noexcept {
        AsCompletedRef ref;
        ref.state_ = state;
        return ref;
    }
    AsCompletedState* release() noexcept { return std::exchange(state_, nullptr); }
    AsCompletedState* operator->() const noexcept { return state_; }
    explicit operator bool() const noexcept { return state_ != nullptr; }

private:
    AsCompletedState* state_ = nullptr;
};

/// Waits for the next member that is done.
class AsCompletedAwaiterBase : public LinkedWaiter {
public:
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame,
                       std::source_location where = std::source_location::current()) noexcept {
        static_assert(is_frame<Promise>, "co_await this in an asyncio coroutine");
        state_->waiting.push_back(this);
        suspended(suspend_task(this, frame.promise(), where));
    }
    void fired() noexcept final; // has left the line; somebody else may take the member first
    bool resumes() noexcept final;
    void abandon() noexcept final { state_->waiting.remove(this); }
    const char* label() const noexcept final { return "as_completed"; }

protected:
    explicit AsCompletedAwaiterBase(AsCompletedRef state) noexcept : state_(std::move(state)) {}
    ~AsCompletedAwaiterBase() {
        if (linked()) state_->waiting.remove(this);
    }

    /// Was the task cancelled? Then the turn, and what it was woken for, are for others.
    bool cancelled() noexcept;
    /// Throws    TimeoutError.
    StateRef fetch();

    AsCompletedRef state_;

private:
    bool woken_ = false;
};

template <class F>
class [[nodiscard]] NextCompletedAwaiter final : public AsCompletedAwaiterBase {
public:
    explicit NextCompletedAwaiter(AsCompletedRef state) noexcept
        : AsCompletedAwaiterBase(std::move(state)) {}

    bool await_ready() {
        state_->check_waiter();
        if (state_->left() == 0) return true;
        state_->take_turn();
        has_turn_ = true;
        return !state_->empty();
    }
    std::optional<F> await_resume() {
        if (!has_turn_) return std::nullopt;
        if (task != nullptr && cancelled()) [[unlikely]]
            throw_cancelled();
        return F(fetch());
    }
    Outcome<std::optional<F>> await_outcome() {
        using End = Outcome<std::optional<F>>;
        if (!has_turn_) return End::with_value();
        if (task != nullptr && cancelled()) {
            return End::with_cancellation(take_cancel_message(here.task));
        }
        StateRef member = state_->fetch();
        if (!member) return End::with_exception(std::make_exception_ptr(TimeoutError()));
        return End::with_value(F(std::move(member)));
    }

private:
    bool has_turn_ = false;
};

template <class F>
class [[nodiscard]] CompletedResultAwaiter final : public AsCompletedAwaiterBase {
    using T = child_result_t<F>;

public:
    explicit CompletedResultAwaiter(AsCompletedRef state) noexcept
        : AsCompletedAwaiterBase(std::move(state)) {}

    bool await_ready() {
        state_->check_waiter();
        return !state_->empty();
    }
    T await_resume() {
        if (task != nullptr && cancelled()) [[unlikely]]
            throw_cancelled();
        const StateRef member = fetch();
        rethrow_failure(member.get());
        return result_of(member);
    }
    Outcome<std::remove_cvref_t<T>> await_outcome() {
        using End = Outcome<std::remove_cvref_t<T>>;
        if (task != nullptr && cancelled()) {
            return End::with_cancellation(take_cancel_message(here.task));
        }
        const StateRef member = state_->fetch();
        if (!member) return End::with_exception(std::make_exception_ptr(TimeoutError()));
        if (member->failed()) return End::with_exception(exception_of(member.get()));
        if constexpr (std::is_void_v<T>) {
            return End::with_value();
        } else {
            return End::with_value(result_of(member));
        }
    }

private:
    static T result_of([[maybe_unused]] const StateRef& member) {
        if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*take_value<Stored<T>>(member.get()));
        } else if constexpr (!std::is_void_v<T>) {
            return take_value<T>(member.get());
        }
    }
};

/// The operation `it.next()`.
template <class F>
class [[nodiscard("co_await it")]] NextCompleted {
public:
    explicit NextCompleted(AsCompletedRef state) noexcept : state_(std::move(state)) {}
    NextCompletedAwaiter<F> operator co_await() const noexcept {
        return NextCompletedAwaiter<F>(state_);
    }

private:
    AsCompletedRef state_;
};

/// What plain iteration gives: the result of the next member that ends. Awaited once.
template <class F>
class [[nodiscard("co_await it")]] CompletedResult {
public:
    explicit CompletedResult(AsCompletedRef state) noexcept : state_(std::move(state)) {}
    CompletedResultAwaiter<F> operator co_await() {
        if (!state_) throw_awaited_twice();
        return CompletedResultAwaiter<F>(std::move(state_));
    }

private:
    AsCompletedRef state_;
};

/// Makes the state for `members` handles of a loop's futures.
AsCompletedRef new_as_completed(LoopCore& loop, std::size_t members);

} // namespace detail

/// The members of as_completed(), in the order in which they end. F is their handle.
///
/// `while (auto task = co_await it.next())` gives the handles themselves. Plain iteration,
/// `for (auto&& next : it) use(co_await next);`, gives awaitables of the results; several of them
/// may be awaited at once. One may be left early and gone on with later, also in the other way.
///
/// A handle: copies go on with the same members. Dropping it changes nothing for them.
/// Thread    the loop's own.
template <class F>
class AsCompleted {
public:
    explicit AsCompleted(detail::AsCompletedRef state) noexcept : state_(std::move(state)) {}

    /// The next member that is done, as the handle that was given, or that of its new task; nothing
    /// when all have been fetched.
    ///
    /// Throws    TimeoutError: the time was up before this one ended. RuntimeError: another loop's.
    /// Cancel    the member is for the next call.
    [[nodiscard]] detail::NextCompleted<F> next() const { return detail::NextCompleted<F>(state_); }

    /// The two ends of a range-for.
    struct End {};
    class Iterator {
    public:
        explicit Iterator(const AsCompleted& of) noexcept : state_(of.state_) {}
        /// Once for each step.
        detail::CompletedResult<F> operator*() const {
            state_->take_turn();
            return detail::CompletedResult<F>(state_);
        }
        Iterator& operator++() noexcept { return *this; }
        bool operator==(End) const noexcept { return state_->left() == 0; }

    private:
        detail::AsCompletedRef state_;
    };
    Iterator begin() const noexcept { return Iterator(*this); }
    End end() const noexcept { return {}; }

private:
    detail::AsCompletedRef state_;
};

/// Awaits all at once and gives them in the order in which they end. See AsCompleted.
///
/// awaitables   a range: coroutines and operations become tasks (an rvalue: they are moved out);
///              handles are taken as they are, the same one counts once.
/// timeout   counted from the call. For each member that is not done by then, fetching throws
///           TimeoutError; none is cancelled. Nothing: no limit.
/// Throws    ValueError: a future of another loop. RuntimeError: there is no loop. std::bad_alloc.
/// Cancel    nothing is awaited here; see AsCompleted::next.
/// Cost      two blocks from the pool. Two turns from a member's end to who awaits it.
/// Source    CPython 3.14 asyncio.as_completed.  Differs: a cancelled wait loses no member.
template <class R>
    requires(detail::Children<R> && !Awaitable<std::decay_t<R>>)
auto as_completed(R&& awaitables, std::optional<Duration> timeout = std::nullopt) {
    using Member = detail::child_handle_t<std::decay_t<detail::element_t<R>>>;
    detail::LoopCore* loop = &detail::running_or_current_loop();
    auto elements = detail::elements_of(std::forward<R>(awaitables));
    for (const auto& element : elements) detail::join_loop_of(loop, element);
    if constexpr (detail::is_future_handle<Member> &&
                  std::is_same_v<Member, typename decltype(elements)::value_type>) {
        detail::drop_repeated(elements);
    }
    detail::AsCompletedRef state = detail::new_as_completed(*loop, elements.size());
    for (auto& element : elements) {
        const Member member = detail::to_future(std::move(element), *loop);
        state->add(detail::StateRef(member.state()));
    }
    state->start(timeout);
    return AsCompleted<Member>(std::move(state));
}

} // namespace asyncio
