// SPDX-License-Identifier: MIT
// open: on a thread, with all that has to be known of the file.
#include "aiofiles/open.h"

#include "asyncio/threads.h"
#include "os/errors.h"
#include "os/files.h"

#include <cerrno>
#include <cstdio>

namespace aiofiles {

namespace sys = asyncio::os;

namespace {

detail::FoundFile open_now(std::string path, const detail::Mode& mode, unsigned permissions) {
    if (path.find('\0') != std::string::npos) throw asyncio::ValueError("embedded null byte");
    const int fd = sys::open_file(path, mode.flags(), permissions);
    if (fd < 0) sys::throw_os_error(-fd, "open", path);
    sys::Descriptor descriptor(fd);
    detail::FoundFile found = detail::look_at(fd, mode, std::move(path));
    found.descriptor = std::move(descriptor);
    return found;
}

} // namespace

namespace detail {

AsyncFile make_file(FoundFile found, std::string mode, const OpenOptions& options, bool closes) {
    Manner manner(Mode(mode), options);
    manner.by_line = manner.by_line || (manner.lines_if_terminal && found.is_terminal);
    RawFile raw(std::move(found.descriptor), closes, std::move(found.name), options.executor());
    return AsyncFile(std::make_shared<FileState>(std::move(raw), std::move(manner), std::move(mode),
                                                 found.position));
}

FoundFile look_at(int fd, const Mode& mode, std::string name) {
    if (sys::is_folder(fd)) sys::throw_os_error(EISDIR, "open", name);
    FoundFile found;
    const std::int64_t at = sys::seek_file(fd, 0, mode.appends ? SEEK_END : SEEK_CUR);
    found.position = at < 0 ? -1 : at;
    found.is_terminal = sys::is_terminal(fd);
    found.name = std::move(name);
    return found;
}

} // namespace detail

asyncio::Coro<AsyncFile> open(std::string path, std::string mode, OpenOptions options) {
    const detail::Mode letters(mode);
    const detail::Manner checked(letters, options); // what contradicts itself opens nothing
    if (!options.closefd()) throw asyncio::ValueError("Cannot use closefd=False with file name");
    asyncio::EventLoop& loop = asyncio::get_running_loop(); // LIFETIME: it runs this
    detail::FoundFile found = co_await loop.run_in_executor(
        options.executor(), &open_now, std::move(path), letters, options.permissions());
    co_return detail::make_file(std::move(found), std::move(mode), options, true);
}

asyncio::Coro<AsyncFile> open(int descriptor, std::string mode, OpenOptions options) {
    const detail::Mode letters(mode);
    const detail::Manner checked(letters, options);
    if (descriptor < 0) throw asyncio::ValueError("negative file descriptor");
    // It stays the caller's if this throws.
    detail::FoundFile found = detail::look_at(descriptor, letters, std::to_string(descriptor));
    found.descriptor = sys::Descriptor(descriptor);
    co_return detail::make_file(std::move(found), std::move(mode), options, options.closefd());
}

} // namespace aiofiles
