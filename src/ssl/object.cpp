// SPDX-License-Identifier: MIT
// One connection: the handshake, bytes, the end.
#include "ssl/object.h"

#include "ssl/context_state.h"
#include "ssl/object_state.h"

#include <algorithm>
#include <array>
#include <limits>

namespace asyncio::ssl {

namespace {

std::string checked_name(const SSLContext& context, bool server_side, std::string name) {
    if (server_side && !name.empty()) {
        throw ValueError("server_hostname can only be specified in client mode");
    }
    if (!server_side && name.empty() && context.check_hostname()) {
        throw ValueError("check_hostname requires server_hostname");
    }
    if (name.empty()) return name;
    const bool odd = std::any_of(name.begin(), name.end(),
                                 [](unsigned char c) { return c <= ' ' || c >= 0x7f; });
    if (odd || name.front() == '.' || name.size() > 255) {
        throw ValueError("server_hostname is not the name of a host");
    }
    return name;
}

bool is_address(const std::string& name) {
    ASN1_OCTET_STRING* parsed = a2i_IPADDRESS(name.c_str());
    ERR_clear_error();
    ASN1_OCTET_STRING_free(parsed);
    return parsed != nullptr;
}

int bounded(std::size_t size) {
    return static_cast<int>(
        std::min(size, static_cast<std::size_t>(std::numeric_limits<int>::max())));
}

} // namespace

SSLObject::State::State(SSLContext from, const MemoryBIO& incoming, const MemoryBIO& outgoing,
                        bool server_side, std::string name)
    : context(std::move(from)),
      server_hostname(checked_name(context, server_side, std::move(name))) {
    const bool for_servers = context.state().side == Side::server;
    if (for_servers != server_side) {
        throw ValueError(for_servers ? "a server's context on the client's side"
                                     : "a client's context on the server's side");
    }
    ERR_clear_error();
    connection_.reset(SSL_new(context.state().get()));
    if (!connection_) detail::throw_queued("wrap_bio");
    detail::OwnedBio in(incoming.bio());
    BIO* out = outgoing.bio();
    SSL_set_bio(get(), in.release(), out);
    SSL_set_app_data(get(), this);
    if (server_side) {
        SSL_set_accept_state(get());
    } else {
        SSL_set_connect_state(get());
        if (!server_hostname.empty()) expect_host();
    }
}

void SSLObject::State::expect_host() {
    const bool address = is_address(server_hostname);
    // An address is asked for by nobody (RFC 6066).
    bool good = address || SSL_set_tlsext_host_name(get(), server_hostname.c_str()) == 1;
    if (good && context.check_hostname()) {
        X509_VERIFY_PARAM* rules = SSL_get0_param(get());
        const char* name = server_hostname.c_str();
        good = address ? X509_VERIFY_PARAM_set1_ip_asc(rules, name) == 1
                       : X509_VERIFY_PARAM_set1_host(rules, name, server_hostname.size()) == 1;
    }
    if (!good) detail::throw_queued("wrap_bio", server_hostname);
}

void SSLObject::State::change_context(const SSLContext& other) {
    if (other.state().side != Side::server) {
        throw ValueError("a client's context on the server's side");
    }
    SSL_CTX* chosen = other.state().get();
    if (SSL_set_SSL_CTX(get(), chosen) == nullptr) detail::throw_queued("sni_callback");
    SSL_set_verify(get(), SSL_CTX_get_verify_mode(chosen), SSL_CTX_get_verify_callback(chosen));
    context = other;
}

bool SSLObject::State::wants_more(int result, const char* operation) {
    if (SSL_get_error(get(), result) == SSL_ERROR_WANT_READ) return true;
    if (sni_error != nullptr) {
        ERR_clear_error();
        std::rethrow_exception(std::exchange(sni_error, nullptr));
    }
    detail::throw_of_connection(get(), result, operation, party());
}

std::string SSLObject::State::party() const {
    if (server_hostname.empty() || peer.find(server_hostname) != std::string::npos) return peer;
    return peer.empty() ? server_hostname : server_hostname + " (" + peer + ")";
}

// ---- what is done with it -----------------------------------------------------------------------

// What another connection has left in OpenSSL's queue is not this one's: it is emptied before each
// call.

bool SSLObject::do_handshake() const {
    ERR_clear_error();
    const int result = SSL_do_handshake(state_->get());
    return result == 1 || !state_->wants_more(result, "do_handshake");
}

std::optional<std::size_t> SSLObject::read(std::span<char> into) const {
    if (into.empty()) return 0;
    ERR_clear_error();
    const int result = SSL_read(state_->get(), into.data(), bounded(into.size()));
    if (result > 0) return static_cast<std::size_t>(result);
    if (SSL_get_error(state_->get(), result) == SSL_ERROR_ZERO_RETURN) return 0;
    static_cast<void>(state_->wants_more(result, "read")); // or it throws
    return std::nullopt;
}

std::size_t SSLObject::write(std::string_view plain) const {
    if (plain.empty()) return 0;
    ERR_clear_error();
    const int result = SSL_write(state_->get(), plain.data(), bounded(plain.size()));
    if (result > 0) return static_cast<std::size_t>(result);
    static_cast<void>(state_->wants_more(result, "write")); // or it throws
    return 0;
}

// SSL_shutdown() takes what the peer still sends for an error: it is read, and dropped, instead.
bool SSLObject::unwrap() const {
    SSL* connection = state_->get();
    ERR_clear_error();
    if (!state_->told_end) {
        const int result = SSL_shutdown(connection);
        if (result < 0) detail::throw_of_connection(connection, result, "unwrap", state_->party());
        state_->told_end = true;
        if (result == 1) return true;
    }
    std::array<char, 16 * 1024> dropped;
    for (;;) {
        const std::optional<std::size_t> bytes = read(dropped);
        if (!bytes) return false;
        if (*bytes == 0) return true;
    }
}

std::size_t SSLObject::pending() const noexcept {
    return static_cast<std::size_t>(SSL_pending(state_->get()));
}

// ---- what is known of it ------------------------------------------------------------------------

std::optional<PeerCertificate> SSLObject::getpeercert() const {
    const detail::OwnedCertificate certificate(SSL_get1_peer_certificate(state_->get()));
    if (!certificate) return std::nullopt;
    const bool verified = (SSL_get_verify_mode(state_->get()) & SSL_VERIFY_PEER) != 0;
    return detail::read_certificate(certificate.get(), verified);
}

std::optional<Cipher> SSLObject::cipher() const {
    const SSL_CIPHER* current = SSL_get_current_cipher(state_->get());
    if (current == nullptr) return std::nullopt;
    Cipher cipher;
    cipher.name = SSL_CIPHER_get_name(current);
    cipher.protocol = SSL_CIPHER_get_version(current);
    cipher.secret_bits = SSL_CIPHER_get_bits(current, nullptr);
    return cipher;
}

std::optional<std::string> SSLObject::version() const {
    if (SSL_is_init_finished(state_->get()) == 0) return std::nullopt;
    return SSL_get_version(state_->get());
}

std::optional<std::string> SSLObject::selected_alpn_protocol() const {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(state_->get(), &name, &size);
    if (name == nullptr) return std::nullopt;
    return std::string(reinterpret_cast<const char*>(name), size);
}

std::optional<SSLSession> SSLObject::session() const {
    SSL_SESSION* session = SSL_get1_session(state_->get());
    if (session == nullptr) return std::nullopt;
    return SSLSession(std::shared_ptr<SSL_SESSION>(session, &SSL_SESSION_free));
}

bool SSLObject::session_reused() const noexcept { return SSL_session_reused(state_->get()) == 1; }

SSLContext SSLObject::context() const { return state_->context; }
bool SSLObject::server_side() const noexcept { return SSL_is_server(state_->get()) == 1; }
const std::string& SSLObject::server_hostname() const noexcept { return state_->server_hostname; }

bool SSLSession::is_resumable() const noexcept { return SSL_SESSION_is_resumable(get()) == 1; }

} // namespace asyncio::ssl
