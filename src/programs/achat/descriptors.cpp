// SPDX-License-Identifier: MIT
// The soft limit is ours to raise, the hard limit is not.
#include "programs/achat/descriptors.h"

#include "os/errors.h"

#include <cerrno>
#include <string>
#include <sys/resource.h>

namespace achat {

void allow_descriptors(std::size_t count) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        asyncio::os::throw_os_error(errno, "getrlimit", "descriptors");
    }
    if (limit.rlim_cur >= count) return;
    if (limit.rlim_max < count) {
        throw asyncio::os::OSError(std::to_string(count) + " descriptors are needed, and " +
                                   std::to_string(limit.rlim_max) +
                                   " is all that this process may have: take fewer clients, or a "
                                   "higher hard limit (ulimit -Hn)");
    }
    limit.rlim_cur = count;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        asyncio::os::throw_os_error(errno, "setrlimit", "descriptors");
    }
}

} // namespace achat
