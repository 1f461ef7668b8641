// SPDX-License-Identifier: MIT
// Tasks: names, starting, listing.
#include "asyncio/tasks.h"

#include "asyncio/base_events.h"
#include "asyncio/origins.h"
#include "asyncio/task_steps.h"

namespace asyncio {

using detail::FutureState;
using detail::here;

namespace detail {

void throw_loop_closed() { throw RuntimeError("Event loop is closed"); }

std::string task_name(FutureState* task) { return name_of(task); }
void set_task_name(FutureState* task, std::string name) { detail::set_name(task, std::move(name)); }
Context task_context(FutureState* task) { return ContextAccess::handle(task->context); }

void run_step(FutureState* task) {
    struct Leave {
        ~Leave() { leave_task(); }
    } leave; // also by an interrupt
    step_task(task);
}

namespace {

// Runs the first step inside create_task, and gives the creator its place back.
void step_eagerly(LoopCore& loop, FutureState* task) {
    const ThisThread creator = here;
    ContextSlot* const context = context_slot;
    struct Restore {
        const ThisThread& creator;
        ContextSlot* context;
        ~Restore() {
            here.next = creator.next;
            here.task = creator.task;
            here.inline_child = creator.inline_child;
            context_slot = context;
        }
    } restore{creator, context};
    here.inline_child = nullptr;
    add_ref(task);
    join_task_list(loop, task);
    run_step(task);
}

void start(FutureState* task, bool eager) {
    LoopCore& loop = *loop_of(task);
    if (eager && here.loop == &loop && !stack_is_low()) {
        step_eagerly(loop, task);
    } else {
        schedule_task(loop, task);
    }
}

} // namespace

FutureState* start_with_options(LoopCore& loop, FutureState* task, const TaskOptions* options) {
    StateRef owner = StateRef::adopt(task);
    static const TaskOptions none;
    const TaskOptions& wanted = options != nullptr ? *options : none;
    PendingTask pending(std::move(owner));
    if (loop.debug) {
        forget_origin(task->cell.frame());
        note_origin(task, created_at(task));
    }
    if (wanted.name()) detail::set_name(task, *wanted.name());
    if (wanted.context()) task->context = ContextAccess::slot(*wanted.context());
    AnyTask started;
    if (loop.has_task_factory) {
        EventLoop& event_loop = EventLoop::of(loop);
        started = event_loop.parts().task_factory(event_loop, std::move(pending), wanted);
        if (started.state() != task) throw TypeError("the task factory returned another task");
    } else {
        started = pending.start(wanted);
    }
    add_ref(task);
    return task;
}

} // namespace detail

PendingTask::~PendingTask() {
    if (!task_) return; // it was started
    detail::Frame* frame = task_->cell.frame();
    task_->cell.st = 0;
    frame->handle().destroy();
    task_->set(FutureState::is_cancelled);
    detail::complete_error(task_.get(), nullptr);
}

AnyTask PendingTask::schedule() {
    const AnyTask task(std::move(task_));
    detail::start(task.state(), false);
    return task;
}

AnyTask PendingTask::start_eagerly() {
    const AnyTask task(std::move(task_));
    detail::start(task.state(), true);
    return task;
}

AnyTask PendingTask::start(const TaskOptions& options) {
    return options.eager_start().value_or(false) ? start_eagerly() : schedule();
}

AnyTask eager_task_factory(EventLoop&, PendingTask task, const TaskOptions& options) {
    return options.eager_start().value_or(true) ? task.start_eagerly() : task.schedule();
}

void EventLoop::set_task_factory(TaskFactory factory) {
    parts_->task_factory = std::move(factory);
    has_task_factory = static_cast<bool>(parts_->task_factory);
    update_tests();
}

const TaskFactory* EventLoop::get_task_factory() const noexcept {
    return has_task_factory ? &parts_->task_factory : nullptr;
}

AnyTask current_task() {
    get_running_loop();
    return AnyTask(detail::StateRef(here.task));
}

AnyTask current_task(EventLoop& loop) noexcept {
    if (here.loop != &loop.core()) return AnyTask();
    return AnyTask(detail::StateRef(here.task));
}

std::vector<AnyTask> all_tasks() { return all_tasks(get_running_loop()); }

std::vector<AnyTask> all_tasks(EventLoop& loop) {
    std::vector<AnyTask> tasks;
    const base::ListNode& ring = loop.core().tasks;
    for (base::ListNode* node = ring.next; node != &ring; node = node->next) {
        tasks.push_back(AnyTask(detail::StateRef(FutureState::of(node))));
    }
    return tasks;
}

} // namespace asyncio
