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

asyncio::Coro<StatResult> stat(std::string path, bool follow_symlinks = true);
asyncio::Coro<StatResult> lstat(std::string path);
asyncio::Coro<StatVfsResult> statvfs(std::string path);
/// Copies in the kernel, from a position of `in`, or from its own.
/// Returns   how many bytes went; 0: the end.
asyncio::Coro<std::int64_t> sendfile(int out, int in, std::optional<std::int64_t> offset,
                                     std::size_t count);

asyncio::Coro<> rename(std::string source, std::string destination);
asyncio::Coro<> replace(std::string source, std::string destination); // the same, on Linux
/// rename(), with the folders that are missing; those that have become empty are removed.
asyncio::Coro<> renames(std::string source, std::string destination);
asyncio::Coro<> remove(std::string path);
asyncio::Coro<> unlink(std::string path);
asyncio::Coro<> mkdir(std::string path, unsigned mode = 0777);
/// With the folders that are missing. Throws FileExistsError unless it may exist.
asyncio::Coro<> makedirs(std::string path, unsigned mode = 0777, bool exist_ok = false);
asyncio::Coro<> rmdir(std::string path);
/// The folder, and those above it that have become empty.
asyncio::Coro<> removedirs(std::string path);
asyncio::Coro<> link(std::string source, std::string destination);
asyncio::Coro<> symlink(std::string target, std::string path);
asyncio::Coro<std::string> readlink(std::string path);
asyncio::Coro<std::vector<std::string>> listdir(std::string path = "."); // in no order
asyncio::Coro<std::vector<DirEntry>> scandir(std::string path = ".");    // in no order
/// May this process do that? `mode`: R_OK, W_OK, X_OK or F_OK of <unistd.h>. Never throws OSError.
asyncio::Coro<bool> access(std::string path, int mode);
asyncio::Coro<std::string> getcwd();

/// Whether it is there, and what: a file that cannot be looked at is not.
namespace path {

asyncio::Coro<bool> exists(std::string path);
asyncio::Coro<bool> isfile(std::string path);
asyncio::Coro<bool> isdir(std::string path);
asyncio::Coro<bool> islink(std::string path);
asyncio::Coro<bool> ismount(std::string path);
asyncio::Coro<std::int64_t> getsize(std::string path); // bytes
asyncio::Coro<double> getatime(std::string path); // seconds since 1970
asyncio::Coro<double> getmtime(std::string path);
asyncio::Coro<double> getctime(std::string path);
asyncio::Coro<bool> samefile(std::string one, std::string other);
asyncio::Coro<bool> sameopenfile(int one, int other);
/// From the root, without "." and ".."; links are not looked at.
asyncio::Coro<std::string> abspath(std::string path);

} // namespace path

} // namespace aiofiles::os
