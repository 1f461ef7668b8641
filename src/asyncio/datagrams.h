// SPDX-License-Identifier: MIT
// create_datagram_endpoint: from addresses to a transport of datagrams and its protocol.
#pragma once

#include "asyncio/connection_options.h"
#include "asyncio/connections.h"
#include "asyncio/events.h"

#include <memory>
#include <optional>
#include <string>

namespace asyncio {

/// The keyword arguments of create_datagram_endpoint and open_datagram_socket.
class DatagramOptions {
public:
    DatagramOptions() noexcept {}
    /// Where to receive. Port 0: any free one; host "": every interface.
    DatagramOptions& local_addr(std::string host, Port port) {
        local_.emplace(End{std::move(host), std::move(port)});
        return *this;
    }
    /// The same of family(AF_UNIX): a path, or an abstract name that begins with a NUL. A socket
    /// file that is there already is replaced.
    DatagramOptions& local_addr(std::string path) {
        local_.emplace(End{std::move(path), Port()});
        return *this;
    }
    /// With whom alone to exchange datagrams.
    DatagramOptions& remote_addr(std::string host, Port port) {
        remote_.emplace(End{std::move(host), std::move(port)});
        return *this;
    }
    DatagramOptions& remote_addr(std::string path) {
        remote_.emplace(End{std::move(path), Port()});
        return *this;
    }
    /// AF_INET, AF_INET6 or AF_UNIX only; 0: as the addresses are.
    DatagramOptions& family(int family) {
        family_ = family;
        return *this;
    }
    DatagramOptions& proto(int protocol) {
        protocol_ = protocol;
        return *this;
    }
    /// AI_ values for getaddrinfo.
    DatagramOptions& flags(int flags) {
        flags_ = flags;
        return *this;
    }
    /// Share the port with others that say the same; the kernel spreads the datagrams.
    DatagramOptions& reuse_port(bool reuse) {
        reuse_port_ = reuse;
        return *this;
    }
    /// Send to broadcast addresses; remote_addr is then where to send, and not from whom alone to
    /// receive.
    DatagramOptions& allow_broadcast(bool allow) {
        allow_broadcast_ = allow;
        return *this;
    }
    /// A datagram socket, instead of everything else; it is taken over.
    DatagramOptions& sock(Socket socket) {
        socket_ = std::make_shared<Socket>(std::move(socket));
        return *this;
    }
    /// Of open_datagram_socket: how much it keeps before it leaves the rest to the kernel; 64 KiB.
    DatagramOptions& limit(std::size_t limit_bytes) {
        limit_ = limit_bytes;
        return *this;
    }

    /// One end: a host and its port, or a path, which has none.
    struct End {
        std::string host;
        Port port;
    };
    // What was set, for those who make the socket.
    const std::optional<End>& local_addr() const noexcept { return local_; }
    const std::optional<End>& remote_addr() const noexcept { return remote_; }
    int family() const noexcept { return family_; }
    int proto() const noexcept { return protocol_; }
    int flags() const noexcept { return flags_; }
    bool reuse_port() const noexcept { return reuse_port_; }
    bool allow_broadcast() const noexcept { return allow_broadcast_; }
    const std::shared_ptr<Socket>& sock() const noexcept { return socket_; }
    std::size_t limit() const noexcept { return limit_; }

private:
    std::optional<End> local_;
    std::optional<End> remote_;
    int family_ = 0;
    int protocol_ = 0;
    int flags_ = 0;
    bool reuse_port_ = false;
    bool allow_broadcast_ = false;
    std::shared_ptr<Socket> socket_; // shared, so that options can be copied
    std::size_t limit_ = 64 * 1024;
};

namespace detail {

Coro<Connected<BaseProtocol>> create_datagram_endpoint(EventLoop* loop, ProtocolFactory factory,
                                                       DatagramOptions options);

} // namespace detail

/// Makes an endpoint for datagrams, and a DatagramProtocol by `factory()` for it.
///
///     auto echo = [] { return std::make_shared<Echo>(); };
///     auto made = co_await loop.create_datagram_endpoint(
///         echo, DatagramOptions().local_addr("127.0.0.1", 9999));
///
/// It is bound to local_addr and connected with remote_addr, where they are given; one of them, or
/// a family, must be. Of several addresses of a name the first that works is taken.
/// connection_made() has been called when this returns. Other options of the socket, such as
/// multicast groups, are set by `get_extra_info(extra::socket)`.
///
/// Returns   transport and protocol.
/// Throws    OSError: none of the addresses works; what the first one failed with. GaiError.
///           ValueError: a socket and other options, or no datagram socket; nothing to go by; local
///           and remote address without a common family. TypeError: a path without AF_UNIX, or host
///           and port with it; no DatagramProtocol. What the factory throws.
/// Cancel    no socket is left.
/// Source    CPython 3.14 loop.create_datagram_endpoint.
template <class F>
auto EventLoop::create_datagram_endpoint(F&& factory, DatagramOptions options) {
    static_assert(detail::MakesProtocol<std::decay_t<F>>,
                  "the factory is called as factory() and gives a std::shared_ptr to a protocol");
    return detail::with_protocol<detail::protocol_of_t<F>>(detail::create_datagram_endpoint(
        this, detail::ProtocolFactory(std::forward<F>(factory)), std::move(options)));
}

} // namespace asyncio
