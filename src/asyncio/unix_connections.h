// SPDX-License-Identifier: MIT
// create_unix_connection, create_unix_server, and streams over Unix sockets.
#pragma once

#include "asyncio/streams.h"

#include <string>

namespace asyncio {

namespace detail {

Coro<Connected<BaseProtocol>> create_unix_connection(EventLoop* loop, ProtocolFactory factory,
                                                     std::string path,
                                                     ConnectOptions options = ConnectOptions());
Coro<Connected<BaseProtocol>> create_unix_connection(EventLoop* loop, ProtocolFactory factory,
                                                     ConnectOptions options);
Coro<Server> create_unix_server(EventLoop* loop, ProtocolFactory factory, std::string path,
                                ServerOptions options = ServerOptions());
Coro<Server> create_unix_server(EventLoop* loop, ProtocolFactory factory, ServerOptions options);

Coro<Server> start_unix_server(Counted<ClientCallback> callback, std::string path,
                               ServerOptions options);
Coro<Server> start_unix_server(Counted<ClientCallback> callback, ServerOptions options);

} // namespace detail

/// Connects to the Unix socket at `path`, and makes a protocol by `factory()` for the connection.
///
/// path      of a file; one that begins with a NUL is an abstract name.
/// options   `ConnectOptions().sock(...)` instead of a path: a connected Unix socket.
/// Throws    OSError: FileNotFoundError, ConnectionRefusedError (a dead socket file),
///           PermissionError; ENAMETOOLONG: 108 bytes and more. ValueError: both a path and a
///           socket, or neither; no Unix stream socket.
/// Cancel    no socket is left.
/// Source    CPython 3.14 loop.create_unix_connection.
template <class F, class... Args>
auto EventLoop::create_unix_connection(F&& factory, Args&&... args) {
    static_assert(detail::MakesProtocol<std::decay_t<F>>,
                  "the factory is called as factory() and gives a std::shared_ptr to a protocol");
    return detail::with_protocol<detail::protocol_of_t<F>>(detail::create_unix_connection(
        this, detail::ProtocolFactory(std::forward<F>(factory)), std::forward<Args>(args)...));
}

/// Listens at `path`, and makes a protocol by `factory()` for each connection.
///
/// A socket file that is there already is replaced, also if somebody still listens there. At close
/// the file is removed, if it is still the one that was bound (see ServerOptions::cleanup_socket).
/// Who may connect is what the file's permissions say: the umask's, at bind.
///
/// path      of a file; one that begins with a NUL is an abstract name, without a file.
/// options   `ServerOptions().sock(...)` instead of a path: a bound Unix socket.
/// Throws    OSError: the path cannot be bound, and is named: it is another kind of file, its
///           folder is not there, it is too long (108 bytes). ValueError: both a path and a socket,
///           or neither; no Unix stream socket.
/// Cancel    nothing listens.
/// Source    CPython 3.14 loop.create_unix_server.
template <class F, class... Args>
auto EventLoop::create_unix_server(F&& factory, Args&&... args) {
    static_assert(detail::MakesProtocol<std::decay_t<F>>,
                  "the factory is called as factory() and gives a std::shared_ptr to a protocol");
    return detail::create_unix_server(this, detail::ProtocolFactory(std::forward<F>(factory)),
                                      std::forward<Args>(args)...);
}

// ---- streams ------------------------------------------------------------------------------------

/// As open_connection, to the Unix socket at `path`.
/// Throws    as loop.create_unix_connection. ValueError: a limit of 0.
/// Cancel    no socket is left.
/// Source    CPython 3.14 asyncio.open_unix_connection.
Coro<Stream> open_unix_connection(std::string path, ConnectOptions options = ConnectOptions());
/// Over a socket that is connected: `ConnectOptions().sock(...)`.
/// Cancel    the socket is closed.
Coro<Stream> open_unix_connection(ConnectOptions options);

/// As start_server, at `path`.
/// Throws    as loop.create_unix_server.
/// Cancel    nothing listens.
/// Source    CPython 3.14 asyncio.start_unix_server.
template <class F>
    requires detail::ConnectsClient<std::decay_t<F>>
Coro<Server> start_unix_server(F&& callback, std::string path,
                               ServerOptions options = ServerOptions()) {
    return detail::start_unix_server(
        detail::make_client_callback<std::decay_t<F>>(std::forward<F>(callback)), std::move(path),
        std::move(options));
}
/// On a socket that is bound: `ServerOptions().sock(...)`.
/// Cancel    nothing listens.
template <class F>
    requires detail::ConnectsClient<std::decay_t<F>>
Coro<Server> start_unix_server(F&& callback, ServerOptions options) {
    return detail::start_unix_server(
        detail::make_client_callback<std::decay_t<F>>(std::forward<F>(callback)),
        std::move(options));
}

} // namespace asyncio
