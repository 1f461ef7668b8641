// SPDX-License-Identifier: MIT
// Completions that travel from threads to a loop, tasks for other threads, the default executor.
#include "asyncio/threads.h"

#include "asyncio/base_events.h"

namespace asyncio {

namespace detail {

// ---- work outside of the loop -------------------------------------------------------------------

OutsideWork::OutsideWork(EventLoop& loop, StateRef future)
    : Hop([](Hop* hop) { static_cast<OutsideWork*>(hop)->take_up(); },
          [](Hop* hop) noexcept { static_cast<OutsideWork*>(hop)->release(); }),
      link_(loop.parts().link), future_(std::move(future)) {}

void OutsideWork::register_at(EventLoop& loop, bool counts) noexcept {
    counts_ = counts;
    if (counts_) loop.parts().outside_jobs.fetch_add(1, std::memory_order_relaxed);
    link_->in_flight.push_back(&in_flight_);
    add_done_waiter(future_.get(), &early_end_);
}

void OutsideWork::post() noexcept {
    const std::shared_ptr<LoopLink> link = link_; // once it is in, the loop may destroy this
    if (!link->post(this)) release();
}

// A virtual clock may go on: the loop is what the thread waits for.
void OutsideWork::rests() noexcept {
    const std::scoped_lock hold(link_->lock);
    if (link_->loop == nullptr) return;
    link_->loop->parts().outside_jobs.fetch_sub(1, std::memory_order_seq_cst);
    link_->loop->nudge();
}

void OutsideWork::works_again() noexcept {
    const std::scoped_lock hold(link_->lock);
    if (link_->loop == nullptr) return;
    link_->loop->parts().outside_jobs.fetch_add(1, std::memory_order_relaxed);
}

void OutsideWork::take_up() {
    const auto posted = Counted<OutsideWork>::adopt(this);
    const auto loops = Counted<OutsideWork>::adopt(this);
    EventLoop& loop = EventLoop::of(*here.loop);
    link_->in_flight.remove(&in_flight_);
    if (counts_) loop.parts().outside_jobs.fetch_sub(1, std::memory_order_relaxed);
    const StateRef future = std::move(future_);
    if (early_end_.linked()) {
        future->callbacks.remove(&early_end_);
        return deliver(*future.get());
    }
    const std::exception_ptr error = unseen();
    if (!error || is_exception<CancelledError>(error)) return;
    ExceptionContext context;
    context.message = "Exception in a thread whose future was cancelled";
    context.exception = error;
    context.future = AnyFuture(future);
    loop.call_exception_handler(context);
}

void OutsideWork::leave_loop() noexcept {
    const auto loops = Counted<OutsideWork>::adopt(this);
    link_->in_flight.remove(&in_flight_);
    const StateRef future = std::move(future_);
    if (early_end_.linked()) future->callbacks.remove(&early_end_);
    not_wanted(nullptr);
}

void EarlyEnd::fired() noexcept { work.not_wanted(loop_of(work.future_.get())); }

void leave_outside_work(LoopLink& link) noexcept {
    while (WorkInFlight* first = link.in_flight.front()) first->work.leave_loop();
}

// ---- tasks for other threads --------------------------------------------------------------------

TaskBridge::TaskBridge(EventLoop& loop)
    : Hop(&begin, &drop_begin), link_(loop.parts().link),
      context_(std::as_const(current_context())) {}

void TaskBridge::send(EventLoop& loop) {
    add_ref();
    state().observe(this);
    if (loop.put_in_inbox(this)) return;
    drop_begin(this);
    throw RuntimeError("Event loop is closed");
}

void TaskBridge::drop_begin(Hop* hop) noexcept {
    const auto self = Counted<TaskBridge>::adopt(static_cast<TaskBridge*>(hop));
    self->forget_work();
    self->state().cancel();
}

void TaskBridge::begin(Hop* hop) {
    auto self = Counted<TaskBridge>::adopt(static_cast<TaskBridge*>(hop));
    if (self->state().done()) return self->forget_work(); // cancelled before it began
    context_slot = &self->context_;
    struct Leave {
        ~Leave() { context_slot = nullptr; }
    } leave;
    try {
        self->task_ = self->start(*here.loop);
    } catch (...) {
        if (self->state().claim()) self->state().finish(std::current_exception());
        throw;
    }
    self->run = &end;
    self->drop = &drop_end;
    TaskBridge* bridge = self.release_ownership(); // the task's count now
    if (bridge->task_->done()) return bridge->fired();
    add_done_waiter(bridge->task_.get(), bridge);
}

void TaskBridge::fired() noexcept { queue_hop(*loop_of(task_.get()), this); }

void TaskBridge::end(Hop* hop) {
    const auto self = Counted<TaskBridge>::adopt(static_cast<TaskBridge*>(hop));
    StateRef task = std::move(self->task_);
    if (self->state().remove(self.get())) self->release();
    if (task->has(FutureState::is_cancelled)) {
        self->state().cancel();
    } else if (self->state().claim()) {
        self->give(std::move(task));
    }
}

void TaskBridge::dropped() noexcept {
    const auto self = Counted<TaskBridge>::adopt(this);
    task_ = StateRef();
    state().cancel();
}

void TaskBridge::completed(ConcurrentState& state) noexcept {
    if (!state.cancelled()) return release();
    const std::shared_ptr<LoopLink> link = link_; // once it is in, the loop may destroy this
    if (!link->post(&cancel_)) release();
}

void TaskBridge::Cancel::run(Hop* hop) {
    const auto self = Counted<TaskBridge>::adopt(static_cast<Cancel*>(hop)->bridge);
    if (self->task_) detail::cancel(self->task_.get(), {});
}

// ---- a question to the loop ---------------------------------------------------------------------

namespace {

std::vector<TaskDescription> descriptions_of(EventLoop& loop) {
    std::vector<TaskDescription> descriptions;
    for (const AnyTask& task : all_tasks(loop)) {
        descriptions.push_back(
            {task.state()->id, task.get_name(), task.cancelling() > 0 ? "cancelling" : "pending"});
    }
    return descriptions;
}

struct TaskQuestion : Hop {
    TaskQuestion() : Hop(&answer, &drop) {}
    static void answer(Hop* hop) {
        const std::unique_ptr<TaskQuestion> self(static_cast<TaskQuestion*>(hop));
        try {
            self->tasks.set_result(descriptions_of(EventLoop::of(*here.loop)));
        } catch (...) {
            self->tasks.set_exception(std::current_exception());
        }
    }
    static void drop(Hop* hop) noexcept {
        const std::unique_ptr<TaskQuestion> self(static_cast<TaskQuestion*>(hop));
        self->tasks.cancel();
    }
    ConcurrentFuture<std::vector<TaskDescription>> tasks;
};

} // namespace

} // namespace detail

std::vector<TaskDescription> describe_tasks(EventLoop& loop, std::optional<Duration> timeout) {
    if (running_loop_or_null() == &loop) return detail::descriptions_of(loop);
    auto question = std::make_unique<detail::TaskQuestion>();
    const auto tasks = question->tasks;
    if (!loop.put_in_inbox(question.get())) throw RuntimeError("Event loop is closed");
    question.release();
    try {
        return tasks.get(timeout);
    } catch (const CancelledError&) {
        throw RuntimeError("Event loop is closed");
    }
}

// ---- the default executor -----------------------------------------------------------------------

void EventLoop::set_default_executor(std::shared_ptr<ThreadPoolExecutor> executor) {
    if (executor == nullptr) throw TypeError("executor must be ThreadPoolExecutor instance");
    std::swap(parts_->executor, executor);
    // The last handle of the one before: its work goes on, and must not be waited for here.
    if (executor != nullptr && executor.use_count() == 1) executor->shutdown(false);
}

ThreadPoolExecutor& EventLoop::default_executor() {
    if (parts_->executor_shut_down) throw RuntimeError("Executor shutdown has been called");
    if (parts_->executor == nullptr) {
        parts_->executor =
            std::make_shared<ThreadPoolExecutor>(ThreadPoolOptions().thread_name_prefix("asyncio"));
    }
    return *parts_->executor;
}

Coro<void> EventLoop::shutdown_default_executor(std::optional<Duration> timeout) {
    parts_->executor_shut_down = true;
    const std::shared_ptr<ThreadPoolExecutor> executor = parts_->executor;
    if (executor == nullptr) co_return;
    const Future<void> ended(detail::wrap(executor->shutdown_and_tell(), *this, true));
    const Future<bool> in_time(*this);
    struct Timer {
        std::optional<TimerHandle> handle;
        ~Timer() {
            if (handle) handle->cancel();
        }
    } timer;
    ended.add_done_callback([in_time] {
        if (!in_time.done()) in_time.set_result(true);
    });
    if (timeout) {
        timer.handle = call_later(*timeout, [in_time] {
            if (!in_time.done()) in_time.set_result(false);
        });
    }
    if (co_await in_time) {
        executor->shutdown(true); // the threads are about to end
    } else {
        detail::log(LogLevel::warning, "The executor did not finish joining its threads within " +
                                           detail::value_text_of(timeout->seconds().count()) +
                                           " seconds: " + executor->unfinished_work());
        executor->shutdown(false);
    }
}

} // namespace asyncio
