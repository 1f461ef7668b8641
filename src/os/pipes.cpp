// SPDX-License-Identifier: MIT
// The calls behind transports of pipes.
#include "os/pipes.h"

#include "os/errors.h"
#include "os/held_sigpipe.h"
#include "os/sockets.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace asyncio::os {

namespace {

template <class Call>
ssize_t without_signal(Call call) noexcept {
    HeldSigpipe held;
    const ssize_t result = detail::uninterrupted(call);
    if (result == -EPIPE) held.came();
    return result;
}

} // namespace

FileKind kind_of_file(int fd) noexcept {
    struct stat facts{};
    if (::fstat(fd, &facts) != 0) return FileKind::none;
    if (S_ISFIFO(facts.st_mode)) return FileKind::pipe;
    if (S_ISSOCK(facts.st_mode)) return FileKind::socket;
    return S_ISCHR(facts.st_mode) ? FileKind::character_device : FileKind::other;
}

std::pair<Descriptor, Descriptor> make_pipe(std::optional<int> size_bytes) {
    std::array<int, 2> fds{};
    if (::pipe2(fds.data(), O_CLOEXEC) < 0) throw_os_error(errno, "pipe2");
    std::pair<Descriptor, Descriptor> ends(fds[0], fds[1]);
    if (size_bytes) ::fcntl(fds[0], F_SETPIPE_SZ, *size_bytes); // a wish
    return ends;
}

Descriptor open_null_device() {
    Descriptor device(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!device) throw_os_error(errno, "open", "/dev/null");
    return device;
}

void set_nonblocking(int fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        throw_os_error(errno, "fcntl", "fd " + std::to_string(fd));
    }
}

ssize_t read_pipe(int fd, char* into, std::size_t size) noexcept {
    return detail::uninterrupted([=] { return system_calls.read(fd, into, size); });
}

ssize_t write_pipe(int fd, const char* bytes, std::size_t size) noexcept {
    return without_signal([=] { return system_calls.write(fd, bytes, size); });
}

ssize_t write_pieces(int fd, std::span<const std::string_view> pieces) noexcept {
    std::array<iovec, pieces_max> vectors;
    const std::size_t count = std::min(pieces.size(), pieces_max);
    for (std::size_t i = 0; i < count; ++i) {
        vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
    }
    return without_signal(
        [&] { return system_calls.writev(fd, vectors.data(), static_cast<int>(count)); });
}

} // namespace asyncio::os
