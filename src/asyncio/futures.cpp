// SPDX-License-Identifier: MIT
// Futures: results and callbacks.
#include "asyncio/futures.h"

#include "asyncio/base_events.h"

namespace asyncio {

using detail::FutureState;

namespace detail {

void throw_not_awaitable(FutureState* target) {
    if (here.task == nullptr) throw RuntimeError("await outside of a task");
    if (target == here.task)
        throw RuntimeError("Task cannot await on itself: " +
                           to_string(AnyFuture(StateRef(target))));
    throw RuntimeError("Task " + to_string(AnyFuture(StateRef(here.task))) + " got Future " +
                       to_string(AnyFuture(StateRef(target))) + " attached to a different loop");
}

void check_same_loop(const FutureState* state, const EventLoop* loop) {
    if (loop == nullptr) return;
    if (loop_of(state) != &const_cast<EventLoop*>(loop)->core()) {
        throw ValueError("The future belongs to a different loop than the one specified as the "
                         "loop argument");
    }
}

void check_thread_slow(LoopCore& loop, const char* what) {
    const LoopParts& parts = EventLoop::of(loop).parts();
    if (!parts.running || parts.thread == std::this_thread::get_id()) return;
    throw RuntimeError(std::string("Non-thread-safe operation invoked on an event loop other than "
                                   "the current one: ") +
                       what);
}

void DoneCallback::fired() noexcept {
    LoopCore* const owner = loop_table[CallbackNode::loop];
    if (owner == nullptr || owner->closed) return dropped(); // nobody is left to call it
    add_ref(source);
    told = true;
    queue_callback(*owner, this);
}

} // namespace detail

void throw_invalid_state() { throw InvalidStateError("invalid state"); }

std::exception_ptr FutureBase::exception() const {
    if (!done()) throw InvalidStateError("Exception is not set.");
    if (cancelled()) detail::rethrow_failure(state_.get());
    if (!state_->failed()) return nullptr;
    return detail::exception_of(state_.get());
}

void FutureBase::throw_unless_value() const {
    if (!done()) throw InvalidStateError("Result is not set.");
    detail::rethrow_failure(state_.get());
}

EventLoop& FutureBase::get_loop() const noexcept { return EventLoop::of(*loop_of(state_.get())); }

std::uint64_t FutureBase::next_callback_serial() noexcept {
    static thread_local std::uint64_t serial = 0;
    return ++serial;
}

CallbackId FutureBase::register_callback(detail::DoneCallback* callback) const {
    const CallbackId id(callback->serial);
    callback->source = state_.get();
    if (detail::here.track_origins) detail::note_origin(callback, {});
    if (done()) {
        const detail::LoopCore* loop = loop_of(state_.get());
        if (loop == nullptr || loop->closed) {
            callback->dropped();
            throw RuntimeError("Event loop is closed");
        }
        callback->fired();
    } else {
        detail::add_done_waiter(state_.get(), callback);
    }
    return id;
}

int FutureBase::remove_done_callback(CallbackId id) const noexcept {
    detail::WaiterList& callbacks = state_->callbacks;
    for (detail::LinkedWaiter* w = callbacks.front(); w != nullptr; w = callbacks.after(w)) {
        auto* callback = dynamic_cast<detail::DoneCallback*>(w);
        if (callback == nullptr || callback->serial != id.serial_) continue;
        callbacks.remove(callback);
        detail::release(static_cast<detail::CallbackNode*>(callback));
        return 1;
    }
    return 0;
}

} // namespace asyncio
