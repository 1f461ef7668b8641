// SPDX-License-Identifier: MIT
// File calls, each until it is no longer interrupted.
#include "os/files.h"

#include "os/held_sigpipe.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace asyncio::os {

namespace {

template <class Call>
std::int64_t until_done(Call&& call) noexcept {
    for (;;) {
        const std::int64_t result = call();
        if (result >= 0) return result;
        if (errno != EINTR) return -errno;
    }
}

// How much is left of a regular file, and one byte to see its end; of others a piece. A file may be
// smaller than it says, and some are said to be larger than memory: /proc/kcore.
std::size_t expected_bytes(int fd) noexcept {
    constexpr std::int64_t piece = 64 * 1024;
    constexpr std::int64_t believed = 1 << 30;
    struct stat status{};
    if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return piece;
    const std::int64_t at = ::lseek(fd, 0, SEEK_CUR);
    return static_cast<std::size_t>(
        std::clamp<std::int64_t>(status.st_size - at + 1, 1024, believed));
}

} // namespace

constinit FileCalls file_calls{.read = &::read, .write = &::write, .close = &::close};

const int OpenFlags::read = O_RDONLY;
const int OpenFlags::write = O_WRONLY;
const int OpenFlags::read_write = O_RDWR;
const int OpenFlags::create = O_CREAT;
const int OpenFlags::truncate = O_TRUNC;
const int OpenFlags::append = O_APPEND;
const int OpenFlags::exclusive = O_EXCL;

int open_file(const std::string& path, int flags, unsigned permissions) noexcept {
    return static_cast<int>(
        until_done([&] { return ::open(path.c_str(), flags | O_CLOEXEC, permissions); }));
}

std::int64_t read_some(int fd, char* into, std::size_t size) noexcept {
    return until_done([&] { return file_calls.read(fd, into, size); });
}

std::int64_t read_to_end(int fd, std::string& into, std::size_t most) {
    std::size_t more = std::min(expected_bytes(fd), most);
    for (;;) {
        const std::size_t before = into.size();
        into.resize(before + more);
        const std::int64_t came = read_some(fd, into.data() + before, more);
        into.resize(before + static_cast<std::size_t>(std::max<std::int64_t>(came, 0)));
        if (came <= 0) return came;
        most -= static_cast<std::size_t>(came);
        if (most == 0) return 0;
        more = std::min(std::clamp<std::size_t>(into.size(), 1024, 8 << 20), most);
    }
}

std::int64_t write_all(int fd, std::string_view bytes, std::size_t& written) noexcept {
    HeldSigpipe held;
    for (written = 0; written < bytes.size();) {
        const std::int64_t went = until_done(
            [&] { return file_calls.write(fd, bytes.data() + written, bytes.size() - written); });
        if (went == -EPIPE) held.came();
        if (went < 0) return went;
        written += static_cast<std::size_t>(went);
    }
    return 0;
}

std::int64_t seek_file(int fd, std::int64_t offset, int whence) noexcept {
    return until_done([&] { return ::lseek(fd, offset, whence); });
}

std::int64_t truncate_file(int fd, std::int64_t size) noexcept {
    return until_done([&] { return ::ftruncate(fd, size); });
}

std::int64_t close_file(Descriptor& descriptor) noexcept {
    const int fd = descriptor.release();
    if (fd < 0 || file_calls.close(fd) == 0) return 0;
    return errno == EINTR ? 0 : -errno; // on Linux it is closed then
}

bool is_terminal(int fd) noexcept { return ::isatty(fd) == 1; }

bool is_folder(int fd) noexcept {
    struct stat status{};
    return ::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

} // namespace asyncio::os
