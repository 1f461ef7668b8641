// SPDX-License-Identifier: MIT
// What is behind a file: bytes read ahead, bytes not yet written, and the one call under way.
#pragma once

#include "aiofiles/modes.h"
#include "aiofiles/raw_files.h"

#include "asyncio/coroutines.h"
#include "asyncio/locks.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace aiofiles::detail {

/// Only system calls leave the loop's thread: the bytes are cut into lines and characters here.
///
/// One call is under way at a time. A wait for it that is cancelled leaves it alone, and the next
/// operation begins by taking up what it gave: so no byte is lost, written twice or read into
/// memory that is gone.
///
/// Thread    the loop's own.
struct FileState {
    /// position   the kernel's; negative: it cannot be moved
    FileState(RawFile raw_file, Manner how, std::string mode_text, std::int64_t at);
    FileState(const FileState&) = delete;
    FileState& operator=(const FileState&) = delete;
    /// Not closed: what was not yet written is, here and now.
    ~FileState();

    std::string_view rest() const noexcept { return std::string_view(ahead).substr(taken); }
    void take(std::size_t bytes) noexcept;
    /// Where the next character or byte stands.
    std::int64_t tell() const noexcept {
        return position - static_cast<std::int64_t>(ahead.size() - taken) +
               static_cast<std::int64_t>(behind.size());
    }
    bool seekable() const noexcept { return position >= 0; }
    /// Is the next byte that is read, or written, the first of all? What cannot be moved has two
    /// directions, which begin each by itself.
    bool reads_first() const noexcept { return seekable() ? tell() == 0 : !has_read; }
    bool writes_first() const noexcept { return seekable() ? tell() == 0 : !has_written; }

    /// Throws    ValueError: it is closed.
    void check_open() const;
    void check_readable() const; // Throws UnsupportedOperation besides
    void check_writable() const;
    void check_seekable() const;

    asyncio::Lock lock; // one operation after the other, in the order of the calls
    RawFile raw;
    Manner manner;
    std::string mode;
    std::string ahead; // what was read; of what can be moved: nothing while `behind`
    std::size_t taken = 0; // of it
    std::string behind; // to be written; nothing while a write is under way
    std::optional<RawWork> work; // the call under way
    std::int64_t position; // the kernel's
    bool at_end = false; // the last read has seen the end
    bool has_read = false; // a byte was taken
    bool has_written = false; // a byte was given
    bool closed = false;
    std::string removed_at_close; // the path of a file that goes with it; empty: none
};

using State = std::shared_ptr<FileState>;

// LIFETIME: `file`: whoever awaits these holds the state, and its lock.

/// Takes up what the call under way gives, if there is one.
/// Throws    OSError: it has failed; of a write, the rest of its bytes stay to be written.
asyncio::Coro<> settle(FileState& file);
/// Makes a call, behind the one under way.
asyncio::Coro<> call(FileState& file, RawRequest request);
/// Reads a piece ahead; `wanted` bytes, if they are many and the file can be moved, else what one
/// call gives. At the end sets `at_end`.
asyncio::Coro<> read_ahead(FileState& file, std::size_t wanted = 0);
/// Writes what is to be written.
asyncio::Coro<> write_behind(FileState& file);
/// Before reading, and before what changes the position: nothing is to be written any more.
/// Throws    ValueError: it has been closed meanwhile.
asyncio::Coro<> begin_reading(FileState& file);
/// Before writing: the kernel's position is where the reader is.
/// Throws    ValueError: it has been closed meanwhile.
asyncio::Coro<> begin_writing(FileState& file);

} // namespace aiofiles::detail
