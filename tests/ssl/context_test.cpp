// SPDX-License-Identifier: MIT
// SSLContext: what is trusted, what is spoken, what is refused.
#include "ssl/context.h"

#include "asyncio/testing/testing.h"
#include "support/certificates.h"
#include "support/tls_pairs.h"

#include <openssl/ssl.h>

using namespace asyncio;
using namespace asyncio::ssl;
using support::client_context;
using support::server_context;
using support::TlsPair;
using support::Wish;

namespace {

/// What a client that trusts the test's authority says of such a server.
std::string refusal(const Wish& wish, const std::string& host = "localhost") {
    const TlsPair pair(client_context(), server_context(wish), host);
    try {
        pair.shake_hands();
    } catch (const SSLCertVerificationError& error) {
        CHECK(error.verify_code() != 0);
        CHECK_EQ(error.reason(), "CERTIFICATE_VERIFY_FAILED");
        CHECK_EQ(error.call(), "do_handshake");
        CHECK_EQ(error.object(), host);
        return error.verify_message();
    }
    return "accepted";
}

bool is_tls_error(const TlsPair& pair) {
    try {
        pair.shake_hands();
        return false;
    } catch (const SSLError&) {
        return true;
    }
}

} // namespace

// ---- defaults -----------------------------------------------------------------------------------

TEST("a new context is safe: it verifies certificate and host name, and speaks TLS 1.2 at least") {
    const SSLContext client = create_default_context();
    CHECK_EQ(client.verify_mode(), VerifyMode::cert_required);
    CHECK(client.check_hostname());
    CHECK_THROWS_AS(client.set_minimum_version(TLSVersion::tls_1_1), ValueError);
    CHECK_THROWS_AS(client.set_verify_mode(VerifyMode::cert_none), ValueError);
    CHECK_THROWS_AS(client.set_verify_mode(VerifyMode::cert_optional), ValueError);
    const SSLContext server = create_default_context(Purpose::client_auth);
    CHECK_EQ(server.verify_mode(), VerifyMode::cert_none);
    server.set_verify_mode(VerifyMode::cert_optional);
    CHECK_EQ(server.verify_mode(), VerifyMode::cert_optional);
}

TEST("safety is given up by calls that are named insecure_ alone, each for its own part") {
    const SSLContext client = client_context();
    client.insecure_skip_hostname_check();
    CHECK(!client.check_hostname());
    CHECK_EQ(client.verify_mode(), VerifyMode::cert_required);
    TlsPair(client, server_context(), "elsewhere.example").shake_hands();
    CHECK(is_tls_error(TlsPair(client, server_context(Wish().issuer("")))));

    client.insecure_skip_verification();
    CHECK_EQ(client.verify_mode(), VerifyMode::cert_none);
    TlsPair(client, server_context(Wish().issuer(""))).shake_hands();
    TlsPair(client, server_context(), "").shake_hands();
}

// ---- whom a client trusts -----------------------------------------------------------------------

TEST("FLT-TLS-01: a certificate of the right host, by name and by address, is accepted") {
    CHECK_EQ(refusal(Wish()), "accepted");
    CHECK_EQ(refusal(Wish(), "127.0.0.1"), "accepted");
    CHECK_EQ(refusal(Wish(), "::1"), "accepted");
    CHECK_EQ(refusal(Wish().names("DNS:*.example.org"), "www.example.org"), "accepted");
}

TEST("FLT-TLS-01: self-signed, unknown authority, expired, not yet valid: each is named") {
    CHECK_EQ(refusal(Wish().issuer("")), "self-signed certificate");
    CHECK_EQ(refusal(Wish().issuer("stranger")), "unable to get local issuer certificate");
    CHECK_EQ(refusal(Wish().days(-20, -1)), "certificate has expired");
    CHECK_EQ(refusal(Wish().days(1, 20)), "certificate is not yet valid");
}

TEST("FLT-TLS-01: a certificate for another use is not a server's") {
    CHECK_EQ(refusal(Wish().use("clientAuth")), "unsuitable certificate purpose");
}

TEST("FLT-TLS-01: another host's certificate, a bad wildcard, a NUL in a name, a common name") {
    const std::string mismatch = "hostname mismatch";
    CHECK_EQ(refusal(Wish().names("DNS:example.org")), mismatch);
    CHECK_EQ(refusal(Wish().names("DNS:*"), "localhost"), mismatch);
    CHECK_EQ(refusal(Wish().names("DNS:*.org"), "www.example.org"), mismatch);
    CHECK_EQ(refusal(Wish().names("DNS:w*w.example.org"), "wow.example.org"), mismatch);
    CHECK_EQ(refusal(Wish().names("DNS:*.*.example.org"), "a.b.example.org"), mismatch);
    CHECK_EQ(refusal(Wish().raw_name(std::string("localhost\0.evil.example", 23))), mismatch);
    CHECK_EQ(refusal(Wish().names("").common_name("localhost")), mismatch);
    CHECK_EQ(refusal(Wish().names("DNS:127.0.0.1"), "127.0.0.1"), "IP address mismatch");
}

TEST("FLT-TLS-01: no server_hostname that is none: spaces, NUL, junk behind an address") {
    const SSLContext client = client_context();
    const MemoryBIO in;
    const MemoryBIO out;
    for (const std::string& name :
         {std::string("127.0.0.1 example.org"), std::string("a\0b", 3), std::string(".example.org"),
          std::string("a\nb"), std::string(300, 'a'), std::string("")}) {
        CHECK_THROWS_AS(client.wrap_bio(in, out, false, name), ValueError);
    }
    CHECK_THROWS_AS(server_context().wrap_bio(in, out, true, "localhost"), ValueError);
}

TEST("a context is for one side") {
    const MemoryBIO in;
    const MemoryBIO out;
    CHECK_THROWS_AS(client_context().wrap_bio(in, out, true), ValueError);
    CHECK_THROWS_AS(server_context().wrap_bio(in, out, false, "localhost"), ValueError);
}

TEST("FLT-TLS-01: the server is told why a client went: the alert names the reason") {
    const TlsPair pair(client_context(), server_context(Wish().days(-20, -1)));
    CHECK(is_tls_error(pair));
    try {
        pair.server.do_handshake();
        CHECK(false);
    } catch (const SSLError& error) {
        CHECK_EQ(error.reason(), "SSLV3_ALERT_CERTIFICATE_EXPIRED");
    }
}

TEST("cadata: certificates that are given as text are trusted; text without any is an error") {
    SSLContext client(Side::client);
    CHECK(is_tls_error(TlsPair(client, server_context())));
    CHECK_THROWS_AS(client.load_verify_locations(VerifyLocations()), ValueError);
    CHECK_THROWS_AS(client.load_verify_locations(VerifyLocations().cadata("no certificate")),
                    SSLError);
}

// ---- versions and ciphers -----------------------------------------------------------------------

TEST("FLT-TLS-01: no common version, no common cipher: the handshake fails on both sides") {
    const SSLContext old_client = client_context();
    old_client.insecure_set_minimum_version(TLSVersion::tls_1_0);
    old_client.set_maximum_version(TLSVersion::tls_1_1);
    CHECK(is_tls_error(TlsPair(old_client, server_context())));

    const SSLContext new_client = client_context();
    new_client.set_minimum_version(TLSVersion::tls_1_3);
    const SSLContext old_server = server_context();
    old_server.set_maximum_version(TLSVersion::tls_1_2);
    CHECK(is_tls_error(TlsPair(new_client, old_server)));

    const SSLContext client = client_context();
    client.set_maximum_version(TLSVersion::tls_1_2);
    client.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256");
    const SSLContext server = server_context();
    server.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384");
    CHECK(is_tls_error(TlsPair(client, server)));
}

TEST("FLT-TLS-01: ciphers without a certificate, or for export, are not taken from a peer") {
    const SSLContext client = client_context();
    client.set_maximum_version(TLSVersion::tls_1_2);
    client.insecure_skip_verification();
    client.set_ciphers("aNULL:@SECLEVEL=0");
    CHECK(is_tls_error(TlsPair(client, server_context())));
    CHECK_THROWS_AS(client.set_ciphers("EXPORT"), SSLError);
}

// ---- files --------------------------------------------------------------------------------------

TEST("FLT-TLS-08: a file that is missing is FileNotFoundError with its name") {
    const SSLContext server(Side::server);
    try {
        server.load_cert_chain("/nowhere/server.pem");
        CHECK(false);
    } catch (const FileNotFoundError& error) {
        CHECK_EQ(error.object(), "/nowhere/server.pem");
        CHECK_EQ(error.call(), "load_cert_chain");
    }
    const std::string good = support::certificate();
    CHECK_THROWS_AS(server.load_cert_chain(good, "/nowhere/key.pem"), FileNotFoundError);
    CHECK_THROWS_AS(server.load_verify_locations("/nowhere/ca.pem"), FileNotFoundError);
}

TEST("FLT-TLS-08: a key of another certificate, no key at all, no certificate: SSLError") {
    const SSLContext server(Side::server);
    const std::string one = support::certificate();
    const std::string other = support::certificate();
    CHECK_THROWS_AS(server.load_cert_chain(one, other), SSLError);
    CHECK_THROWS_AS(server.load_cert_chain(support::authority()), SSLError);
    CHECK_THROWS_AS(server.load_cert_chain(support::temporary_file("not a certificate")), SSLError);
}

TEST("FLT-TLS-08: an encrypted key needs its password, and nobody is asked for it") {
    const SSLContext server(Side::server);
    const std::string file = support::certificate(Wish().password("open sesame"));
    CHECK_THROWS_AS(server.load_cert_chain(file), SSLError);
    try {
        server.load_cert_chain(file, "", "a guess");
        CHECK(false);
    } catch (const SSLError& error) {
        const std::string text = error.what();
        CHECK(text.find("a guess") == std::string::npos);
        CHECK(text.find(file) != std::string::npos);
    }
    server.load_cert_chain(file, "", "open sesame");
    TlsPair(client_context(), server).shake_hands();
}

// ---- ALPN, SNI, certificates of clients ---------------------------------------------------------

TEST("ALPN: the server's first choice that the client speaks too; else none") {
    const SSLContext client = client_context();
    const SSLContext server = server_context();
    client.set_alpn_protocols({"http/1.1", "h2"});
    server.set_alpn_protocols({"h2", "http/1.1"});
    const TlsPair pair(client, server);
    pair.shake_hands();
    CHECK_EQ(pair.client.selected_alpn_protocol(), std::optional<std::string>("h2"));
    CHECK_EQ(pair.server.selected_alpn_protocol(), std::optional<std::string>("h2"));

    client.set_alpn_protocols({"\x01\x02 strange"});
    const TlsPair others(client, server);
    others.shake_hands();
    CHECK_EQ(others.client.selected_alpn_protocol(), std::nullopt);
    CHECK_THROWS_AS(client.set_alpn_protocols({""}), ValueError);
    CHECK_THROWS_AS(client.set_alpn_protocols({std::string(256, 'x')}), ValueError);
}

TEST("SNI: the callback sees the name, and its context's certificate and ALPN are used") {
    const SSLContext server = server_context(Wish().names("DNS:fallback.example"));
    const SSLContext chosen = server_context(Wish().names("DNS:chosen.example"));
    chosen.set_alpn_protocols({"chosen"});
    std::vector<std::string> asked;
    server.set_sni_callback([&](const std::string& name) -> std::optional<SSLContext> {
        asked.push_back(name);
        if (name == "chosen.example") return chosen;
        return std::nullopt;
    });
    const SSLContext client = client_context();
    client.set_alpn_protocols({"chosen"});
    const TlsPair pair(client, server, "chosen.example");
    pair.shake_hands();
    CHECK(pair.server.context() == chosen);
    CHECK_EQ(pair.server.selected_alpn_protocol(), std::optional<std::string>("chosen"));
    TlsPair(client, server, "fallback.example").shake_hands();
    client.insecure_skip_hostname_check();
    TlsPair(client, server, "127.0.0.1").shake_hands(); // an address is not asked for by name
    CHECK_EQ(asked, (std::vector<std::string>{"chosen.example", "fallback.example", ""}));
}

TEST("SNI: what the callback throws ends the handshake, on both sides") {
    const SSLContext server = server_context();
    server.set_sni_callback(
        [](const std::string&) -> std::optional<SSLContext> { throw KeyError("no such host"); });
    const TlsPair pair(client_context(), server);
    CHECK_THROWS_AS(pair.shake_hands(), KeyError);
    CHECK_THROWS_AS(pair.client.do_handshake(), SSLError);
}

TEST("SNI: a host that demands certificates of clients gets them, though the first one does not") {
    const SSLContext strict = server_context();
    strict.load_verify_locations(support::authority());
    strict.set_verify_mode(VerifyMode::cert_required);
    const SSLContext server = server_context();
    server.set_sni_callback([&](const std::string&) { return std::optional(strict); });
    CHECK(is_tls_error(TlsPair(client_context(), server)));
}

TEST("FLT-TLS-08: a server that demands a certificate refuses clients without one, or with a "
     "stranger's") {
    const SSLContext server = server_context();
    server.load_verify_locations(support::authority());
    server.set_verify_mode(VerifyMode::cert_required);
    const SSLContext client = client_context();
    client.set_maximum_version(TLSVersion::tls_1_2); // with 1.3 a client learns it later
    CHECK(is_tls_error(TlsPair(client, server)));
    client.load_cert_chain(support::certificate(Wish().use("clientAuth").issuer("stranger")));
    CHECK(is_tls_error(TlsPair(client, server)));
    client.load_cert_chain(support::certificate(Wish().use("clientAuth").common_name("Ann")));
    const TlsPair pair(client, server);
    pair.shake_hands();
    CHECK(pair.server.getpeercert()->subject == (PeerCertificate::Names{{"commonName", "Ann"}}));
}
