// SPDX-License-Identifier: MIT
// SSLObject: one connection's TLS between two buffers, and what is known of it.
#pragma once

#include "ssl/context.h"
#include "ssl/errors.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

struct ssl_session_st; // OpenSSL's SSL_SESSION

namespace asyncio::ssl {

/// What is agreed on to encrypt with.
struct Cipher {
    std::string name;        // "TLS_AES_256_GCM_SHA384"
    std::string protocol;    // "TLSv1.3"
    int secret_bits = 0;
    friend bool operator==(const Cipher&, const Cipher&) = default;
};

/// A peer's certificate. Of one that was not verified there is `der` alone.
/// Source    CPython 3.14 ssl.SSLSocket.getpeercert.  Differs: names are not grouped; `der`.
struct PeerCertificate {
    using Names = std::vector<std::pair<std::string, std::string>>;
    Names subject;          // ("commonName", "localhost"), in the certificate's order
    Names issuer;           // the same
    Names subject_alt_name; // ("DNS", "localhost"), ("IP Address", "127.0.0.1"), ...
    int version = 0;
    std::string serial_number; // hexadecimal
    std::string not_before;    // "Jan  5 09:34:43 2026 GMT"
    std::string not_after;
    std::string der; // the certificate itself
};

/// What a client and a server have agreed on, to be taken up by a later connection of the client.
/// A handle.
class SSLSession {
public:
    /// Is it good for anything? A server may not want it to be.
    bool is_resumable() const noexcept;

    explicit SSLSession(std::shared_ptr<ssl_session_st> session) noexcept // the library's own use
        : session_(std::move(session)) {}
    ssl_session_st* get() const noexcept { return session_.get(); } // the library's own use

private:
    std::shared_ptr<ssl_session_st> session_;
};

/// TLS between two buffers, without I/O. A handle: copies are the same connection.
///
/// That more bytes of the peer are needed first is a value, where Python throws SSLWantReadError.
///
/// Thread    one at a time.
/// Source    CPython 3.14 ssl.SSLObject.
class SSLObject {
public:
    // All of these throw SSLError and its family. After that nothing works any more, but what is in
    // the outgoing buffer (an alert) is still for the peer.

    /// Begins the handshake, or goes on with it.
    /// Returns   whether it is done; else it needs more of the peer.
    bool do_handshake() const;
    /// Decrypts into `into`.
    /// Returns   how much; 0: the peer has ended in good order. Nothing: it needs more of the peer.
    std::optional<std::size_t> read(std::span<char> into) const;
    /// Encrypts. Returns how much of it was taken; 0: it needs more of the peer.
    std::size_t write(std::string_view plain) const;
    /// Tells the peer that no more will come; drops what the peer still sends.
    /// Returns   whether the peer has said so too; else it needs more of the peer.
    bool unwrap() const;
    /// Decrypted bytes that the next read() has at hand.
    std::size_t pending() const noexcept;

    /// The certificate of the peer, if it has shown one.
    std::optional<PeerCertificate> getpeercert() const;
    /// Nothing before the handshake is done.
    std::optional<Cipher> cipher() const;
    /// Always nothing: it is off.
    std::optional<std::string> compression() const { return std::nullopt; }
    /// "TLSv1.3"; nothing before the handshake is done.
    std::optional<std::string> version() const;
    /// What both have spoken of before, if they have agreed.
    std::optional<std::string> selected_alpn_protocol() const;
    /// What a later connection can take up; with TLS 1.3, not before the server has sent it.
    std::optional<SSLSession> session() const;
    bool session_reused() const noexcept; // Was one taken up?

    SSLContext context() const; // the one that the SNI callback has chosen, if it has
    bool server_side() const noexcept; // Are we the server?
    const std::string& server_hostname() const noexcept; // as it was asked for; empty: none

    class State;
    explicit SSLObject(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
    State& state() const noexcept { return *state_; } // the library's own use

private:
    std::shared_ptr<State> state_;
};

} // namespace asyncio::ssl
