// SPDX-License-Identifier: MIT
// Raw files: a descriptor, and one blocking call at a time on it, beside the loop.
#pragma once

#include "asyncio/futures.h"
#include "os/descriptor.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace asyncio {
class ThreadPoolExecutor;
} // namespace asyncio

namespace aiofiles::detail {

enum class RawCall : unsigned char {
    read,
    read_to_end,
    write,
    append,
    seek,
    truncate,
    roll_over, // from memory to a folder
    close
};

struct RawRequest {
    explicit RawRequest(RawCall which, std::int64_t n = 0, int from = 0) noexcept
        : call(which), number(n), whence(from) {}
    RawRequest(RawCall which, std::string to_write) noexcept
        : call(which), bytes(std::move(to_write)) {}

    RawCall call;
    std::int64_t number = 0; // how many bytes (of read_to_end, at most), the offset, the size
    int whence = 0;          // of a seek
    std::string bytes;       // to write; of close: the path to remove
};

struct RawResult {
    RawCall call = RawCall::close;
    bool made = false;         // else it has been dropped before it began
    bool at_end = false;       // a read has seen the end
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
    /// Throws    RuntimeError: the executor is shut down. std::bad_alloc. Then `request` is as it
    ///           was.
    RawWork start(RawRequest&& request);
    /// Makes a call here and now, behind what is under way.
    /// Throws    std::bad_alloc. OSError, as the call itself.
    RawResult make_now(RawRequest request);

    /// It lies in memory until it would be larger than `memory_max` bytes (0: no limit), or is told
    /// to roll over: then in `folder`, without a name, behind the same descriptor.
    void spool(std::size_t memory_max, std::string folder);
    /// Does it not lie in memory, or not any more?
    bool rolled() const noexcept { return !shared_->spooled; }

    int fileno() const noexcept { return shared_->descriptor.get(); }
    const std::string& name() const noexcept { return name_; }

private:
    struct Shared {
        ~Shared();
        std::mutex at_work; // one call at a time, whatever thread makes it
        asyncio::os::Descriptor descriptor;
        bool closes = true; // else the descriptor is somebody else's
        std::atomic<bool> spooled = false; // it lies in memory
        std::size_t memory_max = 0;
        std::string folder; // where it goes then
    };
    static void make(Shared& shared, const RawRequest& request, RawResult& result);
    static void make_room(Shared& shared, const RawRequest& request, const RawResult& result);
    static void roll_over(Shared& shared);

    std::shared_ptr<Shared> shared_;
    std::string name_;
    asyncio::ThreadPoolExecutor* executor_; // LIFETIME: the user's; it outlives the file
};

/// A temporary file goes; that somebody else was quicker is no error.
void remove_quietly(const std::string& path) noexcept;

/// Does it write bytes?
inline bool is_write(RawCall call) noexcept {
    return call == RawCall::write || call == RawCall::append;
}
/// The name of the system call, for errors.
const char* name_of(RawCall call) noexcept;

} // namespace aiofiles::detail
