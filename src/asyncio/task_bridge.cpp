// SPDX-License-Identifier: MIT
// How a task begins, ends and is cancelled that belongs to a thread outside of its loop.
#include "asyncio/task_bridge.h"

#include "asyncio/base_events.h"

namespace asyncio::detail {

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

} // namespace asyncio::detail
