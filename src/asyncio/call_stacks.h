// SPDX-License-Identifier: MIT
// Which coroutines a task is in, and where: suspended ones by their frames, running ones by what
// this thread does.
#pragma once

#include "asyncio/scheduling.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <source_location>
#include <string>
#include <vector>

namespace asyncio::detail {

enum class CallKind : std::uint8_t { function, coroutine, generator };

/// One call of a stack.
struct Call {
    std::source_location where; // the await; of what has not suspended yet: the function
    CallKind kind = CallKind::coroutine;
};

inline constexpr std::size_t calls_all = std::numeric_limits<std::size_t>::max();

/// Its function as the source calls it; what the library has put around a callable or an operation
/// goes by the name of that.
std::string name_of_call(std::source_location where);
/// Has the library put this coroutine around a callable or an operation of the user's?
bool is_wrapper(std::source_location where) noexcept;

/// Is the body at work at present, perhaps below the eager start of another task?
bool is_running(FutureState* task) noexcept;

/// The coroutines that `task` is in, innermost first, without wrappers (but for one that is alone).
/// Empty when it is done, and below an eager start. Of the running task the innermost line is the
/// last one known.
///
/// most      looks at no more than so many calls, wrappers included.
std::vector<Call> calls_of(FutureState* task, std::size_t most = calls_all);

/// The same for the running task, seen from `where` in its innermost coroutine, or in a plain
/// function that this has called, which is then a call of its own.
std::vector<Call> calls_here(std::source_location where, std::size_t most = calls_all);

/// The lines of a traceback, the outermost call first.
std::string traceback_text(const std::vector<std::source_location>& innermost_first);

} // namespace asyncio::detail
