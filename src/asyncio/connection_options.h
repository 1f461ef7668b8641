// SPDX-License-Identifier: MIT
// What connections and servers are made from: hosts, ports, and the keyword arguments.
#pragma once

#include "asyncio/durations.h"
#include "asyncio/tls_engine.h"
#include "asyncio/trsock.h"
#include "os/resolver.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace asyncio {

using os::AddrInfo; // what loop.getaddrinfo() gives
using os::GaiError; // what it throws

/// A port: a number, or the name of a service ("http").
class Port {
public:
    Port() noexcept = default; // none
    template <std::integral Number>
    Port(Number number) : text_(std::to_string(number)), given_(true) {}
    Port(std::string service) : text_(std::move(service)), given_(true) {}
    Port(const char* service) : Port(std::string(service)) {}

    /// As getaddrinfo() takes it; empty: none.
    const std::string& text() const& noexcept { return text_; }
    std::string text() && noexcept { return std::move(text_); }
    explicit operator bool() const noexcept { return given_; }

private:
    std::string text_;
    bool given_ = false;
};

/// Where a server listens: one host, several, or (none, or "") every interface.
class Hosts {
public:
    Hosts() noexcept = default;
    Hosts(std::nullopt_t) noexcept {}
    Hosts(std::string host) : given_(true) { names_.push_back(std::move(host)); }
    Hosts(const char* host) : Hosts(std::string(host)) {}
    Hosts(std::vector<std::string> hosts) : names_(std::move(hosts)), given_(true) {}

    /// None: every interface.
    const std::vector<std::string>& names() const noexcept { return names_; }
    explicit operator bool() const noexcept { return given_; }

private:
    std::vector<std::string> names_;
    bool given_ = false;
};

namespace detail {

/// The keyword arguments that are about TLS.
struct TlsOptions {
    TlsContextRef context; // null: no TLS
    std::optional<std::string> server_hostname;
    std::optional<Duration> handshake_timeout;
    std::optional<Duration> shutdown_timeout;

    /// Throws    ValueError: they mean nothing without a context, or a time is not positive.
    void check() const;
};

} // namespace detail

/// The keyword arguments of create_connection and open_connection.
class ConnectOptions {
public:
    ConnectOptions() noexcept {}
    /// AF_INET or AF_INET6 only; 0: both.
    ConnectOptions& family(int family) {
        family_ = family;
        return *this;
    }
    ConnectOptions& proto(int protocol) {
        protocol_ = protocol;
        return *this;
    }
    /// AI_ values for getaddrinfo.
    ConnectOptions& flags(int flags) {
        flags_ = flags;
        return *this;
    }
    /// A connected stream socket, instead of host and port; it is taken over.
    ConnectOptions& sock(Socket socket) {
        socket_ = std::make_shared<Socket>(std::move(socket));
        return *this;
    }
    /// Where to connect from.
    ConnectOptions& local_addr(std::string host, Port port) {
        local_addr_.emplace(std::move(host), std::move(port));
        return *this;
    }
    /// Begin with the next address when the one before has not connected after this time (250 ms is
    /// recommended). Nothing: one after the other.
    ConnectOptions& happy_eyeballs_delay(std::optional<Duration> delay) {
        happy_eyeballs_delay_ = delay;
        return *this;
    }
    /// Alternate between address families, beginning with so many addresses of the first; 0: in the
    /// resolver's order. 1 if there is a happy_eyeballs_delay.
    ConnectOptions& interleave(std::size_t first_address_family_count) {
        interleave_ = first_address_family_count;
        return *this;
    }
    /// Of several failures throw an ExceptionGroup with all, instead of one OSError.
    ConnectOptions& all_errors(bool all) {
        all_errors_ = all;
        return *this;
    }
    /// Of open_connection: how much a reader buffers before it pauses its transport (twice that),
    /// and how long a line may be; 64 KiB.
    ConnectOptions& limit(std::size_t limit_bytes) {
        limit_ = limit_bytes;
        return *this;
    }

    /// Speak TLS: an ssl::SSLContext. Null: do not.
    ConnectOptions& ssl(TlsContextRef context) {
        tls_.context = std::move(context);
        return *this;
    }
    /// Whose certificate is expected, if not the host's that is connected to.
    ConnectOptions& server_hostname(std::string name) {
        tls_.server_hostname = std::move(name);
        return *this;
    }
    /// How long the handshake may take; 60 s.
    ConnectOptions& ssl_handshake_timeout(Duration time) {
        tls_.handshake_timeout = time;
        return *this;
    }
    /// How long the end may take, with what is still to be sent; 30 s.
    ConnectOptions& ssl_shutdown_timeout(Duration time) {
        tls_.shutdown_timeout = time;
        return *this;
    }

    // What was set, for those who connect.
    int family() const noexcept { return family_; }
    int proto() const noexcept { return protocol_; }
    int flags() const noexcept { return flags_; }
    const std::shared_ptr<Socket>& sock() const noexcept { return socket_; }
    const std::optional<std::pair<std::string, Port>>& local_addr() const noexcept {
        return local_addr_;
    }
    std::optional<Duration> happy_eyeballs_delay() const noexcept { return happy_eyeballs_delay_; }
    std::optional<std::size_t> interleave() const noexcept { return interleave_; }
    bool all_errors() const noexcept { return all_errors_; }
    std::size_t limit() const noexcept { return limit_; }
    const detail::TlsOptions& tls() const noexcept { return tls_; }

private:
    int family_ = 0;
    int protocol_ = 0;
    int flags_ = 0;
    std::shared_ptr<Socket> socket_; // shared, so that options can be copied
    std::optional<std::pair<std::string, Port>> local_addr_;
    std::optional<Duration> happy_eyeballs_delay_;
    std::optional<std::size_t> interleave_;
    bool all_errors_ = false;
    std::size_t limit_ = 64 * 1024;
    detail::TlsOptions tls_;
};

/// The keyword arguments of create_server and start_server.
class ServerOptions {
public:
    ServerOptions() noexcept {}
    /// AF_INET or AF_INET6 only; 0: both.
    ServerOptions& family(int family) {
        family_ = family;
        return *this;
    }
    /// AI_ values for getaddrinfo; AI_PASSIVE.
    ServerOptions& flags(int flags) {
        flags_ = flags;
        return *this;
    }
    /// A bound stream socket, instead of host and port; it is taken over.
    ServerOptions& sock(Socket socket) {
        socket_ = std::make_shared<Socket>(std::move(socket));
        return *this;
    }
    /// How many connections the kernel keeps until they are accepted; 100.
    ServerOptions& backlog(int connections) {
        backlog_ = connections;
        return *this;
    }
    /// Bind although an old connection of the address is in TIME_WAIT; true.
    ServerOptions& reuse_address(bool reuse) {
        reuse_address_ = reuse;
        return *this;
    }
    /// Share the port with others that say the same; the kernel spreads the connections. IP only.
    ServerOptions& reuse_port(bool reuse) {
        reuse_port_ = reuse;
        return *this;
    }
    /// Have the kernel look after idle connections.
    ServerOptions& keep_alive(bool keep) {
        keep_alive_ = keep;
        return *this;
    }
    /// Accept connections from the beginning; true. Else start_serving() and serve_forever() begin.
    ServerOptions& start_serving(bool start) {
        start_serving_ = start;
        return *this;
    }
    /// Of Unix servers: remove the socket file at close, if it is still the same; true.
    ServerOptions& cleanup_socket(bool remove) {
        cleanup_socket_ = remove;
        return *this;
    }
    /// Of start_server: as ConnectOptions::limit.
    ServerOptions& limit(std::size_t limit_bytes) {
        limit_ = limit_bytes;
        return *this;
    }

    /// Speak TLS: an ssl::SSLContext. Null: do not.
    ServerOptions& ssl(TlsContextRef context) {
        tls_.context = std::move(context);
        return *this;
    }
    /// How long the handshake may take; 60 s.
    ServerOptions& ssl_handshake_timeout(Duration time) {
        tls_.handshake_timeout = time;
        return *this;
    }
    /// How long the end may take, with what is still to be sent; 30 s.
    ServerOptions& ssl_shutdown_timeout(Duration time) {
        tls_.shutdown_timeout = time;
        return *this;
    }

    // What was set, for those who serve.
    int family() const noexcept { return family_; }
    std::optional<int> flags() const noexcept { return flags_; }
    const std::shared_ptr<Socket>& sock() const noexcept { return socket_; }
    int backlog() const noexcept { return backlog_; }
    bool reuse_address() const noexcept { return reuse_address_; }
    bool reuse_port() const noexcept { return reuse_port_; }
    bool keep_alive() const noexcept { return keep_alive_; }
    bool start_serving() const noexcept { return start_serving_; }
    bool cleanup_socket() const noexcept { return cleanup_socket_; }
    std::size_t limit() const noexcept { return limit_; }
    const detail::TlsOptions& tls() const noexcept { return tls_; }

private:
    int family_ = 0;
    std::optional<int> flags_;
    std::shared_ptr<Socket> socket_; // shared, so that options can be copied
    int backlog_ = 100;
    bool reuse_address_ = true;
    bool reuse_port_ = false;
    bool keep_alive_ = false;
    bool start_serving_ = true;
    bool cleanup_socket_ = true;
    std::size_t limit_ = 64 * 1024;
    detail::TlsOptions tls_;
};

/// The keyword arguments of start_tls.
class StartTlsOptions {
public:
    StartTlsOptions() noexcept {}
    /// Are we the server? Of a StreamWriter: if its connection was accepted.
    StartTlsOptions& server_side(bool server) {
        server_side_ = server;
        return *this;
    }
    /// Of a client: whose certificate is expected.
    StartTlsOptions& server_hostname(std::string name) {
        server_hostname_ = std::move(name);
        return *this;
    }
    /// How long the handshake may take; 60 s.
    StartTlsOptions& ssl_handshake_timeout(Duration time) {
        handshake_timeout_ = time;
        return *this;
    }
    /// How long the end may take, with what is still to be sent; 30 s.
    StartTlsOptions& ssl_shutdown_timeout(Duration time) {
        shutdown_timeout_ = time;
        return *this;
    }

    // What was set.
    std::optional<bool> server_side() const noexcept { return server_side_; }
    detail::TlsOptions tls(TlsContextRef context) const {
        return {std::move(context), server_hostname_, handshake_timeout_, shutdown_timeout_};
    }

private:
    std::optional<bool> server_side_;
    std::optional<std::string> server_hostname_;
    std::optional<Duration> handshake_timeout_;
    std::optional<Duration> shutdown_timeout_;
};

/// The keyword arguments of connect_accepted_socket.
class AcceptedOptions {
public:
    AcceptedOptions() noexcept {}
    /// Speak TLS, as a server: an ssl::SSLContext. Null: do not.
    AcceptedOptions& ssl(TlsContextRef context) {
        tls_.context = std::move(context);
        return *this;
    }
    /// How long the handshake may take; 60 s.
    AcceptedOptions& ssl_handshake_timeout(Duration time) {
        tls_.handshake_timeout = time;
        return *this;
    }
    /// How long the end may take, with what is still to be sent; 30 s.
    AcceptedOptions& ssl_shutdown_timeout(Duration time) {
        tls_.shutdown_timeout = time;
        return *this;
    }

    const detail::TlsOptions& tls() const noexcept { return tls_; } // what was set

private:
    detail::TlsOptions tls_;
};

} // namespace asyncio
