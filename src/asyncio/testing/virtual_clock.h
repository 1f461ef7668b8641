// SPDX-License-Identifier: MIT
// A loop's clock that jumps to the next deadline: an hour of sleeping takes no time.
#pragma once

#include "asyncio/durations.h"
#include "asyncio/selector_events.h"
#include "base/function.h"

#include <memory>

namespace asyncio::testing {

/// Thrown out of a loop on a virtual clock when nothing is left that could ever wake it.
struct Deadlock final : Error {
    Deadlock();
};

/// epoll with a clock that begins at 0 and stands still while anything is ready.
///
/// When nothing is ready it jumps to the next deadline, unless threads work for the loop: then it
/// waits for them in real time. With no deadline either, nobody is left but other threads and
/// descriptors: if none of them wakes it in `patience`, it throws Deadlock out of the loop.
///
/// patience  real time
/// on_jump   called in the loop's thread after each jump, before the turn runs what is due
std::unique_ptr<Backend> make_virtual_backend(Duration patience = std::chrono::seconds(5),
                                              base::Function<void()> on_jump = nullptr);

} // namespace asyncio::testing
