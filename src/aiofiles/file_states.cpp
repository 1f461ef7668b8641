// SPDX-License-Identifier: MIT
// Files below their operations: one call after the other, and nothing lost in between.
#include "aiofiles/file_states.h"

#include "aiofiles/errors.h"
#include "asyncio/shield.h"

#include <algorithm>
#include <cstdio>

namespace aiofiles::detail {

using asyncio::Coro;

FileState::FileState(RawFile raw_file, Manner how, std::string mode_text, std::int64_t at)
    : raw(std::move(raw_file)), manner(std::move(how)), mode(std::move(mode_text)), position(at) {}

FileState::~FileState() {
    if (closed) return;
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
    taken += bytes;
    if (taken == ahead.size()) {
        ahead.clear();
        taken = 0;
    }
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

void take_up(FileState& file, RawResult& result) {
    switch (result.call) {
    case RawCall::read:
    case RawCall::read_to_end:
        file.ahead.erase(0, std::exchange(file.taken, 0));
        file.at_end = result.bytes.empty() || result.call == RawCall::read_to_end;
        if (file.seekable()) file.position += static_cast<std::int64_t>(result.bytes.size());
        if (file.ahead.empty()) {
            file.ahead = std::move(result.bytes);
        } else {
            file.ahead += result.bytes;
        }
        break;
    case RawCall::write:
    case RawCall::append:
        file.behind.insert(0, result.bytes, result.written);
        if (!file.seekable()) break;
        file.position = result.call == RawCall::append
                            ? result.position
                            : file.position + static_cast<std::int64_t>(result.written);
        break;
    case RawCall::seek:
        if (result.errnum == 0) file.position = result.position;
        break;
    case RawCall::truncate: break;
    case RawCall::close: file.closed = true; break;
    }
    if (result.errnum != 0) {
        asyncio::os::throw_os_error(result.errnum, name_of(result.call), file.raw.name());
    }
}

} // namespace

Coro<> settle(FileState& file) {
    if (!file.work) co_return;
    const asyncio::Outcome<void> end = co_await asyncio::outcome(asyncio::shield(file.work->done));
    if (!file.work->done.done()) end.value(); // the wait was cancelled, not the call
    const RawWork work = *std::exchange(file.work, std::nullopt);
    if (work.done.cancelled() || work.done.exception() != nullptr) end.value();
    take_up(file, *work.result);
    if (end.cancelled()) end.value();
}

Coro<> call(FileState& file, RawRequest request) {
    co_await settle(file);
    file.work = file.raw.start(std::move(request));
    co_await settle(file);
}

Coro<> read_ahead(FileState& file, std::size_t wanted) {
    const std::size_t size = std::max(wanted, std::max<std::size_t>(file.manner.buffer_bytes, 1));
    co_await call(file, RawRequest(RawCall::read, static_cast<std::int64_t>(size)));
}

Coro<> write_behind(FileState& file) {
    co_await settle(file);
    if (file.behind.empty()) co_return;
    const RawCall how = file.manner.appends ? RawCall::append : RawCall::write;
    co_await call(file, RawRequest(how, std::exchange(file.behind, {})));
}

Coro<> begin_reading(FileState& file) {
    file.at_end = false;
    co_await write_behind(file);
}

Coro<> begin_writing(FileState& file) {
    co_await settle(file);
    if (file.rest().empty()) co_return;
    const std::int64_t back = file.tell();
    file.take(file.rest().size());
    if (file.seekable()) co_await call(file, RawRequest(RawCall::seek, back, SEEK_SET));
}

} // namespace aiofiles::detail
