// SPDX-License-Identifier: MIT
// Two SSLObjects whose buffers are moved from one to the other by hand.
#pragma once

#include "asyncio/testing/checks.h"
#include "ssl/object.h"

#include <array>
#include <string>

namespace support {

/// A client and a server, and the two ways between them.
class TlsPair {
public:
    TlsPair(const asyncio::ssl::SSLContext& client_context,
            const asyncio::ssl::SSLContext& server_context,
            const std::string& server_hostname = "localhost")
        : client(client_context.wrap_bio(to_client, to_server, false, server_hostname)),
          server(server_context.wrap_bio(to_server, to_client, true)) {}

    /// Goes on until both are done, or one of them throws.
    void shake_hands() const {
        bool client_done = false;
        bool server_done = false;
        for (int step = 0; !(client_done && server_done); ++step) {
            REQUIRE(step < 20);
            if (!client_done) client_done = client.do_handshake();
            if (!server_done) server_done = server.do_handshake();
        }
    }

    asyncio::ssl::MemoryBIO to_client;
    asyncio::ssl::MemoryBIO to_server;
    asyncio::ssl::SSLObject client;
    asyncio::ssl::SSLObject server;
};

/// All that is there.
inline std::string read_all(const asyncio::ssl::SSLObject& from) {
    std::string all;
    std::array<char, 1000> block;
    while (const auto bytes = from.read(block)) {
        if (*bytes == 0) break;
        all.append(block.data(), *bytes);
    }
    return all;
}

} // namespace support
