// SPDX-License-Identifier: MIT
// SSLError and its family: types, texts.
#include "ssl/errors.h"

#include "asyncio/testing/testing.h"

using namespace asyncio;
using namespace asyncio::ssl;

namespace {

Fault wrong_version() {
    Fault fault;
    fault.code = 267;
    fault.operation = "do_handshake";
    fault.object = "127.0.0.1:443";
    fault.library = "SSL";
    fault.reason = "WRONG_VERSION_NUMBER";
    fault.message = "wrong version number";
    return fault;
}

} // namespace

TEST("an SSLError says what failed, with whom and why, and is an OSError") {
    const auto error = std::make_exception_ptr(SSLError(wrong_version()));
    CHECK_EQ(message_of(error), "[SSL: WRONG_VERSION_NUMBER] wrong version number: "
                                "'127.0.0.1:443' (do_handshake)");
    CHECK_EQ(type_name(error), "SSLError");
    CHECK(is_exception<OSError>(error));
    const SSLError same(wrong_version());
    CHECK_EQ(same.call(), "do_handshake");
    CHECK_EQ(same.object(), "127.0.0.1:443");
    CHECK_EQ(same.library(), "SSL");
    CHECK_EQ(same.reason(), "WRONG_VERSION_NUMBER");
}

TEST("what is not known of an SSLError is not in its text") {
    Fault fault;
    fault.message = "unknown error";
    CHECK_EQ(std::string(SSLError(fault).what()), "unknown error");
}

TEST("the kinds of SSLError are told apart, and each is one") {
    const auto eof = std::make_exception_ptr(SSLEOFError(wrong_version()));
    const auto zero = std::make_exception_ptr(SSLZeroReturnError(wrong_version()));
    const auto call = std::make_exception_ptr(SSLSyscallError(wrong_version()));
    const auto verify =
        std::make_exception_ptr(SSLCertVerificationError(wrong_version(), 18, "self-signed"));
    for (const auto& error : {eof, zero, call, verify}) CHECK(is_exception<SSLError>(error));
    CHECK(!is_exception<SSLEOFError>(zero));
    CHECK(!is_exception<SSLZeroReturnError>(call));
    CHECK(is_exception<CertificateError>(verify));
    detail::visit_exception<CertificateError>(verify, [](const CertificateError& error) {
        CHECK_EQ(error.verify_code(), 18);
        CHECK_EQ(error.verify_message(), "self-signed");
    });
}
