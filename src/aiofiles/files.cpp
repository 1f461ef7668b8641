// SPDX-License-Identifier: MIT
// AsyncFile: its operations, each behind the one before.
#include "aiofiles/files.h"

#include "aiofiles/errors.h"
#include "aiofiles/text_cuts.h"
#include "os/files.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>

namespace aiofiles {

using asyncio::Coro;
using asyncio::ValueError;

namespace detail {

namespace {

// LIFETIME: `file`: the operation that awaits these holds the state and its lock.

// A signature at the very beginning is no text.
Coro<> pass_signature(FileState& file) {
    if (!file.manner.codec.has_signature() || !file.reads_first()) co_return;
    while (file.rest().size() < Codec::signature.size() && !file.at_end) {
        co_await read_ahead(file);
    }
    if (file.rest().starts_with(Codec::signature)) file.take(Codec::signature.size());
}

// All of what is ahead is handed on as it is, unless it lies in far more memory than it needs.
std::string take_bytes(FileState& file, std::size_t bytes) {
    const bool all = file.taken == 0 && bytes == file.ahead.size();
    std::string piece;
    if (all && bytes >= file.ahead.capacity() / 2) {
        piece = std::move(file.ahead);
        file.ahead.clear();
        file.has_read = file.has_read || bytes != 0;
    } else {
        piece = file.rest().substr(0, bytes);
        file.take(bytes);
    }
    return piece;
}

void put_back(FileState& file, std::string&& piece) noexcept {
    if (file.ahead.empty()) {
        file.ahead = std::move(piece);
    } else {
        file.taken -= piece.size();
    }
}

// What is taken is gone, also if it is no text: a reader that goes on does not meet it again. If
// there is no memory for it, nothing has been taken.
std::string take_text(FileState& file, std::size_t bytes) {
    const bool had_read = file.has_read;
    std::string piece = take_bytes(file, bytes);
    try {
        return to_text(file.manner, std::move(piece));
    } catch (const std::bad_alloc&) {
        put_back(file, std::move(piece));
        file.has_read = had_read;
        throw;
    }
}

// Without a buffer a read is one system call, as of Python's FileIO.
bool reads_once(const FileState& file) noexcept { return file.manner.buffer_bytes == 0; }

// How many bytes of a line of `whole` bytes `limit` lets through.
std::size_t limited(FileState& file, std::size_t whole, std::ptrdiff_t limit) {
    if (limit < 0) return whole;
    std::size_t counted = 0;
    return cut_bytes(file.manner, file.rest().substr(0, whole), static_cast<std::size_t>(limit),
                     true, counted);
}

Coro<std::string> take_line(FileState& file, std::ptrdiff_t limit) {
    co_await pass_signature(file);
    std::size_t looked_at = 0;
    for (;;) {
        const std::string_view rest = file.rest();
        const std::size_t bytes = line_bytes(file.manner, rest, looked_at, file.at_end);
        if (bytes != no_end) co_return take_text(file, limited(file, bytes, limit));
        if (file.at_end) co_return take_text(file, limited(file, rest.size(), limit));
        std::size_t counted = 0;
        if (limit >= 0) {
            const auto most = static_cast<std::size_t>(limit);
            const std::size_t cut = cut_bytes(file.manner, rest, most, false, counted);
            if (counted == most) co_return take_text(file, cut);
        }
        looked_at = rest.size();
        co_await read_ahead(file);
    }
}

Coro<std::string> take_all(FileState& file) {
    co_await pass_signature(file);
    co_await call(file, RawRequest(RawCall::read_to_end));
    co_return take_text(file, file.rest().size());
}

Coro<std::string> take_some(FileState& file, std::size_t count) {
    co_await pass_signature(file);
    for (;;) {
        std::size_t counted = 0;
        const std::size_t bytes = cut_bytes(file.manner, file.rest(), count, file.at_end, counted);
        const bool enough = counted == count || (counted != 0 && reads_once(file));
        if (enough || file.at_end) co_return take_text(file, bytes);
        co_await read_ahead(file, count - counted);
    }
}

// Are all lines there up to the one in which the character `hint` lies?
bool has_lines(const FileState& file, std::size_t hint) noexcept {
    std::size_t counted = 0;
    const std::size_t from = cut_bytes(file.manner, file.rest(), hint - 1, false, counted);
    return counted == hint - 1 && line_bytes(file.manner, file.rest(), from, false) != no_end;
}

// So that the lines can be taken without a wait in between.
Coro<> read_lines_ahead(FileState& file, std::ptrdiff_t hint) {
    co_await pass_signature(file);
    if (hint <= 0) {
        co_await call(file, RawRequest(RawCall::read_to_end));
    } else {
        while (!file.at_end && !has_lines(file, static_cast<std::size_t>(hint))) {
            co_await read_ahead(file);
        }
    }
}

// All lines that are there, up to the one in which the character `hint` lies; `bytes` counts what
// they are made of, and what is no text.
std::vector<std::string> lines_ahead(const FileState& file, std::ptrdiff_t hint,
                                     std::size_t& bytes) {
    std::vector<std::string> lines;
    for (std::ptrdiff_t total = 0; hint <= 0 || total < hint;) {
        const std::string_view rest = file.rest().substr(bytes);
        if (rest.empty()) break;
        const std::string_view whole =
            rest.substr(0, line_bytes(file.manner, rest, 0, file.at_end)); // no_end: all of it
        bytes += whole.size();
        std::string line = to_text(file.manner, std::string(whole));
        if (line.empty()) break; // the end, where nothing is text
        total +=
            static_cast<std::ptrdiff_t>(file.manner.binary ? line.size() : characters_in(line));
        lines.push_back(std::move(line));
    }
    return lines;
}

// Takes them all; without memory for them, none.
std::vector<std::string> take_lines(FileState& file, std::ptrdiff_t hint) {
    std::size_t bytes = 0;
    try {
        std::vector<std::string> lines = lines_ahead(file, hint, bytes);
        file.take(bytes);
        return lines;
    } catch (const std::bad_alloc&) {
        throw;
    } catch (...) { // as of take_text()
        file.take(bytes);
        throw;
    }
}

void check_binary(const FileState& file, const char* operation) {
    if (file.manner.binary) return;
    throw UnsupportedOperation(std::string(operation) + " is for binary files");
}

// Was it neither cancelled nor refused by the executor?
bool has_reached_kernel(const asyncio::Outcome<void>& end) noexcept {
    return end.exception() == nullptr || asyncio::is_exception<asyncio::OSError>(end.exception());
}

bool is_to_be_written(const FileState& file, std::string_view added) noexcept {
    const std::size_t most = std::max<std::size_t>(file.manner.buffer_bytes, 1);
    if (file.behind.size() + added.size() >= most) return true;
    return file.manner.by_line && added.find_first_of("\r\n") != std::string_view::npos;
}

// Either all of it counts as written, or nothing.
Coro<> add(FileState& file, std::string bytes) {
    co_await begin_writing(file);
    if (is_to_be_written(file, {})) co_await write_behind(file); // it could not be until now
    const bool writes_now = is_to_be_written(file, bytes);
    if (file.manner.codec.has_signature() && file.writes_first()) file.behind += Codec::signature;
    if (file.behind.empty()) {
        file.behind = std::move(bytes);
    } else {
        file.behind += bytes;
    }
    file.has_written = true;
    if (writes_now) co_await write_behind(file);
}

} // namespace

// ---- reading ------------------------------------------------------------------------------------

Coro<std::string> read(State file, std::ptrdiff_t size) {
    const auto turn = co_await file->lock.scoped();
    file->check_readable();
    co_await begin_reading(*file);
    if (size < 0) co_return co_await take_all(*file);
    co_return co_await take_some(*file, static_cast<std::size_t>(size));
}

Coro<std::string> read1(State file, std::ptrdiff_t size) {
    const auto turn = co_await file->lock.scoped();
    file->check_readable();
    check_binary(*file, "read1");
    co_await begin_reading(*file);
    if (size == 0) co_return std::string();
    if (file->rest().empty()) {
        co_await read_ahead(*file, static_cast<std::size_t>(std::max<std::ptrdiff_t>(size, 0)));
    }
    const std::size_t there = file->rest().size();
    co_return take_text(*file, size < 0 ? there : std::min(there, static_cast<std::size_t>(size)));
}

Coro<std::string> peek(State file, std::size_t size) {
    const auto turn = co_await file->lock.scoped();
    file->check_readable();
    check_binary(*file, "peek");
    co_await begin_reading(*file);
    if (file->rest().size() < std::max<std::size_t>(size, 1)) co_await read_ahead(*file, size);
    co_return std::string(file->rest());
}

Coro<std::size_t> readinto(State file, std::span<std::byte> into) {
    const auto turn = co_await file->lock.scoped();
    file->check_readable();
    check_binary(*file, "readinto");
    co_await begin_reading(*file);
    while (file->rest().size() < into.size() && !file->at_end) {
        if (reads_once(*file) && !file->rest().empty()) break;
        co_await read_ahead(*file, into.size() - file->rest().size());
    }
    const std::size_t size = std::min(into.size(), file->rest().size());
    if (size != 0) std::memcpy(into.data(), file->rest().data(), size);
    file->take(size);
    co_return size;
}

Coro<std::string> readline(State file, std::ptrdiff_t limit) {
    const auto turn = co_await file->lock.scoped();
    file->check_readable();
    co_await begin_reading(*file);
    co_return co_await take_line(*file, limit);
}

Coro<std::optional<std::string>> next_line(State file) {
    std::string line = co_await readline(std::move(file), -1);
    if (line.empty()) co_return std::nullopt;
    co_return line;
}

Coro<std::vector<std::string>> readlines(State file, std::ptrdiff_t hint) {
    const auto turn = co_await file->lock.scoped();
    file->check_readable();
    co_await begin_reading(*file);
    co_await read_lines_ahead(*file, hint);
    co_return take_lines(*file, hint);
}

// ---- writing ------------------------------------------------------------------------------------

Coro<std::size_t> write(State file, std::string data) {
    const auto turn = co_await file->lock.scoped();
    file->check_writable();
    const std::size_t count = file->manner.binary ? data.size() : characters_in(data);
    co_await add(*file, to_bytes(file->manner, std::move(data)));
    co_return count;
}

Coro<> writelines(State file, std::vector<std::string> lines) {
    const auto turn = co_await file->lock.scoped();
    file->check_writable();
    std::string bytes;
    for (std::string& line : lines) bytes += to_bytes(file->manner, std::move(line));
    co_await add(*file, std::move(bytes));
}

Coro<> flush(State file) {
    const auto turn = co_await file->lock.scoped();
    file->check_open();
    co_await write_behind(*file);
    file->check_open();
}

// ---- the position -------------------------------------------------------------------------------

Coro<std::int64_t> seek(State file, std::int64_t offset, int whence) {
    const auto turn = co_await file->lock.scoped();
    file->check_seekable();
    if (!file->manner.binary && whence != SEEK_SET && offset != 0) {
        throw UnsupportedOperation(whence == SEEK_CUR ? "can't do nonzero cur-relative seeks"
                                                      : "can't do nonzero end-relative seeks");
    }
    if (whence == SEEK_SET && offset < 0) {
        throw ValueError("negative seek position " + std::to_string(offset));
    }
    co_await write_behind(*file);
    if (whence == SEEK_CUR) {
        offset += file->tell();
        whence = SEEK_SET;
    }
    co_await call(*file, RawRequest(RawCall::seek, offset, whence));
    co_return file->position;
}

Coro<std::int64_t> tell(State file) {
    const auto turn = co_await file->lock.scoped();
    file->check_seekable();
    co_await settle(*file);
    file->check_open();
    co_return file->tell();
}

Coro<std::int64_t> truncate(State file, std::optional<std::int64_t> size) {
    const auto turn = co_await file->lock.scoped();
    file->check_writable();
    file->check_seekable();
    co_await write_behind(*file);
    co_await begin_writing(*file); // what was read ahead may be cut off
    const std::int64_t wanted = size.value_or(file->tell());
    co_await call(*file, RawRequest(RawCall::truncate, wanted));
    co_return wanted;
}

// ---- its end, and what it is --------------------------------------------------------------------

Coro<> roll_over(State file) {
    const auto turn = co_await file->lock.scoped();
    file->check_open();
    co_await write_behind(*file);
    co_await call(*file, RawRequest(RawCall::roll_over));
}

Coro<> close(State file) {
    const auto turn = co_await file->lock.scoped();
    if (file->closed) co_return;
    const asyncio::Outcome<void> written = co_await asyncio::outcome(write_behind(*file));
    if (!has_reached_kernel(written)) written.value();
    if (!file->closed) { // else this was a close whose wait had been cancelled
        file->behind.clear(); // what could not be written now will not be
        const asyncio::Outcome<void> ended = co_await asyncio::outcome(
            call(*file, RawRequest(RawCall::close, file->removed_at_close)));
        if (!has_reached_kernel(ended) || written.exception() == nullptr) ended.value();
    }
    written.value();
}

} // namespace detail

int AsyncFile::fileno() const {
    state_->check_open();
    return state_->raw.fileno();
}

bool AsyncFile::isatty() const {
    state_->check_open();
    return asyncio::os::is_terminal(state_->raw.fileno());
}

} // namespace aiofiles
