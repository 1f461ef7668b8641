// SPDX-License-Identifier: MIT
// A loop's clock that jumps to the next deadline: an hour of sleeping takes no time.
#pragma once

#include "asyncio/exceptions.h"
#include "asyncio/selector_events.h"

#include <memory>

namespace asyncio::testing {

/// Thrown out of a loop on a virtual clock when nothing is left that could ever wake it.
struct Deadlock final : Error {
    Deadlock();
};

/// epoll with a clock that begins at 0 and stands still while anything is ready.
///
/// When nothing is ready it jumps to the next deadline, unless threads work for the loop: then it
/// waits for them in real time. With no deadline either it waits five real seconds for another
/// thread or descriptor, then throws Deadlock out of the loop.
std::unique_ptr<Backend> make_virtual_backend();

} // namespace asyncio::testing
