// SPDX-License-Identifier: MIT
// Server: listens, and gives every connection a protocol.
#pragma once

#include "asyncio/connection_options.h"
#include "asyncio/events.h"
#include "asyncio/scopes.h"
#include "asyncio/transports.h"

#include <string>
#include <vector>

namespace asyncio {

namespace detail {

class ServerState;

/// Makes a protocol for each connection.
using ProtocolFactory = base::Function<std::shared_ptr<BaseProtocol>()>;

/// Anything that can be called without arguments and gives a shared_ptr to a protocol.
template <class F>
concept MakesProtocol =
    std::is_invocable_v<F&> &&
    std::is_convertible_v<std::invoke_result_t<F&>, std::shared_ptr<BaseProtocol>>;

void add_ref(ServerState* server) noexcept;
void release(ServerState* server) noexcept;

} // namespace detail

/// What listens on one or more sockets. A handle: copies are the same server. It goes on when the
/// last handle goes.
///
/// Thread    the loop's own.
/// Source    CPython 3.14 asyncio.Server.
class Server {
public:
    // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDelete): what is copied has a count of its own.
    Server(const Server& other) noexcept : state_(other.state_) { detail::add_ref(state_); }
    Server(Server&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    Server& operator=(Server other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~Server() {
        if (state_ != nullptr) detail::release(state_);
    }

    /// Does it accept connections now?
    bool is_serving() const noexcept;
    /// The loop that it serves on.
    EventLoop& get_loop() const noexcept;
    /// The listening sockets; none when it is closed.
    std::vector<TransportSocket> sockets() const;

    /// Begins to accept connections, if it does not yet.
    /// Throws    RuntimeError: it is closed. OSError: listen() failed.
    /// Cancel    it serves already.
    Coro<> start_serving() const;
    /// Accepts connections until the task is cancelled or the server closed; either ends in
    /// CancelledError, when the last connection is gone.
    /// Throws    RuntimeError: it is closed, or somebody serves already. As start_serving().
    /// Cancel    closes the server and waits for its connections; a second cancel waits no longer.
    Coro<> serve_forever() const;
    /// The same, but connections have only `grace` to end; then they are aborted. As shutdown().
    /// Cancel    closes the server and waits as long as `grace`; a second cancel aborts at once.
    /// Source    (C++ only: in CPython one idle client holds up a Ctrl-C for ever)
    Coro<> serve_forever(Duration grace) const;

    /// Listens no more, at once. Connections go on. Harmless twice.
    void close() const;
    /// Waits until it is closed and its last connection is gone.
    /// Cancel    nothing is changed.
    Coro<> wait_closed() const;
    /// Closes the transports of all connections: what they have to send is sent.
    void close_clients() const;
    /// Aborts them.
    void abort_clients() const;
    /// Closes it, waits for the connections as long as `grace`, then aborts them and waits.
    /// Cancel    aborts what is left of them.
    Coro<> shutdown(Duration grace) const;

    /// Runs `body` (an awaitable, or a callable that returns one), then closes it and waits.
    /// Returns   what the body returns.
    /// Cancel    cancels the body; then closes it and waits. A second cancel waits no longer.
    template <class F>
        requires detail::Body<F>
    auto with(F body) const -> Coro<detail::body_result_t<F>> {
        return with_body(*this, std::move(body));
    }

    explicit Server(detail::ServerState* state) noexcept : state_(state) {} // takes over a count

private:
    template <class F>
    static Coro<detail::body_result_t<F>> with_body(Server server, F body) {
        detail::NoScope scope;
        auto end = co_await detail::BodyAwaiter<F, detail::NoScope>(body, scope);
        server.close();
        co_await server.wait_closed();
        co_return std::move(end).value();
    }

    detail::ServerState* state_;
};

namespace detail {

Coro<Server> create_server(EventLoop* loop, ProtocolFactory factory, Hosts hosts, Port port,
                           ServerOptions options = ServerOptions());
Coro<Server> create_server(EventLoop* loop, ProtocolFactory factory, ServerOptions options);

} // namespace detail

/// Listens on `port` of each host, and makes a protocol by `factory()` for each connection.
///
///     auto echo = [] { return std::make_shared<Echo>(); };
///     auto server = co_await loop.create_server(echo, "127.0.0.1", 8888);
///
/// hosts     none or "": every interface, IPv4 and IPv6 each with a socket of its own.
/// port      0: any free one, of each address; see Server::sockets().
/// Throws    OSError: an address cannot be bound, which is named; nothing listens then. GaiError.
///           ValueError: both a socket and an address, or neither; no stream socket; what is about
///           TLS without ssl. A handshake that fails is told to nobody but in debug mode.
/// Cancel    nothing listens.
/// Source    CPython 3.14 loop.create_server.
template <class F, class... Args>
auto EventLoop::create_server(F&& factory, Args&&... args) {
    static_assert(detail::MakesProtocol<std::decay_t<F>>,
                  "the factory is called as factory() and gives a std::shared_ptr to a protocol");
    return detail::create_server(this, detail::ProtocolFactory(std::forward<F>(factory)),
                                 std::forward<Args>(args)...);
}

} // namespace asyncio
