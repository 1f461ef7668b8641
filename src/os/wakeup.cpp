// SPDX-License-Identifier: MIT
// The eventfd behind Wakeup.
#include "os/wakeup.h"

#include "os/errors.h"

#include <cerrno>
#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>

namespace asyncio::os {

Wakeup::Wakeup() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!fd_) throw_os_error(errno, "eventfd");
}

void Wakeup::notify() const noexcept {
    const int kept = errno;
    const std::uint64_t one = 1;
    // It can only fail when 2^64 - 2 wake-ups were never read; it is then signalled already.
    while (::write(fd_.get(), &one, sizeof one) < 0 && errno == EINTR) {
    }
    errno = kept;
}

} // namespace asyncio::os
