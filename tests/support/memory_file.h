// SPDX-License-Identifier: MIT
// Files to be sent, and a kernel that does not send them.
#pragma once

#include "asyncio/testing/checks.h"
#include "os/descriptor.h"
#include "support/system_calls.h"

#include <cerrno>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace support {

/// A file in memory.
class MemoryFile {
public:
    explicit MemoryFile(const std::string& content) : fd_(::memfd_create("test", MFD_CLOEXEC)) {
        CHECK_EQ(::write(fd_.get(), content.data(), content.size()),
                 static_cast<ssize_t>(content.size()));
        ::lseek(fd_.get(), 0, SEEK_SET);
    }
    int fileno() const noexcept { return fd_.get(); }
    off_t position() const { return ::lseek(fd_.get(), 0, SEEK_CUR); }

private:
    asyncio::os::Descriptor fd_;
};

/// The kernel refuses to send files.
struct NoKernelSendfile {
    NoKernelSendfile() {
        asyncio::os::system_calls.sendfile = [](int, int, off_t*, std::size_t) -> ssize_t {
            errno = EINVAL;
            return -1;
        };
    }
    KeepSystemCalls keep;
};

} // namespace support
