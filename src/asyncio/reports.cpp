// SPDX-License-Identifier: MIT
// What the library has to say: the log, the exception handler, things nobody looked at.
#include "asyncio/reports.h"

#include "asyncio/base_events.h"
#include "asyncio/call_stacks.h"
#include "asyncio/format_helpers.h"
#include "asyncio/origins.h"
#include "os/process.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace asyncio {

using detail::FutureState;

// ---- the log ------------------------------------------------------------------------------------

std::string to_string(LogLevel level) {
    static constexpr const char* names[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
    return names[static_cast<std::size_t>(level)];
}

namespace {

void write_to_stderr(LogLevel level, std::string_view message) {
    std::string line = to_string(level);
    line.append(":asyncio:").append(message).append("\n");
    os::write_to_stderr(line);
}

std::atomic<LogHandler> log_handler{&write_to_stderr};

} // namespace

LogHandler set_log_handler(LogHandler handler) noexcept {
    const LogHandler before = log_handler.exchange(handler != nullptr ? handler : &write_to_stderr);
    return before != &write_to_stderr ? before : nullptr;
}

namespace detail {

void log(LogLevel level, std::string_view message) noexcept {
    try {
        log_handler.load()(level, message);
        return;
    } catch (...) {
        // Said below: nothing that the library has to say gets lost, and nobody is stopped by it.
    }
    try {
        write_to_stderr(level, message);
        write_to_stderr(LogLevel::error, "Exception in log handler");
    } catch (const std::bad_alloc&) {
        // There is nothing left to say it with.
    }
}

bool debug_by_environment() noexcept {
    const char* value = std::getenv("ASYNCIO_DEBUG");
    return value != nullptr && *value != '\0' && std::strcmp(value, "0") != 0;
}

// ---- coroutines that nobody awaited -------------------------------------------------------------

void report_never_awaited(Frame& frame) noexcept {
    const bool wanted = here.loop != nullptr ? here.loop->debug : debug_by_environment();
    if (wanted) {
        try {
            const std::source_location function = frame.where;
            std::string text = "coroutine '" + name_of_call(function) + "' was never awaited\n" +
                               traceback_text({function});
            const std::string origin = origin_text(frame);
            if (!origin.empty()) {
                text += "\nCoroutine created at (most recent call last)\n" + origin;
            }
            log(LogLevel::warning, text);
        } catch (...) {
            log(LogLevel::warning, "a coroutine was never awaited");
        }
    }
    if (here.track_origins) forget_origin(&frame);
}

void throw_awaited_twice() { throw RuntimeError("cannot reuse already awaited coroutine"); }
void throw_not_in_task(const char* operation) {
    throw RuntimeError(std::string(operation) + " should be used inside a task");
}

// ---- exceptions that nobody retrieved -----------------------------------------------------------

void report_never_retrieved(FutureState* state) noexcept {
    try {
        ExceptionContext context;
        context.message = state->has(FutureState::is_task) ? "Task exception was never retrieved"
                                                           : "Future exception was never retrieved";
        context.exception = state->cell.exception();
        context.future = AnyFuture(StateRef(state));
        context.source_traceback = origin_text(state);
        if (LoopCore* loop = loop_of(state)) {
            EventLoop::of(*loop).call_exception_handler(context);
        } else {
            log(LogLevel::error, context.message + ": " + repr(context.exception));
        }
    } catch (...) {
        log(LogLevel::error, "a future's exception was never retrieved");
    }
}

} // namespace detail

// ---- the exception handler ----------------------------------------------------------------------

void EventLoop::set_exception_handler(ExceptionHandler handler) {
    parts_->exception_handler =
        handler ? std::make_shared<ExceptionHandler>(std::move(handler)) : nullptr;
}

const ExceptionHandler* EventLoop::get_exception_handler() const noexcept {
    return parts_->exception_handler.get();
}

namespace {

// The exception as Python prints it, below the way it took where that is known.
std::string exception_text(const ExceptionContext& context) {
    std::string text;
    FutureState* state = nullptr;
    if (context.future) state = context.future->state();
    if (context.task) state = context.task->state();
    const auto* calls = state != nullptr ? detail::failure_of(state) : nullptr;
    if (calls != nullptr && std::as_const(state->cell.exception()) == context.exception) {
        text = "\nTraceback (most recent call last):\n" + detail::traceback_text(*calls);
    }
    text.append("\n").append(type_name(context.exception));
    const std::string message = message_of(context.exception);
    return message.empty() ? text : text.append(": ").append(message);
}

} // namespace

void EventLoop::default_exception_handler(const ExceptionContext& context) {
    std::string text =
        context.message.empty() ? "Unhandled exception in event loop" : context.message;
    std::vector<std::pair<std::string, std::string>> lines = context.more;
    if (context.future) lines.emplace_back("future", to_string(*context.future));
    if (context.task) lines.emplace_back("task", to_string(*context.task));
    if (!context.handle.empty()) lines.emplace_back("handle", context.handle);
    if (!context.source_traceback.empty()) {
        lines.emplace_back("source_traceback", "Object created at (most recent call last):\n" +
                                                   context.source_traceback);
    }
    std::sort(lines.begin(), lines.end());
    for (const auto& [key, value] : lines) text.append("\n").append(key).append(": ").append(value);
    if (context.exception) text += exception_text(context);
    detail::log(LogLevel::error, text);
}

namespace {

// An interrupt leaves the loop; whatever else a handler throws must not.
bool is_interrupt(const std::exception_ptr& error) {
    return is_exception<KeyboardInterrupt>(error) || is_exception<SystemExit>(error);
}

/// Runs a handler in the context of the task whose failure it is told of.
class InContextOf {
public:
    explicit InContextOf(const ExceptionContext& context) noexcept {
        FutureState* state = nullptr;
        if (context.future) state = context.future->state();
        if (context.task) state = context.task->state();
        if (state != nullptr && state->has(FutureState::is_task)) {
            detail::context_slot = &state->context; // a plain future has none
        }
    }
    InContextOf(const InContextOf&) = delete;
    InContextOf& operator=(const InContextOf&) = delete;
    ~InContextOf() { detail::context_slot = before_; }

private:
    detail::ContextSlot* before_ = detail::context_slot;
};

} // namespace

void EventLoop::handle_by_default(const ExceptionContext& context, const char* failed_too) {
    try {
        default_exception_handler(context);
    } catch (...) {
        if (is_interrupt(std::current_exception())) throw;
        detail::log(LogLevel::error, failed_too);
    }
}

void EventLoop::call_exception_handler(const ExceptionContext& context) {
    if (!parts_ || !parts_->exception_handler) {
        return handle_by_default(context, "Exception in default exception handler");
    }
    ExceptionContext second;
    const std::shared_ptr<ExceptionHandler> handler = parts_->exception_handler;
    try {
        const InContextOf entered(context);
        return (*handler)(*this, context); // it may replace itself
    } catch (...) {
        second.exception = std::current_exception();
        if (is_interrupt(second.exception)) throw;
    }
    second.message = "Unhandled error in exception handler";
    second.more.emplace_back("context", context.message);
    if (context.exception) second.more.back().second += ": " + repr(context.exception);
    handle_by_default(second, "Exception in default exception handler while handling an unexpected "
                              "error in custom exception handler");
}

} // namespace asyncio
