// SPDX-License-Identifier: MIT
// File calls that may block for as long as a disk does: for threads beside a loop.
#pragma once

#include "os/descriptor.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace asyncio::os {

/// The calls on a file that may fail in the middle, as a table: what a test replaces.
/// Thread    replaced only while no worker is busy: a table of its own, since workers may be when
///           that of the loop's calls is replaced.
struct FileCalls {
    ssize_t (*read)(int, void*, std::size_t);
    ssize_t (*write)(int, const void*, std::size_t);
    int (*close)(int);
};
extern constinit FileCalls file_calls;

// Each is made again after EINTR, and gives -errno when the kernel refuses.

/// The flags of open(2).
struct OpenFlags {
    static const int read, write, read_write, create, truncate, append, exclusive;
};

/// Opens `path`, closed on exec.  Returns a descriptor or -errno.
int open_file(const std::string& path, int flags, unsigned permissions) noexcept;
/// One read.  Returns how many bytes came (0: the end) or -errno.
std::int64_t read_some(int fd, char* into, std::size_t size) noexcept;
/// Reads to the end, or until `most` bytes have come, and appends it.
/// Returns   0 or -errno; what came before the error has been appended.
/// Throws    std::bad_alloc.
std::int64_t read_to_end(int fd, std::string& into,
                         std::size_t most = static_cast<std::size_t>(-1));
/// Writes all of it. A reader that has gone is EPIPE, and no SIGPIPE.
/// written   how much has been written, also in front of an error
/// Returns   0 or -errno.
std::int64_t write_all(int fd, std::string_view bytes, std::size_t& written) noexcept;
/// Moves the position; `whence` as lseek's.  Returns the new one or -errno.
std::int64_t seek_file(int fd, std::int64_t offset, int whence) noexcept;
/// Cuts or grows to `size`.  Returns 0 or -errno.
std::int64_t truncate_file(int fd, std::int64_t size) noexcept;
/// Closes, and says what close() says.  Returns 0 or -errno.
std::int64_t close_file(Descriptor& descriptor) noexcept;
/// Is a terminal behind it?
bool is_terminal(int fd) noexcept;
/// Is it a folder's?
bool is_folder(int fd) noexcept;

} // namespace asyncio::os
