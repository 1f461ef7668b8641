// SPDX-License-Identifier: MIT
// Closing a descriptor once.
#include "os/descriptor.h"

#include <cerrno>
#include <unistd.h>

namespace asyncio::os {

void Descriptor::reset() noexcept {
    if (fd_ < 0) return;
    const int kept = errno;
    ::close(std::exchange(fd_, -1)); // never again after EINTR: on Linux the number is free already
    errno = kept;
}

} // namespace asyncio::os
