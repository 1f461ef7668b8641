// SPDX-License-Identifier: MIT
// DatagramSocket: datagrams that tasks send and receive.
#pragma once

#include "asyncio/coroutines.h"
#include "asyncio/datagrams.h"

#include <memory>
#include <string>

namespace asyncio {

/// A datagram that has come, and who it is from.
struct Datagram {
    std::string data;
    Address from; // of no family: it has no name
};

namespace detail {
class DatagramSocketState;
} // namespace detail

/// A socket of datagrams, for any number of tasks. A handle: copies are the same socket. When the
/// last one goes, it is closed.
///
///     auto socket = co_await asyncio::open_datagram_socket(
///         asyncio::DatagramOptions().local_addr("127.0.0.1", 9999));
///     while (true) {
///         auto [data, from] = co_await socket.recvfrom();
///         co_await socket.sendto(data, from);
///     }
///
/// What comes while nobody receives is kept up to a limit; then the kernel keeps some, and drops
/// the rest.
///
/// Thread    the loop's own.
/// Source    none in asyncio, where datagrams come to protocols alone; the names are socket's.
class DatagramSocket {
public:
    /// The next datagram, also an empty one. Several tasks get them first come, first served.
    ///
    /// Throws    OSError: what the system refused meanwhile, such as ConnectionRefusedError when
    ///           nobody listens at the peer; the socket goes on. EBADF: it is closed, and all that
    ///           was kept is received.
    /// Cancel    nothing is lost: the next one gets it.
    Coro<Datagram> recvfrom() const;
    /// Sends a datagram, and waits until the kernel has room for it.
    ///
    /// to        whom; none: the peer that the socket was made with.
    /// Throws    OSError: the system refuses it (EMSGSIZE: it is too large); the socket goes on.
    ///           EBADF: it is closed. ValueError: as Transport::sendto.
    /// Cancel    while it waits: it is still sent, when there is room.
    Coro<> sendto(std::string data, Address to = Address()) const;

    /// No more is received; what waits to be sent is sent. Harmless twice.
    void close() const;
    bool is_closing() const noexcept;

    // Where it receives; the peer that it was made with, else none.
    Address sockname() const;
    Address peername() const;
    /// What it sends and receives by: `transport().get_extra_info(extra::socket)` sets options.
    /// Lifetime  as long as this or a copy.
    DatagramTransport& transport() const noexcept;

    friend bool operator==(const DatagramSocket&, const DatagramSocket&) noexcept = default;

    // The library's own use.
    explicit DatagramSocket(std::shared_ptr<detail::DatagramSocketState> state) noexcept
        : state_(std::move(state)) {}

private:
    std::shared_ptr<detail::DatagramSocketState> state_;
};

namespace detail {

/// For transports of other kinds: the protocol of a DatagramSocket, and the socket of a transport
/// that was made with it.
std::shared_ptr<BaseProtocol> new_datagram_socket_protocol(std::size_t limit_bytes);
DatagramSocket datagram_socket_of(const TransportRef& transport,
                                  const std::shared_ptr<BaseProtocol>& protocol);

} // namespace detail

/// Opens a socket of datagrams, as loop.create_datagram_endpoint does.
/// Throws    as loop.create_datagram_endpoint.
/// Cancel    no socket is left.
Coro<DatagramSocket> open_datagram_socket(DatagramOptions options);

} // namespace asyncio
