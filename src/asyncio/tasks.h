// SPDX-License-Identifier: MIT
// Task<T>: a coroutine that the loop runs beside others.
#pragma once

#include "asyncio/futures.h"
#include "base/function.h"

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace asyncio {

/// One line of a coroutine's call stack.
struct StackEntry {
    std::string function;
    std::string file;
    unsigned line = 0;
};

/// What a task runs.
struct CoroInfo {
    std::string function;
    std::string file; // its present await; before the first step: the function; when done: unknown
    unsigned line = 0;
};

/// The keyword arguments of create_task.
class TaskOptions {
public:
    TaskOptions() noexcept {}
    TaskOptions(const char* name) : name_(name) {} // create_task(coro, "name")
    TaskOptions(std::string name) : name_(std::move(name)) {}
    /// What get_name() gives; "Task-N" if it is not set.
    TaskOptions& name(std::string name) {
        name_ = std::move(name);
        return *this;
    }
    /// Run in this very context; by default in a copy of the creator's.
    TaskOptions& context(Context context) {
        context_ = std::move(context);
        return *this;
    }
    /// Run the first step at once, inside create_task. By default as the task factory says.
    TaskOptions& eager_start(bool eager) {
        eager_ = eager;
        return *this;
    }

    /// What was set; nothing: the default.
    const std::optional<std::string>& name() const noexcept { return name_; }
    const std::optional<Context>& context() const noexcept { return context_; }
    const std::optional<bool>& eager_start() const noexcept { return eager_; }

private:
    std::optional<std::string> name_;
    std::optional<Context> context_;
    std::optional<bool> eager_;
};

namespace detail {

std::string task_name(FutureState* task);
void set_task_name(FutureState* task, std::string name);
CoroInfo coro_info(FutureState* task);
Context task_context(FutureState* task);
std::vector<StackEntry> task_stack(FutureState* task, std::optional<int> limit);
void print_task_stack(FutureState* task, std::ostream& out, std::optional<int> limit);

/// What task handles have beyond futures.
template <class H>
class TaskPart {
public:
    /// "Task-N" unless it was given one.
    std::string get_name() const { return task_name(self()); }
    void set_name(std::string name) const { set_task_name(self(), std::move(name)); }
    /// How many cancels were asked for and not taken back.
    int cancelling() const noexcept { return detail::cancelling(self()); }
    /// Takes one request back. Returns how many are left; at 0 an undelivered one is withdrawn.
    int uncancel() const noexcept { return detail::uncancel(self()); }
    /// The context that its body runs in; shared with it, not a copy.
    Context get_context() const { return task_context(self()); }
    /// What its body is called, and where it waits.
    CoroInfo get_coro() const { return coro_info(self()); }
    /// The calls it is suspended in, outermost first; `limit` keeps the innermost. Of a failed
    /// task: the way of its exception, outermost first; `limit` keeps the outermost. Else empty
    /// when done.
    std::vector<StackEntry> get_stack(std::optional<int> limit = std::nullopt) const {
        return task_stack(self(), limit);
    }
    /// Writes the same as lines of a traceback, with a heading.
    void print_stack(std::ostream& out, std::optional<int> limit = std::nullopt) const {
        print_task_stack(self(), out, limit);
    }

private:
    FutureState* self() const noexcept { return static_cast<const H*>(this)->state(); }
};

} // namespace detail

/// A coroutine that the loop runs beside others; it starts in the loop's next turn.
///
/// A handle: dropping it stops nothing, the loop owns every unfinished task. An exception that
/// nobody looks at is reported when the last handle goes.
///
/// cancel()  asks: CancelledError is thrown at the task's innermost await, in a later turn. The
///           body may clean up, or even swallow it. Before the first step: the body never runs.
/// Thread    the loop's own.
/// Source    CPython 3.14 asyncio.Task.
template <class T>
class Task : public Future<T>, public detail::TaskPart<Task<T>> {
public:
    explicit Task(detail::StateRef state) noexcept : Future<T>(std::move(state)) {}

    void set_result() = delete; // the body's return does
    void set_exception() = delete;

    /// As Future<T>::add_done_callback; `f` is given the Task.
    template <class F, class... Args>
    CallbackId add_done_callback(F&& f, Args&&... args) const {
        return this->template add_callback<Task<T>>(std::forward<F>(f),
                                                    std::forward<Args>(args)...);
    }
};

/// A task of any result type; may be empty.
class AnyTask : public FutureBase, public detail::TaskPart<AnyTask> {
public:
    AnyTask() noexcept = default;
    template <class T>
    AnyTask(const Task<T>& task) noexcept : FutureBase(task) {}
    explicit AnyTask(detail::StateRef state) noexcept : FutureBase(std::move(state)) {}

    /// As Future<T>::add_done_callback; `f` is given an AnyTask.
    template <class F, class... Args>
    CallbackId add_done_callback(F&& f, Args&&... args) const {
        return add_callback<AnyTask>(std::forward<F>(f), std::forward<Args>(args)...);
    }
    detail::FutureAwaiter<void, true> operator co_await() const noexcept {
        return detail::FutureAwaiter<void, true>(state_);
    }
};

inline AnyFuture::AnyFuture(const AnyTask& task) noexcept : FutureBase(task) {}

/// A task that a task factory has been given and must start.
class PendingTask {
public:
    explicit PendingTask(detail::StateRef task) noexcept : task_(std::move(task)) {}
    PendingTask(PendingTask&&) noexcept = default;
    PendingTask& operator=(PendingTask&&) = delete;
    ~PendingTask(); // not started: destroys the coroutine

    /// Starts it in the loop's next turn.
    AnyTask schedule();
    /// Runs its first step here and now, if its loop is running; else schedules it.
    AnyTask start_eagerly();
    /// Starts it as the options ask: eagerly, or else (also if they do not say) in the next turn.
    AnyTask start(const TaskOptions& options);

private:
    detail::StateRef task_;
};

/// Makes every create_task of a loop start its task: what `set_task_factory` takes.
using TaskFactory = base::Function<AnyTask(EventLoop&, PendingTask, const TaskOptions&)>;

/// Starts every task eagerly, but for those whose options say otherwise.
/// Source    CPython 3.14 asyncio.eager_task_factory.
AnyTask eager_task_factory(EventLoop& loop, PendingTask task, const TaskOptions& options);

namespace detail {

/// The task around `coro`, not yet started: not in the loop's list nor its queue.
template <class T>
[[gnu::always_inline]] inline FutureState*
new_task(Coro<T>&& coro, LoopCore& loop, std::source_location where, std::uint32_t counts = 1,
         std::uint16_t flags = FutureState::is_task | FutureState::not_started) {
    FutureState* task = make_state<TypedState<Stored<T>>>(plain_ops<T>, counts, flags, loop.index,
                                                          next_task_id(), where);
    Frame* frame = coro.release();
    task->cell.st = reinterpret_cast<std::uintptr_t>(frame);
    task->waiter() = nullptr;
    return task;
}

inline void join_task_list(LoopCore& loop, FutureState* task) noexcept {
    base::link_before(loop.tasks, task->all);
}

/// Hands a new task to its loop: the loop's list and queue take one count.
inline void schedule_task(LoopCore& loop, FutureState* task) noexcept {
    add_ref(task);
    task->set(FutureState::queued);
    join_task_list(loop, task);
    loop.ready.push(task, ReadyKind::task);
}

/// Starts it as the options and the loop's task factory say. Takes over and gives back one count.
FutureState* start_with_options(LoopCore& loop, FutureState* task, const TaskOptions* options);
[[noreturn]] void throw_loop_closed();

/// The same for a closed loop (throws, and frees the coroutine), a task factory, options.
template <class T>
[[gnu::noinline]] Task<T> start_special_task(LoopCore& loop, Coro<T>&& coro,
                                             const TaskOptions* options,
                                             std::source_location where) {
    if (loop.closed) {
        coro.close();
        throw_loop_closed();
    }
    FutureState* task = start_with_options(loop, new_task(std::move(coro), loop, where), options);
    return Task<T>(StateRef::adopt(task));
}

template <class T>
[[gnu::always_inline]] inline Task<T>
start_task(LoopCore& loop, Coro<T>&& coro, const TaskOptions* options, std::source_location where) {
    if (options != nullptr || !loop.plain_tasks) [[unlikely]] {
        return start_special_task(loop, std::move(coro), options, where);
    }
    // As schedule_task does, but with its count and its flag from the start.
    constexpr std::uint16_t flags =
        FutureState::is_task | FutureState::not_started | FutureState::queued;
    FutureState* task = new_task(std::move(coro), loop, where, 2, flags);
    join_task_list(loop, task);
    loop.ready.push(task, ReadyKind::task);
    return Task<T>(StateRef::adopt(task));
}

template <class A>
using task_result_t =
    std::conditional_t<is_coro_v<A>, await_result_t<A>, std::remove_cvref_t<await_result_t<A>>>;

/// A coroutine that awaits what is no coroutine.
template <class A>
Coro<task_result_t<A>> await_it(A operation) {
    using Result = task_result_t<A>;
    if constexpr (std::is_void_v<Result>) {
        co_await std::move(operation);
    } else {
        co_return co_await std::move(operation);
    }
}

template <class A>
decltype(auto) as_coro(A&& awaitable) {
    if constexpr (is_coro_v<A>) {
        static_assert(!std::is_lvalue_reference_v<A>, "std::move the coroutine");
        return static_cast<A&&>(awaitable);
    } else {
        return await_it<std::decay_t<A>>(std::forward<A>(awaitable));
    }
}

template <class F, class... Args>
using call_result_t = std::invoke_result_t<std::decay_t<F>&, std::decay_t<Args>...>;

/// A coroutine that keeps a callable and its arguments until what they return has ended.
template <class F, class... Args>
Coro<task_result_t<call_result_t<F, Args...>>> call_kept(F callable, Args... arguments) {
    using Result = task_result_t<call_result_t<F, Args...>>;
    if constexpr (std::is_void_v<Result>) {
        co_await callable(std::move(arguments)...);
    } else {
        co_return co_await callable(std::move(arguments)...);
    }
}

template <class F, class... Args>
concept AsyncCallable = requires(std::decay_t<F>& f, std::decay_t<Args>... args) {
    { f(std::move(args)...) } -> Awaitable;
};

} // namespace detail

/// Makes a task of a coroutine (or any awaitable) on the running loop.
///
/// Its first step runs in the loop's next turn, after what is ready already.
///
/// Returns   a handle; keeping it is not needed.
/// Throws    RuntimeError: no loop is running (the coroutine is destroyed). std::bad_alloc.
/// Cost      one state from the pool; nothing else is allocated.
/// Source    CPython 3.14 asyncio.create_task.
template <class A>
    requires Awaitable<std::decay_t<A>>
[[gnu::always_inline]] inline auto
create_task(A&& awaitable, std::source_location where = std::source_location::current()) {
    return detail::start_task(detail::running_loop(), detail::as_coro(std::forward<A>(awaitable)),
                              nullptr, where);
}

/// The same with a name, a context, an eager start: `create_task(work(), "worker-1")`.
template <class A>
    requires Awaitable<std::decay_t<A>>
auto create_task(A&& awaitable, const TaskOptions& options,
                 std::source_location where = std::source_location::current()) {
    return detail::start_task(detail::running_loop(), detail::as_coro(std::forward<A>(awaitable)),
                              &options, where);
}

/// Makes a task of `f(args...)`, and keeps f and the arguments until it has ended: the way to run a
/// lambda with captures.
template <class F>
    requires(!Awaitable<std::decay_t<F>> && detail::AsyncCallable<F>)
auto create_task(F&& f, std::source_location where = std::source_location::current()) {
    auto coro = detail::call_kept<std::decay_t<F>>(std::forward<F>(f));
    return detail::start_task(detail::running_loop(), std::move(coro), nullptr, where);
}
template <class F, class... Args>
    requires(!Awaitable<std::decay_t<F>> && sizeof...(Args) > 0 &&
             detail::AsyncCallable<F, Args...>)
auto create_task(F&& f, Args&&... args) {
    auto coro = detail::call_kept<std::decay_t<F>, std::decay_t<Args>...>(
        std::forward<F>(f), std::forward<Args>(args)...);
    return detail::start_task(detail::running_loop(), std::move(coro), nullptr,
                              detail::running_location());
}

/// A future or task as it is; a task around anything else awaitable.
///
/// Throws    RuntimeError: no loop. ValueError: the future belongs to another loop than `loop`.
/// Source    CPython 3.14 asyncio.ensure_future.
template <class A>
    requires Awaitable<std::decay_t<A>>
auto ensure_future(A&& awaitable, EventLoop* loop = nullptr);

/// The running task; empty in a plain callback.
/// Throws    RuntimeError: no loop is running on this thread.
/// Source    CPython 3.14 asyncio.current_task.
AnyTask current_task();
/// The task that `loop` runs at present; empty if it is not running.
AnyTask current_task(EventLoop& loop) noexcept;

/// The loop's unfinished tasks, in the order of their creation.
/// Throws    RuntimeError: no loop is running on this thread.
/// Source    CPython 3.14 asyncio.all_tasks.  Differs: a vector, in order. From another thread ask
///           the loop: `describe_tasks(loop)`.
std::vector<AnyTask> all_tasks();
std::vector<AnyTask> all_tasks(EventLoop& loop);

namespace detail {

template <class T>
inline constexpr bool is_future_handle = false;
template <class T>
inline constexpr bool is_future_handle<Future<T>> = true;
template <class T>
inline constexpr bool is_future_handle<Task<T>> = true;
template <>
inline constexpr bool is_future_handle<AnyFuture> = true;
template <>
inline constexpr bool is_future_handle<AnyTask> = true;

LoopCore& core_of(EventLoop* loop); // null: running or current
void check_same_loop(const FutureState* state, const EventLoop* loop);

/// What a combinator waits for: the handle of a future as it is, of anything else its new task.
template <class A>
auto to_future(A&& awaitable, LoopCore& loop) {
    if constexpr (is_future_handle<std::decay_t<A>>) {
        return std::decay_t<A>(std::forward<A>(awaitable));
    } else {
        return start_task(loop, as_coro(std::forward<A>(awaitable)), nullptr,
                          std::source_location()); // not known here, and nothing to pay for
    }
}

} // namespace detail

template <class A>
    requires Awaitable<std::decay_t<A>>
auto ensure_future(A&& awaitable, EventLoop* loop) {
    if constexpr (detail::is_future_handle<std::decay_t<A>>) {
        detail::check_same_loop(awaitable.state(), loop);
        return std::decay_t<A>(std::forward<A>(awaitable));
    } else {
        return detail::to_future(std::forward<A>(awaitable), detail::core_of(loop));
    }
}

} // namespace asyncio

template <>
struct std::hash<asyncio::AnyTask> {
    std::size_t operator()(const asyncio::AnyTask& task) const noexcept {
        return std::hash<const void*>()(task.state());
    }
};
