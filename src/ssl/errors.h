// SPDX-License-Identifier: MIT
// SSLError and its family: what failed, with whom, and why.
#pragma once

#include "asyncio/exceptions.h"

#include <string>
#include <string_view>

namespace asyncio::ssl {

/// What an SSLError tells. Users read it; the library makes it.
struct Fault {
    int code = 0;
    std::string operation; // "do_handshake"
    std::string object;    // the peer, or the file; may be empty
    std::string library;   // OpenSSL's: "SSL"
    std::string reason;    // OpenSSL's: "CERTIFICATE_VERIFY_FAILED"
    std::string message;   // "certificate verify failed: self-signed certificate"
};

/// An error of TLS.
///
/// what() reads "[SSL: WRONG_VERSION_NUMBER] wrong version number: '127.0.0.1:443' (do_handshake)".
///
/// Source    CPython 3.14 ssl.SSLError.
class SSLError : public OSError {
public:
    explicit SSLError(const Fault& fault);

    const std::string& library() const noexcept { return library_; } // "SSL"; may be empty
    const std::string& reason() const noexcept { return reason_; } // may be empty

private:
    std::string library_;
    std::string reason_;
};

/// The peer's certificate is not to be trusted.
class SSLCertVerificationError final : public SSLError {
public:
    SSLCertVerificationError(const Fault& fault, int code, std::string message)
        : SSLError(fault), verify_code_(code), verify_message_(std::move(message)) {}

    int verify_code() const noexcept { return verify_code_; } // OpenSSL's X509_V_ERR_ values
    /// "self-signed certificate", "Hostname mismatch, certificate is not valid for 'example.org'."
    const std::string& verify_message() const noexcept { return verify_message_; }

private:
    int verify_code_;
    std::string verify_message_;
};
using CertificateError = SSLCertVerificationError; // Python's older name

struct SSLZeroReturnError final
    : SSLError { // the peer has ended in good order: no more can be sent
    using SSLError::SSLError;
};
struct SSLEOFError final
    : SSLError { // the peer has ended without saying so: something may be missing
    using SSLError::SSLError;
};
struct SSLSyscallError final : SSLError { // what carries the bytes has failed
    using SSLError::SSLError;
};

} // namespace asyncio::ssl
