// SPDX-License-Identifier: MIT
// Completions that travel from threads to a loop, and what becomes of those that come too late.
#include "asyncio/outside_work.h"

#include "asyncio/base_events.h"

namespace asyncio::detail {

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

} // namespace asyncio::detail
