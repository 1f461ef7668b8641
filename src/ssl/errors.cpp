// SPDX-License-Identifier: MIT
// From OpenSSL's error queue to typed errors.
#include "ssl/errors.h"

#include "ssl/openssl.h"

#include <algorithm>
#include <cctype>
#include <new>

namespace asyncio::ssl {

namespace {

std::string text_of(const Fault& fault) {
    std::string text;
    if (!fault.reason.empty()) text += "[" + fault.library + ": " + fault.reason + "] ";
    text += fault.message;
    if (!fault.object.empty()) text += ": '" + fault.object + "'";
    if (!fault.operation.empty()) text += " (" + fault.operation + ")";
    return text;
}

std::string or_empty(const char* text) { return text != nullptr ? text : ""; }

// "certificate verify failed" as CERTIFICATE_VERIFY_FAILED: the names of OpenSSL's own constants.
std::string as_constant(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
        return static_cast<char>(std::isalnum(c) != 0 ? std::toupper(c) : '_');
    });
    return text;
}

std::string library_name(unsigned long error) {
    const std::string name = or_empty(ERR_lib_error_string(error));
    if (name == "SSL routines") return "SSL";
    if (name == "x509 certificate routines") return "X509";
    return as_constant(name.substr(0, name.find(" routines")));
}

bool is_reason(unsigned long error, int reason) {
    return ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == reason;
}

// Memory that there is not is no fault of the connection; whatever OpenSSL makes of it in between.
void throw_if_no_memory(unsigned long error) {
    if (ERR_GET_REASON(error) != ERR_R_MALLOC_FAILURE) return;
    ERR_clear_error();
    throw std::bad_alloc();
}

} // namespace

SSLError::SSLError(const Fault& fault)
    : OSError(fault.code, fault.operation, fault.object, text_of(fault)), library_(fault.library),
      reason_(fault.reason) {}

namespace detail {

// The last error tells most of a handshake, the first one why a file could not be read.
Fault fault_of(unsigned long error, const char* operation, std::string object) {
    Fault fault;
    fault.operation = operation;
    fault.object = std::move(object);
    if (error == 0) {
        fault.message = "unknown error";
        return fault;
    }
    fault.code = ERR_GET_REASON(error);
    fault.message = or_empty(ERR_reason_error_string(error));
    fault.library = library_name(error);
    fault.reason = as_constant(fault.message);
    return fault;
}

void throw_queued(const char* operation, std::string object) {
    const unsigned long error = ERR_peek_error();
    throw_if_no_memory(error);
    const bool system = ERR_SYSTEM_ERROR(error);
    ERR_clear_error();
    if (system) os::throw_os_error(ERR_GET_REASON(error), operation, object);
    throw SSLError(fault_of(error, operation, std::move(object)));
}

void throw_of_connection(const SSL* connection, int result, const char* operation,
                         std::string object) {
    const int kind = SSL_get_error(connection, result);
    const unsigned long error = ERR_peek_last_error();
    throw_if_no_memory(error);
    ERR_clear_error();
    Fault fault = fault_of(error, operation, std::move(object));
    if (kind == SSL_ERROR_ZERO_RETURN) {
        fault.message = "TLS/SSL connection has been closed (EOF)";
        throw SSLZeroReturnError(fault);
    }
    if (is_reason(error, SSL_R_UNEXPECTED_EOF_WHILE_READING)) {
        fault.message = "EOF occurred in violation of protocol: no close_notify came before it";
        throw SSLEOFError(fault);
    }
    if (kind == SSL_ERROR_SYSCALL) {
        fault.message = "some I/O error occurred";
        throw SSLSyscallError(fault);
    }
    if (is_reason(error, SSL_R_CERTIFICATE_VERIFY_FAILED)) {
        const long code = SSL_get_verify_result(connection);
        std::string why = X509_verify_cert_error_string(code);
        fault.message += ": " + why;
        throw SSLCertVerificationError(fault, static_cast<int>(code), std::move(why));
    }
    throw SSLError(fault);
}

} // namespace detail

} // namespace asyncio::ssl
