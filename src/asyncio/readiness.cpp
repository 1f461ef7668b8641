// SPDX-License-Identifier: MIT
// How a waiting task watches its descriptor.
#include "asyncio/readiness.h"

#include "asyncio/base_events.h"

namespace asyncio::detail {

void ReadinessAwaiter::watch() {
    if (here.loop != &loop.core()) throw RuntimeError("the descriptor is watched by another loop");
    const auto& watches = loop.parts().watches;
    const auto found = watches.find(fd);
    if (found != watches.end() && (write ? found->second.writer : found->second.reader)) {
        throw RuntimeError("File descriptor " + std::to_string(fd) + " is watched already");
    }
    // LIFETIME: abandon() and fired() take the callback out before this node goes.
    ReadinessAwaiter* self = this;
    if (write) {
        loop.add_writer(fd, [self] { self->fired(); });
    } else {
        loop.add_reader(fd, [self] { self->fired(); });
    }
}

void ReadinessAwaiter::fired() noexcept {
    abandon();
    wake(task);
}

void ReadinessAwaiter::abandon() noexcept {
    if (write) {
        loop.remove_writer(fd);
    } else {
        loop.remove_reader(fd);
    }
}

} // namespace asyncio::detail
