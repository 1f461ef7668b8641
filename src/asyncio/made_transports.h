// SPDX-License-Identifier: MIT
// From a factory and a descriptor to a transport that its protocol knows of.
#pragma once

#include "asyncio/channel_transports.h"
#include "asyncio/connections.h"

namespace asyncio::detail {

/// A transport of a connected socket.
/// Cancel    the socket is closed.
Coro<Connected<BaseProtocol>> make_connection(EventLoop* loop, ProtocolFactory factory,
                                              Socket socket);
/// Removes a dead socket file, so that its path can be bound to; if that fails, it is logged.
void remove_stale_socket(const std::string& path);

/// Makes a protocol, and a transport for it by `make(loop, protocol)`; connection_made() has been
/// called when this returns.
/// Cancel    the transport is closed.
template <class Make>
Coro<Connected<BaseProtocol>> made_transport(EventLoop* loop, ProtocolFactory factory, Make make) {
    // LIFETIME: the loop runs this.
    struct CloseUnlessMade { // nobody else will get it
        TransportRef transport;
        bool made = false;
        ~CloseUnlessMade() {
            if (!made) transport->close();
        }
    };
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
