// SPDX-License-Identifier: MIT
// SSLObject: the handshake, bytes, the end, and what is known of a connection.
#include "ssl/object.h"

#include "asyncio/testing/testing.h"
#include "ssl/object_state.h"
#include "support/certificates.h"
#include "support/tls_pairs.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

using namespace asyncio;
using namespace asyncio::ssl;
using support::client_context;
using support::read_all;
using support::server_context;
using support::TlsPair;
using support::Wish;

// ---- bytes --------------------------------------------------------------------------------------

TEST("SSLObject: a handshake, bytes both ways, an orderly end on both sides") {
    const TlsPair pair(client_context(), server_context());
    CHECK(!pair.client.version());
    pair.shake_hands();
    CHECK_EQ(*pair.client.version(), "TLSv1.3");
    CHECK(pair.server.server_side() && !pair.client.server_side());
    CHECK_EQ(pair.client.server_hostname(), "localhost");

    CHECK_EQ(pair.client.write("question"), 8u);
    CHECK_EQ(pair.to_server.view().find("question"), std::string_view::npos);
    CHECK_EQ(read_all(pair.server), "question");
    pair.server.write("answer");
    CHECK_EQ(read_all(pair.client), "answer");

    CHECK(!pair.client.unwrap());
    std::array<char, 10> buffer;
    CHECK_EQ(pair.server.read(buffer), std::optional<std::size_t>(0));
    CHECK(pair.server.unwrap());
    CHECK(pair.client.unwrap());
}

TEST("SSLObject: without bytes of the peer nothing is read, and that is no error") {
    const TlsPair pair(client_context(), server_context());
    CHECK(!pair.client.do_handshake());
    pair.shake_hands();
    std::array<char, 10> buffer;
    CHECK_EQ(pair.client.read(buffer), std::nullopt);
}

TEST("FLT-TLS-06: records and handshake cut at every byte change nothing") {
    const SSLContext client = client_context();
    const SSLContext server = server_context();
    const MemoryBIO slow; // what the server gets, byte by byte
    const MemoryBIO to_client;
    const MemoryBIO to_server;
    const SSLObject one = client.wrap_bio(to_client, to_server, false, "localhost");
    const SSLObject other = server.wrap_bio(slow, to_client, true);
    bool done = false;
    for (int round = 0; !done && round < 10; ++round) {
        one.do_handshake();
        while (to_server.pending() > 0) {
            slow.write(to_server.read(1));
            done = other.do_handshake();
        }
    }
    CHECK(done);
    one.write("hello");
    std::string got;
    while (to_server.pending() > 0) {
        slow.write(to_server.read(1));
        got += read_all(other);
    }
    CHECK_EQ(got, "hello");
}

TEST("SSLObject.unwrap: what the peer still sends is dropped, until it ends too") {
    const TlsPair pair(client_context(), server_context());
    pair.shake_hands();
    CHECK(!pair.client.unwrap());
    pair.server.write("late");
    CHECK(!pair.client.unwrap());
    pair.server.unwrap();
    CHECK(pair.client.unwrap());
}

TEST("after its own end nothing more is sent: write() throws SSLError") {
    const TlsPair pair(client_context(), server_context());
    pair.shake_hands();
    pair.client.unwrap();
    CHECK_THROWS_AS(pair.client.write("more"), SSLError);
}

TEST("FLT-TLS-04: an end without close_notify is SSLEOFError, and the bytes before it are read") {
    const TlsPair pair(client_context(), server_context());
    pair.shake_hands();
    pair.client.write("first");
    pair.to_server.write_eof();
    std::array<char, 10> buffer;
    CHECK_EQ(pair.server.read(buffer), std::optional<std::size_t>(5));
    CHECK_THROWS_AS(pair.server.read(buffer), SSLEOFError);
}

TEST("insecure_ignore_unexpected_eof: the same is an end in good order") {
    const SSLContext server = server_context();
    server.insecure_ignore_unexpected_eof();
    const TlsPair pair(client_context(), server);
    pair.shake_hands();
    pair.to_server.write_eof();
    std::array<char, 10> buffer;
    CHECK_EQ(pair.server.read(buffer), std::optional<std::size_t>(0));
}

TEST("SEM-TLS-14: a record that was tampered with is an SSLError that names operation and reason") {
    const TlsPair pair(client_context(), server_context());
    pair.shake_hands();
    pair.client.write("hello");
    std::string record = pair.to_server.read();
    record.back() = static_cast<char>(record.back() ^ 1);
    pair.to_server.write(record);
    try {
        read_all(pair.server);
        CHECK(false);
    } catch (const SSLError& error) {
        CHECK_EQ(error.call(), "read");
        CHECK_EQ(error.library(), "SSL");
        CHECK_EQ(error.reason(), "DECRYPTION_FAILED_OR_BAD_RECORD_MAC");
    }
    CHECK_THROWS_AS(pair.server.write("x"), SSLError); // and not a crash
}

TEST("FLT-TLS-07: an error that another connection has left behind is nobody else's") {
    const TlsPair pair(client_context(), server_context());
    pair.shake_hands();
    std::array<char, 10> buffer;
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    CHECK_EQ(pair.client.read(buffer), std::nullopt);
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    CHECK_EQ(pair.client.write("x"), 1u);
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    CHECK_EQ(read_all(pair.server), "x");
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    CHECK(!pair.client.unwrap());
    CHECK(ERR_peek_error() == 0);
}

TEST("renegotiation is off: a TLS 1.2 client that insists on it is refused") {
    const SSLContext client = client_context();
    client.set_maximum_version(TLSVersion::tls_1_2);
    const TlsPair pair(client, server_context());
    pair.shake_hands();
    CHECK_EQ(*pair.client.version(), "TLSv1.2");
    SSL* insisting = pair.client.state().get();
    SSL_clear_options(insisting, SSL_OP_NO_RENEGOTIATION);
    CHECK_EQ(SSL_renegotiate(insisting), 1);
    CHECK(!pair.client.do_handshake());
    CHECK_EQ(read_all(pair.server), "");
    CHECK_THROWS_MSG(pair.client.do_handshake(), SSLError, "no renegotiation");
}

// ---- what is known ------------------------------------------------------------------------------

TEST("SSLObject.getpeercert: names, times and bytes of a certificate that was verified") {
    const TlsPair pair(client_context(), server_context(Wish().common_name("the server")));
    pair.shake_hands();
    const auto seen = pair.client.getpeercert();
    REQUIRE(seen.has_value());
    CHECK(seen->subject == (PeerCertificate::Names{{"commonName", "the server"}}));
    CHECK(seen->issuer == (PeerCertificate::Names{{"commonName", "authority"}}));
    CHECK(seen->subject_alt_name == (PeerCertificate::Names{{"DNS", "localhost"},
                                                            {"IP Address", "127.0.0.1"},
                                                            {"IP Address", "0:0:0:0:0:0:0:1"}}));
    CHECK_EQ(seen->version, 3);
    CHECK(!seen->serial_number.empty());
    CHECK_EQ(seen->not_before.substr(seen->not_before.size() - 3), "GMT");
    CHECK(!seen->der.empty());
    CHECK(!pair.server.getpeercert());
}

TEST(
    "SSLObject.getpeercert: of a certificate that was not verified nothing is told but its bytes") {
    const SSLContext client = client_context();
    client.insecure_skip_verification();
    const TlsPair pair(client, server_context(Wish().issuer("")));
    pair.shake_hands();
    const auto seen = pair.client.getpeercert();
    REQUIRE(seen.has_value());
    CHECK(seen->subject.empty() && seen->subject_alt_name.empty() && !seen->der.empty());
}

TEST("SSLObject.cipher: both know the same one; nothing is compressed") {
    const TlsPair pair(client_context(), server_context());
    CHECK(!pair.client.cipher());
    pair.shake_hands();
    CHECK(pair.client.cipher() == pair.server.cipher());
    CHECK_EQ(pair.client.cipher()->protocol, "TLSv1.3");
    CHECK(pair.client.cipher()->secret_bits >= 128);
    CHECK(!pair.client.compression());
}

TEST("a session is taken up by a later connection, with TLS 1.2 and 1.3") {
    for (const TLSVersion version : {TLSVersion::tls_1_2, TLSVersion::tls_1_3}) {
        const SSLContext client = client_context();
        const SSLContext server = server_context();
        client.set_maximum_version(version);
        const TlsPair first(client, server);
        first.shake_hands();
        read_all(first.client); // with TLS 1.3 it comes behind the handshake
        CHECK(!first.client.session_reused());
        const auto session = first.client.session();
        REQUIRE(session.has_value());
        CHECK(session->is_resumable());

        const auto engine = client.resuming(*session)->wrap(false, "localhost");
        const MemoryBIO to_server;
        const MemoryBIO to_client;
        const SSLObject other = server.wrap_bio(to_server, to_client, true);
        bool done = false;
        for (int step = 0; !done && step < 10; ++step) {
            done = engine->do_handshake();
            to_server.write(engine->outgoing());
            engine->consume_outgoing(engine->outgoing().size());
            done = other.do_handshake() && done;
            engine->feed(to_client.read());
        }
        CHECK(done);
        CHECK(other.session_reused());
    }
}

TEST("a session of one server's context is none of another's") {
    const SSLContext client = client_context();
    const TlsPair first(client, server_context());
    first.shake_hands();
    read_all(first.client);
    const auto session = first.client.session();
    const auto engine = client.resuming(*session)->wrap(false, "localhost");
    const MemoryBIO to_server;
    const MemoryBIO to_client;
    const SSLObject other = server_context().wrap_bio(to_server, to_client, true);
    for (int step = 0; step < 3; ++step) {
        engine->do_handshake();
        to_server.write(engine->outgoing());
        engine->consume_outgoing(engine->outgoing().size());
        other.do_handshake();
        engine->feed(to_client.read());
    }
    CHECK(engine->do_handshake());
    CHECK(!other.session_reused());
}
