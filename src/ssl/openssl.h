// SPDX-License-Identifier: MIT
// OpenSSL, for the sources of this package alone: who frees what, and its error queue.
#pragma once

#include "ssl/errors.h"

#include <memory>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string>

namespace asyncio::ssl::detail {

template <auto FreeIt>
struct Freed {
    template <class T>
    void operator()(T* object) const noexcept {
        FreeIt(object);
    }
};
template <class T, auto FreeIt>
using Owned = std::unique_ptr<T, Freed<FreeIt>>;

using OwnedContext = Owned<SSL_CTX, SSL_CTX_free>;
using OwnedConnection = Owned<SSL, SSL_free>;
using OwnedBio = Owned<BIO, BIO_free>;
using OwnedCertificate = Owned<X509, X509_free>;
using OwnedSession = Owned<SSL_SESSION, SSL_SESSION_free>;

/// What `error`, of OpenSSL's queue, is about.
Fault fault_of(unsigned long error, const char* operation, std::string object);
/// Throws the first of the queued errors, and empties the queue: an OSError if a system call has
/// failed, std::bad_alloc if there was no memory, else an SSLError.
[[noreturn]] void throw_queued(const char* operation, std::string object = {});
/// Throws what a call on `connection` has failed with: one of the errors of errors.h, or
/// std::bad_alloc.
[[noreturn]] void throw_of_connection(const SSL* connection, int result, const char* operation,
                                      std::string object);

} // namespace asyncio::ssl::detail
