// SPDX-License-Identifier: MIT
// TaskGroup: tasks that end together before the code goes on.
#pragma once

#include "asyncio/scopes.h"

namespace asyncio {

class TaskGroup;

namespace detail {

struct GroupChild;
struct GroupLink : base::ListNode {};
struct GroupMembership;

/// The parent, while it waits for the children.
class [[nodiscard]] GroupEmptied final : public Waiter {
public:
    explicit GroupEmptied(TaskGroup& group) noexcept : group_(group) {}
    ~GroupEmptied() = default;

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame,
                       std::source_location where = std::source_location::current()) noexcept {
        join();
        suspended(suspend_task(this, frame.promise(), where));
    }
    Outcome<void> await_resume() {
        if (!take_cancel()) return Outcome<void>::with_value();
        return Outcome<void>::with_cancellation(take_cancel_message(here.task));
    }

    void fired() noexcept override { wake(task); }
    void abandon() noexcept override;
    const char* label() const noexcept override { return "TaskGroup"; }

private:
    void join() noexcept;
    TaskGroup& group_;
};

template <class B>
Coro<body_result_t<B, TaskGroup>> run_group(TaskGroup* outer, B body);

} // namespace detail

/// Tasks that end together: `co_await task_group(body)`, where the body takes the group; or
/// `TaskGroup group; co_await group.with(body)`, for one use.
///
/// When the body has returned, the group waits for its children, also for those that are added
/// meanwhile. A child that fails (other than by cancellation) cancels its siblings and the body.
///
/// Thread    the loop's own.
/// Lifetime  must outlive the await of with().
/// Source    CPython 3.14 asyncio.TaskGroup, with cancel() of 3.15.
class TaskGroup {
public:
    TaskGroup() noexcept = default;
    TaskGroup(const TaskGroup&) = delete; // children hold its address
    TaskGroup& operator=(const TaskGroup&) = delete;
    ~TaskGroup() { disband(); }

    /// Makes a task of a coroutine (or any awaitable) that the group waits for.
    ///
    /// Returns   the task; its result is there when the group has ended.
    /// Throws    RuntimeError: the body has not begun, the group has ended, or it is being
    ///           cancelled; the coroutine is freed. std::bad_alloc.
    /// Cost      as asyncio::create_task, and one node from the pool.
    template <class A>
        requires Awaitable<std::decay_t<A>>
    auto create_task(A&& awaitable, std::source_location where = std::source_location::current()) {
        return start(detail::as_coro(std::forward<A>(awaitable)), nullptr, where);
    }

    /// The same with a name, a context, an eager start.
    template <class A>
        requires Awaitable<std::decay_t<A>>
    auto create_task(A&& awaitable, const TaskOptions& options,
                     std::source_location where = std::source_location::current()) {
        return start(detail::as_coro(std::forward<A>(awaitable)), &options, where);
    }

    /// Makes a task of `f(args...)`, and keeps f and the arguments until it has ended.
    template <class F>
        requires(!Awaitable<std::decay_t<F>> && detail::AsyncCallable<F>)
    auto create_task(F&& f, std::source_location where = std::source_location::current()) {
        return start(detail::call_kept<std::decay_t<F>>(std::forward<F>(f)), nullptr, where);
    }
    template <class F, class... Args>
        requires(!Awaitable<std::decay_t<F>> && sizeof...(Args) > 0 &&
                 detail::AsyncCallable<F, Args...>)
    auto create_task(F&& f, Args&&... args) {
        return start(detail::call_kept<std::decay_t<F>, std::decay_t<Args>...>(
                         std::forward<F>(f), std::forward<Args>(args)...),
                     nullptr, detail::running_location());
    }

    /// Ends the group early: cancels the children and the body; the group then ends without a
    /// CancelledError. Before the body begins: it takes effect there. Harmless twice or afterwards.
    ///
    /// A body that was to return a value and has not: InvalidStateError.
    /// Source    CPython 3.15 asyncio.TaskGroup.cancel.
    void cancel() noexcept;

    /// How many children have not ended yet.
    std::size_t size() const noexcept { return size_; }

    /// Runs `body` in this group; see task_group.
    ///
    /// Throws    RuntimeError: this was used already, or outside of a task. Else as task_group.
    /// Cancel    as task_group.
    template <class B>
        requires detail::Body<B, TaskGroup>
    Coro<detail::body_result_t<B, TaskGroup>> with(B body) {
        return detail::run_group<B>(this, std::move(body));
    }

    /// "<TaskGroup tasks=2 entered>"
    friend std::string to_string(const TaskGroup& group);

private:
    friend detail::GroupChild;
    friend detail::GroupEmptied;
    friend detail::GroupMembership;
    template <class B>
    friend Coro<detail::body_result_t<B, TaskGroup>> detail::run_group(TaskGroup* outer, B body);

    /// A child's node, until the child has joined.
    class Place {
    public:
        explicit Place(TaskGroup& group);
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        ~Place();
        void join(detail::FutureState* task) noexcept;

    private:
        TaskGroup& group_;
        detail::GroupChild* child_;
    };

    template <class T>
    Task<T> start(Coro<T> coro, const TaskOptions* options, std::source_location where) {
        struct Close { // refused: freed without a report
            Coro<T>& coro;
            ~Close() { coro.close(); }
        } close{coro};
        Place place(*this);
        Task<T> task = detail::start_task(*loop_, std::move(coro), options, where);
        place.join(task.state());
        return task;
    }

    void enter();
    void leave(std::exception_ptr end) noexcept; // the body has ended, with this or a value
    void interrupted(std::exception_ptr cancelled) noexcept; // while it waited for the children
    std::exception_ptr verdict();
    void disband() noexcept;
    void check_open() const;
    void cancel_children() noexcept;
    void forget(detail::GroupChild* child) noexcept;
    bool cancel_children_shuffled() noexcept;
    void cancel_parent() noexcept;
    void child_done(detail::GroupChild* child) noexcept;
    void report_suppressed();
    [[noreturn]] static void throw_no_result();

    detail::LoopCore* loop_ = nullptr;
    detail::FutureState* parent_ = nullptr; // LIFETIME: the body runs in it
    base::IntrusiveList<detail::GroupLink> children_;
    base::IntrusiveList<detail::GroupLink> failed_; // ended, with their exceptions
    detail::GroupEmptied* waiting_ = nullptr; // the parent, at the end of the body
    std::size_t size_ = 0;
    unsigned shields_ = 0; // around this group: they do not put off its cancel
    std::exception_ptr base_error_; // KeyboardInterrupt or SystemExit
    std::exception_ptr body_error_; // what the body ended with, if that goes into the group
    std::exception_ptr propagate_; // a CancelledError that is to come out
    std::exception_ptr pending_cancel_; // the last that came while waiting
    bool entered_ = false;
    bool exiting_ = false;
    bool aborting_ = false;
    bool parent_cancel_requested_ = false;
    bool cancel_on_enter_ = false;
};

namespace detail {

/// Begins and ends a group's use, also when its frame is taken apart.
struct GroupMembership {
    explicit GroupMembership(TaskGroup& entered) : group(entered) { group.enter(); }
    GroupMembership(const GroupMembership&) = delete;
    GroupMembership& operator=(const GroupMembership&) = delete;
    ~GroupMembership() { group.disband(); }
    TaskGroup& group;
};

// LIFETIME: `outer` outlives the await (TaskGroup says so); null: a group of its own.
template <class B>
Coro<body_result_t<B, TaskGroup>> run_group(TaskGroup* outer, B body) {
    using Value = body_result_t<B, TaskGroup>;
    std::optional<TaskGroup> own;
    TaskGroup& group = outer != nullptr ? *outer : own.emplace();
    const GroupMembership inside(group);
    Outcome<Value> end = co_await BodyAwaiter<B, TaskGroup>(body, group);
    group.leave(end.exception());
    while (group.size() != 0) {
        const Outcome<void> wait = co_await GroupEmptied(group);
        if (wait.cancelled()) group.interrupted(wait.exception());
    }
    if (std::exception_ptr error = group.verdict()) std::rethrow_exception(std::move(error));
    if constexpr (!std::is_void_v<Value>) {
        if (!end.has_value()) TaskGroup::throw_no_result();
        co_return std::move(end).value();
    }
}

} // namespace detail

/// Awaits `body`, then all tasks that it (or a child) made with `group.create_task`.
///
/// If a child or the body fails, the children (and the body) are cancelled, and awaited. Nothing of
/// the group still runs when this returns.
///
/// body      a callable (TaskGroup&) -> Coro<T>.
/// Returns   what the body returns.
/// Throws    ExceptionGroup "unhandled errors in a TaskGroup": with what children and body failed
///           with, in order of time; never with a CancelledError. A group that is no std::exception
///           if one of its members is none. KeyboardInterrupt, SystemExit: bare; the others are
///           reported to the loop's exception handler.
/// Cancel    cancels body and children and waits for them; then CancelledError, or the
///           ExceptionGroup if one of them failed: the next await throws CancelledError then.
/// Cost      one frame; a node from the pool for each child. The end is seen two turns after the
///           last child's.
/// Source    CPython 3.14 asyncio.TaskGroup.  Differs: `async with` is a body.
template <class B>
    requires detail::Body<B, TaskGroup>
Coro<detail::body_result_t<B, TaskGroup>> task_group(B body) {
    return detail::run_group<B>(nullptr, std::move(body));
}

} // namespace asyncio
