// SPDX-License-Identifier: MIT
// SSLContext: certificates, whom to trust, versions: what many connections have in common.
#pragma once

#include "asyncio/tls_engine.h"
#include "base/function.h"
#include "ssl/memory_bio.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace asyncio::ssl {

class SSLObject;
class SSLSession;

/// Which side of connections a context is for.
enum class Side { client, server };
/// What a peer's certificate has to be good for: a server's, seen by a client, or the reverse.
enum class Purpose { server_auth, client_auth };
/// Is a certificate asked of the peer, and verified?
enum class VerifyMode { cert_none, cert_optional, cert_required };
/// Versions in their order.
enum class TLSVersion { tls_1_0, tls_1_1, tls_1_2, tls_1_3 };

/// Where trusted certificates are found; what is not given is not looked at.
class VerifyLocations {
public:
    VerifyLocations() noexcept {}
    /// A file of certificates (PEM).
    VerifyLocations& cafile(std::string path) {
        cafile_ = std::move(path);
        return *this;
    }
    /// A folder whose files are named by OpenSSL's hashes.
    VerifyLocations& capath(std::string path) {
        capath_ = std::move(path);
        return *this;
    }
    /// Certificates themselves (PEM).
    VerifyLocations& cadata(std::string pem) {
        cadata_ = std::move(pem);
        return *this;
    }

    // What was set.
    const std::string& cafile() const noexcept { return cafile_; }
    const std::string& capath() const noexcept { return capath_; }
    const std::string& cadata() const noexcept { return cadata_; }
    bool empty() const noexcept { return cafile_.empty() && capath_.empty() && cadata_.empty(); }

private:
    std::string cafile_;
    std::string capath_;
    std::string cadata_;
};

namespace detail {
class ContextState;
} // namespace detail

/// What TLS connections have in common. A handle: copies are the same context.
///
///     auto context = ssl::create_default_context(ssl::Purpose::client_auth);
///     context.load_cert_chain("server.pem");
///     auto server = co_await start_server(serve, "", 443, ServerOptions().ssl(context));
///
/// A new one is safe: a client's verifies certificate and host name, TLS 1.2 is the oldest version,
/// nothing is compressed or renegotiated, and a peer that ends without saying so is an error. What
/// makes it less safe has a name that begins with insecure_.
///
/// Thread    one at a time while it is changed; then any.
/// Source    CPython 3.14 ssl.SSLContext.  Differs: the insecure_ calls; subjects' common names are
///           not taken for host names; OP_IGNORE_UNEXPECTED_EOF is off.
class SSLContext {
public:
    /// One that trusts nobody yet; see create_default_context().
    explicit SSLContext(Side side);

    // ---- who we are, and whom we trust ----------------------------------------------------------

    /// Our certificate, with those between it and the root behind it (PEM).
    ///
    /// keyfile   the private key (PEM); empty: it is in `certfile` too
    /// password  of an encrypted key; it is never asked for
    /// Throws    OSError: a file cannot be read. SSLError: it is no certificate or key, they do not
    ///           belong together, or the password is wrong.
    void load_cert_chain(const std::string& certfile, const std::string& keyfile = "",
                         const std::optional<std::string>& password = std::nullopt) const;
    /// Trusts these certificates too.
    /// Throws    OSError: cannot be read. SSLError: no certificates. ValueError: no location.
    void load_verify_locations(const VerifyLocations& from) const;
    void load_verify_locations(const std::string& cafile) const {
        load_verify_locations(VerifyLocations().cafile(cafile));
    }
    /// Trusts what the system trusts; SSL_CERT_FILE and SSL_CERT_DIR say otherwise.
    void load_default_certs() const;

    /// Of a server: whether clients have to show certificates. Of a client only cert_required.
    /// Throws    ValueError: a client that would not verify; see insecure_skip_verification().
    void set_verify_mode(VerifyMode mode) const;
    VerifyMode verify_mode() const noexcept;
    /// Must the server's certificate be the host's that is connected to?
    bool check_hostname() const noexcept;

    /// Whoever answers is believed: neither certificate nor host name is verified.
    void insecure_skip_verification() const;
    /// The certificate is verified, but may be anybody's.
    void insecure_skip_hostname_check() const;
    /// A peer that ends without saying so is taken to be at its end: what it has sent may have been
    /// cut off by others. OP_IGNORE_UNEXPECTED_EOF in Python.
    void insecure_ignore_unexpected_eof() const;

    // ---- what is spoken -------------------------------------------------------------------------

    /// The oldest and newest version; TLS 1.2 and the newest that OpenSSL has.
    /// Throws    ValueError: older than 1.2; see insecure_set_minimum_version().
    void set_minimum_version(TLSVersion version) const;
    void set_maximum_version(TLSVersion version) const;
    /// Also versions whose weaknesses are known. With those, ciphers are weak too.
    void insecure_set_minimum_version(TLSVersion version) const;
    /// Of TLS 1.2 and older, as OpenSSL writes lists of ciphers.
    /// Throws    SSLError: none is left.
    void set_ciphers(const std::string& ciphers) const;
    /// The protocols above TLS, the best first: "h2", "http/1.1".
    /// Throws    ValueError: an empty name, or one longer than 255.
    void set_alpn_protocols(const std::vector<std::string>& protocols) const;

    /// Of a server: what goes on by the name that a client asks for; empty: none. Nothing: this
    /// context goes on. Else that one, with its certificate, ALPN, and what it asks of clients.
    using SniCallback = base::Function<std::optional<SSLContext>(const std::string& server_name)>;
    /// From now on; null: none. If it throws, the handshake fails with that.
    void set_sni_callback(SniCallback callback) const;

    // ---- connections ----------------------------------------------------------------------------

    /// TLS between two buffers: for who carries the bytes himself.
    ///
    /// server_hostname   of a client: whom to ask for, and whose certificate is expected
    /// Throws    ValueError: the name is none, or is needed for the check; a server has none. A
    ///           client's context on the server's side, or the reverse.
    SSLObject wrap_bio(MemoryBIO incoming, MemoryBIO outgoing, bool server_side = false,
                       const std::string& server_hostname = "") const;
    /// The same for connections that take up an earlier one's session, if the server agrees.
    TlsContextRef resuming(const SSLSession& session) const;
    /// For ConnectOptions, ServerOptions, start_tls.
    operator TlsContextRef() const;

    friend bool operator==(const SSLContext&, const SSLContext&) noexcept = default; // the same

    explicit SSLContext(std::shared_ptr<detail::ContextState> state) noexcept; // the library's own
    detail::ContextState& state() const noexcept { return *state_; } // use

private:
    std::shared_ptr<detail::ContextState> state_;
};

/// A context to connect with (server_auth), or to serve with (client_auth).
///
/// trusted   whom a client trusts; empty: whom the system trusts
/// Throws    as load_verify_locations.
/// Source    CPython 3.14 ssl.create_default_context.
SSLContext create_default_context(Purpose purpose = Purpose::server_auth,
                                  const VerifyLocations& trusted = VerifyLocations());

} // namespace asyncio::ssl
