// SPDX-License-Identifier: MIT
// A clean-up that fails where nothing can be thrown any more.
#include "asyncio/finally.h"

#include "asyncio/base_events.h"

namespace asyncio::detail {

// Called in a handler, while a frame is taken apart.
void cleanup_failed() noexcept {
    try {
        log(LogLevel::error,
            "a clean-up failed while its task was destroyed: " + repr(std::current_exception()));
    } catch (...) {
        log(LogLevel::error, "a clean-up failed while its task was destroyed");
    }
}

} // namespace asyncio::detail
