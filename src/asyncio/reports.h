// SPDX-License-Identifier: MIT
// What the library has to say where nobody can catch it: the log, and the context of an exception.
#pragma once

#include "asyncio/tasks.h"
#include "base/function.h"

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asyncio {

/// What went wrong where nobody could catch it.
/// Source    the context dict of CPython's call_exception_handler.
struct ExceptionContext {
    std::string message;
    std::exception_ptr exception;       // may be null
    std::optional<AnyFuture> future;    // whose it was
    std::optional<AnyTask> task;
    std::string handle;                 // text of the callback
    std::string source_traceback;       // where it was created; in debug mode with the calls
    std::vector<std::pair<std::string, std::string>> more; // further keys, as text
};

/// Is told of such an exception. See EventLoop::set_exception_handler.
using ExceptionHandler = base::Function<void(EventLoop&, const ExceptionContext&)>;

/// How bad a line of the log is.
enum class LogLevel { debug, info, warning, error };
std::string to_string(LogLevel level); // "WARNING"

/// Where the library's own lines go: slow callbacks, errors nobody retrieved. By default stderr.
///
/// handler   called with one record, which may have several lines; null: the default again.
/// Returns   the handler before; null: the default.
/// Thread    any; the handler may be called on any thread that runs a loop.
using LogHandler = void (*)(LogLevel, std::string_view);
LogHandler set_log_handler(LogHandler handler) noexcept;

} // namespace asyncio
