// SPDX-License-Identifier: MIT
// AsyncFile: its operations, each behind the one before.
#include "aiofiles/files.h"

#include "aiofiles/errors.h"
#include "aiofiles/text_cuts.h"
#include "os/files.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace aiofiles {

using asyncio::Coro;
using asyncio::ValueError;

namespace detail {

namespace {

// LIFETIME: `file`: the operation that awaits these holds the state and its lock.

// A signature at the very beginning is no text.
Coro<> pass_signature(FileState& file) {
    if (!file.manner.codec.has_signature() || file.tell() != 0) co_return;
    while (file.rest().size() < Codec::signature.size() && !file.at_end) {
        co_await read_ahead(file);
    }
    if (file.rest().starts_with(Codec::signature)) file.take(Codec::signature.size());
}

// What is taken is gone, also if it is no text: a reader that goes on does not meet it again.
std::string take_text(FileState& file, std::size_t bytes) {
    struct Taken {
        FileState& file;
        std::size_t bytes;
        ~Taken() { file.take(bytes); }
    } taken{file, bytes};
    return to_text(file.manner, file.rest().substr(0, bytes));
}

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
        if (counted == count || file.at_end) co_return take_text(file, bytes);
        co_await read_ahead(file, count - counted);
    }
}

void check_binary(const FileState& file, const char* operation) {
    if (file.manner.binary) return;
    throw UnsupportedOperation(std::string(operation) + " is for binary files");
}

bool is_to_be_written(const FileState& file, std::string_view added) noexcept {
    if (file.behind.size() >= std::max<std::size_t>(file.manner.buffer_bytes, 1)) return true;
    return file.manner.by_line && added.find_first_of("\r\n") != std::string_view::npos;
}

Coro<std::size_t> add(FileState& file, std::string data) {
    std::string bytes = to_bytes(file.manner, data);
    co_await begin_writing(file);
    const bool begins = file.manner.codec.has_signature() && file.tell() == 0;
    if (begins) file.behind += Codec::signature;
    file.behind += bytes;
    if (is_to_be_written(file, bytes)) co_await write_behind(file);
    co_return file.manner.binary ? data.size() : characters_in(data);
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
    std::vector<std::string> lines;
    for (std::ptrdiff_t total = 0; hint <= 0 || total < hint;) {
        std::string line = co_await take_line(*file, -1);
        if (line.empty()) break;
        const std::size_t size = file->manner.binary ? line.size() : characters_in(line);
        total += static_cast<std::ptrdiff_t>(size);
        lines.push_back(std::move(line));
    }
    co_return lines;
}

// ---- writing ------------------------------------------------------------------------------------

Coro<std::size_t> write(State file, std::string data) {
    const auto turn = co_await file->lock.scoped();
    file->check_writable();
    co_return co_await add(*file, std::move(data));
}

Coro<> writelines(State file, std::vector<std::string> lines) {
    const auto turn = co_await file->lock.scoped();
    file->check_writable();
    for (std::string& line : lines) co_await add(*file, std::move(line));
}

Coro<> flush(State file) {
    const auto turn = co_await file->lock.scoped();
    file->check_open();
    co_await write_behind(*file);
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
    file->take(file->rest().size());
    co_await call(*file, RawRequest(RawCall::seek, offset, whence));
    co_return file->position;
}

Coro<std::int64_t> tell(State file) {
    const auto turn = co_await file->lock.scoped();
    file->check_seekable();
    co_await settle(*file);
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

Coro<> close(State file) {
    const auto turn = co_await file->lock.scoped();
    if (file->closed) co_return;
    const asyncio::Outcome<void> written = co_await asyncio::outcome(write_behind(*file));
    if (written.cancelled()) written.value();
    file->behind.clear(); // what could not be written now will not be
    const asyncio::Outcome<void> ended =
        co_await asyncio::outcome(call(*file, RawRequest(RawCall::close, file->removed_at_close)));
    if (!ended.cancelled()) file->closed = true;
    written.value();
    ended.value();
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
