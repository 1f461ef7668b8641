// SPDX-License-Identifier: MIT
// The files that Unix sockets are bound to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace asyncio::os {

/// Is it a name that has no file (one that begins with a NUL), or none at all?
inline bool is_abstract(std::string_view path) noexcept { return path.empty() || path[0] == '\0'; }

/// Removes `path` if it is a socket: nobody can bind to it otherwise. Anything else stays, and what
/// is not there is no error.
/// Returns   0, or the errno of what went wrong.
int remove_stale_socket(const std::string& path) noexcept;

/// Tells one file from another that has taken its place.
struct FileIdentity {
    std::uint64_t device;
    std::uint64_t inode;
    friend bool operator==(const FileIdentity&, const FileIdentity&) noexcept = default;
};
/// Which file `path` is; nothing if there is none.
std::optional<FileIdentity> identity_of(const std::string& path) noexcept;
/// Removes `path` if it is still this file.
void remove_if_same(const std::string& path, const FileIdentity& file) noexcept;

} // namespace asyncio::os
