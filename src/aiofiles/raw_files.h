// SPDX-License-Identifier: MIT
// Raw files: a descriptor, and one blocking call at a time on it, beside the loop.
#pragma once

#include "asyncio/futures.h"
#include "os/descriptor.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace asyncio {
class ThreadPoolExecutor;
} // namespace asyncio

namespace aiofiles::detail {

enum class RawCall : unsigned char { read, read_to_end, write, append, seek, truncate, close };

struct RawRequest {
    explicit RawRequest(RawCall which, std::int64_t n = 0, int from = 0) noexcept
        : call(which), number(n), whence(from) {}
    RawRequest(RawCall which, std::string to_write) noexcept
        : call(which), bytes(std::move(to_write)) {}

    RawCall call;
    std::int64_t number = 0; // how many bytes, the offset, the size
    int whence = 0;          // of a seek
    std::string bytes;       // to write; of close: the path to remove
};

struct RawResult {
    RawCall call = RawCall::close;
    int errnum = 0;            // 0: it went well
    std::string bytes;         // that were read; those that were to be written
    std::size_t written = 0;   // how many of them were
    std::int64_t position = 0; // of append and seek: the file's, behind it
};

/// A call under way. What it gives is there when `done` is.
struct RawWork {
    asyncio::Future<> done;
    std::shared_ptr<RawResult> result;
};

/// A descriptor and what belongs to it. A call that nobody waits for any more keeps both, and the
/// memory that it reads into.
class RawFile {
public:
    /// executor   where calls block; null: the loop's default one
    RawFile(asyncio::os::Descriptor descriptor, bool closes, std::string name,
            asyncio::ThreadPoolExecutor* executor);

    /// Starts a call; the one before has ended.
    /// Throws    RuntimeError: the executor is shut down. std::bad_alloc.
    RawWork start(RawRequest request);
    /// Makes a call here and now, behind what is under way.
    /// Throws    std::bad_alloc.
    RawResult make_now(RawRequest request);

    int fileno() const noexcept { return shared_->descriptor.get(); }
    const std::string& name() const noexcept { return name_; }

private:
    struct Shared {
        ~Shared();
        std::mutex at_work; // one call at a time, whatever thread makes it
        asyncio::os::Descriptor descriptor;
        bool closes = true; // else the descriptor is somebody else's
    };
    static void make(Shared& shared, RawRequest& request, RawResult& result);

    std::shared_ptr<Shared> shared_;
    std::string name_;
    asyncio::ThreadPoolExecutor* executor_; // LIFETIME: the user's; it outlives the file
};

/// The name of the system call, for errors.
const char* name_of(RawCall call) noexcept;

} // namespace aiofiles::detail
