// SPDX-License-Identifier: MIT
// Putting TLS over a transport: the arguments, the protocol in between, start_tls.
#include "asyncio/base_events.h"
#include "asyncio/sslproto.h"

namespace asyncio::detail {

namespace {

void check_time(const char* name, const TlsContextRef& context, std::optional<Duration> time) {
    if (!time) return;
    if (!context) throw ValueError(std::string(name) + " is only meaningful with ssl");
    if (*time > Duration()) return;
    throw ValueError(std::string(name) + " should be a positive number, got " +
                     value_text_of(time->seconds().count()));
}

} // namespace

void TlsOptions::check() const {
    if (server_hostname && !context) {
        throw ValueError("server_hostname is only meaningful with ssl");
    }
    check_time("ssl_handshake_timeout", context, handshake_timeout);
    check_time("ssl_shutdown_timeout", context, shutdown_timeout);
}

std::shared_ptr<SSLProtocol> make_ssl_protocol(EventLoop& loop,
                                               std::shared_ptr<BaseProtocol> protocol,
                                               const TlsOptions& options, bool server_side,
                                               bool connected) {
    auto transport = base::Counted<SSLTransport>::adopt(
        new SSLTransport(loop, std::move(protocol), options, server_side, connected));
    auto made = std::make_shared<SSLProtocol>(transport.get());
    transport.release_ownership();
    return made;
}

Transport& outermost(Transport& transport) noexcept {
    auto* over = dynamic_cast<SSLProtocol*>(transport.get_protocol().get());
    return over != nullptr ? outermost(over->transport()) : transport;
}

namespace {

/// Closes a connection whose upgrade did not succeed.
struct AbortUnlessReady {
    TransportRef transport;
    Future<> ready;
    bool upgraded = false;
    ~AbortUnlessReady() {
        if (upgraded) return;
        ready.cancel(); // nobody awaits it any more
        transport->abort();
    }
};

Coro<TransportRef> start_tls(EventLoop* loop, TransportRef below,
                             std::shared_ptr<BaseProtocol> protocol, TlsOptions options,
                             bool server_side) {
    // LIFETIME: the loop runs this.
    if (!options.context) throw TypeError("sslcontext is expected to be an ssl context, got null");
    if (!below->can_start_tls()) {
        throw TypeError("transport " + below->text() + " is not supported by start_tls()");
    }
    if (below->is_closing()) throw RuntimeError("Transport is closing");
    options.check();
    const auto over = make_ssl_protocol(*loop, std::move(protocol), options, server_side, true);
    const Future<> ready(*loop);
    AbortUnlessReady guard{below, ready};
    over->transport().tell_when_ready(ready);
    below->set_protocol(over);
    over->connection_made(*below);
    below->resume_reading();
    co_await ready;
    guard.upgraded = true;
    co_return TransportRef(over->transport());
}

} // namespace

} // namespace asyncio::detail

namespace asyncio {

Coro<TransportRef> EventLoop::start_tls(Transport& transport,
                                        std::shared_ptr<BaseProtocol> protocol,
                                        TlsContextRef context) {
    return start_tls(transport, std::move(protocol), std::move(context), StartTlsOptions());
}

Coro<TransportRef> EventLoop::start_tls(Transport& transport,
                                        std::shared_ptr<BaseProtocol> protocol,
                                        TlsContextRef context, const StartTlsOptions& options) {
    return detail::start_tls(this, TransportRef(transport), std::move(protocol),
                             options.tls(std::move(context)),
                             options.server_side().value_or(false));
}

} // namespace asyncio
