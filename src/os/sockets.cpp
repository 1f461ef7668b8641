// SPDX-License-Identifier: MIT
// The calls behind Socket.
#include "os/sockets.h"

#include "os/errors.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace asyncio::os {

namespace {

std::string name_of(int fd) { return "fd " + std::to_string(fd); }

void check(int result, const char* call, const std::string& object) {
    if (result < 0) throw_os_error(errno, call, object);
}

bool wait_for(int fd, short events, int other) noexcept {
    pollfd watched[]{{fd, events, 0}, {other, POLLIN, 0}};
    detail::uninterrupted([&] { return ::poll(watched, 2, -1); });
    return watched[0].revents != 0;
}

} // namespace

Socket::Socket(int family, int type, int protocol)
    : descriptor_(system_calls.socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)),
      family_(family), type_(type), protocol_(protocol) {
    if (!descriptor_) throw_os_error(errno, "socket");
}

Socket::Socket(Descriptor descriptor) : descriptor_(std::move(descriptor)) {
    family_ = getsockopt(SOL_SOCKET, SO_DOMAIN);
    type_ = getsockopt(SOL_SOCKET, SO_TYPE);
    protocol_ = getsockopt(SOL_SOCKET, SO_PROTOCOL);
}

std::pair<Socket, Socket> Socket::pair(int family, int type) {
    int fds[2];
    check(::socketpair(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), "socketpair", {});
    Descriptor first(fds[0]);
    Descriptor second(fds[1]);
    return {Socket(std::move(first)), Socket(std::move(second))};
}

void Socket::bind(const Address& address) const {
    if (system_calls.bind(fileno(), address.data(), address.size()) < 0) {
        throw_os_error(errno, "bind", to_string(address));
    }
}

void Socket::listen(int backlog) const {
    check(system_calls.listen(fileno(), backlog), "listen", name_of(fileno()));
}

void Socket::connect(const Address& address) const {
    const int result = connect_now(fileno(), address);
    if (result < 0) throw_os_error(-result, "connect", to_string(address));
}

void Socket::shutdown(int how) const {
    check(system_calls.shutdown(fileno(), how), "shutdown", name_of(fileno()));
}

void Socket::setblocking(bool on) const {
    const int flags = ::fcntl(fileno(), F_GETFL);
    check(flags, "fcntl", name_of(fileno()));
    const int wanted = on ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
    check(::fcntl(fileno(), F_SETFL, wanted), "fcntl", name_of(fileno()));
}

bool Socket::getblocking() const {
    const int flags = ::fcntl(fileno(), F_GETFL);
    check(flags, "fcntl", name_of(fileno()));
    return (flags & O_NONBLOCK) == 0;
}

void Socket::setsockopt(int level, int name, int value) const {
    setsockopt(level, name, std::string_view(reinterpret_cast<const char*>(&value), sizeof value));
}

void Socket::setsockopt(int level, int name, std::string_view bytes) const {
    check(system_calls.setsockopt(fileno(), level, name, bytes.data(),
                                  static_cast<socklen_t>(bytes.size())),
          "setsockopt", name_of(fileno()));
}

int Socket::getsockopt(int level, int name) const {
    int value = 0;
    socklen_t size = sizeof value;
    check(system_calls.getsockopt(fileno(), level, name, &value, &size), "getsockopt",
          name_of(fileno()));
    return value;
}

Address Socket::getsockname() const {
    Address address;
    socklen_t size = Address::size_max;
    check(::getsockname(fileno(), address.data(), &size), "getsockname", name_of(fileno()));
    address.resize(size);
    return address;
}

Address Socket::getpeername() const {
    Address address;
    socklen_t size = Address::size_max;
    check(::getpeername(fileno(), address.data(), &size), "getpeername", name_of(fileno()));
    address.resize(size);
    return address;
}

Socket Socket::dup() const { return Socket(duplicate(fileno())); }

PeerCredentials peer_credentials(int fd) {
    ucred found{};
    socklen_t size = sizeof found;
    check(::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &found, &size), "getsockopt", name_of(fd));
    if (found.pid == 0) throw_os_error(ENOTCONN, "getsockopt", name_of(fd));
    return {found.pid, found.uid, found.gid};
}

void set_nodelay(const Socket& socket) {
    const bool ip = socket.family() == AF_INET || socket.family() == AF_INET6;
    const bool tcp = socket.protocol() == IPPROTO_TCP || socket.protocol() == 0;
    if (ip && tcp && socket.type() == SOCK_STREAM) socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
}

void set_v6only(const Socket& socket) {
    if (socket.family() == AF_INET6) socket.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1);
}

ssize_t send_pieces(int fd, std::span<const std::string_view> pieces) noexcept {
    std::array<iovec, pieces_max> vectors;
    const std::size_t count = std::min(pieces.size(), pieces_max);
    for (std::size_t i = 0; i < count; ++i) {
        vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    return detail::uninterrupted([&] { return system_calls.sendmsg(fd, &message, MSG_NOSIGNAL); });
}

namespace {

ssize_t receive_with(int flags, int fd, char* into, std::size_t size, Address& sender) noexcept {
    return detail::uninterrupted([&] {
        socklen_t length = Address::size_max;
        const ssize_t got = system_calls.recvfrom(fd, into, size, flags, sender.data(), &length);
        if (got >= 0) sender.resize(length);
        return got;
    });
}

} // namespace

ssize_t receive_from(int fd, char* into, std::size_t size, Address& sender) noexcept {
    return receive_with(0, fd, into, size, sender);
}

ssize_t receive_datagram(int fd, char* into, std::size_t size, Address& sender) noexcept {
    return receive_with(MSG_TRUNC, fd, into, size, sender); // of TCP that would drop the bytes
}

ssize_t send_to(int fd, const char* bytes, std::size_t size, const Address& receiver) noexcept {
    return detail::uninterrupted([&] {
        return system_calls.sendto(fd, bytes, size, MSG_NOSIGNAL, receiver.data(), receiver.size());
    });
}

ssize_t send_file(int socket, int file, off_t offset, std::size_t count) noexcept {
    return detail::uninterrupted(
        [&] { return system_calls.sendfile(socket, file, &offset, count); });
}

int accept_now(int listener, Address& peer) noexcept {
    return detail::uninterrupted([&] {
        socklen_t length = Address::size_max;
        const int fd =
            system_calls.accept4(listener, peer.data(), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) peer.resize(length);
        return fd;
    });
}

int connect_now(int fd, const Address& address) noexcept {
    if (system_calls.connect(fd, address.data(), address.size()) == 0) return 0;
    // An interrupted connect goes on by itself: made again, it would say EALREADY.
    return errno == EINTR ? -EINPROGRESS : -errno;
}

int take_socket_error(int fd) noexcept {
    int error = 0;
    socklen_t size = sizeof error;
    if (system_calls.getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return errno;
    return error;
}

int shut_down_writing(int fd) noexcept {
    return system_calls.shutdown(fd, SHUT_WR) == 0 ? 0 : -errno;
}

ssize_t read_at(int file, char* into, std::size_t size, off_t offset) noexcept {
    return detail::uninterrupted([=] {
        const ssize_t got = ::pread(file, into, size, offset);
        if (got >= 0 || errno != ESPIPE) return got;
        return ::read(file, into, size); // what has no position is read on
    });
}

void set_position(int file, off_t offset) noexcept { ::lseek(file, offset, SEEK_SET); }

bool wait_readable(int fd, int other) noexcept { return wait_for(fd, POLLIN, other); }

bool wait_writable(int fd, int other) noexcept { return wait_for(fd, POLLOUT, other); }

std::optional<std::uint64_t> regular_file_size(int fd) noexcept {
    struct stat facts{};
    if (::fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) return std::nullopt;
    return static_cast<std::uint64_t>(facts.st_size);
}

} // namespace asyncio::os
