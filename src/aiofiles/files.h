// SPDX-License-Identifier: MIT
// AsyncFile: reads and writes files without keeping the loop from its work.
#pragma once

#include "aiofiles/errors.h"
#include "aiofiles/file_states.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aiofiles {

namespace detail {

asyncio::Coro<std::string> read(State file, std::ptrdiff_t size);
asyncio::Coro<std::string> read1(State file, std::ptrdiff_t size);
asyncio::Coro<std::string> peek(State file, std::size_t size);
asyncio::Coro<std::size_t> readinto(State file, std::span<std::byte> into);
asyncio::Coro<std::string> readline(State file, std::ptrdiff_t limit);
asyncio::Coro<std::optional<std::string>> next_line(State file);
asyncio::Coro<std::vector<std::string>> readlines(State file, std::ptrdiff_t hint);
asyncio::Coro<std::size_t> write(State file, std::string data);
asyncio::Coro<> writelines(State file, std::vector<std::string> lines);
asyncio::Coro<> flush(State file);
asyncio::Coro<std::int64_t> seek(State file, std::int64_t offset, int whence);
asyncio::Coro<std::int64_t> tell(State file);
asyncio::Coro<std::int64_t> truncate(State file, std::optional<std::int64_t> size);
asyncio::Coro<> roll_over(State file);
asyncio::Coro<> close(State file);

} // namespace detail

/// From where a seek counts.
enum class Whence : unsigned char { start, current, end };

/// An open file: what `co_await aiofiles::open(path, mode)` gives. A handle: copies are the same
/// file.
///
///     auto file = co_await aiofiles::open("notes.txt");
///     while (auto line = co_await file.next_line()) use(*line);
///     co_await file.close();
///
/// Text and bytes are std::string both: in text mode it is UTF-8, and sizes count characters.
/// Operations of several tasks run one after the other, in the order in which they were begun.
/// What is written is collected; flush() and close() write it, and tell of what goes wrong. When
/// the last handle goes without a close(), it is written then and there, and errors are lost.
///
/// Throws    of every operation: ValueError: the file is closed. UnsupportedOperation: the mode
///           does not allow it. OSError: the kernel refused; what was not written stays to be
///           written. RuntimeError: the executor is shut down.
/// Cancel    of every operation: ends the wait at once. The call under way goes on on its thread,
///           in memory of its own; the next operation waits for it and takes up what it gives: no
///           byte is lost or written twice.
/// Thread    the loop's own.
/// Cost      what is in memory already costs no change of thread: most lines, most writes.
/// Source    aiofiles 23 AsyncTextIOWrapper, AsyncBufferedReader, AsyncBufferedIOBase, AsyncFileIO:
///           one type here, the mode tells.
class AsyncFile {
public:
    explicit AsyncFile(detail::State state) noexcept : state_(std::move(state)) {}

    // ---- reading -------------------------------------------------------------------------------

    /// Up to `size` characters or bytes, fewer only at the end; negative: all that is left. Of an
    /// unbuffered file as many as one system call gives.
    /// Returns   "" at the end.
    /// Throws    UnicodeDecodeError: no text; what cannot be decoded is passed over.
    /// Cancel    nothing is taken.
    asyncio::Coro<std::string> read(std::ptrdiff_t size = -1) const {
        return detail::read(state_, size);
    }
    /// Bytes, with at most one system call; negative: as many as it gives.
    /// Cancel    nothing is taken.
    asyncio::Coro<std::string> read1(std::ptrdiff_t size = -1) const {
        return detail::read1(state_, size);
    }
    /// All that is left: read().
    /// Cancel    nothing is taken.
    asyncio::Coro<std::string> readall() const { return detail::read(state_, -1); }
    /// Bytes, into the caller's memory.
    /// Returns   how many; fewer than there is room only at the end, or without a buffer.
    /// Cancel    nothing is taken.
    /// Lifetime  `into` until the await has ended.
    asyncio::Coro<std::size_t> readinto(std::span<std::byte> into) const {
        return detail::readinto(state_, into);
    }
    /// What comes next, at least one byte if there is one; it stays.
    /// Cancel    nothing happens.
    asyncio::Coro<std::string> peek(std::size_t size = 0) const {
        return detail::peek(state_, size);
    }
    /// A line with its end; at most `limit` characters or bytes of it, unless that is negative.
    /// Returns   "" at the end.
    /// Throws    UnicodeDecodeError, as read().
    /// Cancel    nothing is taken.
    asyncio::Coro<std::string> readline(std::ptrdiff_t limit = -1) const {
        return detail::readline(state_, limit);
    }
    /// The same; nothing at the end. Python's `async for line in file`.
    /// Cancel    nothing is taken.
    asyncio::Coro<std::optional<std::string>> next_line() const {
        return detail::next_line(state_);
    }
    /// All lines that are left; no more once they are `hint` characters together.
    /// Cancel    nothing is taken.
    asyncio::Coro<std::vector<std::string>> readlines(std::ptrdiff_t hint = -1) const {
        return detail::readlines(state_, hint);
    }

    // ---- writing -------------------------------------------------------------------------------

    /// Writes all of it.
    /// Returns   how many characters or bytes.
    /// Throws    UnicodeEncodeError: nothing of it is written. OSError: of what was collected, or
    ///           of this: then it stays to be written.
    /// Cancel    it counts as written, or nothing of it does: if it was not yet its turn.
    asyncio::Coro<std::size_t> write(std::string data) const {
        return detail::write(state_, std::move(data));
    }
    /// Writes one behind the other, at once; adds no line ends.
    /// Throws    as write().
    /// Cancel    as write().
    asyncio::Coro<> writelines(std::vector<std::string> lines) const {
        return detail::writelines(state_, std::move(lines));
    }
    /// Gives to the kernel what was written.
    /// Cancel    it will be given.
    asyncio::Coro<> flush() const { return detail::flush(state_); }

    // ---- the position --------------------------------------------------------------------------

    /// Moves it.
    /// Returns   where it is, from the start, in bytes.
    /// Throws    UnsupportedOperation: a pipe or terminal; in text mode, from the present position
    ///           or the end by anything but 0.
    /// Cancel    it may have moved. What fails has not moved it.
    asyncio::Coro<std::int64_t> seek(std::int64_t offset, Whence whence = Whence::start) const {
        return detail::seek(state_, offset, static_cast<int>(whence));
    }
    /// Where it is, from the start, in bytes: of what the reader has taken.
    /// Cancel    nothing happens.
    asyncio::Coro<std::int64_t> tell() const { return detail::tell(state_); }
    /// Cuts or grows the file to `size` bytes, by default to the position, which stays.
    /// Returns   the size.
    /// Cancel    it may have been done.
    asyncio::Coro<std::int64_t> truncate(std::optional<std::int64_t> size = std::nullopt) const {
        return detail::truncate(state_, size);
    }

    // ---- its end, and what it is ---------------------------------------------------------------

    /// Writes what is to be written, and closes. Harmless twice.
    /// Throws    OSError: what was written did not reach the file, or close() says so. It is
    ///           closed all the same. RuntimeError: the executor is shut down; it is closed when
    ///           the last handle goes.
    /// Cancel    the file may be closed, or is when the last handle goes.
    asyncio::Coro<> close() const { return detail::close(state_); }

    /// Has close() ended?
    bool closed() const noexcept { return state_->closed; }
    /// Does its mode allow that?
    bool readable() const noexcept { return state_->manner.reads; }
    /// The same of writing.
    bool writable() const noexcept { return state_->manner.writes; }
    /// Has it a position that can be moved?
    bool seekable() const noexcept { return state_->seekable(); }
    /// The descriptor. Throws ValueError: it is closed.
    int fileno() const;
    /// Is it a terminal? Throws ValueError: it is closed.
    bool isatty() const;
    const std::string& name() const noexcept { return state_->raw.name(); } // as open() was told
    const std::string& mode() const noexcept { return state_->mode; }
    const char* encoding() const noexcept { return state_->manner.codec.encoding(); } // of text

    detail::FileState& state() const noexcept { return *state_; } // the package's own use
    const detail::State& shared_state() const noexcept { return state_; } // the same

private:
    detail::State state_;
};

} // namespace aiofiles
