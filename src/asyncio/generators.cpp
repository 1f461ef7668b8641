// SPDX-License-Identifier: MIT
// Generators that were started and not finished: the loop's list, and closing them at its end.
#include "asyncio/generators.h"

#include "asyncio/base_events.h"

namespace asyncio {

namespace detail {

void GeneratorFrame::begin(CellHead* cell) {
    if (running_) throw RuntimeError("anext(): asynchronous generator is already running");
    if (!started_) {
        started_ = true;
        join_loop();
    }
    running_ = true;
    result_ = cell;
}

void GeneratorFrame::join_loop() noexcept {
    if (here.loop == nullptr) return;
    link_before(EventLoop::of(*here.loop).parts().generators, *this);
}

void GeneratorFrame::leave_loop() noexcept {
    unlink(*this);
    prev = next = nullptr;
}

void report_unfinished(const GeneratorFrame& frame) noexcept {
    const bool wanted = here.loop != nullptr ? here.loop->debug : debug_by_environment();
    if (!wanted) return;
    try {
        log(LogLevel::warning,
            "asynchronous generator '" + function_name(frame.where) +
                "' was destroyed while suspended, so its clean-up could not await: aclose() it (" +
                frame.where.file_name() + ":" + std::to_string(frame.where.line()) + ")");
    } catch (...) {
        log(LogLevel::warning, "an asynchronous generator was destroyed while suspended");
    }
}

namespace {

struct CloseGenerator { // the operation aclose() of a generator of any type
    GeneratorFrame* frame;
    CloseAwaiter operator co_await() const noexcept { return CloseAwaiter(frame); }
};

} // namespace

} // namespace detail

Coro<void> EventLoop::shutdown_asyncgens() {
    base::ListNode& ring = parts_->generators;
    while (ring.next != &ring) {
        detail::GeneratorFrame* frame = detail::GeneratorFrame::of(ring.next);
        frame->leave_loop(); // each once
        std::exception_ptr error;
        if (frame->running()) {
            error = std::make_exception_ptr(
                RuntimeError("aclose(): asynchronous generator is already running"));
        } else {
            const detail::CloseGenerator close{frame};
            const Outcome<void> end = co_await outcome(close);
            if (end.cancelled()) end.value();
            error = end.exception();
        }
        if (!error) continue;
        ExceptionContext context;
        context.message = "an error occurred during closing of asynchronous generator";
        context.exception = error;
        call_exception_handler(context);
    }
}

} // namespace asyncio
