// SPDX-License-Identifier: MIT
// aiofiles::os: Python's os and os.path, on threads.
#pragma once

#include "asyncio/coroutines.h"
#include "os/file_system.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// Each blocks a thread of the loop's default executor, not the loop.
///
/// Throws    of all: OSError, by its subclass (FileNotFoundError ...), with call and path.
///           RuntimeError: no loop runs, or its executor is shut down.
/// Cancel    of all: ends the wait at once; what has begun is done nevertheless.
/// Thread    the loop's own.
/// Source    aiofiles 23 aiofiles.os.
namespace aiofiles::os {

using StatResult = asyncio::os::FileStatus;
using StatVfsResult = asyncio::os::VolumeStatus;
using DirEntry = asyncio::os::FolderEntry;

/// What stat(2) says; of a link, of what it leads to unless it is not to be followed.
/// Cancel    nothing happens.
asyncio::Coro<StatResult> stat(std::string path, bool follow_symlinks = true);
/// The same of a link itself.
/// Cancel    nothing happens.
asyncio::Coro<StatResult> lstat(std::string path);
/// What statvfs(3) says of the file system that a path lies in.
/// Cancel    nothing happens.
asyncio::Coro<StatVfsResult> statvfs(std::string path);
/// Copies in the kernel, from a position of `in`, or from its own.
/// Returns   how many bytes went; 0: the end.
/// Cancel    what has begun is done.
asyncio::Coro<std::int64_t> sendfile(int out, int in, std::optional<std::int64_t> offset,
                                     std::size_t count);

/// Gives a file or folder another name, which may be taken from another file.
/// Cancel    what has begun is done.
asyncio::Coro<> rename(std::string source, std::string destination);
/// The same, on Linux.
/// Cancel    what has begun is done.
asyncio::Coro<> replace(std::string source, std::string destination);
/// rename(), with the folders that are missing; those that have become empty are removed.
/// Cancel    what has begun is done.
asyncio::Coro<> renames(std::string source, std::string destination);
/// Removes a file's name; no folder's.
/// Cancel    what has begun is done.
asyncio::Coro<> remove(std::string path);
/// The same.
/// Cancel    what has begun is done.
asyncio::Coro<> unlink(std::string path);
/// Makes a folder; the umask is taken away from `mode`.
/// Cancel    what has begun is done.
asyncio::Coro<> mkdir(std::string path, unsigned mode = 0777);
/// With the folders that are missing.
/// Throws    FileExistsError: it is there, and was not to be.
/// Cancel    what has begun is done.
asyncio::Coro<> makedirs(std::string path, unsigned mode = 0777, bool exist_ok = false);
/// Removes an empty folder.
/// Cancel    what has begun is done.
asyncio::Coro<> rmdir(std::string path);
/// The folder, and those above it that have become empty.
/// Cancel    what has begun is done.
asyncio::Coro<> removedirs(std::string path);
/// A second name for a file.
/// Cancel    what has begun is done.
asyncio::Coro<> link(std::string source, std::string destination);
/// A link at `path` that leads to `target`.
/// Cancel    what has begun is done.
asyncio::Coro<> symlink(std::string target, std::string path);
/// Where a link leads to.
/// Cancel    nothing happens.
asyncio::Coro<std::string> readlink(std::string path);
/// The names in a folder, in no order.
/// Cancel    nothing happens.
asyncio::Coro<std::vector<std::string>> listdir(std::string path = ".");
/// The same, with what each is.
/// Cancel    nothing happens.
asyncio::Coro<std::vector<DirEntry>> scandir(std::string path = ".");
/// May this process do that? Never throws OSError.
/// mode      R_OK, W_OK, X_OK or F_OK of <unistd.h>
/// Cancel    nothing happens.
asyncio::Coro<bool> access(std::string path, int mode);
/// The working folder.
/// Cancel    nothing happens.
asyncio::Coro<std::string> getcwd();

/// What is there? To the questions that begin with is, and to exists, a file that cannot be looked
/// at is not there.
namespace path {

/// Is it there? A link counts for what it leads to.
/// Cancel    nothing happens.
asyncio::Coro<bool> exists(std::string path);
/// A regular file, or a link to one?
/// Cancel    nothing happens.
asyncio::Coro<bool> isfile(std::string path);
/// A folder, or a link to one?
/// Cancel    nothing happens.
asyncio::Coro<bool> isdir(std::string path);
/// A link?
/// Cancel    nothing happens.
asyncio::Coro<bool> islink(std::string path);
/// Does another file system begin there?
/// Cancel    nothing happens.
asyncio::Coro<bool> ismount(std::string path);
/// In bytes.
/// Cancel    nothing happens.
asyncio::Coro<std::int64_t> getsize(std::string path);
/// When it was last read, in seconds since 1970.
/// Cancel    nothing happens.
asyncio::Coro<double> getatime(std::string path);
/// When it was last written, in seconds since 1970.
/// Cancel    nothing happens.
asyncio::Coro<double> getmtime(std::string path);
/// When what is known of it last changed, in seconds since 1970.
/// Cancel    nothing happens.
asyncio::Coro<double> getctime(std::string path);
/// Are they two names of one file?
/// Cancel    nothing happens.
asyncio::Coro<bool> samefile(std::string one, std::string other);
/// The same of descriptors.
/// Cancel    nothing happens.
asyncio::Coro<bool> sameopenfile(int one, int other);
/// From the root, without "." and ".."; links are not looked at.
/// Cancel    nothing happens.
asyncio::Coro<std::string> abspath(std::string path);

} // namespace path

} // namespace aiofiles::os
