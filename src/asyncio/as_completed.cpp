// SPDX-License-Identifier: MIT
// From the end of a member to the task that waits for one, by way of a queue.
#include "asyncio/as_completed.h"

#include "asyncio/events.h"

namespace asyncio::detail {

AsCompletedNode::AsCompletedNode(AsCompletedState& of_owner, StateRef of_member) noexcept
    : Hop(
          [](Hop* hop) {
              auto* node = static_cast<AsCompletedNode*>(hop);
              const AsCompletedRef kept = AsCompletedRef::adopt(&node->owner);
              node->owner.completed(*node);
          },
          [](Hop* hop) noexcept {
              AsCompletedRef::adopt(&static_cast<AsCompletedNode*>(hop)->owner);
          }),
      owner(of_owner), member(std::move(of_member)) {}

void AsCompletedNode::fired() noexcept {
    AsCompletedRef(&owner).release(); // the count is the Hop's
    queue_hop(*loop_table[owner.loop_], this);
}

AsCompletedRef new_as_completed(LoopCore& loop, std::size_t members) {
    AsCompletedRef state(new AsCompletedState(loop));
    state->reserve(members);
    return state;
}

AsCompletedState::~AsCompletedState() {
    if (timer_) timer_->cancel();
}

void AsCompletedState::add(StateRef member) noexcept {
    nodes_.emplace(*this, std::move(member));
    ++left_;
}

// Only now: the first step of a new task may have run inside of add's caller.
void AsCompletedState::start(std::optional<Duration> timeout) {
    todo_ = nodes_.size();
    if (todo_ != 0 && timeout) {
        // LIFETIME: the destructor takes the callback back.
        timer_ = EventLoop::of(*loop_table[loop_]).call_later(*timeout, [this] { time_is_up(); });
    }
    for (AsCompletedNode& node : nodes_) {
        if (node.member->done()) {
            node.fired();
        } else {
            add_done_waiter(node.member.get(), &node);
        }
    }
}

void AsCompletedState::completed(AsCompletedNode& node) noexcept {
    if (timed_out_) return;
    (done_ == nullptr ? done_ : last_done_->next_done) = &node;
    last_done_ = &node;
    if (--todo_ == 0 && timer_) timer_->cancel();
    wake_next();
}

void AsCompletedState::time_is_up() noexcept {
    timed_out_ = true;
    for (AsCompletedNode& node : nodes_) {
        if (node.linked()) node.member->callbacks.remove(&node);
    }
    expired_ = std::exchange(todo_, 0);
    for (std::size_t i = 0; i < expired_; ++i) wake_next();
}

StateRef AsCompletedState::fetch() noexcept {
    if (done_ == nullptr) {
        --expired_;
        return StateRef();
    }
    AsCompletedNode* node = std::exchange(done_, done_->next_done);
    return std::move(node->member);
}

void AsCompletedState::wake_next() noexcept {
    if (LinkedWaiter* waiter = waiting.pop_front()) waiter->fired();
}

void AsCompletedState::check_waiter() const {
    if (here.task == nullptr) throw_not_in_task("as_completed()");
    if (here.loop->index != loop_) {
        throw RuntimeError("as_completed() is bound to a different event loop");
    }
}

void AsCompletedAwaiterBase::fired() noexcept {
    woken_ = true;
    task->set(FutureState::asks);
    wake(task);
}

bool AsCompletedAwaiterBase::resumes() noexcept {
    if (!state_->empty() || task->has(FutureState::must_cancel)) return true;
    woken_ = false;
    state_->waiting.push_back(this);
    return false;
}

bool AsCompletedAwaiterBase::cancelled() noexcept {
    if (!take_cancel()) return false;
    state_->give_turn_back();
    if (woken_ && !state_->empty()) state_->wake_next();
    return true;
}

StateRef AsCompletedAwaiterBase::fetch() {
    StateRef member = state_->fetch();
    if (!member) throw TimeoutError();
    return member;
}

} // namespace asyncio::detail
