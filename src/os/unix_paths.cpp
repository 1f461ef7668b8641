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

BoundFile::BoundFile(std::string path) noexcept : path_(std::move(path)) {
    if (!is_abstract(path_)) identity_ = identity_of(path_);
}

void BoundFile::remove() noexcept {
    if (identity_ && identity_of(path_) == identity_) ::unlink(path_.c_str());
    identity_.reset();
}

std::optional<BoundFile::Identity> BoundFile::identity_of(const std::string& path) noexcept {
    struct stat facts{};
    if (::stat(path.c_str(), &facts) != 0) return std::nullopt;
    return Identity{facts.st_dev, facts.st_ino};
}

} // namespace asyncio::os
