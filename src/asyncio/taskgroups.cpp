// SPDX-License-Identifier: MIT
// Task groups: children's ends, aborting, and what comes out of the group.
#include "asyncio/taskgroups.h"

#include "asyncio/base_events.h"

namespace asyncio {

using detail::FutureState;
using detail::GroupChild;
using detail::GroupLink;

namespace {

bool is_interrupt(const std::exception_ptr& error) noexcept {
    return is_exception<KeyboardInterrupt>(error) || is_exception<SystemExit>(error);
}

} // namespace

namespace detail {

/// A child: stands in the group's list and in the line of those who are told of the task's end.
///
/// The end is counted in the next turn, so the node is queued then. It may outlive the group there,
/// when a loop is closed over it; the group is null from then on.
struct GroupChild final : CallbackNode, LinkedWaiter, GroupLink {
    explicit GroupChild(TaskGroup& owner) noexcept
        : CallbackNode(&ops_table, owner.loop_->index), group(&owner) {}
    ~GroupChild() {
        if (GroupLink::linked()) group->forget(this); // a loop closes, and its queue goes first
        if (source != nullptr) detail::release(source);
    }

    void fired() noexcept override {
        set(CallbackNode::queued);
        queue_callback(*loop_table[CallbackNode::loop], this);
    }
    void abandon() noexcept override {}
    FutureState* awaiting() const noexcept override {
        return group != nullptr ? group->parent_ : nullptr;
    }
    const char* label() const noexcept override { return "TaskGroup"; }

    static GroupChild* of(GroupLink* link) noexcept { return static_cast<GroupChild*>(link); }
    static void run(CallbackNode* node) {
        auto* self = static_cast<GroupChild*>(node);
        if (self->group != nullptr) self->group->child_done(self);
    }
    static void drop(CallbackNode*) noexcept {}
    static void free(CallbackNode* node) noexcept {
        auto* self = static_cast<GroupChild*>(node);
        self->~GroupChild();
        base::StatePool::give(self, sizeof(GroupChild));
    }
    static constexpr CallbackOps ops_table{&run, &drop, &free, typeid(TaskGroup)};

    TaskGroup* group;
    FutureState* source = nullptr; // the task; counted
};

void GroupEmptied::join() noexcept { group_.waiting_ = this; }
void GroupEmptied::abandon() noexcept { group_.waiting_ = nullptr; }

} // namespace detail

// ---- children -----------------------------------------------------------------------------------

TaskGroup::Place::Place(TaskGroup& group) : group_(group) {
    group.check_open();
    static_assert(alignof(GroupChild) <= 8);
    child_ = ::new (base::StatePool::take(sizeof(GroupChild))) GroupChild(group);
}

TaskGroup::Place::~Place() {
    if (child_ != nullptr) detail::release(child_);
}

void TaskGroup::Place::join(FutureState* task) noexcept {
    detail::add_ref(task);
    child_->source = task;
    group_.children_.push_back(child_);
    ++group_.size_;
    // Also the end of one that ran to its end in here is counted in the next turn: the body must
    // not be cancelled too early.
    if (task->done()) {
        child_->fired();
    } else {
        detail::add_done_waiter(task, child_);
        if (group_.aborting_) detail::cancel(task, {}); // aborted in its own eager start
    }
    child_ = nullptr;
}

void TaskGroup::check_open() const {
    if (entered_ && !(exiting_ && size_ == 0) && !aborting_) return;
    const char* why = " is shutting down";
    if (!entered_) {
        why = " has not been entered";
    } else if (exiting_ && size_ == 0) {
        why = " is finished";
    }
    throw RuntimeError("TaskGroup " + to_string(*this) + why);
}

void TaskGroup::forget(GroupChild* child) noexcept {
    children_.remove(child);
    --size_;
}

// In the turn after the child's end.
void TaskGroup::child_done(GroupChild* child) noexcept {
    forget(child);
    if (size_ == 0 && waiting_ != nullptr) std::exchange(waiting_, nullptr)->fired();
    FutureState* task = child->source;
    if (task->has(FutureState::is_cancelled) || !task->failed()) return;
    task->set(FutureState::retrieved);
    detail::add_ref(child); // keeps the exception, and costs no memory that might be lacking
    failed_.push_back(child);
    const std::exception_ptr& error = task->cell.exception();
    if (!base_error_ && is_interrupt(error)) base_error_ = error;
    if (aborting_ || parent_cancel_requested_) return;
    cancel_children();
    cancel_parent();
}

// The body's await is to end, too. Leaving the group takes the request back.
void TaskGroup::cancel_parent() noexcept {
    parent_cancel_requested_ = true;
    detail::cancel(parent_, {}, shields_);
}

void TaskGroup::cancel_children() noexcept {
    aborting_ = true;
    if (cancel_children_shuffled()) return;
    for (GroupLink* link = children_.front(); link != nullptr; link = children_.after(link)) {
        FutureState* task = GroupChild::of(link)->source;
        if (!task->done()) detail::cancel(task, {});
    }
}

// In which order children are cancelled is nobody's promise, so a test may permute it.
bool TaskGroup::cancel_children_shuffled() noexcept {
    EventLoop& loop = EventLoop::of(*loop_);
    if (loop.parts().shuffle_state == 0) return false;
    try {
        std::vector<FutureState*> order;
        for (GroupLink* link = children_.front(); link != nullptr; link = children_.after(link)) {
            order.push_back(GroupChild::of(link)->source);
        }
        loop.shuffle(order);
        for (FutureState* task : order) {
            if (!task->done()) detail::cancel(task, {});
        }
        return true;
    } catch (const std::bad_alloc&) {
        return false; // the natural order is as good
    }
}

void TaskGroup::cancel() noexcept {
    if (!entered_) {
        cancel_on_enter_ = true;
        return;
    }
    if ((exiting_ && size_ == 0) || aborting_) return;
    cancel_children();
    if (!parent_cancel_requested_) cancel_parent();
}

// ---- beginning and end --------------------------------------------------------------------------

void TaskGroup::enter() {
    if (entered_) throw RuntimeError("TaskGroup " + to_string(*this) + " has already been entered");
    detail::LoopCore& loop = detail::running_loop();
    if (detail::here.task == nullptr) {
        throw RuntimeError("TaskGroup " + to_string(*this) + " cannot determine the parent task");
    }
    loop_ = &loop;
    parent_ = detail::here.task;
    shields_ = detail::shield_depth(parent_);
    entered_ = true;
    if (cancel_on_enter_) cancel();
}

void TaskGroup::leave(std::exception_ptr end) noexcept {
    exiting_ = true;
    if (!end) return;
    if (is_exception<CancelledError>(end)) {
        propagate_ = end;
    } else {
        if (!base_error_ && is_interrupt(end)) base_error_ = end;
        body_error_ = std::move(end);
    }
    if (!aborting_) cancel_children();
}

void TaskGroup::interrupted(std::exception_ptr cancelled) noexcept {
    pending_cancel_ = std::move(cancelled);
    if (aborting_) return;
    propagate_ = pending_cancel_;
    cancel_children();
}

// All children have ended. What comes out: null, or what is to be thrown.
std::exception_ptr TaskGroup::verdict() {
    if (base_error_) {
        report_suppressed();
        return base_error_;
    }
    if (parent_cancel_requested_) {
        if (detail::uncancel(parent_) == 0) {
            propagate_ = nullptr; // the cancel was this group's own
        } else if (!propagate_) {
            propagate_ = pending_cancel_; // somebody else's came as well
        }
    }
    if (failed_.empty() && !body_error_) return propagate_;
    if (parent_->cancels > 0) {
        // An error wins over a cancel from outside, which is kept for the next await.
        detail::uncancel(parent_);
        detail::cancel(parent_, {}, shields_);
    }
    // A generator that is being closed has to see its GeneratorExit again.
    if (failed_.empty() && is_exception<GeneratorExit>(body_error_)) return body_error_;
    std::vector<std::exception_ptr> errors;
    for (GroupLink* link = failed_.front(); link != nullptr; link = failed_.after(link)) {
        errors.push_back(GroupChild::of(link)->source->cell.exception());
    }
    if (body_error_) errors.push_back(body_error_);
    return make_exception_group("unhandled errors in a TaskGroup", std::move(errors));
}

// An interrupt takes the place of the other errors: they must not get lost.
void TaskGroup::report_suppressed() {
    std::vector<std::exception_ptr> errors;
    for (GroupLink* link = failed_.front(); link != nullptr; link = failed_.after(link)) {
        errors.push_back(GroupChild::of(link)->source->cell.exception());
    }
    if (body_error_) errors.push_back(body_error_);
    for (const std::exception_ptr& error : errors) {
        if (error == base_error_) continue;
        ExceptionContext context;
        context.message = "TaskGroup task exception was not propagated because the TaskGroup body "
                          "is being closed with a BaseException";
        context.exception = error;
        context.more.emplace_back("task_group", to_string(*this));
        EventLoop::of(*loop_).call_exception_handler(context);
    }
}

void TaskGroup::throw_no_result() {
    throw InvalidStateError("the TaskGroup was cancelled before its body had a result");
}

// After the end there is nothing left but errors. If the loop is closed over the group, there are
// children, in their task's line or in the queue.
void TaskGroup::disband() noexcept {
    while (GroupLink* link = children_.pop_front()) {
        GroupChild* child = GroupChild::of(link);
        child->group = nullptr;
        if (child->has(detail::CallbackNode::queued)) continue; // the queue has the count
        if (child->LinkedWaiter::linked()) child->source->callbacks.remove(child);
        detail::release(child);
    }
    while (GroupLink* link = failed_.pop_front()) detail::release(GroupChild::of(link));
    size_ = 0;
    exiting_ = true;
    parent_ = nullptr;
    waiting_ = nullptr;
    base_error_ = body_error_ = propagate_ = pending_cancel_ = nullptr;
}

std::string to_string(const TaskGroup& group) {
    std::string text = "<TaskGroup";
    if (group.size_ != 0) text += " tasks=" + std::to_string(group.size_);
    std::size_t errors = 0;
    for (const GroupLink* link = group.failed_.front(); link != nullptr;
         link = group.failed_.after(link)) {
        ++errors;
    }
    if (errors != 0) text += " errors=" + std::to_string(errors);
    if (group.aborting_) {
        text += " cancelling";
    } else if (group.entered_) {
        text += " entered";
    }
    return text + ">";
}

} // namespace asyncio
