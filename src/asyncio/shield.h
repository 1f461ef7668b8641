// SPDX-License-Identifier: MIT
// shield: work that outlives the cancel of who waits for it; shielded: a body that none reaches.
#pragma once

#include "asyncio/children.h"
#include "asyncio/scopes.h"

namespace asyncio {

namespace detail {

/// The outer future's part behind its value: in the inner one's line of who is told at the end.
/// Waiter::task is the outer future.
class ShieldPart final : public LinkedWaiter, public Hop { // queued: holds a count of the outer one
public:
    /// Completes the outer future with the inner one's value. May throw.
    using Hand = void (*)(FutureState* outer, FutureState* inner);

    ShieldPart(FutureState* outer, StateRef inner, Hand hand) noexcept;
    ~ShieldPart() {
        if (linked()) inner_->callbacks.remove(this);
    }

    static ShieldPart& of(FutureState* outer) noexcept {
        return *reinterpret_cast<ShieldPart*>(reinterpret_cast<char*>(outer) + outer->ops->bytes -
                                              sizeof(ShieldPart));
    }
    /// The outer future was cancelled: from now on only a failure of the inner one is of interest.
    void open() noexcept;

    void fired() noexcept override;
    void abandon() noexcept override {}
    FutureState* awaiting() const noexcept override { return nullptr; }
    FutureState* behind() const noexcept override { return task; }
    const char* label() const noexcept override { return "shield"; }

private:
    void inner_done() noexcept;

    StateRef inner_;
    Hand hand_;
};

template <class T>
struct ShieldState : TypedState<Stored<T>> {
    ShieldState(const StateOps* operations, std::uint16_t loop_index, std::source_location where,
                StateRef inner, ShieldPart::Hand hand) noexcept
        : TypedState<Stored<T>>(operations, std::uint16_t{0}, loop_index, where),
          part(this, std::move(inner), hand) {}
    ShieldPart part; // the last member: ShieldPart::of finds it there
};

bool cancel_shield(FutureState* outer, std::string_view message);
void destroy_shield(FutureState* outer) noexcept;

template <class T>
inline constexpr StateOps shield_ops{
    sizeof(ShieldState<T>), (alignof(Stored<T>) > 8), 0, &destroy_value<T>, &state_value_text<T>,
    &cancel_shield,         &destroy_shield};

template <class T>
void hand_value(FutureState* outer, FutureState* inner) {
    if constexpr (std::is_void_v<T>) {
        ::new (outer->cell.payload()) Stored<T>();
    } else {
        ::new (outer->cell.payload()) Stored<T>(take_value<Stored<T>>(inner));
    }
}

/// A part of a task in which cancels from outside of it are put off.
class ShieldedRegion {
public:
    explicit ShieldedRegion(std::optional<Duration> grace) noexcept : grace_(grace) {}
    ShieldedRegion(const ShieldedRegion&) = delete; // the task knows its address
    ShieldedRegion& operator=(const ShieldedRegion&) = delete;
    ~ShieldedRegion() { leave(); }

    /// Throws    RuntimeError: outside of a task. std::bad_alloc.
    void enter();
    /// What was put off takes effect. Harmless twice.
    void leave() noexcept;

private:
    friend bool put_off_cancel(FutureState*, std::string_view, unsigned) noexcept;
    friend unsigned shield_depth(FutureState*) noexcept;
    friend int cancels_put_off(FutureState*) noexcept;
    friend bool take_back_put_off(FutureState*) noexcept;
    friend void forget_request(FutureState*) noexcept;

    void keep(std::string_view message) noexcept;
    void start_grace() noexcept;
    void end_grace() noexcept;

    FutureState* task_ = nullptr; // LIFETIME: the region's own frame is this task's
    ShieldedRegion* outer_ = nullptr;
    unsigned depth_ = 0; // 1: the outermost
    int put_off_ = 0; // cancels; not counted by the task yet
    bool requested_ = false; // a cancel was under way when the region began
    bool over_ = false; // the grace has ended
    std::optional<Duration> grace_;
    std::optional<TimerHandle> timer_;
    std::string message_;
};

/// Awaits a body in a region. Lives in the frame that awaits.
template <class B>
class [[nodiscard]] ShieldedAwaiter {
    using Value = body_result_t<B>;

public:
    ShieldedAwaiter(B& body, std::optional<Duration> grace) noexcept
        : region_(grace), body_(body, scope_) {}
    ShieldedAwaiter(const ShieldedAwaiter&) = delete; // the body holds its address
    ShieldedAwaiter& operator=(const ShieldedAwaiter&) = delete;

    bool await_ready(std::source_location where = std::source_location::current()) {
        region_.enter();
        return body_.await_ready(where);
    }
    template <class Promise>
    auto await_suspend(std::coroutine_handle<Promise> frame,
                       std::source_location where = std::source_location::current()) {
        return body_.await_suspend(frame, where);
    }
    Value await_resume() { return await_outcome().value(); }
    Outcome<Value> await_outcome() {
        Outcome<Value> end = body_.await_resume();
        region_.leave();
        return end;
    }

private:
    ShieldedRegion region_;
    NoScope scope_;
    BodyAwaiter<B, NoScope> body_;
};

/// The operation `shielded(body)`.
template <class B>
class [[nodiscard("co_await it")]] Shielded {
public:
    template <class Given>
    Shielded(Given&& body, std::optional<Duration> grace)
        : body_(std::forward<Given>(body)), grace_(grace) {}
    ShieldedAwaiter<B> operator co_await() noexcept { return ShieldedAwaiter<B>(body_, grace_); }

private:
    B body_;
    std::optional<Duration> grace_;
};

} // namespace detail

/// A future that can be cancelled without cancelling `work`; a coroutine becomes a task.
///
/// When it was cancelled, `work` goes on; if that fails then, the exception handler is told, once.
/// Who waits for it sees the CancelledError at once. For clean-up that must be over before the
/// caller goes on, see shielded().
///
/// Returns   a future that ends as `work` does; `work` itself if that is done.
/// Throws    RuntimeError: there is no loop. std::bad_alloc.
/// Cancel    leaves `work` alone. A cancel of `work` cancels the future.
/// Cost      one state from the pool. Two turns after `work` ended.
/// Source    CPython 3.14 asyncio.shield.
template <class A>
    requires detail::Child<A>
auto shield(A&& work) {
    using Inner = detail::child_handle_t<A>;
    using T = detail::child_result_t<Inner>;
    detail::LoopCore* loop = detail::here.loop;
    if constexpr (detail::is_future_handle<std::decay_t<A>>) loop = nullptr;
    detail::join_loop_of(loop, std::as_const(work));
    const Inner inner = detail::to_future(std::forward<A>(work), *loop);
    if (inner.done()) return Future<T>(detail::StateRef(inner.state()));
    return Future<T>(detail::StateRef::adopt(detail::make_state<detail::ShieldState<T>>(
        detail::shield_ops<T>, loop->index, std::source_location::current(),
        detail::StateRef(inner.state()), &detail::hand_value<T>)));
}

/// Awaits `body` in the calling task, where no cancel from outside reaches it until it has ended.
///
/// A cancel that comes meanwhile takes effect behind it: the task's next await throws. The result
/// is not lost. Timeouts and task groups inside of the body work as ever; those around it have to
/// wait.
/// `cancelling()`, asked by the body, does not count what was put off.
///
/// body      a callable () -> Coro<T>; or an awaitable.
/// grace     how long the body may go on after the first cancel; then it is cancelled after all.
///           Nothing: as long as it takes.
/// Returns   what the body returns.
/// Throws    what the body throws. RuntimeError: outside of a task.
/// Cancel    put off, as said above.
/// Cost      no frame, no task; a timer if there is a grace and a cancel.
/// Source    (C++ only: what one hopes of shield(): the body is awaited to its end, and no orphan)
template <class B>
    requires detail::Body<std::decay_t<B>>
detail::Shielded<std::decay_t<B>> shielded(B&& body, std::optional<Duration> grace = std::nullopt) {
    return {std::forward<B>(body), grace};
}

} // namespace asyncio
