// SPDX-License-Identifier: MIT
// Raw files: blocking calls on threads.
#include "aiofiles/raw_files.h"

#include "asyncio/threads.h"
#include "os/file_system.h"
#include "os/files.h"

#include <algorithm>
#include <cstdio>

namespace aiofiles::detail {

namespace os = asyncio::os;

void remove_quietly(const std::string& path) noexcept {
    try {
        os::remove_file(path);
    } catch (...) { // it is gone already, or its folder is
    }
}

RawFile::RawFile(os::Descriptor descriptor, bool closes, std::string name,
                 asyncio::ThreadPoolExecutor* executor)
    : shared_(std::make_shared<Shared>()), name_(std::move(name)), executor_(executor) {
    shared_->descriptor = std::move(descriptor);
    shared_->closes = closes;
}

RawFile::Shared::~Shared() {
    if (!closes) descriptor.release();
}

// The call holds all it needs: its file and its loop may be gone before it ends. The bytes lie with
// the result, where they are found again if it is never made.
RawWork RawFile::start(RawRequest&& request) {
    auto result = std::make_shared<RawResult>();
    result->call = request.call;
    result->bytes = std::move(request.bytes);
    const RawRequest asked(request.call, request.number, request.whence);
    try {
        auto call = [shared = shared_, asked, result] { make(*shared, asked, *result); };
        return {asyncio::get_running_loop().run_in_executor(executor_, std::move(call)), result};
    } catch (...) {
        request.bytes = std::move(result->bytes);
        throw;
    }
}

RawResult RawFile::make_now(RawRequest request) {
    RawResult result;
    result.call = request.call;
    result.bytes = std::move(request.bytes);
    make(*shared_, request, result);
    return result;
}

void RawFile::spool(std::size_t memory_max, std::string folder) {
    shared_->spooled = true;
    shared_->memory_max = memory_max;
    shared_->folder = std::move(folder);
}

void RawFile::roll_over(Shared& shared) {
    if (!shared.spooled) return;
    os::move_to_folder(shared.descriptor.get(), shared.folder);
    shared.spooled = false;
}

// Before a call that lets the file grow.
void RawFile::make_room(Shared& shared, const RawRequest& request, const RawResult& result) {
    if (!shared.spooled || shared.memory_max == 0) return;
    auto end = static_cast<std::uint64_t>(request.number); // of truncate
    if (is_write(request.call)) {
        const std::int64_t at = os::seek_file(shared.descriptor.get(), 0, SEEK_CUR);
        end = static_cast<std::uint64_t>(std::max<std::int64_t>(at, 0)) + result.bytes.size();
    }
    if (end > shared.memory_max) roll_over(shared);
}

void RawFile::make(Shared& shared, const RawRequest& request, RawResult& result) {
    const std::scoped_lock hold(shared.at_work);
    const int fd = shared.descriptor.get();
    std::int64_t end = 0; // as the calls of os give it
    result.made = true;
    switch (request.call) {
    case RawCall::read:
        result.bytes.resize(static_cast<std::size_t>(request.number));
        end = os::read_some(fd, result.bytes.data(), result.bytes.size());
        result.bytes.resize(static_cast<std::size_t>(std::max<std::int64_t>(end, 0)));
        result.at_end = result.bytes.empty();
        break;
    case RawCall::read_to_end:
        end = request.number == 0
                  ? os::read_to_end(fd, result.bytes)
                  : os::read_to_end(fd, result.bytes, static_cast<std::size_t>(request.number));
        result.at_end = std::cmp_not_equal(result.bytes.size(), request.number);
        break;
    case RawCall::write:
    case RawCall::append:
        make_room(shared, request, result);
        end = os::write_all(fd, result.bytes, result.written);
        if (request.call == RawCall::append) result.position = os::seek_file(fd, 0, SEEK_CUR);
        break;
    case RawCall::seek:
        result.position = end = os::seek_file(fd, request.number, request.whence);
        break;
    case RawCall::truncate:
        if (request.number > 0) make_room(shared, request, result);
        end = os::truncate_file(fd, request.number);
        break;
    case RawCall::roll_over: roll_over(shared); break;
    case RawCall::close:
        if (!shared.closes) shared.descriptor.release();
        end = os::close_file(shared.descriptor); // of none: nothing
        if (!result.bytes.empty()) remove_quietly(result.bytes);
        break;
    }
    if (end < 0) result.errnum = static_cast<int>(-end);
}

const char* name_of(RawCall call) noexcept {
    switch (call) {
    case RawCall::read:
    case RawCall::read_to_end: return "read";
    case RawCall::write:
    case RawCall::append: return "write";
    case RawCall::seek: return "lseek";
    case RawCall::truncate: return "ftruncate";
    case RawCall::roll_over: return "dup3";
    case RawCall::close: break;
    }
    return "close";
}

} // namespace aiofiles::detail
