// SPDX-License-Identifier: MIT
// Wake-up: what another thread or a signal handler writes to, so that a poll ends.
#pragma once

#include "os/descriptor.h"

namespace asyncio::os {

/// An eventfd that is never read: registered edge-triggered, each write is an event of its own.
class Wakeup {
public:
    /// Throws    OSError: no descriptor or no memory for it.
    Wakeup();

    int fd() const noexcept { return fd_.get(); } // to be watched, edge-triggered

    /// Ends the poll that watches fd(), or the next one.
    /// Thread    any; also from a signal handler (errno is kept).
    /// Cost      one system call.
    void notify() const noexcept;

private:
    Descriptor fd_;
};

} // namespace asyncio::os
