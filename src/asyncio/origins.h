// SPDX-License-Identifier: MIT
// Debug mode: where coroutines, futures, tasks and handles were created.
#pragma once

#include "asyncio/callbacks.h"
#include "asyncio/coroutines.h"

#include <cstddef>
#include <source_location>
#include <string>
#include <vector>

namespace asyncio::detail {

/// How many calls of a creator's stack are kept, the innermost ones.
inline constexpr std::size_t origin_calls_max = 10;

/// Where it was created: the calls that were noted, the outermost first, or else the one line that
/// is always known; empty if that is unknown.
std::string origin_text(const FutureState* state);
std::string origin_text(const CallbackNode& node);
/// " created at x.cpp:7" if debug mode has noted it; else empty.
std::string created_text(const FutureState* state);
std::string created_text(const CallbackNode& node);

/// The calls that led to a coroutine that has not started; empty if nobody noted them.
std::string origin_text(const Frame& frame);
/// Begins to note the origins of this thread's coroutines, or ends it and forgets them: nobody
/// tells any more when they start.
void track_origins(bool on) noexcept;
/// How many coroutines' origins this thread keeps.
std::size_t origins_kept() noexcept;

} // namespace asyncio::detail
