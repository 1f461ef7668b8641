// SPDX-License-Identifier: MIT
// wait: several futures, until all are done, or the first one, or the time is up.
#pragma once

#include "asyncio/children.h"

namespace asyncio {

/// What wait() waits for.
enum class ReturnWhen : unsigned char { first_completed, first_exception, all_completed };

inline constexpr ReturnWhen FIRST_COMPLETED = ReturnWhen::first_completed; // any is done
inline constexpr ReturnWhen FIRST_EXCEPTION = ReturnWhen::first_exception; // any has failed, or all
inline constexpr ReturnWhen ALL_COMPLETED = ReturnWhen::all_completed; // none is pending

/// The keyword arguments of wait.
class WaitOptions {
public:
    WaitOptions() noexcept {}
    WaitOptions(ReturnWhen when) noexcept : return_when_(when) {} // wait(tasks, FIRST_COMPLETED)
    /// Counted from the await; nothing: no limit.
    WaitOptions& timeout(std::optional<Duration> limit) noexcept {
        timeout_ = limit;
        return *this;
    }
    /// What ends the wait before the time is up.
    WaitOptions& return_when(ReturnWhen when) noexcept {
        return_when_ = when;
        return *this;
    }

    const std::optional<Duration>& timeout() const noexcept { return timeout_; } // nothing: none
    ReturnWhen return_when() const noexcept { return return_when_; } // by default ALL_COMPLETED

private:
    std::optional<Duration> timeout_;
    ReturnWhen return_when_ = ALL_COMPLETED;
};

/// How far the members of a wait() have come, in the order in which they were given.
template <class F>
struct WaitResult {
    std::vector<F> done;
    std::vector<F> pending;
};

namespace detail {

class WaitAwaiterBase;

/// One member, in its line of who is told at the end.
struct WaitNode final : LinkedWaiter {
    WaitNode(WaitAwaiterBase& waiting, FutureState* of_member) noexcept
        : owner(waiting), member(of_member) {}
    ~WaitNode() = default;
    void fired() noexcept override;
    void abandon() noexcept override {}
    FutureState* awaiting() const noexcept override;
    const char* label() const noexcept override { return "wait"; }

    WaitAwaiterBase& owner;
    FutureState* member; // LIFETIME: the awaiter has its handle
};

/// The waiting task. A member that decides queues the Hop, which wakes the task in the next turn.
class WaitAwaiterBase : public Waiter, public Hop {
public:
    void fired() noexcept final; // the time is up, or the Hop had its turn
    void abandon() noexcept final; // a Hop that is queued runs before the task does
    const char* label() const noexcept final { return "wait"; }
    void member_done(const FutureState* member) noexcept;

protected:
    explicit WaitAwaiterBase(const WaitOptions& options) noexcept;
    ~WaitAwaiterBase() { disarm(); }

    /// Throws    RuntimeError: outside of a task. ValueError: a member of another loop.
    static void check_member(const FutureState* member);
    void prepare(std::size_t members); // may throw; nothing is linked yet
    void watch(FutureState* member) noexcept;
    void leave_members() noexcept;

private:
    void disarm() noexcept;

    WaitOptions options_;
    base::FixedArray<WaitNode> nodes_; // of those that are not done
    std::size_t left_ = 0; // members that are not done
    std::optional<TimerHandle> timer_;
    bool waiting_ = false;
    bool queued_ = false; // as a Hop
};

template <class F>
class [[nodiscard]] WaitAwaiter final : public WaitAwaiterBase {
public:
    WaitAwaiter(std::vector<F> members, const WaitOptions& options) noexcept
        : WaitAwaiterBase(options), members_(std::move(members)) {}
    ~WaitAwaiter() { leave_members(); }

    bool await_ready() const {
        for (const F& member : members_) check_member(member.state());
        return false;
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame,
                       std::source_location where = std::source_location::current()) {
        static_assert(is_frame<Promise>, "co_await this in an asyncio coroutine");
        prepare(members_.size());
        FutureState* waits = suspend_task(this, frame.promise(), where);
        for (const F& member : members_) watch(member.state());
        suspended(waits);
    }
    WaitResult<F> await_resume() {
        leave_members();
        if (take_cancel()) [[unlikely]]
            throw_cancelled();
        return result();
    }
    Outcome<WaitResult<F>> await_outcome() {
        leave_members();
        if (take_cancel()) {
            return Outcome<WaitResult<F>>::with_cancellation(take_cancel_message(here.task));
        }
        return Outcome<WaitResult<F>>::with_value(result());
    }

private:
    WaitResult<F> result() {
        WaitResult<F> all;
        for (F& member : members_) {
            (member.done() ? all.done : all.pending).push_back(std::move(member));
        }
        return all;
    }

    std::vector<F> members_;
};

void check_wait(std::size_t members, ReturnWhen return_when);

} // namespace detail

/// The operation wait(...).
template <class F>
class [[nodiscard("co_await it")]] Wait {
public:
    Wait(std::vector<F> members, WaitOptions options) noexcept
        : members_(std::move(members)), options_(options) {}
    detail::WaitAwaiter<F> operator co_await() const& {
        return detail::WaitAwaiter<F>(members_, options_);
    }
    detail::WaitAwaiter<F> operator co_await() && noexcept {
        return detail::WaitAwaiter<F>(std::move(members_), options_);
    }

private:
    std::vector<F> members_;
    WaitOptions options_;
};

/// Waits for futures and tasks, and tells which are done: never throws because one of them failed,
/// nor when the time is up, and cancels none.
///
/// members   a range of Future<T>, Task<T>, AnyFuture or AnyTask; copied here, each counts once.
///           No coroutines: make tasks of them, or nobody could tell which is which.
/// options   until when, and how long; or just FIRST_COMPLETED.
/// Returns   WaitResult: `done` and `pending`, each in the order given.
/// Throws    ValueError: no members; an invalid return_when; a member of another loop.
///           RuntimeError: awaited outside of a task. std::bad_alloc.
/// Cancel    leaves the members as they are.
/// Cost      one block from the pool; one timer if there is a timeout. Two turns after the member
///           that decides ended; two turns also if it was done before.
/// Source    CPython 3.14 asyncio.wait.  Differs: the order of the members is kept.
template <class R>
    requires detail::Handles<R>
auto wait(R&& members, WaitOptions options = WaitOptions()) {
    auto handles = detail::elements_of(std::forward<R>(members));
    detail::check_wait(handles.size(), options.return_when());
    detail::drop_repeated(handles);
    return Wait<typename decltype(handles)::value_type>(std::move(handles), options);
}

} // namespace asyncio
