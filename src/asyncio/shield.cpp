// SPDX-License-Identifier: MIT
// Shields: handing an end on, reporting one that nobody waits for, putting cancels off.
#include "asyncio/shield.h"

#include "asyncio/events.h"

namespace asyncio::detail {

// ---- shield -------------------------------------------------------------------------------------

namespace {

/// The done-callback of work whose shield was cancelled.
struct LogShieldedException {
    void operator()(const AnyFuture& inner) const {
        if (inner.cancelled()) return;
        const std::exception_ptr error = inner.exception();
        if (!error) return;
        ExceptionContext context;
        context.message = type_name(error) + " exception in shielded future";
        context.exception = error;
        context.future = inner;
        inner.get_loop().call_exception_handler(context);
    }
};

// One report is enough, however many shields there were.
void log_exception_once(const AnyFuture& inner) {
    WaiterList& line = inner.state()->callbacks;
    for (LinkedWaiter* w = line.front(); w != nullptr; w = line.after(w)) {
        auto* callback = dynamic_cast<DoneCallback*>(w);
        if (callback == nullptr || callback->ops->type != typeid(LogShieldedException)) continue;
        line.remove(callback);
        callback->dropped();
        break;
    }
    inner.add_done_callback(LogShieldedException());
}

} // namespace

ShieldPart::ShieldPart(FutureState* outer, StateRef inner, Hand hand) noexcept
    : Hop(
          [](Hop* hop) {
              auto* part = static_cast<ShieldPart*>(hop);
              const StateRef kept = StateRef::adopt(part->task);
              part->inner_done();
          },
          [](Hop* hop) noexcept { release(static_cast<ShieldPart*>(hop)->task); }),
      inner_(std::move(inner)), hand_(hand) {
    task = outer;
    add_done_waiter(inner_.get(), this);
}

void ShieldPart::fired() noexcept {
    add_ref(task);
    queue_hop(*loop_of(task), this);
}

void ShieldPart::inner_done() noexcept {
    const StateRef inner = std::exchange(inner_, StateRef());
    if (task->done()) return; // cancelled in the same turn
    if (inner->has(FutureState::is_cancelled)) return complete_cancelled(task, {});
    if (inner->failed()) return complete_error(task, exception_of(inner.get()));
    try {
        hand_(task, inner.get());
    } catch (...) {
        return complete_error(task, std::current_exception());
    }
    task->cell.st = CellHead::value;
    complete(task);
}

void ShieldPart::open() noexcept {
    if (!linked()) return; // the inner one is done
    const AnyFuture inner{std::exchange(inner_, StateRef())};
    inner.state()->callbacks.remove(this);
    try {
        log_exception_once(inner);
    } catch (const std::bad_alloc&) {
        // It will be reported as never retrieved.
    }
}

bool cancel_shield(FutureState* outer, std::string_view message) {
    complete_cancelled(outer, message);
    ShieldPart::of(outer).open();
    return true;
}

void destroy_shield(FutureState* outer) noexcept { ShieldPart::of(outer).~ShieldPart(); }

// ---- shielded -----------------------------------------------------------------------------------

void ShieldedRegion::enter() {
    FutureState* task = here.task;
    if (task == nullptr) throw RuntimeError("shielded() should be used inside a task");
    ColdPart& cold = cold_part(task);
    outer_ = cold.shielded;
    depth_ = outer_ != nullptr ? outer_->depth_ + 1 : 1;
    requested_ = task->has(FutureState::must_cancel);
    if (requested_) {
        message_ = take_cancel_message(task);
        task->clear(FutureState::must_cancel);
        if (grace_) start_grace();
    }
    task_ = task;
    cold.shielded = this;
    task->set(FutureState::shielded);
}

void ShieldedRegion::leave() noexcept {
    FutureState* task = std::exchange(task_, nullptr);
    if (task == nullptr) return;
    if (timer_) timer_->cancel();
    cold_part(task).shielded = outer_;
    if (outer_ == nullptr) task->clear(FutureState::shielded);
    if (put_off_ == 0 && !requested_) return;
    count_cancels(task, put_off_);
    request_cancel(task, message_);
}

void ShieldedRegion::keep(std::string_view message) noexcept {
    try {
        message_ = message;
    } catch (const std::bad_alloc&) {
        // Losing the message is better than losing the cancel.
    }
}

void ShieldedRegion::start_grace() noexcept {
    if (timer_) return;
    try {
        // LIFETIME: leave() takes the callback back before this goes.
        timer_ = EventLoop::of(*here.loop).call_later(*grace_, [this] { end_grace(); });
    } catch (const std::bad_alloc&) {
        grace_.reset();
    }
}

// The body has had its time: what was put off is delivered now, and what comes from now on as well.
void ShieldedRegion::end_grace() noexcept {
    if (put_off_ == 0 && !requested_) return timer_.reset();
    over_ = true;
    count_cancels(task_, std::exchange(put_off_, 0) - 1); // cancel() counts one
    requested_ = false;
    cancel(task_, message_, depth_ - 1);
}

bool put_off_cancel(FutureState* task, std::string_view message, unsigned scope) noexcept {
    ShieldedRegion* holds = nullptr; // the outermost one inside of who cancels
    for (ShieldedRegion* r = cold_part(task).shielded; r != nullptr && r->depth_ > scope;
         r = r->outer_) {
        if (!r->over_) holds = r;
    }
    if (holds == nullptr) return false;
    holds->keep(message);
    ++holds->put_off_;
    if (holds->grace_) holds->start_grace();
    return true;
}

unsigned shield_depth(FutureState* task) noexcept {
    return task->has(FutureState::shielded) ? cold_part(task).shielded->depth_ : 0;
}

int cancels_put_off(FutureState* task) noexcept {
    int sum = 0;
    for (const ShieldedRegion* r = cold_part(task).shielded; r != nullptr; r = r->outer_) {
        sum += r->put_off_;
    }
    return sum;
}

bool take_back_put_off(FutureState* task) noexcept {
    for (ShieldedRegion* r = cold_part(task).shielded; r != nullptr; r = r->outer_) {
        if (r->put_off_ == 0) continue;
        --r->put_off_;
        return true;
    }
    return false;
}

void forget_request(FutureState* task) noexcept {
    for (ShieldedRegion* r = cold_part(task).shielded; r != nullptr; r = r->outer_) {
        r->requested_ = false;
    }
}

} // namespace asyncio::detail
