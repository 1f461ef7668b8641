// SPDX-License-Identifier: MIT
// What transports know of TLS: an engine that turns bytes into bytes, and a context that makes it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <typeinfo>

namespace asyncio {

/// TLS of one connection, without I/O: the peer's bytes are fed, those for the peer taken out.
///
/// Errors are thrown; that more bytes of the peer are needed first is a value. After an error it is
/// of no use any more, but what is outgoing (an alert) is still for the peer.
///
/// Thread    one at a time.
class TlsEngine {
public:
    TlsEngine() = default;
    TlsEngine(const TlsEngine&) = delete;
    TlsEngine& operator=(const TlsEngine&) = delete;
    virtual ~TlsEngine() = default;

    /// Who is at the other end: errors name it.
    virtual void set_peer(std::string peer) = 0;

    // ---- between it and what carries its bytes --------------------------------------------------

    /// Takes what the peer has sent.
    virtual void feed(std::string_view bytes) = 0;
    /// The peer will send no more.
    virtual void feed_eof() = 0;
    /// How much was fed and is not decrypted yet.
    virtual std::size_t fed_size() const noexcept = 0;
    /// What is to be sent. Valid until the next call of anything.
    virtual std::string_view outgoing() const noexcept = 0;
    /// So much of it was sent.
    virtual void consume_outgoing(std::size_t bytes) noexcept = 0;

    // ---- between it and the program -------------------------------------------------------------

    /// Begins the handshake, or goes on with it.
    /// Returns   whether it is done; else it needs more of the peer.
    virtual bool do_handshake() = 0;
    /// Decrypts into `into`.
    /// Returns   how much; 0: the peer has ended in good order. Nothing: it needs more of the peer.
    /// Throws    also when the peer has ended without saying so.
    virtual std::optional<std::size_t> read(std::span<char> into) = 0;
    /// Encrypts.
    /// Returns   how much of it was taken; 0: it needs more of the peer.
    virtual std::size_t write(std::string_view plain) = 0;
    /// Tells the peer that no more will come; drops what the peer still sends.
    /// Returns   whether the peer has said so too; else it needs more of the peer.
    virtual bool unwrap() = 0;

    /// A fact about the connection, as Transport::get_extra_info asks for it.
    /// into   a std::optional of the wanted type; left alone if the fact is not known.
    /// Returns   whether it is known.
    virtual bool find_extra_info(std::string_view name, const std::type_info& type,
                                 void* into) const = 0;
};

/// What is agreed on for many connections: certificates, whom to trust, versions. The package ssl
/// has it: ssl::SSLContext is one.
class TlsContext {
public:
    virtual ~TlsContext() = default;

    /// An engine for a new connection.
    ///
    /// server_hostname   of a client: whose certificate is expected; empty: nobody's in particular
    /// Throws    ValueError: the name is none, or is needed. What is not allowed on this side.
    virtual std::unique_ptr<TlsEngine> wrap(bool server_side,
                                            const std::string& server_hostname) const = 0;
};

/// A context that is shared. An ssl::SSLContext converts to it.
using TlsContextRef = std::shared_ptr<const TlsContext>;

} // namespace asyncio
