// SPDX-License-Identifier: MIT
// What is behind a Server: its listeners and its connections.
#pragma once

#include "asyncio/channels.h"
#include "asyncio/locks.h"
#include "asyncio/selector_transports.h"
#include "asyncio/servers.h"
#include "os/unix_paths.h"

namespace asyncio::detail {

/// A listening socket, watched level-triggered: what one event leaves over, the next one brings.
class Listener final : public Channel {
public:
    Listener(ServerState& server, Socket socket) noexcept;

    /// Throws    OSError: listen() failed, or the poller refused.
    void start(int backlog);
    void close() noexcept;
    const Socket& socket() const noexcept { return socket_; }
    TransportSocket shown() noexcept;

    void add_ref() noexcept { ++refs_; }
    void release() noexcept {
        if (--refs_ == 0) delete this;
    }

private:
    ~Listener() = default;
    static const Channel::Ops channel_ops;
    void on_io();
    bool accept_one();
    void pause(const std::exception_ptr& reason);
    void resume();

    ServerState& server_; // LIFETIME: followed only while the socket is open
    Socket socket_;
    std::size_t batch_ = 1; // how many accepts are worth trying
    std::optional<TimerHandle> pause_;
    std::uint32_t refs_ = 1;
};

/// Counts: handles, connections, and the loop's while it serves.
class ServerState {
public:
    ServerState(EventLoop& loop, ProtocolFactory factory, std::vector<Socket> sockets, int backlog,
                TlsOptions tls, os::BoundFile file);
    ServerState(const ServerState&) = delete; // listeners know its address
    ServerState& operator=(const ServerState&) = delete;

    EventLoop& loop() const noexcept { return *loop_; }
    bool is_serving() const noexcept { return serving_; }
    bool is_closed() const noexcept { return closed_; }
    int backlog() const noexcept { return backlog_; }
    std::vector<TransportSocket> sockets() const;

    void start();
    void close() noexcept;
    void close_clients();
    void abort_clients() noexcept;
    Event& gone() noexcept { return gone_; } // set: closed, and no connection left
    std::optional<Future<>>& forever() noexcept { return forever_; }

    void attach(ServerClient& client) noexcept;
    void detach(ServerClient& client) noexcept;
    /// A transport for an accepted connection.
    void accepted(os::Descriptor socket, const Address& peer);
    void report(std::string message, const std::exception_ptr& error) const noexcept;

    void add_ref() noexcept { ++refs_; }
    void release() noexcept {
        if (--refs_ == 0) delete this;
    }

private:
    ~ServerState();
    std::vector<TransportRef> clients() const;
    void close_listeners() noexcept;
    void tell_if_gone() noexcept {
        if (closed_ && clients_.empty()) gone_.set();
    }

    EventLoop* loop_;
    ProtocolFactory factory_;
    std::vector<Listener*> listeners_;
    base::IntrusiveList<ServerClient> clients_;
    Event gone_;
    os::BoundFile file_; // of a Unix server
    std::optional<Future<>> forever_; // who is in serve_forever()
    int backlog_;
    TlsOptions tls_; // of each connection
    bool serving_ = false;
    bool closed_ = false;
    std::uint32_t refs_ = 1;
};

/// A server on bound sockets; takes a turn, in which connections may come.
/// Cancel    nothing listens.
Coro<Server> serve(EventLoop* loop, ProtocolFactory factory, std::vector<Socket> sockets,
                   ServerOptions options, os::BoundFile file = {});

} // namespace asyncio::detail
