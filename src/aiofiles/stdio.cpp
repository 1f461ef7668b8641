// SPDX-License-Identifier: MIT
// The standard streams: one file each, while somebody holds it.
#include "aiofiles/stdio.h"

#include "aiofiles/open.h"

#include <array>

namespace aiofiles {

namespace {

struct Stream {
    int fd;
    const char* mode;
    const char* name;
};

constexpr std::array streams{
    Stream{0, "r", "<stdin>"},  Stream{1, "w", "<stdout>"},  Stream{2, "w", "<stderr>"},
    Stream{0, "rb", "<stdin>"}, Stream{1, "wb", "<stdout>"}, Stream{2, "wb", "<stderr>"},
};

AsyncFile stream(std::size_t which) {
    static thread_local std::array<std::weak_ptr<detail::FileState>, streams.size()> open_ones;
    std::weak_ptr<detail::FileState>& place = open_ones[which];
    if (detail::State there = place.lock(); there && !there->closed) return AsyncFile(there);
    const Stream& wanted = streams[which];
    OpenOptions options;
    if (wanted.fd == 2) options.buffering(which == 2 ? 1 : 0); // the error output
    detail::FoundFile found = detail::look_at(wanted.fd, detail::Mode(wanted.mode), wanted.name);
    found.descriptor = asyncio::os::Descriptor(wanted.fd);
    AsyncFile file = detail::make_file(std::move(found), wanted.mode, options, false);
    place = file.shared_state();
    return file;
}

} // namespace

AsyncFile stdin_() { return stream(0); }
AsyncFile stdout_() { return stream(1); }
AsyncFile stderr_() { return stream(2); }
AsyncFile stdin_bytes() { return stream(3); }
AsyncFile stdout_bytes() { return stream(4); }
AsyncFile stderr_bytes() { return stream(5); }

} // namespace aiofiles
