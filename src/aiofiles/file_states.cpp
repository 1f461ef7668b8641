// SPDX-License-Identifier: MIT
// Files below their operations: one call after the other, and nothing lost in between.
#include "aiofiles/file_states.h"

#include "aiofiles/errors.h"
#include "asyncio/shield.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <utility>

namespace aiofiles::detail {

using asyncio::Coro;

FileState::FileState(RawFile raw_file, Manner how, std::string mode_text, std::int64_t at)
    : raw(std::move(raw_file)), manner(std::move(how)), mode(std::move(mode_text)), position(at) {}

FileState::~FileState() {
    if (closed || (work && work->result->call == RawCall::close)) return;
    try {
        if (!behind.empty()) raw.make_now(RawRequest(RawCall::write, std::move(behind)));
        if (!removed_at_close.empty()) {
            raw.make_now(RawRequest(RawCall::close, std::move(removed_at_close)));
        }
    } catch (...) {
        // As what close() would have reported: who wants to know calls it.
    }
}

void FileState::take(std::size_t bytes) noexcept {
    has_read = has_read || bytes != 0;
    taken += bytes;
    if (taken < ahead.size()) return;
    std::string().swap(ahead); // it may have been large
    taken = 0;
}

// ---- may it be done? ----------------------------------------------------------------------------

void FileState::check_open() const {
    if (closed) throw asyncio::ValueError("I/O operation on closed file.");
}

void FileState::check_readable() const {
    check_open();
    if (!manner.reads) throw UnsupportedOperation("not readable");
}

void FileState::check_writable() const {
    check_open();
    if (!manner.writes) throw UnsupportedOperation("not writable");
}

void FileState::check_seekable() const {
    check_open();
    if (!seekable()) throw UnsupportedOperation("underlying stream is not seekable");
}

// ---- calls --------------------------------------------------------------------------------------

namespace {

// What a call has done, wholly or in part. If there is no memory for it, nothing has happened.
void take_up(FileState& file, RawResult& result) {
    if (is_write(result.call)) {
        file.behind = std::move(result.bytes);
        file.behind.erase(0, result.written);
    }
    if (!result.made) return;
    const auto size = static_cast<std::int64_t>(result.bytes.size());
    switch (result.call) {
    case RawCall::read:
    case RawCall::read_to_end:
        file.ahead.erase(0, std::exchange(file.taken, 0));
        if (file.ahead.empty()) {
            file.ahead = std::move(result.bytes);
        } else {
            file.ahead += result.bytes;
        }
        file.at_end = result.at_end;
        if (file.seekable()) file.position += size;
        break;
    case RawCall::write:
    case RawCall::append:
        if (!file.seekable()) break;
        file.position = result.call == RawCall::append
                            ? result.position
                            : file.position + static_cast<std::int64_t>(result.written);
        break;
    case RawCall::seek:
        if (result.errnum != 0) break; // it is where it was, and so is what was read ahead
        file.take(file.rest().size());
        file.position = result.position;
        break;
    case RawCall::truncate:
    case RawCall::roll_over: break;
    case RawCall::close: file.closed = true; break;
    }
}

void begin(FileState& file, RawRequest request) {
    try {
        file.work = file.raw.start(std::move(request));
    } catch (...) {
        if (is_write(request.call)) file.behind = std::move(request.bytes);
        throw;
    }
}

} // namespace

Coro<> settle(FileState& file) {
    if (!file.work) co_return;
    const asyncio::Outcome<void> end = co_await asyncio::outcome(asyncio::shield(file.work->done));
    if (!file.work->done.done()) end.value(); // the wait was cancelled, not the call
    take_up(file, *file.work->result);
    const RawWork work = *std::exchange(file.work, std::nullopt);
    end.value(); // a cancel comes before what the call may have failed with
    if (work.result->errnum == 0) co_return;
    asyncio::os::throw_os_error(work.result->errnum, name_of(work.result->call), file.raw.name());
}

Coro<> call(FileState& file, RawRequest request) {
    co_await settle(file);
    file.check_open();
    begin(file, std::move(request));
    co_await settle(file);
}

Coro<> read_ahead(FileState& file, std::size_t wanted) {
    constexpr std::size_t call_max = 1 << 20; // more is not made room for on a mere wish
    const std::size_t size = std::max(wanted, std::max<std::size_t>(file.manner.buffer_bytes, 1));
    const auto number = static_cast<std::int64_t>(std::min<std::size_t>(size, INT64_MAX));
    if (size > call_max && file.seekable()) {
        co_await call(file, RawRequest(RawCall::read_to_end, number));
    } else {
        co_await call(file, RawRequest(RawCall::read, std::min<std::int64_t>(number, call_max)));
    }
}

Coro<> write_behind(FileState& file) {
    co_await settle(file);
    if (file.behind.empty()) co_return;
    const RawCall how = file.manner.appends ? RawCall::append : RawCall::write;
    begin(file, RawRequest(how, std::move(file.behind)));
    co_await settle(file);
}

Coro<> begin_reading(FileState& file) {
    co_await write_behind(file);
    file.at_end = false; // it may have grown
    file.check_open();
}

Coro<> begin_writing(FileState& file) {
    co_await settle(file);
    file.check_open();
    if (!file.seekable() || file.rest().empty()) co_return;
    co_await call(file, RawRequest(RawCall::seek, file.tell(), SEEK_SET));
}

} // namespace aiofiles::detail
