// SPDX-License-Identifier: MIT
// Sockets: one owner for each, and the calls that move bytes and never wait.
#pragma once

#include "os/addresses.h"
#include "os/descriptor.h"
#include "os/system_calls.h"

#include <cerrno>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

namespace asyncio::os {

/// A socket. Move-only; it is closed when it goes. Those that are made here do not block.
///
/// Source    Python's socket.socket.  Differs: it does not block from the beginning.
class Socket {
public:
    Socket() noexcept = default; // none
    /// Throws    OSError.
    explicit Socket(int family, int type = SOCK_STREAM, int protocol = 0);
    /// Takes over a descriptor as it is: blocking or not.
    /// Throws    OSError: it is no socket.
    explicit Socket(Descriptor descriptor);
    /// Two that are connected with each other.
    static std::pair<Socket, Socket> pair(int family = AF_UNIX, int type = SOCK_STREAM);

    int fileno() const noexcept { return descriptor_.get(); } // -1: none
    // What it is: AF_, SOCK_ and IPPROTO_ values.
    int family() const noexcept { return family_; }
    int type() const noexcept { return type_; }
    int protocol() const noexcept { return protocol_; }
    explicit operator bool() const noexcept { return static_cast<bool>(descriptor_); }

    // These throw OSError, which names the address where there is one.
    void bind(const Address& address) const;
    void listen(int backlog) const;
    /// Connects, or throws BlockingIOError if that takes its time. See connect_now().
    void connect(const Address& address) const;
    void shutdown(int how) const;
    void setblocking(bool on) const;
    bool getblocking() const;
    void setsockopt(int level, int name, int value) const;
    void setsockopt(int level, int name, std::string_view bytes) const; // of a struct
    int getsockopt(int level, int name) const;
    Address getsockname() const;
    Address getpeername() const;
    Socket dup() const;

    /// Closes the descriptor. Harmless twice.
    void close() noexcept { descriptor_.reset(); }
    /// Gives up the descriptor, open.
    Descriptor detach() noexcept { return std::move(descriptor_); }

private:
    Descriptor descriptor_;
    int family_ = AF_UNSPEC;
    int type_ = 0;
    int protocol_ = 0;
};

/// The process at the other end of a Unix socket, as it was when it connected or listened.
struct PeerCredentials {
    long process = 0;
    unsigned user = 0;
    unsigned group = 0;
};
/// Throws    OSError: it is no Unix socket, or not connected.
PeerCredentials peer_credentials(int fd);

/// Sends small pieces at once instead of gathering them (TCP_NODELAY). Nothing to do for a socket
/// that is not TCP's.
/// Throws    OSError.
/// Source    CPython base_events._set_nodelay.
void set_nodelay(const Socket& socket);
/// Leaves IPv4 to others (IPV6_V6ONLY). Nothing to do for another family.
/// Throws    OSError.
void set_v6only(const Socket& socket);

// What moves bytes. All return what the call returned, or the negative errno: -EAGAIN where it
// would have to wait. An interrupted call is made again.

namespace detail {

template <class Call>
auto uninterrupted(Call call) noexcept -> decltype(call()) {
    for (;;) {
        const auto result = call();
        if (result >= 0) [[likely]]
            return result;
        if (errno != EINTR) return -errno;
    }
}

} // namespace detail

/// Up to `size` bytes that have come. Returns   how many; 0: the peer has ended.
inline ssize_t receive(int fd, char* into, std::size_t size) noexcept {
    return detail::uninterrupted([=] { return system_calls.recv(fd, into, size, 0); });
}
/// As many of the bytes as go at once; a lost peer is -EPIPE, never a signal.
inline ssize_t send(int fd, const char* bytes, std::size_t size) noexcept {
    return detail::uninterrupted([=] { return system_calls.send(fd, bytes, size, MSG_NOSIGNAL); });
}
/// Several pieces in one call; of more than `pieces_max` the first ones.
ssize_t send_pieces(int fd, std::span<const std::string_view> pieces) noexcept;
inline constexpr std::size_t pieces_max = 64;
/// One datagram, cut off after `size` bytes, and who it is from.
ssize_t receive_from(int fd, char* into, std::size_t size, Address& sender) noexcept;
/// The same of a datagram socket. Returns   its whole size, also if it was cut off.
ssize_t receive_datagram(int fd, char* into, std::size_t size, Address& sender) noexcept;
/// One datagram.
ssize_t send_to(int fd, const char* bytes, std::size_t size, const Address& receiver) noexcept;
/// From a file at `offset`.
ssize_t send_file(int socket, int file, off_t offset, std::size_t count) noexcept;

/// Takes the next connection of a listener, close-on-exec and not blocking.
/// Returns   its descriptor.
int accept_now(int listener, Address& peer) noexcept;
/// Begins to connect. Returns   0: connected; -EINPROGRESS: readiness to write tells of its end.
int connect_now(int fd, const Address& address) noexcept;
/// The pending error of a socket, which is cleared by this. Returns   0 or an errno, not negative.
int take_socket_error(int fd) noexcept;
/// The end of what is sent.
int shut_down_writing(int fd) noexcept;

// Waiting, on a thread that has nothing else to do. `other` is a descriptor, a pidfd for one, that
// is readable when there is nothing to wait for any more.

/// Waits until `fd` can be read, or has failed.
/// Returns   false: it is not, and `other` is readable.
bool wait_readable(int fd, int other) noexcept;
/// Waits until `fd` can be written, or has failed.
/// Returns   false: it is not, and `other` is readable.
bool wait_writable(int fd, int other) noexcept;

/// From a file at `offset`; its position stays.
ssize_t read_at(int file, char* into, std::size_t size, off_t offset) noexcept;
/// Sets a file's position. Without effect on what has none.
void set_position(int file, off_t offset) noexcept;
/// Is it a regular file? Only of those does the kernel send.
/// Returns   its size; nothing for another kind, or for a descriptor that is not open.
std::optional<std::uint64_t> regular_file_size(int fd) noexcept;

} // namespace asyncio::os
