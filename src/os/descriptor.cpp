// SPDX-License-Identifier: MIT
// Closing a descriptor once; counting them.
#include "os/descriptor.h"

#include "os/errors.h"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace asyncio::os {

void Descriptor::reset() noexcept {
    if (fd_ < 0) return;
    const int kept = errno;
    ::close(std::exchange(fd_, -1)); // never again after EINTR: on Linux the number is free already
    errno = kept;
}

Descriptor duplicate(int fd) {
    Descriptor copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copy) throw_os_error(errno, "dup", std::to_string(fd));
    return copy;
}

void close_on_exec(int fd) noexcept { ::fcntl(fd, F_SETFD, FD_CLOEXEC); }

std::size_t open_descriptors_count() noexcept {
    DIR* folder = ::opendir("/proc/self/fd");
    if (folder == nullptr) return 0;
    std::size_t count = 0;
    while (const dirent* entry = ::readdir(folder)) count += entry->d_name[0] != '.' ? 1 : 0;
    ::closedir(folder);
    return count - 1; // the folder's own
}

} // namespace asyncio::os
