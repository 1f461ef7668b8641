// SPDX-License-Identifier: MIT
// Unix sockets: connecting to a path, binding to it, and the file there.
#include "asyncio/unix_connections.h"

#include "asyncio/made_transports.h"
#include "asyncio/server_states.h"

namespace asyncio::detail {

namespace {

/// A socket that was given instead of a path.
Socket taken_unix_stream(const std::shared_ptr<Socket>& given) {
    if (given == nullptr || !*given) throw ValueError("no path and sock were specified");
    if (given->family() != AF_UNIX || given->type() != SOCK_STREAM) {
        throw ValueError("A UNIX Domain Stream Socket was expected");
    }
    given->setblocking(false);
    return std::move(*given);
}

void check_path_alone(const std::shared_ptr<Socket>& given) {
    if (given != nullptr) {
        throw ValueError("path and sock can not be specified at the same time");
    }
}

Coro<Server> serve_unix(EventLoop* loop, ProtocolFactory factory, Socket socket,
                        ServerOptions options) {
    // LIFETIME: the loop runs this.
    std::string path;
    if (options.cleanup_socket()) path = socket.getsockname().path();
    os::BoundFile file(std::move(path));
    std::vector<Socket> sockets;
    sockets.push_back(std::move(socket));
    co_return co_await serve(loop, std::move(factory), std::move(sockets), std::move(options),
                             std::move(file));
}

} // namespace

// Somebody else's file, or no right to look at it, shows when it is bound to.
void remove_stale_socket(const std::string& path) {
    if (os::is_abstract(path)) return;
    const int error = os::remove_stale_socket(path);
    if (error == 0) return;
    log(LogLevel::error, "Unable to check or remove stale UNIX socket '" + path +
                             "': " + message_of(os::os_error(error, "unlink", path)));
}

// ---- connections --------------------------------------------------------------------------------

Coro<Connected<BaseProtocol>> create_unix_connection(EventLoop* loop, ProtocolFactory factory,
                                                     std::string path, ConnectOptions options) {
    // LIFETIME: the loop runs this.
    check_path_alone(options.sock());
    Terms terms = client_terms(options, "");
    const os::Address address = os::Address::from_path(path);
    Socket socket(AF_UNIX);
    co_await loop->sock_connect(socket, address);
    co_return co_await make_connection(loop, std::move(factory), std::move(socket),
                                       std::move(terms));
}

Coro<Connected<BaseProtocol>> create_unix_connection(EventLoop* loop, ProtocolFactory factory,
                                                     ConnectOptions options) {
    Terms terms = client_terms(options, "");
    Socket socket = taken_unix_stream(options.sock());
    co_return co_await make_connection(loop, std::move(factory), std::move(socket),
                                       std::move(terms));
}

// ---- servers ------------------------------------------------------------------------------------

Coro<Server> create_unix_server(EventLoop* loop, ProtocolFactory factory, std::string path,
                                ServerOptions options) {
    options.tls().check();
    check_path_alone(options.sock());
    const os::Address address = os::Address::from_path(path);
    Socket socket(AF_UNIX);
    remove_stale_socket(path);
    socket.bind(address);
    co_return co_await serve_unix(loop, std::move(factory), std::move(socket), options);
}

Coro<Server> create_unix_server(EventLoop* loop, ProtocolFactory factory, ServerOptions options) {
    options.tls().check();
    Socket socket = taken_unix_stream(options.sock());
    co_return co_await serve_unix(loop, std::move(factory), std::move(socket), options);
}

Coro<Server> start_unix_server(Counted<ClientCallback> callback, std::string path,
                               ServerOptions options) {
    EventLoop& loop = get_running_loop();
    ProtocolFactory factory = stream_factory(std::move(callback), options.limit());
    co_return co_await create_unix_server(&loop, std::move(factory), std::move(path),
                                          std::move(options));
}

Coro<Server> start_unix_server(Counted<ClientCallback> callback, ServerOptions options) {
    EventLoop& loop = get_running_loop();
    ProtocolFactory factory = stream_factory(std::move(callback), options.limit());
    co_return co_await create_unix_server(&loop, std::move(factory), std::move(options));
}

} // namespace asyncio::detail

namespace asyncio {

// ---- streams ------------------------------------------------------------------------------------

Coro<Stream> open_unix_connection(std::string path, ConnectOptions options) {
    EventLoop& loop = get_running_loop();
    auto factory = detail::one_protocol(options.limit());
    auto made = co_await loop.create_unix_connection(factory, std::move(path), std::move(options));
    co_return detail::stream_of(made);
}

Coro<Stream> open_unix_connection(ConnectOptions options) {
    EventLoop& loop = get_running_loop();
    auto factory = detail::one_protocol(options.limit());
    auto made = co_await loop.create_unix_connection(factory, std::move(options));
    co_return detail::stream_of(made);
}

} // namespace asyncio
