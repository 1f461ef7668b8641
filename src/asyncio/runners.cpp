// SPDX-License-Identifier: MIT
// Beginning and end of a run, and Ctrl-C in between.
#include "asyncio/runners.h"

#include "asyncio/base_events.h"
#include "asyncio/gather.h"
#include "os/signals.h"

#include <csignal>

namespace asyncio {

namespace {

constexpr std::chrono::seconds executor_timeout{300};
constexpr int shutdown_rounds_max = 100;

void report_failures(EventLoop& loop, const std::vector<AnyTask>& ended) {
    for (const AnyTask& task : ended) {
        if (task.cancelled() || task.exception() == nullptr) continue;
        ExceptionContext context;
        context.message = "unhandled exception during asyncio.run() shutdown";
        context.exception = task.exception();
        context.task = task;
        loop.call_exception_handler(context);
    }
}

// What is ready does not run once more before it is cancelled. Tasks may make new ones while they
// are cancelled; those are cancelled in a further round.
void cancel_all_tasks(EventLoop& loop) {
    for (int round = 0; round < shutdown_rounds_max; ++round) {
        const std::vector<AnyTask> left = all_tasks(loop);
        if (left.empty()) return;
        std::vector<detail::FutureState*> order;
        order.reserve(left.size());
        for (const AnyTask& task : left) order.push_back(task.state());
        loop.shuffle(order);
        for (detail::FutureState* task : order) detail::cancel(task, {});
        loop.run_until_complete(gather_outcomes(left));
        report_failures(loop, left);
    }
}

} // namespace

namespace detail {

void check_can_run() {
    if (running_loop_or_null() != nullptr) {
        throw RuntimeError("asyncio.run() cannot be called from a running event loop");
    }
}

} // namespace detail

Runner::Runner(RunOptions options) : options_(std::move(options)) {}

Runner::~Runner() {
    try {
        close();
    } catch (const std::exception& error) {
        detail::log(LogLevel::error, std::string("closing a Runner failed: ") + error.what());
    } catch (...) {
        detail::log(LogLevel::error, "closing a Runner was interrupted");
    }
}

EventLoop& Runner::get_loop() {
    if (closed_) throw RuntimeError("Runner is closed");
    if (!loop_) {
        if (options_.loop_factory_) {
            loop_ = options_.loop_factory_();
        } else {
            loop_ = new_event_loop();
            set_event_loop(loop_.get());
            set_current_ = true;
        }
        if (options_.debug_) loop_->set_debug(*options_.debug_);
        context_ = copy_context();
    }
    return *loop_;
}

EventLoop& Runner::prepare_run() {
    if (running_loop_or_null() != nullptr) {
        throw RuntimeError("Runner.run() cannot be called from a running event loop");
    }
    return get_loop();
}

TaskOptions Runner::main_options(std::optional<Context> context) {
    TaskOptions options;
    options.context(context ? std::move(*context) : *context_);
    return options;
}

void Runner::run_main(const AnyTask& main) {
    EventLoop& loop = *loop_;
    int interrupts = 0;
    const bool catches = os::is_main_thread() && os::has_default_action(SIGINT);
    struct Release {
        EventLoop* loop;
        ~Release() {
            if (loop != nullptr) detail::release_sigint(*loop);
        }
    } release{catches ? &loop : nullptr};
    if (catches) {
        detail::catch_sigint(loop, [&interrupts, &main] {
            if (++interrupts > 1 || main.done()) throw KeyboardInterrupt();
            main.cancel();
        });
    }
    try {
        loop.run_until_complete(main);
    } catch (const CancelledError&) {
        if (interrupts > 0 && main.uncancel() == 0) throw KeyboardInterrupt();
        throw;
    }
}

void Runner::close_loop() {
    struct Close {
        Runner& runner;
        ~Close() {
            if (runner.set_current_) set_event_loop(nullptr);
            try {
                runner.loop_->close();
            } catch (const std::exception& error) {
                detail::log(LogLevel::error, error.what());
            }
            runner.loop_.reset();
        }
    } close{*this};
    cancel_all_tasks(*loop_);
    loop_->run_until_complete(loop_->shutdown_asyncgens());
    loop_->run_until_complete(loop_->shutdown_default_executor(executor_timeout));
}

void Runner::close() {
    if (closed_) return;
    closed_ = true;
    if (loop_) close_loop();
}

} // namespace asyncio
