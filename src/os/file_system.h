// SPDX-License-Identifier: MIT
// The file system: what is known of a file, and what is done with names. For threads beside a loop.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace asyncio::os {

/// What stat(2) says. Times are nanoseconds since 1970.
/// Source    Python's os.stat_result.
struct FileStatus {
    std::uint32_t mode = 0;
    std::uint64_t ino = 0;
    std::uint64_t dev = 0;
    std::uint64_t nlink = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int64_t size = 0; // bytes
    std::int64_t atime_ns = 0;
    std::int64_t mtime_ns = 0;
    std::int64_t ctime_ns = 0;

    bool is_file() const noexcept; // a regular one
    bool is_folder() const noexcept; // a directory
    bool is_link() const noexcept; // a symbolic one
};

/// What statvfs(3) says.
/// Source    Python's os.statvfs_result.
struct VolumeStatus {
    std::uint64_t bsize = 0;
    std::uint64_t frsize = 0;
    std::uint64_t blocks = 0;
    std::uint64_t bfree = 0;
    std::uint64_t bavail = 0;
    std::uint64_t files = 0;
    std::uint64_t ffree = 0;
    std::uint64_t favail = 0;
    std::uint64_t flag = 0;
    std::uint64_t namemax = 0;
};

/// One name of a folder.
/// Source    Python's os.DirEntry.
struct FolderEntry {
    std::string name;
    std::string path; // with the folder's in front
    std::uint64_t inode = 0;
    bool is_file = false; // links are followed
    bool is_folder = false;
    bool is_symlink = false;
};

// All but may_access throw OSError, by its subclass, with the call and the path.

/// What stat(2) or lstat(2) says.
FileStatus file_status(const std::string& path, bool follow_symlinks);
/// The same of a descriptor.
FileStatus file_status(int fd);
/// What statvfs(3) says.
VolumeStatus volume_status(const std::string& path);
/// The names in a folder, in no order; without "." and "..".
std::vector<FolderEntry> folder_entries(const std::string& path);
/// Gives a file or folder another name, which may be taken from another file.
void rename_file(const std::string& source, const std::string& destination);
/// Removes a name; no folder's.
void remove_file(const std::string& path);
/// Makes a folder; the umask is taken away.
void make_folder(const std::string& path, unsigned permissions);
/// Removes an empty one.
void remove_folder(const std::string& path);
/// Removes a file, or a folder with all that is in it; links are not followed. What cannot be
/// removed stays, and the rest goes.
/// Returns   0, or the first error as a negative errno. It takes no memory of operator new.
int remove_tree(const std::string& path) noexcept;
/// A second name for a file.
void link_file(const std::string& source, const std::string& destination);
/// A link at `path` that leads to `target`.
void symlink_file(const std::string& target, const std::string& path);
/// Where a link leads to.
std::string link_target(const std::string& path);
/// The working folder of this process.
std::string current_folder();
/// May this process do that? `how` as access(2)'s.
bool may_access(const std::string& path, int how) noexcept;
inline constexpr int is_there = 0; // F_OK: for may_access

/// Copies in the kernel.  Returns how many bytes went.
/// offset    where in `in`; negative: its position, which moves
std::int64_t copy_to(int out, int in, std::int64_t offset, std::size_t count);
/// Makes a new file with a name that was not there, of `pattern` with its X's replaced.
/// Returns   its descriptor, closed on exec, and the name in `pattern`.
int make_unique_file(std::string& pattern, std::size_t suffix_bytes);
/// The same for a folder.
void make_unique_folder(std::string& pattern);
/// A file without a name in a folder, or one whose name is gone already.
int make_nameless_file(const std::string& folder);
/// A file that lies in memory alone.
int make_memory_file();
/// Replaces what is behind `fd` by a nameless file in `folder` with the same bytes and position.
/// If it throws, nothing has changed.
void move_to_folder(int fd, const std::string& folder);

} // namespace asyncio::os
