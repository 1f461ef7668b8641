// SPDX-License-Identifier: MIT
// What a context is made of, and what OpenSSL is told of it.
#include "ssl/context.h"

#include "ssl/context_state.h"
#include "ssl/object_state.h"

#include <array>
#include <openssl/pem.h>
#include <openssl/rand.h>

namespace asyncio::ssl {

namespace {

// Of many small records: a connection that idles holds no buffers.
constexpr long modes = SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                       SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY;
constexpr std::uint64_t safe_options = SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE |
                                       SSL_OP_ENABLE_MIDDLEBOX_COMPAT;

int number_of(TLSVersion version) noexcept { return TLS1_VERSION + static_cast<int>(version); }

int flag_of(VerifyMode mode) noexcept {
    switch (mode) {
    case VerifyMode::cert_none: return SSL_VERIFY_NONE;
    case VerifyMode::cert_optional: return SSL_VERIFY_PEER;
    case VerifyMode::cert_required: break;
    }
    return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

int verified_by_openssl(int ok, X509_STORE_CTX*) { return ok; }

void set_verify(SSL_CTX* context, VerifyMode mode) {
    SSL_CTX_set_verify(context, flag_of(mode), &verified_by_openssl);
}

// OpenSSL asks for the password of a key; without one nobody is asked.
int give_password(char* into, int size, int, void* given) {
    const auto* password = static_cast<const std::optional<std::string>*>(given);
    if (!*password || (*password)->size() > static_cast<std::size_t>(size)) return -1;
    (*password)->copy(into, (*password)->size());
    return static_cast<int>((*password)->size());
}

/// Has the password at hand while a key is loaded.
class PasswordScope {
public:
    PasswordScope(SSL_CTX* context, const std::optional<std::string>& password)
        : context_(context) {
        SSL_CTX_set_default_passwd_cb(context_, &give_password);
        SSL_CTX_set_default_passwd_cb_userdata(context_,
                                               const_cast<std::optional<std::string>*>(&password));
    }
    PasswordScope(const PasswordScope&) = delete;
    PasswordScope& operator=(const PasswordScope&) = delete;
    ~PasswordScope() { SSL_CTX_set_default_passwd_cb_userdata(context_, &none_); }

private:
    static inline std::optional<std::string> none_;
    SSL_CTX* context_;
};

void add_certificates(SSL_CTX* context, const std::string& pem) {
    const detail::OwnedBio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    std::size_t count = 0;
    for (;; ++count) {
        const detail::OwnedCertificate one(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
        if (!one) break;
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one.get()); // one twice: harmless
    }
    const unsigned long last = ERR_peek_last_error();
    const bool at_end =
        ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
    if (count == 0 || !at_end) detail::throw_queued("load_verify_locations", "cadata");
    ERR_clear_error();
}

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

// ---- what OpenSSL calls in a handshake ----------------------------------------------------------

int choose_alpn(SSL*, const unsigned char** chosen, unsigned char* size,
                const unsigned char* offered, unsigned int offered_size, void* state) {
    const std::string& ours = static_cast<const detail::ContextState*>(state)->alpn;
    unsigned char* found = nullptr;
    const int result =
        SSL_select_next_proto(&found, size, reinterpret_cast<const unsigned char*>(ours.data()),
                              static_cast<unsigned int>(ours.size()), offered, offered_size);
    *chosen = found;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

int ask_for_context(SSL* connection, int* alert, void* state) {
    SSLObject::State& object = SSLObject::State::of(connection);
    const char* name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    try {
        const auto& ask = static_cast<const detail::ContextState*>(state)->sni_callback;
        if (const auto chosen = ask(name != nullptr ? name : "")) object.change_context(*chosen);
        return SSL_TLSEXT_ERR_OK;
    } catch (...) { // OpenSSL is in between: do_handshake() throws it on
        object.sni_error = std::current_exception();
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
}

} // namespace

// ---- the state ----------------------------------------------------------------------------------

namespace detail {

ContextState::ContextState(Side of)
    : side(of), check_hostname(side == Side::client),
      context_(SSL_CTX_new(side == Side::client ? TLS_client_method() : TLS_server_method())) {
    if (!context_) throw_queued("SSLContext");
    SSL_CTX* context = context_.get();
    SSL_CTX_set_options(context, safe_options);
    SSL_CTX_set_mode(context, modes);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    set_verify(context, side == Side::client ? VerifyMode::cert_required : VerifyMode::cert_none);
    X509_VERIFY_PARAM* rules = SSL_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN |
                                           X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    // A session is for the context that it was made in: another may ask for more.
    std::array<unsigned char, 16> mark{};
    if (RAND_bytes(mark.data(), static_cast<int>(mark.size())) != 1) throw_queued("SSLContext");
    SSL_CTX_set_session_id_context(context, mark.data(), static_cast<unsigned int>(mark.size()));
}

std::unique_ptr<TlsEngine> ContextState::wrap(bool server_side,
                                              const std::string& server_hostname) const {
    return make_engine(handle(), server_side, server_hostname, nullptr);
}

namespace {

/// A context whose connections take up a session.
class ResumingContext final : public TlsContext {
public:
    ResumingContext(SSLContext context, SSLSession session)
        : context_(std::move(context)), session_(std::move(session)) {}
    std::unique_ptr<TlsEngine> wrap(bool server_side,
                                    const std::string& server_hostname) const override {
        return make_engine(context_, server_side, server_hostname, &session_);
    }

private:
    SSLContext context_;
    SSLSession session_;
};

} // namespace

} // namespace detail

// ---- the handle ---------------------------------------------------------------------------------

SSLContext::SSLContext(Side side) : state_(std::make_shared<detail::ContextState>(side)) {}

SSLContext::SSLContext(std::shared_ptr<detail::ContextState> state) noexcept
    : state_(std::move(state)) {}

void SSLContext::load_cert_chain(const std::string& certfile, const std::string& keyfile,
                                 const std::optional<std::string>& password) const {
    SSL_CTX* context = state_->get();
    const std::string& key = keyfile.empty() ? certfile : keyfile;
    const PasswordScope scope(context, password);
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, certfile.c_str()) != 1) {
        detail::throw_queued("load_cert_chain", certfile);
    }
    ERR_clear_error();
    if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        detail::throw_queued("load_cert_chain", key);
    }
}

void SSLContext::load_verify_locations(const VerifyLocations& from) const {
    if (from.empty()) throw ValueError("cafile, capath and cadata cannot be all omitted");
    ERR_clear_error();
    if (!from.cadata().empty()) add_certificates(state_->get(), from.cadata());
    if (from.cafile().empty() && from.capath().empty()) return;
    if (SSL_CTX_load_verify_locations(state_->get(), or_null(from.cafile()),
                                      or_null(from.capath())) != 1) {
        const std::string& named = from.cafile().empty() ? from.capath() : from.cafile();
        detail::throw_queued("load_verify_locations", named);
    }
}

void SSLContext::load_default_certs() const {
    ERR_clear_error();
    if (SSL_CTX_set_default_verify_paths(state_->get()) != 1) {
        detail::throw_queued("load_default_certs");
    }
    ERR_clear_error(); // what is not there is not needed
}

void SSLContext::set_verify_mode(VerifyMode mode) const {
    if (state_->side == Side::client && mode != VerifyMode::cert_required) {
        throw ValueError("a client verifies: insecure_skip_verification() ends that");
    }
    set_verify(state_->get(), mode);
}

VerifyMode SSLContext::verify_mode() const noexcept {
    const int flags = SSL_CTX_get_verify_mode(state_->get());
    if ((flags & SSL_VERIFY_PEER) == 0) return VerifyMode::cert_none;
    const bool required = (flags & SSL_VERIFY_FAIL_IF_NO_PEER_CERT) != 0;
    return required ? VerifyMode::cert_required : VerifyMode::cert_optional;
}

bool SSLContext::check_hostname() const noexcept { return state_->check_hostname; }

void SSLContext::insecure_skip_verification() const {
    state_->check_hostname = false;
    set_verify(state_->get(), VerifyMode::cert_none);
}

void SSLContext::insecure_skip_hostname_check() const { state_->check_hostname = false; }

void SSLContext::insecure_ignore_unexpected_eof() const {
    SSL_CTX_set_options(state_->get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
}

void SSLContext::set_minimum_version(TLSVersion version) const {
    if (version < TLSVersion::tls_1_2) {
        throw ValueError("older than TLS 1.2: insecure_set_minimum_version() allows it");
    }
    SSL_CTX_set_min_proto_version(state_->get(), number_of(version));
}

void SSLContext::set_maximum_version(TLSVersion version) const {
    SSL_CTX_set_max_proto_version(state_->get(), number_of(version));
}

void SSLContext::insecure_set_minimum_version(TLSVersion version) const {
    SSL_CTX_set_min_proto_version(state_->get(), number_of(version));
    if (version < TLSVersion::tls_1_2) SSL_CTX_set_security_level(state_->get(), 0);
}

void SSLContext::set_ciphers(const std::string& ciphers) const {
    ERR_clear_error();
    if (SSL_CTX_set_cipher_list(state_->get(), ciphers.c_str()) != 1) {
        detail::throw_queued("set_ciphers", ciphers);
    }
}

void SSLContext::set_alpn_protocols(const std::vector<std::string>& protocols) const {
    std::string wire;
    for (const std::string& name : protocols) {
        if (name.empty() || name.size() > 255) {
            throw ValueError("an ALPN protocol's name has 1 to 255 bytes");
        }
        wire += static_cast<char>(name.size());
        wire += name;
    }
    SSL_CTX* context = state_->get();
    const auto size = static_cast<unsigned int>(wire.size());
    if (SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(wire.data()),
                                size) != 0) {
        throw std::bad_alloc();
    }
    state_->alpn = std::move(wire);
    // LIFETIME: each connection keeps the context whose callback it may come to.
    SSL_CTX_set_alpn_select_cb(context, state_->alpn.empty() ? nullptr : &choose_alpn,
                               state_.get());
}

void SSLContext::set_sni_callback(SniCallback callback) const {
    state_->sni_callback = std::move(callback);
    SSL_CTX* context = state_->get();
    SSL_CTX_set_tlsext_servername_arg(context, state_.get()); // LIFETIME: as above
    auto* const ask = state_->sni_callback ? &ask_for_context : nullptr;
    SSL_CTX_set_tlsext_servername_callback(context, ask);
}

SSLObject SSLContext::wrap_bio(MemoryBIO incoming, MemoryBIO outgoing, bool server_side,
                               const std::string& server_hostname) const {
    return detail::make_object(*this, incoming, outgoing, server_side, server_hostname);
}

TlsContextRef SSLContext::resuming(const SSLSession& session) const {
    return std::make_shared<detail::ResumingContext>(*this, session);
}

SSLContext::operator TlsContextRef() const { return state_; }

SSLContext create_default_context(Purpose purpose, const VerifyLocations& trusted) {
    const bool client = purpose == Purpose::server_auth;
    SSLContext context(client ? Side::client : Side::server);
    if (!trusted.empty()) {
        context.load_verify_locations(trusted);
    } else if (client) {
        context.load_default_certs();
    }
    return context;
}

} // namespace asyncio::ssl
