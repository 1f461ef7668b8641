// SPDX-License-Identifier: MIT
// A transport whose peer is a plain socket in the test's hands.
#pragma once

#include "asyncio/connections.h"
#include "support/transports.h"

#include "asyncio/testing/testing.h"

#include <array>
#include <sys/socket.h>

namespace support {

/// The other end of a connection: a socket that does not block, read and written by hand.
struct Peer {
    explicit Peer(asyncio::Socket end) : socket(std::move(end)) {}

    void send(std::string_view data) const {
        CHECK_EQ(asyncio::os::send(socket.fileno(), data.data(), data.size()),
                 static_cast<ssize_t>(data.size()));
    }
    /// What has come so far.
    std::string receive() const {
        std::string all;
        std::array<char, 65536> block;
        for (;;) {
            const ssize_t got = asyncio::os::receive(socket.fileno(), block.data(), block.size());
            if (got <= 0) return all;
            all.append(block.data(), static_cast<std::size_t>(got));
        }
    }
    /// Has the other side ended its writing, with nothing left to be read?
    bool at_end() const {
        char byte = 0;
        return asyncio::os::receive(socket.fileno(), &byte, 1) == 0;
    }
    /// Closes with a reset instead of an orderly end.
    void reset() {
        const linger at_once{1, 0};
        CHECK_EQ(::setsockopt(socket.fileno(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
        socket.close();
    }

    asyncio::Socket socket;
};

/// What comes, until it is so much.
inline asyncio::Coro<std::string> receive_all(const Peer* peer, std::size_t size) {
    // LIFETIME: the case awaits this.
    std::string got;
    while (got.size() < size) {
        got += peer->receive();
        co_await asyncio::yield_now();
    }
    co_return got;
}

/// A protocol of type P on a transport, and its peer.
template <class P = Recorder>
struct Connection {
    Connection(asyncio::TransportRef to, std::shared_ptr<P> its_protocol, asyncio::Socket end)
        : transport(std::move(to)), protocol(std::move(its_protocol)), peer(std::move(end)) {}
    asyncio::TransportRef transport;
    std::shared_ptr<P> protocol;
    Peer peer;
};

/// Over a pair of Unix sockets.
template <class P = Recorder>
asyncio::Coro<Connection<P>> connect_pair(std::shared_ptr<P> protocol = std::make_shared<P>()) {
    auto pair = asyncio::Socket::pair();
    auto factory = [protocol] { return protocol; };
    auto made =
        co_await asyncio::testing::loop().connect_accepted_socket(factory, std::move(pair.first));
    co_return Connection<P>(made.transport, protocol, std::move(pair.second));
}

/// Over TCP on the loopback interface.
template <class P = Recorder>
asyncio::Coro<Connection<P>> connect_tcp(std::shared_ptr<P> protocol = std::make_shared<P>()) {
    const asyncio::Socket listener(AF_INET);
    listener.bind(*asyncio::Address::from_literal("127.0.0.1", 0));
    listener.listen(1);
    auto factory = [protocol] { return protocol; };
    auto made = co_await asyncio::testing::loop().create_connection(factory, "127.0.0.1",
                                                                    listener.getsockname().port());
    asyncio::Address peer;
    asyncio::os::Descriptor accepted(asyncio::os::accept_now(listener.fileno(), peer));
    co_return Connection<P>(made.transport, protocol, asyncio::Socket(std::move(accepted)));
}

/// Lets the loop take `count` turns.
inline asyncio::Coro<> turns(int count = 3) {
    for (int i = 0; i < count; ++i) co_await asyncio::yield_now();
}

/// Sends until no more goes.  Returns how much went.
inline std::size_t fill(const asyncio::Socket& socket) {
    const std::string block(64 * 1024, 'x');
    std::size_t total = 0;
    for (;;) {
        const ssize_t sent = asyncio::os::send(socket.fileno(), block.data(), block.size());
        if (sent < 0) return total;
        total += static_cast<std::size_t>(sent);
    }
}

/// Writes until the transport holds bytes that do not go.
inline std::size_t fill(asyncio::Transport& transport) {
    const std::string block(64 * 1024, 'x');
    std::size_t total = 0;
    while (transport.get_write_buffer_size() == 0) {
        transport.write(block);
        total += block.size();
    }
    return total;
}

} // namespace support
