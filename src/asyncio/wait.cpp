// SPDX-License-Identifier: MIT
// How a wait ends: by a member, by its timer, or by a cancel.
#include "asyncio/wait.h"

#include "asyncio/events.h"

namespace asyncio::detail {

void check_wait(std::size_t members, ReturnWhen return_when) {
    if (members == 0) throw ValueError("Set of Tasks/Futures is empty.");
    switch (return_when) {
    case ReturnWhen::first_completed:
    case ReturnWhen::first_exception:
    case ReturnWhen::all_completed: return;
    }
    throw ValueError("Invalid return_when value: " + std::to_string(static_cast<int>(return_when)));
}

void WaitNode::fired() noexcept { owner.member_done(member); }
FutureState* WaitNode::awaiting() const noexcept { return owner.task; }

WaitAwaiterBase::WaitAwaiterBase(const WaitOptions& options) noexcept
    : Hop([](Hop* hop) {
          auto* self = static_cast<WaitAwaiterBase*>(hop);
          if (self->waiting_) self->fired();
      }),
      options_(options) {}

void WaitAwaiterBase::check_member(const FutureState* member) {
    if (here.task == nullptr) throw_not_in_task("wait()");
    LoopCore* loop = here.loop;
    join_loop(loop, member);
}

void WaitAwaiterBase::prepare(std::size_t members) {
    nodes_.reserve(members);
    left_ = members;
    if (!options_.timeout()) return;
    // LIFETIME: disarm() takes the callback back before this goes.
    timer_ = EventLoop::of(*here.loop).call_later(*options_.timeout(), [this] {
        if (waiting_) fired();
    });
}

void WaitAwaiterBase::watch(FutureState* member) noexcept {
    waiting_ = true;
    if (member->done()) return member_done(member);
    add_done_waiter(member, &nodes_.emplace(*this, member));
}

void WaitAwaiterBase::member_done(const FutureState* member) noexcept {
    --left_;
    bool decides = left_ == 0 || options_.return_when() == FIRST_COMPLETED;
    if (!decides && options_.return_when() == FIRST_EXCEPTION) {
        decides = member->failed() && !member->has(FutureState::is_cancelled);
        // Who asks for exceptions is told of this one: it counts as retrieved.
        if (decides) const_cast<FutureState*>(member)->set(FutureState::retrieved);
    }
    if (!decides || queued_ || !waiting_) return;
    queued_ = true;
    queue_hop(*loop_of(task), this);
}

void WaitAwaiterBase::fired() noexcept {
    abandon();
    wake(task);
}

// Members are left when the task resumes: one that fails before that still counts as looked at. It
// must not queue the Hop any more, which would run when this is gone.
void WaitAwaiterBase::abandon() noexcept {
    waiting_ = false;
    disarm();
}

void WaitAwaiterBase::leave_members() noexcept {
    for (WaitNode& node : nodes_) {
        if (node.linked()) node.member->callbacks.remove(&node);
    }
}

void WaitAwaiterBase::disarm() noexcept {
    if (timer_) timer_->cancel();
    timer_.reset();
}

} // namespace asyncio::detail
