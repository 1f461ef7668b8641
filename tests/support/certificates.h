// SPDX-License-Identifier: MIT
// Certificates for tests: an authority, and what it signs, made when they are first asked for.
#pragma once

#include "ssl/context.h"

#include <string>

namespace support {

/// What a certificate is to say.
class Wish {
public:
    Wish() noexcept {}
    /// Whose it is, as OpenSSL writes it: "DNS:localhost,IP:127.0.0.1"; empty: nobody's.
    Wish& names(std::string names) {
        names_ = std::move(names);
        return *this;
    }
    Wish& common_name(std::string name) {
        common_name_ = std::move(name);
        return *this;
    }
    /// From when until when it is valid, in days from now.
    Wish& days(int from, int until) {
        from_ = from;
        until_ = until;
        return *this;
    }
    /// "serverAuth", "clientAuth"
    Wish& use(std::string extended_key_usage) {
        use_ = std::move(extended_key_usage);
        return *this;
    }
    /// The name of the authority that signs it; empty: it does so itself.
    Wish& issuer(std::string authority) {
        issuer_ = std::move(authority);
        return *this;
    }
    /// A signed DNS name as its bytes: with a NUL in it, say.
    Wish& raw_name(std::string bytes) {
        raw_name_ = std::move(bytes);
        return *this;
    }
    /// The key is encrypted with it.
    Wish& password(std::string password) {
        password_ = std::move(password);
        return *this;
    }

    // What was set.
    const std::string& names() const noexcept { return names_; }
    const std::string& common_name() const noexcept { return common_name_; }
    int from() const noexcept { return from_; }
    int until() const noexcept { return until_; }
    const std::string& use() const noexcept { return use_; }
    const std::string& issuer() const noexcept { return issuer_; }
    const std::string& raw_name() const noexcept { return raw_name_; }
    const std::string& password() const noexcept { return password_; }

private:
    std::string names_ = "DNS:localhost,IP:127.0.0.1,IP:::1";
    std::string common_name_ = "test";
    int from_ = -1;
    int until_ = 30;
    std::string use_ = "serverAuth";
    std::string issuer_ = "authority";
    std::string raw_name_;
    std::string password_;
};

/// The file of an authority's certificate (PEM), by its name.
std::string authority(const std::string& name = "authority");
/// A file with certificate and key (PEM), made after the wish.
std::string certificate(const Wish& wish = Wish());
/// A file with these bytes. All these files are gone when the program ends.
std::string temporary_file(const std::string& content);

/// A client's context that trusts the test's authority.
asyncio::ssl::SSLContext client_context();
/// A server's context with a certificate made after the wish.
asyncio::ssl::SSLContext server_context(const Wish& wish = Wish());

} // namespace support
