// SPDX-License-Identifier: MIT
// create_connection: from a host and a port to a transport and its protocol.
#pragma once

#include "asyncio/connection_options.h"
#include "asyncio/events.h"
#include "asyncio/servers.h"
#include "asyncio/transports.h"

#include <memory>

namespace asyncio {

/// What a connection is made of.
template <class P>
struct Connected {
    TransportRef transport;
    std::shared_ptr<P> protocol;
};

namespace detail {

Coro<Connected<BaseProtocol>> create_connection(EventLoop* loop, ProtocolFactory factory,
                                                std::string host, Port port,
                                                ConnectOptions options = ConnectOptions());
Coro<Connected<BaseProtocol>> create_connection(EventLoop* loop, ProtocolFactory factory,
                                                ConnectOptions options);
Coro<Connected<BaseProtocol>> connect_accepted(EventLoop* loop, ProtocolFactory factory,
                                               Socket socket, AcceptedOptions options);

/// The same connection with the factory's own type of protocol.
template <class P>
Coro<Connected<P>> with_protocol(Coro<Connected<BaseProtocol>> connecting) {
    Connected<BaseProtocol> made = co_await std::move(connecting);
    co_return Connected<P>{std::move(made.transport),
                           std::static_pointer_cast<P>(std::move(made.protocol))};
}

/// What `factory()` gives a shared_ptr to.
template <class F>
using protocol_of_t = typename std::invoke_result_t<std::decay_t<F>&>::element_type;

} // namespace detail

/// Connects to `port` of `host`, and makes a protocol by `factory()` for the connection.
///
///     auto made = co_await loop.create_connection([] { return std::make_shared<Client>(); },
///                                                 "127.0.0.1", 8888);
///
/// The addresses of the host are tried in the resolver's order, one after the other or, with
/// happy_eyeballs_delay, staggered. connection_made() has been called when this returns.
///
/// Returns   transport and protocol.
/// Throws    OSError: no address could be connected; it names the address, or tells all failures.
///           ExceptionGroup: the same, with all_errors. GaiError. What the factory throws.
///           ValueError: both a socket and an address, or neither; no stream socket; with ssl, no
///           name whose certificate to expect; what is about TLS without ssl. With ssl: what the
///           handshake failed with (ssl::SSLError, ConnectionAbortedError: it took too long).
/// Cancel    no socket is left.
/// Source    CPython 3.14 loop.create_connection.  Differs: `ssl=True` is a context of its own.
template <class F, class... Args>
auto EventLoop::create_connection(F&& factory, Args&&... args) {
    static_assert(detail::MakesProtocol<std::decay_t<F>>,
                  "the factory is called as factory() and gives a std::shared_ptr to a protocol");
    return detail::with_protocol<detail::protocol_of_t<F>>(detail::create_connection(
        this, detail::ProtocolFactory(std::forward<F>(factory)), std::forward<Args>(args)...));
}

/// Makes a transport of a socket that was accepted elsewhere.
/// Throws    ValueError: no stream socket, or what is about TLS without ssl. What the factory
///           throws, and what a handshake failed with.
/// Cancel    the socket is closed.
/// Source    CPython 3.14 loop.connect_accepted_socket.
template <class F>
auto EventLoop::connect_accepted_socket(F&& factory, os::Socket socket) {
    return connect_accepted_socket(std::forward<F>(factory), std::move(socket), AcceptedOptions());
}
template <class F>
auto EventLoop::connect_accepted_socket(F&& factory, os::Socket socket, AcceptedOptions options) {
    static_assert(detail::MakesProtocol<std::decay_t<F>>,
                  "the factory is called as factory() and gives a std::shared_ptr to a protocol");
    return detail::with_protocol<detail::protocol_of_t<F>>(
        detail::connect_accepted(this, detail::ProtocolFactory(std::forward<F>(factory)),
                                 std::move(socket), std::move(options)));
}

} // namespace asyncio
