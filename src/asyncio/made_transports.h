// SPDX-License-Identifier: MIT
// From a factory and a descriptor to a transport that its protocol knows of.
#pragma once

#include "asyncio/channel_transports.h"
#include "asyncio/connections.h"
#include "asyncio/sslproto.h"

namespace asyncio::detail {

/// How a socket becomes a connection.
struct Terms {
    TlsOptions tls;
    bool server_side = false;
};
/// Those of a client. Whose certificate is expected: the name's that is given, else the host's.
/// Throws    ValueError: options that do not go together; with ssl, neither name nor host.
Terms client_terms(const ConnectOptions& options, const std::string& host);

/// A transport of a connected socket.
/// Cancel    the socket is closed.
Coro<Connected<BaseProtocol>> make_connection(EventLoop* loop, ProtocolFactory factory,
                                              Socket socket, Terms terms);

/// Closes the transport of a connection that nobody will get.
struct CloseUnlessMade {
    TransportRef transport;
    bool made = false;
    ~CloseUnlessMade() {
        if (!made) outermost(*transport).close();
    }
};

/// Removes a dead socket file, so that its path can be bound to; if that fails, it is logged.
void remove_stale_socket(const std::string& path);

/// Makes a protocol, and a transport for it by `make(loop, protocol)`; connection_made() has been
/// called when this returns.
/// Cancel    the transport is closed.
template <class Make>
Coro<Connected<BaseProtocol>> made_transport(EventLoop* loop, ProtocolFactory factory, Make make) {
    // LIFETIME: the loop runs this.
    std::shared_ptr<BaseProtocol> protocol = factory();
    const Future<> made(*loop);
    ChannelTransport* const transport = make(*loop, protocol);
    CloseUnlessMade guard{TransportRef(*transport)};
    transport->tell_when_made(made);
    co_await made;
    guard.made = true;
    co_return Connected<BaseProtocol>{guard.transport, std::move(protocol)};
}

} // namespace asyncio::detail
