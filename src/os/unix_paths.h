// SPDX-License-Identifier: MIT
// The files that Unix sockets are bound to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace asyncio::os {

/// Is it a name that has no file (one that begins with a NUL), or none at all?
inline bool is_abstract(std::string_view path) noexcept { return path.empty() || path[0] == '\0'; }

/// Removes `path` if it is a socket: nobody can bind to it otherwise. Anything else stays, and what
/// is not there is no error.
/// Returns   0, or the errno of what went wrong.
int remove_stale_socket(const std::string& path) noexcept;

/// The file that a socket is bound to, which is removed at the end, if it is still the same then.
class BoundFile {
public:
    BoundFile() = default; // none
    /// What is at `path` now; an abstract name has none.
    explicit BoundFile(std::string path) noexcept;
    BoundFile(BoundFile&& other) noexcept
        : path_(std::move(other.path_)), identity_(std::exchange(other.identity_, std::nullopt)) {}
    BoundFile& operator=(BoundFile&&) = delete;
    ~BoundFile() { remove(); }

    /// Harmless twice.
    void remove() noexcept;

private:
    /// Tells one file from another that has taken its place.
    struct Identity {
        std::uint64_t device;
        std::uint64_t inode;
        friend bool operator==(const Identity&, const Identity&) noexcept = default;
    };
    static std::optional<Identity> identity_of(const std::string& path) noexcept;

    std::string path_;
    std::optional<Identity> identity_; // none: there is nothing to remove
};

} // namespace asyncio::os
