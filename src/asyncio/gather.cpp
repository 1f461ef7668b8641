// SPDX-License-Identifier: MIT
// What gathers of all result types do: count their children, and complete.
#include "asyncio/gather.h"

namespace asyncio::detail {

void join_loop(LoopCore*& loop, const FutureState* child) {
    if (child == nullptr) throw ValueError("an empty handle is no future");
    LoopCore* own = loop_of(child);
    if (own == nullptr) throw RuntimeError("Event loop is closed");
    if (loop == nullptr) loop = own;
    if (loop != own) {
        throw ValueError("The future belongs to a different loop than the one specified as the "
                         "loop argument");
    }
}

namespace {

// Has `child` a node of this gather? It would be its last callback; where tasks may start at once,
// they may have added others since.
bool holds(base::FixedArray<GatherNode>& nodes, FutureState* child, bool look_at_all) noexcept {
    WaiterList& line = child->callbacks;
    const auto ours = [&](LinkedWaiter* waiter) {
        const auto* node = static_cast<const void*>(waiter);
        return node >= nodes.begin() && node < nodes.end();
    };
    if (line.empty()) return false;
    if (!look_at_all) return ours(static_cast<LinkedWaiter*>(line.front()->prev));
    for (LinkedWaiter* w = line.front(); w != nullptr; w = line.after(w)) {
        if (ours(w)) return true;
    }
    return false;
}

} // namespace

// ---- beginning ----------------------------------------------------------------------------------

void GatherPart::reserve(std::size_t count, bool own) {
    if (own) {
        slots.reserve(count);
    } else {
        nodes.reserve(count);
    }
}

void GatherPart::add(StateRef child, bool own) noexcept {
    if (own) child->set(FutureState::silent);
    FutureState* state = child.release_ownership();
    if (slots.capacity() != 0) {
        join_gather(state, &slots.emplace(*this, state)); // it has not begun
        ++unfinished;
        return;
    }
    const bool repeated = !own && holds(nodes, state, loop_of(outer)->has_task_factory);
    GatherNode& node = nodes.emplace(*this, state);
    if (state->done()) {
        if (!state->failed()) return child_ended_well(node.child);
        if (mode != GatherMode::outcomes && failed == nullptr) failed = &node.child;
    } else if (!repeated) {
        add_done_waiter(state, &node);
        ++unfinished;
    }
}

// What became done while the others were added is counted in the next turn, as callbacks are.
void GatherPart::start() noexcept {
    if (queued) return;
    settle();
}

// ---- counting -----------------------------------------------------------------------------------

GatherNode::GatherNode(GatherPart& part, FutureState* counted_child) noexcept
    : child(counted_child) {
    task = part.outer;
}

void GatherNode::fired() noexcept { GatherPart::of(task).child_ended(child); }

FutureState* gather_of(const FutureState* task) noexcept {
    const GatherSlot* slot = gather_slot(task);
    return slot != nullptr ? slot->part->outer : nullptr;
}

void tell_gather(FutureState* task) noexcept {
    GatherSlot& slot = *gather_slot(task);
    slot.leave();
    slot.part->child_ended(slot.child);
}

void GatherPart::child_ended(FutureState*& child) noexcept {
    --unfinished;
    if (child->failed()) [[unlikely]]
        return child_failed(child);
    child_ended_well(child);
    if (unfinished == 0) queue();
}

void GatherPart::child_ended_well(FutureState*& child) noexcept {
    if (!collector->wants_children) release(std::exchange(child, nullptr));
}

void GatherPart::child_failed(FutureState*& child) noexcept {
    if (mode == GatherMode::outcomes) {
        if (unfinished == 0) queue();
    } else if (failed == nullptr) {
        failed = &child;
        queue();
    } else {
        if (mode == GatherMode::first_error) child->set(FutureState::retrieved);
        if (unfinished == 0) queue();
    }
}

void GatherPart::queue() noexcept {
    if (queued) return;
    queued = true;
    add_ref(outer);
    queue_hop(*loop_of(outer), this);
}

void GatherPart::run_queued(Hop* hop) {
    auto* part = static_cast<GatherPart*>(hop);
    const StateRef outer = StateRef::adopt(part->outer);
    part->queued = false;
    part->settle();
}

void GatherPart::drop_queued(Hop* hop) noexcept {
    auto* part = static_cast<GatherPart*>(hop);
    part->queued = false;
    release(part->outer);
}

// ---- ending -------------------------------------------------------------------------------------

void GatherPart::settle() noexcept {
    if (outer->done()) return detach(false); // somebody else completed it
    if (unfinished == 0 || (failed != nullptr && mode == GatherMode::first_error)) return finish();
    if (failed != nullptr && !children_cancelled) cancel_children({});
}

void GatherPart::finish() noexcept {
    std::exception_ptr error;
    if (failed != nullptr) {
        error = exception_of(*failed);
    } else if (cancel_requested) {
        error = std::make_exception_ptr(CancelledError(take_cancel_message(outer)));
        for_each([](auto& place) {
            if (place.child != nullptr) place.child->set(FutureState::retrieved);
        });
    } else {
        try {
            collector->collect(*this);
        } catch (...) {
            error = std::current_exception();
        }
    }
    if (error) {
        complete_error(outer, std::move(error));
    } else {
        outer->cell.st = CellHead::value;
        complete(outer);
        if (!collector->wants_children) return forget_children(); // each has been let go of
    }
    detach(mode == GatherMode::first_error && failed != nullptr);
}

// Lets go of the children. `failures_are_seen`: what they have failed with or will counts as
// retrieved.
void GatherPart::detach(bool failures_are_seen) noexcept {
    for_each([&](auto& place) {
        if (place.child == nullptr) return;
        if (place.waits()) place.leave();
        if (failures_are_seen) place.child->set(FutureState::retrieved);
        release(std::exchange(place.child, nullptr));
    });
    unfinished = 0;
    forget_children();
}

void GatherPart::forget_children() noexcept {
    slots.reset();
    nodes.reset();
}

void destroy_gather(FutureState* outer) noexcept { GatherPart::of(outer).~GatherPart(); }

// ---- cancelling ---------------------------------------------------------------------------------

namespace {

// Gathers may hold gathers, to any depth: the innermost one whose children are being cancelled.
constinit thread_local GatherPart* cancelling_now = nullptr;

} // namespace

// A child that is not done takes a cancel, unless it is a gather that has nobody to pass it on to.
bool GatherPart::takes_cancel() noexcept {
    if (slots.size() != 0) return unfinished != 0; // tasks, each of which takes it
    for (GatherNode& node : nodes) {
        if (!node.waits()) continue;
        if (node.child->ops->cancel != &cancel_gather) return true;
        if (GatherPart::of(node.child).unfinished != 0) return true;
    }
    return false;
}

// Depth first, as by recursion; but a gather below only joins the stack, so that the machine's is
// not needed.
void GatherPart::cancel_children(std::string_view message) noexcept {
    const bool outermost = cancelling_now == nullptr;
    children_cancelled = true;
    outer->set(FutureState::on_cancel_path); // tasks that gather one another
    cursor = 0;
    cancelling = std::exchange(cancelling_now, this);
    if (!outermost) return;
    while (GatherPart* part = cancelling_now) {
        if (part->cursor == part->size()) {
            cancelling_now = std::exchange(part->cancelling, nullptr);
            part->outer->clear(FutureState::on_cancel_path);
            continue;
        }
        part->cancel_child(part->cursor++, message);
    }
}

void GatherPart::cancel_child(std::size_t i, std::string_view message) noexcept {
    const bool waits = slots.capacity() != 0 ? slots[i].waits() : nodes[i].waits();
    if (waits) cancel(child(i), message);
}

bool cancel_gather(FutureState* outer, std::string_view message) {
    GatherPart& part = GatherPart::of(outer);
    if (outer->has(FutureState::on_cancel_path) || !part.takes_cancel()) return false;
    part.cancel_requested = true;
    try {
        if (!message.empty()) cold_part(outer).cancel_message = message;
    } catch (const std::bad_alloc&) {
        // Losing the message is better than losing the cancel.
    }
    part.cancel_children(message);
    return true;
}

} // namespace asyncio::detail
