// SPDX-License-Identifier: MIT
// Connections over TLS: between two protocols in memory, and of streams over TCP.
#pragma once

#include "asyncio/gather.h"
#include "asyncio/streams.h"
#include "asyncio/testing/memory_transports.h"
#include "support/certificates.h"
#include "support/transports.h"

namespace support {

/// Two protocols of type P that are each other's peer, over TLS over memory.
template <class P = Recorder>
struct TlsLink {
    explicit TlsLink(
        const asyncio::testing::MemoryOptions& options = asyncio::testing::MemoryOptions())
        : client(std::make_shared<P>()), server(std::make_shared<P>()),
          memory(client, server, options) {}

    asyncio::Coro<asyncio::TransportRef>
    upgrade_client(asyncio::ssl::SSLContext context,
                   asyncio::StartTlsOptions options = asyncio::StartTlsOptions()) {
        options.server_side(false).server_hostname("localhost");
        return asyncio::testing::loop().start_tls(memory.first(), client, context,
                                                  std::move(options));
    }
    asyncio::Coro<asyncio::TransportRef>
    upgrade_server(asyncio::ssl::SSLContext context,
                   asyncio::StartTlsOptions options = asyncio::StartTlsOptions()) {
        options.server_side(true);
        return asyncio::testing::loop().start_tls(memory.second(), server, context,
                                                  std::move(options));
    }
    /// Both at once, with the test's certificates.
    asyncio::Coro<> upgrade(asyncio::StartTlsOptions options = asyncio::StartTlsOptions()) {
        co_await asyncio::yield_now(); // both are told of the connection
        auto both = asyncio::gather(upgrade_client(client_context(), options),
                                    upgrade_server(server_context(), options));
        auto ends = co_await std::move(both);
        client_end = std::get<0>(ends);
        server_end = std::get<1>(ends);
    }

    std::shared_ptr<P> client;
    std::shared_ptr<P> server;
    asyncio::testing::MemoryConnection memory;
    asyncio::TransportRef client_end; // over TLS
    asyncio::TransportRef server_end;
};

/// The port that a server listens on.
inline int port_of(const asyncio::Server& server) {
    return server.sockets()[0].getsockname().port();
}

/// How a client of the test's servers connects.
inline asyncio::ConnectOptions tls_options() {
    return asyncio::ConnectOptions().ssl(client_context()).server_hostname("localhost");
}

} // namespace support
