// SPDX-License-Identifier: MIT
// LoopOptions: what a loop is made from.
#pragma once

#include "asyncio/selector_events.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace asyncio {

/// What new_event_loop and loop factories build on.
class LoopOptions {
public:
    LoopOptions() noexcept {}
    /// Another clock or poller than epoll, for tests and other backends.
    LoopOptions& backend(std::unique_ptr<Backend> backend) & {
        backend_ = std::move(backend);
        return *this;
    }
    LoopOptions backend(std::unique_ptr<Backend> other) && {
        return std::move(backend(std::move(other)));
    }
    LoopOptions& debug(bool on) & {
        debug_ = on;
        return *this;
    }
    LoopOptions debug(bool on) && { return std::move(debug(on)); }
    /// Permutes by this seed what has no promised order: descriptors that are ready together, and
    /// the order in which a group cancels its children. 0: natural order.
    LoopOptions& shuffle_seed(std::uint64_t seed) & {
        shuffle_seed_ = seed;
        return *this;
    }
    LoopOptions shuffle_seed(std::uint64_t seed) && { return std::move(shuffle_seed(seed)); }

private:
    friend class EventLoop;
    std::unique_ptr<Backend> backend_;
    std::optional<bool> debug_;
    std::uint64_t shuffle_seed_ = 0;
};

} // namespace asyncio
