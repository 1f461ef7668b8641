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

namespace {

// A temporary file goes with its handle; that somebody else was quicker is no error.
void remove_quietly(const std::string& path) noexcept {
    try {
        os::remove_file(path);
    } catch (...) {
    }
}

} // namespace

RawFile::RawFile(os::Descriptor descriptor, bool closes, std::string name,
                 asyncio::ThreadPoolExecutor* executor)
    : shared_(std::make_shared<Shared>()), name_(std::move(name)), executor_(executor) {
    shared_->descriptor = std::move(descriptor);
    shared_->closes = closes;
}

RawFile::Shared::~Shared() {
    if (!closes) descriptor.release();
}

RawWork RawFile::start(RawRequest request) {
    // The call holds all it needs: its file and its loop may be gone before it ends.
    auto result = std::make_shared<RawResult>();
    auto call = [shared = shared_, kept = std::move(request), result]() mutable {
        make(*shared, kept, *result);
    };
    return {asyncio::get_running_loop().run_in_executor(executor_, std::move(call)), result};
}

RawResult RawFile::make_now(RawRequest request) {
    RawResult result;
    make(*shared_, request, result);
    return result;
}

void RawFile::make(Shared& shared, RawRequest& request, RawResult& result) {
    const std::scoped_lock hold(shared.at_work);
    const int fd = shared.descriptor.get();
    std::int64_t end = 0; // as the calls of os give it
    result.call = request.call;
    switch (request.call) {
    case RawCall::read:
        result.bytes.resize(static_cast<std::size_t>(request.number));
        end = os::read_some(fd, result.bytes.data(), result.bytes.size());
        result.bytes.resize(static_cast<std::size_t>(std::max<std::int64_t>(end, 0)));
        break;
    case RawCall::read_to_end: end = os::read_to_end(fd, result.bytes); break;
    case RawCall::write:
    case RawCall::append:
        end = os::write_all(fd, request.bytes, result.written);
        result.bytes = std::move(request.bytes);
        if (request.call == RawCall::append) result.position = os::seek_file(fd, 0, SEEK_CUR);
        break;
    case RawCall::seek:
        result.position = end = os::seek_file(fd, request.number, request.whence);
        break;
    case RawCall::truncate: end = os::truncate_file(fd, request.number); break;
    case RawCall::close:
        if (shared.closes) {
            end = os::close_file(shared.descriptor);
        } else {
            shared.descriptor.release();
        }
        if (!request.bytes.empty()) remove_quietly(request.bytes);
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
    case RawCall::close: break;
    }
    return "close";
}

} // namespace aiofiles::detail
