// SPDX-License-Identifier: MIT
// Keys and certificates by OpenSSL, in a folder that goes with the program.
#include "support/certificates.h"

#include "asyncio/testing/checks.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace support {

namespace {

/// Gone with all that is in it when the program ends.
class Folder {
public:
    Folder() {
        std::string path = std::filesystem::temp_directory_path() / "certificates-XXXXXX";
        REQUIRE(::mkdtemp(path.data()) != nullptr);
        path_ = path;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string next() { return path_ / (std::to_string(++count_) + ".pem"); }

private:
    std::filesystem::path path_;
    int count_ = 0;
};

Folder& folder() {
    static Folder folder;
    return folder;
}

/// A key and a certificate with it.
struct Pair {
    std::shared_ptr<EVP_PKEY> key;
    std::shared_ptr<X509> certificate;
};

void add_name(X509_NAME* name, const std::string& common_name) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(common_name.data());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, bytes,
                               static_cast<int>(common_name.size()), -1, 0);
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    REQUIRE(extension != nullptr);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

void add_raw_name(X509* certificate, const std::string& bytes) {
    GENERAL_NAMES* names = sk_GENERAL_NAME_new_null();
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, bytes.data(), static_cast<int>(bytes.size()));
    GENERAL_NAME* name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    sk_GENERAL_NAME_push(names, name);
    REQUIRE(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0) == 1);
    GENERAL_NAMES_free(names);
}

/// A new key, and a certificate that says whose it is, and when.
Pair unsigned_pair(const std::string& common_name, int from, int until) {
    static long serial = 1000;
    Pair made{{EVP_EC_gen("P-256"), &EVP_PKEY_free}, {X509_new(), &X509_free}};
    REQUIRE(made.key != nullptr && made.certificate != nullptr);
    X509* certificate = made.certificate.get();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 86400L * from);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400L * until);
    X509_set_pubkey(certificate, made.key.get());
    add_name(X509_get_subject_name(certificate), common_name);
    return made;
}

void sign(X509* certificate, EVP_PKEY* key) {
    REQUIRE(X509_sign(certificate, key, EVP_sha256()) != 0);
}

const Pair& authority_pair(const std::string& name) {
    static std::map<std::string, Pair> known;
    const auto found = known.find(name);
    if (found != known.end()) return found->second;
    Pair made = unsigned_pair(name, -30, 300);
    X509* certificate = made.certificate.get();
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(certificate, certificate, NID_subject_key_identifier, "hash");
    sign(certificate, made.key.get());
    return known.emplace(name, std::move(made)).first->second;
}

std::string pem_of(X509* certificate) {
    const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio_X509(bio.get(), certificate);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

std::string pem_of(EVP_PKEY* key, const std::string& password) {
    const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio_PrivateKey(bio.get(), key, password.empty() ? nullptr : EVP_aes_256_cbc(),
                             reinterpret_cast<const unsigned char*>(password.data()),
                             static_cast<int>(password.size()), nullptr, nullptr);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

} // namespace

std::string temporary_file(const std::string& content) {
    const std::string path = folder().next();
    std::ofstream(path, std::ios::binary) << content;
    return path;
}

std::string authority(const std::string& name) {
    static std::map<std::string, std::string> files;
    std::string& file = files[name];
    if (file.empty()) file = temporary_file(pem_of(authority_pair(name).certificate.get()));
    return file;
}

std::string certificate(const Wish& wish) {
    const Pair made = unsigned_pair(wish.common_name(), wish.from(), wish.until());
    const Pair& by = wish.issuer().empty() ? made : authority_pair(wish.issuer());
    X509* certificate = made.certificate.get();
    X509* issuer = by.certificate.get();
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature");
    add_extension(certificate, issuer, NID_ext_key_usage, wish.use());
    add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
    add_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
    if (!wish.raw_name().empty()) {
        add_raw_name(certificate, wish.raw_name());
    } else if (!wish.names().empty()) {
        add_extension(certificate, issuer, NID_subject_alt_name, wish.names());
    }
    sign(certificate, by.key.get());
    return temporary_file(pem_of(made.key.get(), wish.password()) + pem_of(certificate));
}

asyncio::ssl::SSLContext client_context() {
    return asyncio::ssl::create_default_context(
        asyncio::ssl::Purpose::server_auth, asyncio::ssl::VerifyLocations().cafile(authority()));
}

asyncio::ssl::SSLContext server_context(const Wish& wish) {
    auto context = asyncio::ssl::create_default_context(asyncio::ssl::Purpose::client_auth);
    context.load_cert_chain(certificate(wish));
    return context;
}

} // namespace support
