// SPDX-License-Identifier: MIT
// Looking at socket files, and removing them.
#include "os/unix_paths.h"

#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>

namespace asyncio::os {

int remove_stale_socket(const std::string& path) noexcept {
    struct stat facts{};
    if (::stat(path.c_str(), &facts) == 0) {
        if (!S_ISSOCK(facts.st_mode) || ::unlink(path.c_str()) == 0) return 0;
    }
    return errno == ENOENT ? 0 : errno;
}

std::optional<FileIdentity> identity_of(const std::string& path) noexcept {
    struct stat facts{};
    if (::stat(path.c_str(), &facts) != 0) return std::nullopt;
    return FileIdentity{facts.st_dev, facts.st_ino};
}

void remove_if_same(const std::string& path, const FileIdentity& file) noexcept {
    if (identity_of(path) == file) ::unlink(path.c_str());
}

} // namespace asyncio::os
