// SPDX-License-Identifier: MIT
// What is behind an SSLObject, and the engine that transports are given.
#pragma once

#include "ssl/object.h"
#include "ssl/openssl.h"

#include <exception>

namespace asyncio::ssl {

class SSLObject::State {
public:
    /// Throws    as SSLContext::wrap_bio.
    State(SSLContext context, const MemoryBIO& incoming, const MemoryBIO& outgoing,
          bool server_side, std::string server_hostname);
    State(const State&) = delete; // OpenSSL knows its address
    State& operator=(const State&) = delete;

    /// That of OpenSSL's object.
    static State& of(const SSL* connection) noexcept {
        return *static_cast<State*>(SSL_get_app_data(connection));
    }
    /// OpenSSL's object.
    SSL* get() const noexcept { return connection_.get(); }
    /// In the handshake: goes on with another context.
    void change_context(const SSLContext& other);
    /// Is the call that gave `result` to be repeated when more has come? Throws what it failed by.
    bool wants_more(int result, const char* operation);
    /// For errors: whom it is about.
    std::string party() const;

    SSLContext context; // the SNI callback may change it
    const std::string server_hostname; // empty: none
    std::string peer; // for errors
    bool told_end = false; // close_notify was sent
    std::exception_ptr sni_error; // what the SNI callback has thrown

private:
    void expect_host();

    detail::OwnedConnection connection_;
};

namespace detail {

SSLObject make_object(const SSLContext& context, const MemoryBIO& incoming,
                      const MemoryBIO& outgoing, bool server_side,
                      const std::string& server_hostname);
/// session   to be taken up; may be null
std::unique_ptr<TlsEngine> make_engine(const SSLContext& context, bool server_side,
                                       const std::string& server_hostname,
                                       const SSLSession* session);
/// What a certificate says.
PeerCertificate read_certificate(X509* certificate, bool verified);

} // namespace detail

} // namespace asyncio::ssl
