// SPDX-License-Identifier: MIT
// Hosts that never answer a connect.
#pragma once

#include "asyncio/connections.h"
#include "support/system_calls.h"

#include <cerrno>
#include <string>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace support {

/// connect() to these hosts goes on for ever; the others are the kernel's.
struct HangingHosts {
    static inline std::vector<std::string> hosts;
    static inline std::vector<std::string> tried;

    explicit HangingHosts(std::vector<std::string> hang) {
        hosts = std::move(hang);
        tried.clear();
        asyncio::os::system_calls.connect = [](int fd, const sockaddr* address, socklen_t size) {
            const std::string host = asyncio::Address(address, size).host();
            tried.push_back(host);
            for (const std::string& hanging : hosts) {
                if (hanging != host) continue;
                ::listen(fd, 1); // which is never writable, as a connect under way
                errno = EINPROGRESS;
                return -1;
            }
            return ::connect(fd, address, size);
        };
    }
    KeepSystemCalls keep;
};

} // namespace support
