// SPDX-License-Identifier: MIT
// The end of a loop: what becomes of all that is queued, armed, watched or pending when it closes.
#include "asyncio/base_events.h"
#include "asyncio/resolver.h"
#include "asyncio/task_steps.h"
#include "asyncio/thread_pool.h"

namespace asyncio {

using detail::FutureState;
using detail::here;
using detail::ReadyKind;
using detail::ReadyNode;
using detail::ReadyQueue;

namespace {

// ---- what is queued, watched, unfinished --------------------------------------------------------

void discard(ReadyQueue& ready) noexcept {
    while (!ready.empty()) {
        const std::uintptr_t link = ready.pop();
        ReadyNode* node = ReadyQueue::node_of(link);
        if (ReadyQueue::kind_of(link) == ReadyKind::callback) {
            detail::release(static_cast<detail::CallbackNode*>(node));
        } else if (ReadyQueue::kind_of(link) == ReadyKind::hop) {
            drop_hop(static_cast<detail::Hop*>(node));
        }
    }
}

// Generators' owners destroy them, and the ring is gone by then.
void let_go_of_generators(base::ListNode& ring) noexcept {
    for (base::ListNode* node = ring.next; node != &ring;) {
        base::ListNode* after = node->next;
        node->prev = node->next = nullptr;
        node = after;
    }
    ring = {&ring, &ring};
}

void release_watches(std::unordered_map<int, detail::Watch>& watches) noexcept {
    for (auto& [fd, watch] : watches) {
        if (watch.reader != nullptr) detail::release(watch.reader);
        if (watch.writer != nullptr) detail::release(watch.writer);
    }
    watches.clear();
}

// ---- pending tasks ------------------------------------------------------------------------------

void report_pending(EventLoop& loop, FutureState* task) noexcept {
    constexpr const char* message = "Task was destroyed but it is pending!";
    try {
        ExceptionContext context;
        context.message = message;
        context.task = AnyTask(detail::StateRef(task));
        loop.call_exception_handler(context);
    } catch (...) {
        detail::log(LogLevel::error, message);
    }
}

// Leaf first: what a frame still owns is told that its child is gone. A generator's frame is its
// owner's to destroy.
void destroy_frames(FutureState* task) noexcept {
    detail::Frame* frame = task->cell.frame();
    task->cell.st = 0;
    while (frame != nullptr) {
        detail::Frame* parent = frame->parent;
        if (!frame->is_generator()) {
            const bool awaited = frame->out != nullptr && frame->out != &task->cell;
            if (awaited) frame->out->st = detail::CellHead::gone;
            frame->handle().destroy();
        }
        frame = parent;
    }
}

// It is done then, as one that was cancelled; nobody is woken.
void take_apart(FutureState* task) noexcept {
    if (!task->has(FutureState::not_started) && task->waiter() != nullptr) {
        if (task->has(FutureState::queued)) {
            task->waiter()->taken_apart();
        } else {
            task->waiter()->abandon();
        }
    }
    detail::leave_task_list(task);
    FutureState* const running = std::exchange(here.task, task); // destructors may look
    destroy_frames(task);
    here.task = running; // of another loop, which closes this one
    task->set(FutureState::is_cancelled | FutureState::is_done);
    ::new (task->cell.payload()) std::exception_ptr();
    task->cell.st = detail::CellHead::error;
    if (task->has(FutureState::gathered)) detail::leave_gather(task);
    while (detail::LinkedWaiter* waiter = task->callbacks.pop_front()) {
        if (waiter->awaiting() == nullptr) waiter->dropped();
    }
}

} // namespace

// What is queued lives in the frames, so it goes first. Their destructors may queue tasks again:
// those are kept until they are out of the queue.
void EventLoop::destroy_pending_tasks() noexcept {
    discard(ready);
    base::ListNode gone{&gone, &gone};
    while (tasks.next != &tasks) {
        FutureState* task = FutureState::of(tasks.next);
        const detail::StateRef keep(task);
        if (!task->has(FutureState::silent)) report_pending(*this, task);
        take_apart(task);
        link_before(gone, task->all);
    }
    discard(ready);
    while (gone.next != &gone) {
        FutureState* task = FutureState::of(gone.next);
        detail::leave_task_list(task);
        detail::release(task); // the loop's count
    }
    discard(ready);
}

void EventLoop::close() {
    if (is_running()) throw RuntimeError("Cannot close a running event loop");
    if (closed) return;
    parts_->link->cut();
    closed = true; // for the destructors below
    update_tests();
    close_inbox();
    destroy_pending_tasks();
    let_go_of_generators(parts_->generators);
    while (detail::TimedWaiter* timer = timers.pop_any()) timer->dropped();
    detail::remove_all_signals(*this);
    release_watches(parts_->watches);
    if (parts_->channels != nullptr) parts_->channels->close_all();
    parts_->resolver.reset();
    parts_->exception_handler = nullptr;
    parts_->task_factory = nullptr;
    detail::leave_outside_work(*parts_->link);
    if (parts_->executor) parts_->executor->shutdown(false);
    parts_->executor.reset();
    parts_->backend.reset();
    backend_ = nullptr;
}

} // namespace asyncio
