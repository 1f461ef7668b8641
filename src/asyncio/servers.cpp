// SPDX-License-Identifier: MIT
// Listening, accepting, and the end of a server.
#include "asyncio/servers.h"

#include "asyncio/base_events.h"
#include "asyncio/server_states.h"
#include "asyncio/sleep.h"
#include "asyncio/sslproto.h"
#include "asyncio/wait_for.h"

#include <algorithm>

namespace asyncio {

namespace detail {

namespace {

constexpr auto accept_retry_delay = std::chrono::seconds(1);

constexpr TransportSocket::Owner listener_owner{
    [](void* object) noexcept { static_cast<Listener*>(object)->add_ref(); },
    [](void* object) noexcept { static_cast<Listener*>(object)->release(); },
    [](const void* object) noexcept {
        return static_cast<const Listener*>(object)->socket().fileno();
    }};

// Does accept() fail for want of something that others may give back?
bool is_shortage(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// Errors of a connection that was lost before it was accepted: accept(2) passes them on.
bool is_of_connection(int error) noexcept {
    switch (error) {
    case ECONNABORTED:
    case EPERM: // a firewall's word
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH: return true;
    default: return false;
    }
}

} // namespace

// ---- a listener ---------------------------------------------------------------------------------

const Channel::Ops Listener::channel_ops{
    [](Channel& channel, std::uint32_t) {
        auto& self = static_cast<Listener&>(channel);
        if (self.socket_) {
            self.on_io();
        } else {
            self.release(); // it was closed while it stood in the line
        }
    },
    [](Channel& channel) noexcept { static_cast<Listener&>(channel).server_.close(); }};

Listener::Listener(ServerState& server, Socket socket) noexcept
    : Channel(channel_ops), server_(server), socket_(std::move(socket)) {
    fd = socket_.fileno();
}

void Listener::start(int backlog) {
    socket_.listen(backlog);
    os::set_nodelay(socket_); // inherited
    Channels::of(server_.loop()).open(*this, Channels::level_reads);
}

void Listener::close() noexcept {
    if (!socket_) return;
    if (pause_) pause_->cancel();
    pause_.reset();
    if (Channel::registered) Channels::of(server_.loop()).close(*this); // else the loop may be gone
    socket_.close();
    fd = -1;
    if (!Channel::queued) release(); // else on_io() does
}

TransportSocket Listener::shown() noexcept { return TransportSocket(this, listener_owner); }

// Tries as many as the last event has brought, and twice as many when that was not enough; the one
// that fails costs a system call.
void Listener::on_io() {
    const std::size_t most = static_cast<std::size_t>(std::max(server_.backlog(), 0)) + 1;
    const std::size_t tries = std::min(batch_, most);
    std::size_t done = 0;
    while (done < tries && socket_ && accept_one()) ++done;
    batch_ = done == tries ? std::min(tries * 2, most) : std::max<std::size_t>(done, 1);
}

// Returns false when no further connection is to be had for now.
bool Listener::accept_one() {
    Address peer;
    const int accepted = os::accept_now(socket_.fileno(), peer);
    if (accepted >= 0) {
        server_.accepted(os::Descriptor(accepted), peer);
        return true;
    }
    if (accepted == -EAGAIN) return false;
    if (is_of_connection(-accepted)) return true;
    const std::exception_ptr error = os::os_error(-accepted, "accept");
    if (is_shortage(-accepted)) {
        pause(error);
    } else {
        server_.report("socket.accept() failed", error);
    }
    return false;
}

void Listener::pause(const std::exception_ptr& reason) {
    server_.report("socket.accept() out of system resource", reason);
    try {
        Channels::of(server_.loop()).change(*this, 0);
        pause_ = server_.loop().call_later(accept_retry_delay, [this] { resume(); });
    } catch (const std::exception&) {
        // Then the next turn tries again.
    }
}

void Listener::resume() {
    pause_.reset();
    try {
        Channels::of(server_.loop()).change(*this, Channels::level_reads);
    } catch (const OSError&) {
        pause(std::current_exception());
    }
}

// ---- a server -----------------------------------------------------------------------------------

ServerState::ServerState(EventLoop& loop, ProtocolFactory factory, std::vector<Socket> sockets,
                         int backlog, TlsOptions tls, os::BoundFile file)
    : loop_(&loop), factory_(std::move(factory)), file_(std::move(file)), backlog_(backlog),
      tls_(std::move(tls)) {
    listeners_.reserve(sockets.size());
    for (Socket& socket : sockets) listeners_.push_back(new Listener(*this, std::move(socket)));
}

ServerState::~ServerState() { close_listeners(); }

void ServerState::close_listeners() noexcept {
    for (Listener* listener : std::exchange(listeners_, {})) listener->close();
    file_.remove();
}

std::vector<TransportSocket> ServerState::sockets() const {
    std::vector<TransportSocket> shown;
    shown.reserve(listeners_.size());
    for (Listener* listener : listeners_) shown.push_back(listener->shown());
    return shown;
}

void ServerState::start() {
    if (serving_) return;
    if (closed_) throw RuntimeError("server is closed");
    for (Listener* listener : listeners_) listener->start(backlog_);
    serving_ = true;
    add_ref(); // the loop's
}

void ServerState::close() noexcept {
    if (closed_) return;
    closed_ = true;
    close_listeners();
    if (forever_) forever_->cancel();
    tell_if_gone();
    if (std::exchange(serving_, false)) release();
}

std::vector<TransportRef> ServerState::clients() const {
    std::vector<TransportRef> all;
    for (ServerClient* at = clients_.front(); at != nullptr; at = clients_.after(at)) {
        all.emplace_back(outermost(static_cast<SelectorSocketTransport&>(*at)));
    }
    return all;
}

void ServerState::close_clients() {
    for (const TransportRef& transport : clients()) transport->close();
}

// An abort takes effect in the next turn, so the list stays as it is meanwhile. Of a loop that is
// closing it would at once, but then the loop aborts them all.
void ServerState::abort_clients() noexcept {
    if (loop_->is_closed()) return;
    for (ServerClient* at = clients_.front(); at != nullptr; at = clients_.after(at)) {
        static_cast<SelectorSocketTransport&>(*at).abort();
    }
}

void ServerState::attach(ServerClient& client) noexcept {
    add_ref();
    clients_.push_back(&client);
}

void ServerState::detach(ServerClient& client) noexcept {
    clients_.remove(&client);
    tell_if_gone();
    release();
}

void ServerState::accepted(os::Descriptor socket, const Address& peer) {
    try {
        std::shared_ptr<BaseProtocol> protocol = factory_();
        if (tls_.context) protocol = make_ssl_protocol(*loop_, std::move(protocol), tls_, true);
        SelectorSocketTransport::make(*loop_, std::move(socket), std::move(protocol), peer, this);
    } catch (...) {
        const std::exception_ptr error = std::current_exception();
        if (is_exception<KeyboardInterrupt>(error) || is_exception<SystemExit>(error)) throw;
        if (!loop_->get_debug()) return;
        report("Error on transport creation for incoming connection", error);
    }
}

void ServerState::report(std::string message, const std::exception_ptr& error) const noexcept {
    try {
        ExceptionContext context;
        context.message = std::move(message);
        context.exception = error;
        loop_->call_exception_handler(context);
    } catch (...) {
        log(LogLevel::error, "an error of a server, and another in its report");
    }
}

void add_ref(ServerState* server) noexcept { server->add_ref(); }
void release(ServerState* server) noexcept { server->release(); }

// ---- binding ------------------------------------------------------------------------------------

namespace {

// Returns nothing for a combination that the machine does not have.
std::optional<Socket> bound_socket(const os::AddrInfo& info, const ServerOptions& options) {
    std::optional<Socket> socket;
    try {
        socket.emplace(info.family, info.type, info.protocol);
    } catch (const OSError& error) {
        if (is_shortage(error.errnum())) throw;
        return std::nullopt;
    }
    const bool ip = info.family == AF_INET || info.family == AF_INET6;
    if (options.reuse_address()) socket->setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
    if (options.reuse_port() && ip) socket->setsockopt(SOL_SOCKET, SO_REUSEPORT, 1);
    if (options.keep_alive()) socket->setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
    os::set_v6only(*socket);
    try {
        socket->bind(info.address);
    } catch (const OSError& error) {
        if (error.errnum() == EADDRNOTAVAIL) return std::nullopt; // the family is switched off
        throw;
    }
    return socket;
}

std::vector<Socket> bind_all(const std::vector<os::AddrInfo>& infos, const ServerOptions& options) {
    std::vector<Socket> sockets;
    std::string tried;
    for (const os::AddrInfo& info : infos) {
        tried += (tried.empty() ? "" : ", ") + to_string(info.address);
        if (std::optional<Socket> socket = bound_socket(info, options)) {
            sockets.push_back(std::move(*socket));
        }
    }
    if (sockets.empty()) throw OSError("could not bind on any address out of " + tried);
    return sockets;
}

Coro<std::vector<os::AddrInfo>> addresses_of(EventLoop* loop, Hosts hosts, Port port,
                                             ServerOptions options) {
    std::vector<std::string> names = hosts.names();
    if (names.empty()) names.emplace_back();
    std::vector<os::AddrInfo> infos;
    for (const std::string& name : names) {
        const auto found = co_await loop->getaddrinfo(name, port, options.family(), SOCK_STREAM, 0,
                                                      options.flags().value_or(AI_PASSIVE));
        for (const os::AddrInfo& info : found) {
            if (std::find(infos.begin(), infos.end(), info) == infos.end()) infos.push_back(info);
        }
    }
    co_return infos;
}

} // namespace

// Who is cancelled in the turn has no handle to close it by.
Coro<Server> serve(EventLoop* loop, ProtocolFactory factory, std::vector<Socket> sockets,
                   ServerOptions options, os::BoundFile file) {
    // LIFETIME: the loop runs this.
    auto* state = new ServerState(*loop, std::move(factory), std::move(sockets), options.backlog(),
                                  options.tls(), std::move(file));
    Server server(state);
    if (options.start_serving()) state->start();
    const Outcome<> turn = co_await outcome(yield_now());
    if (!turn.has_value()) server.close();
    turn.value();
    co_return server;
}

Coro<Server> create_server(EventLoop* loop, ProtocolFactory factory, Hosts hosts, Port port,
                           ServerOptions options) {
    // LIFETIME: the loop runs this.
    options.tls().check();
    if (options.sock() != nullptr) {
        throw ValueError("host/port and sock can not be specified at the same time");
    }
    const std::vector<os::AddrInfo> infos = co_await addresses_of(loop, hosts, port, options);
    co_return co_await serve(loop, std::move(factory), bind_all(infos, options), options);
}

Coro<Server> create_server(EventLoop* loop, ProtocolFactory factory, ServerOptions options) {
    // LIFETIME: the loop runs this.
    options.tls().check();
    if (options.sock() == nullptr || !*options.sock()) {
        throw ValueError("Neither host/port nor sock were specified");
    }
    if (options.sock()->type() != SOCK_STREAM) throw ValueError("A Stream Socket was expected");
    std::vector<Socket> sockets;
    sockets.push_back(std::move(*options.sock()));
    sockets.back().setblocking(false);
    co_return co_await serve(loop, std::move(factory), std::move(sockets), options);
}

namespace {

// LIFETIME: the handle, which is an argument too, keeps `state`.

Coro<> start_serving(Server server, ServerState* state) {
    state->start();
    co_await yield_now();
    static_cast<void>(server);
}

Coro<> wait_closed(Server server, ServerState* state) {
    co_await state->gone().wait();
    static_cast<void>(server);
}

Coro<> shut_down(Server server, ServerState* state, Duration grace) {
    state->close();
    struct AbortRest {
        ServerState& state;
        ~AbortRest() { state.abort_clients(); }
    };
    {
        const AbortRest abort_rest{*state};
        const Outcome<> in_time = co_await outcome(wait_for(wait_closed(server, state), grace));
        if (!is_exception<TimeoutError>(in_time.exception())) in_time.value();
    }
    co_await wait_closed(server, state);
}

Coro<> serve_forever(Server server, ServerState* state, std::optional<Duration> grace) {
    // LIFETIME: the handle keeps the state.
    if (state->forever()) {
        throw RuntimeError("server is already being awaited on serve_forever()");
    }
    state->start();
    const Future<> forever = state->forever().emplace(state->loop());
    struct Leave {
        ServerState& state;
        ~Leave() { state.forever().reset(); }
    } leave{*state};
    const Outcome<> end = co_await outcome(forever);
    state->close();
    Coro<> ending = grace ? shut_down(server, state, *grace) : wait_closed(server, state);
    const Outcome<> gone = co_await outcome(std::move(ending));
    static_cast<void>(gone); // the cancel that came first is what goes on
    end.value();
}

} // namespace

} // namespace detail

bool Server::is_serving() const noexcept { return state_->is_serving(); }
EventLoop& Server::get_loop() const noexcept { return state_->loop(); }
std::vector<TransportSocket> Server::sockets() const { return state_->sockets(); }
Coro<> Server::start_serving() const { return detail::start_serving(*this, state_); }
Coro<> Server::serve_forever() const { return detail::serve_forever(*this, state_, std::nullopt); }
Coro<> Server::serve_forever(Duration grace) const {
    return detail::serve_forever(*this, state_, grace);
}
void Server::close() const { state_->close(); }
Coro<> Server::wait_closed() const { return detail::wait_closed(*this, state_); }
void Server::close_clients() const { state_->close_clients(); }
void Server::abort_clients() const { state_->abort_clients(); }
Coro<> Server::shutdown(Duration grace) const { return detail::shut_down(*this, state_, grace); }

} // namespace asyncio
