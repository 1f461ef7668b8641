// SPDX-License-Identifier: MIT
// Pipes, fifos and terminals: what kind of file a descriptor is, and the calls that move bytes.
#pragma once

#include "os/descriptor.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <sys/types.h>
#include <utility>

namespace asyncio::os {

/// What a descriptor refers to.
enum class FileKind { pipe, socket, character_device, other, none };

/// What `fd` refers to; none: it is not open.
FileKind kind_of_file(int fd) noexcept;
/// A new pipe: its end to read from, and the one to write to. Both are closed on exec.
/// size      how much it holds, as far as the system allows; none: the usual 64 KiB
/// Throws    OSError: EMFILE, ENFILE.
std::pair<Descriptor, Descriptor> make_pipe(std::optional<int> size_bytes = std::nullopt);
/// An empty input, and output that nobody sees; closed on exec.
/// Throws    OSError.
Descriptor open_null_device();
/// Has reads and writes return at once, for all who share the open file.
/// Throws    OSError.
void set_nonblocking(int fd);

// All return what the call returned, or the negative errno: -EAGAIN where it would have to wait. An
// interrupted call is made again.

/// Up to `size` bytes that have come. Returns   how many; 0: the end.
ssize_t read_pipe(int fd, char* into, std::size_t size) noexcept;
/// As many of the bytes as go at once; a reader that is gone is -EPIPE, never a signal.
/// Cost      two system calls beside the write, which hold back SIGPIPE from this thread.
ssize_t write_pipe(int fd, const char* bytes, std::size_t size) noexcept;
/// Several pieces in one call, as write_pipe(); of more than `pieces_max` the first ones.
ssize_t write_pieces(int fd, std::span<const std::string_view> pieces) noexcept;

} // namespace asyncio::os
