// SPDX-License-Identifier: MIT
// loop.sock_*: each tries at once, and else waits until the descriptor is ready.
#include "asyncio/events.h"

#include "asyncio/connection_options.h"
#include "asyncio/exceptions.h"
#include "os/sockets.h"

namespace asyncio {

namespace detail {

namespace {

// LIFETIME: for all that is here: `loop` runs it, and the caller keeps `socket` or `listener`, and
// the buffer `into`, until the await has ended, as it is said at the declarations; `call` is a
// literal.

void check_non_blocking(const EventLoop& loop, const os::Socket& socket) {
    if (loop.get_debug() && socket.getblocking()) {
        throw ValueError("the socket must be non-blocking");
    }
}

std::size_t checked(ssize_t result, const char* call, const os::Socket& socket) {
    if (result >= 0) return static_cast<std::size_t>(result);
    os::throw_os_error(static_cast<int>(-result), call, "fd " + std::to_string(socket.fileno()));
}

/// Repeats `attempt()` until it does not say that it would have to wait.
template <class F>
Coro<std::size_t> when_readable(EventLoop* loop, const os::Socket* socket, const char* call,
                                F attempt) {
    check_non_blocking(*loop, *socket);
    ssize_t result = attempt();
    while (result == -EAGAIN) {
        co_await loop->readable(socket->fileno());
        result = attempt();
    }
    co_return checked(result, call, *socket);
}

template <class F>
Coro<std::size_t> when_writable(EventLoop* loop, const os::Socket* socket, const char* call,
                                F attempt) {
    check_non_blocking(*loop, *socket);
    ssize_t result = attempt();
    while (result == -EAGAIN) {
        co_await loop->writable(socket->fileno());
        result = attempt();
    }
    co_return checked(result, call, *socket);
}

struct Receive {
    int fd;
    char* into;
    std::size_t size;
    ssize_t operator()() const { return os::receive(fd, into, size); }
};

struct ReceiveFrom {
    int fd;
    char* into;
    std::size_t size;
    os::Address* sender;
    ssize_t operator()() const { return os::receive_from(fd, into, size, *sender); }
};

struct SendTo {
    int fd;
    const std::string* data;
    const os::Address* to;
    ssize_t operator()() const { return os::send_to(fd, data->data(), data->size(), *to); }
};

struct Accept {
    int fd;
    os::Address* peer;
    ssize_t operator()() const { return os::accept_now(fd, *peer); }
};

Coro<std::string> sock_recv(EventLoop* loop, const os::Socket* socket, std::size_t bytes) {
    std::string data(bytes, '\0');
    const Receive receive{socket->fileno(), data.data(), bytes};
    data.resize(co_await when_readable(loop, socket, "recv", receive));
    co_return data;
}

Coro<std::pair<std::string, os::Address>> sock_recvfrom(EventLoop* loop, const os::Socket* socket,
                                                        std::size_t bytes) {
    std::pair<std::string, os::Address> got(std::string(bytes, '\0'), os::Address());
    const ReceiveFrom receive{socket->fileno(), got.first.data(), bytes, &got.second};
    got.first.resize(co_await when_readable(loop, socket, "recvfrom", receive));
    co_return got;
}

Coro<std::pair<std::size_t, os::Address>> sock_recvfrom_into(EventLoop* loop,
                                                             const os::Socket* socket,
                                                             std::span<std::byte> into,
                                                             std::size_t bytes) {
    if (bytes > into.size()) throw ValueError("nbytes is greater than the length of the buffer");
    std::pair<std::size_t, os::Address> got;
    const ReceiveFrom receive{socket->fileno(), reinterpret_cast<char*>(into.data()),
                              bytes == 0 ? into.size() : bytes, &got.second};
    got.first = co_await when_readable(loop, socket, "recvfrom", receive);
    co_return got;
}

Coro<> sock_sendall(EventLoop* loop, const os::Socket* socket, std::string data) {
    check_non_blocking(*loop, *socket);
    std::string_view rest = data;
    while (!rest.empty()) {
        const ssize_t sent = os::send(socket->fileno(), rest.data(), rest.size());
        if (sent == -EAGAIN) {
            co_await loop->writable(socket->fileno());
        } else {
            rest.remove_prefix(checked(sent, "send", *socket));
        }
    }
}

Coro<std::size_t> sock_sendto(EventLoop* loop, const os::Socket* socket, std::string data,
                              os::Address to) {
    const SendTo send{socket->fileno(), &data, &to};
    co_return co_await when_writable(loop, socket, "sendto", send);
}

Coro<> sock_connect(EventLoop* loop, const os::Socket* socket, os::Address to) {
    check_non_blocking(*loop, *socket);
    int result = os::connect_now(socket->fileno(), to);
    // EALREADY: an attempt whose await was cancelled is still under way.
    if (result == -EINPROGRESS || result == -EALREADY || result == -EAGAIN) {
        co_await loop->writable(socket->fileno());
        result = -os::take_socket_error(socket->fileno());
    }
    if (result < 0) os::throw_os_error(-result, "connect", to_string(to));
}

Coro<> sock_connect_by_name(EventLoop* loop, const os::Socket* socket, std::string host,
                            Port port) {
    const auto found = co_await loop->getaddrinfo(
        std::move(host), std::move(port), socket->family(), socket->type(), socket->protocol());
    if (found.empty()) throw OSError("getaddrinfo() returned empty list");
    co_await sock_connect(loop, socket, found[0].address);
}

Coro<std::pair<os::Socket, os::Address>> sock_accept(EventLoop* loop, const os::Socket* listener) {
    os::Address peer;
    const Accept accept{listener->fileno(), &peer};
    const std::size_t fd = co_await when_readable(loop, listener, "accept", accept);
    os::Descriptor accepted(static_cast<int>(fd));
    co_return std::pair<os::Socket, os::Address>(os::Socket(std::move(accepted)), peer);
}

} // namespace

} // namespace detail

Coro<std::string> EventLoop::sock_recv(const os::Socket& socket, std::size_t bytes) {
    return detail::sock_recv(this, &socket, bytes);
}

Coro<std::size_t> EventLoop::sock_recv_into(const os::Socket& socket, std::span<std::byte> into) {
    const detail::Receive receive{socket.fileno(), reinterpret_cast<char*>(into.data()),
                                  into.size()};
    return detail::when_readable(this, &socket, "recv", receive);
}

Coro<std::pair<std::string, os::Address>> EventLoop::sock_recvfrom(const os::Socket& socket,
                                                                   std::size_t bytes) {
    return detail::sock_recvfrom(this, &socket, bytes);
}

Coro<std::pair<std::size_t, os::Address>> EventLoop::sock_recvfrom_into(const os::Socket& socket,
                                                                        std::span<std::byte> into,
                                                                        std::size_t bytes) {
    return detail::sock_recvfrom_into(this, &socket, into, bytes);
}

Coro<> EventLoop::sock_sendall(const os::Socket& socket, std::string data) {
    return detail::sock_sendall(this, &socket, std::move(data));
}

Coro<std::size_t> EventLoop::sock_sendto(const os::Socket& socket, std::string data,
                                         os::Address to) {
    return detail::sock_sendto(this, &socket, std::move(data), to);
}

Coro<> EventLoop::sock_connect(const os::Socket& socket, os::Address to) {
    return detail::sock_connect(this, &socket, to);
}

Coro<> EventLoop::sock_connect(const os::Socket& socket, std::string host, Port port) {
    return detail::sock_connect_by_name(this, &socket, std::move(host), std::move(port));
}

Coro<std::pair<os::Socket, os::Address>> EventLoop::sock_accept(const os::Socket& listener) {
    return detail::sock_accept(this, &listener);
}

} // namespace asyncio
