// SPDX-License-Identifier: MIT
// What a certificate says, as text.
#include "ssl/object_state.h"

#include <array>
#include <openssl/bn.h>

namespace asyncio::ssl::detail {

namespace {

std::string text_of(const ASN1_STRING* string) {
    unsigned char* utf8 = nullptr;
    const int size = ASN1_STRING_to_UTF8(&utf8, string);
    if (size < 0) return {};
    std::string text(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
    OPENSSL_free(utf8);
    return text;
}

PeerCertificate::Names names_of(const X509_NAME* name) {
    PeerCertificate::Names names;
    for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
        const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
        const int kind = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
        names.emplace_back(OBJ_nid2ln(kind), text_of(X509_NAME_ENTRY_get_data(entry)));
    }
    return names;
}

std::string address_text(const ASN1_OCTET_STRING* address) {
    const unsigned char* bytes = ASN1_STRING_get0_data(address);
    const int size = ASN1_STRING_length(address);
    std::string text;
    std::array<char, 8> part{};
    if (size == 4) {
        for (int i = 0; i < size; ++i) text += (i > 0 ? "." : "") + std::to_string(bytes[i]);
    } else if (size == 16) {
        for (int i = 0; i < size; i += 2) {
            BIO_snprintf(part.data(), part.size(), "%X", bytes[i] << 8 | bytes[i + 1]);
            text += (i > 0 ? ":" : "") + std::string(part.data());
        }
    }
    return text;
}

PeerCertificate::Names alternative_names_of(const X509* certificate) {
    PeerCertificate::Names names;
    auto* all = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    const Owned<GENERAL_NAMES, GENERAL_NAMES_free> owned(all);
    for (int i = 0; all != nullptr && i < sk_GENERAL_NAME_num(all); ++i) {
        int kind = 0;
        const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all, i), &kind);
        const auto* string = static_cast<const ASN1_STRING*>(value);
        switch (kind) {
        case GEN_DNS: names.emplace_back("DNS", text_of(string)); break;
        case GEN_EMAIL: names.emplace_back("email", text_of(string)); break;
        case GEN_URI: names.emplace_back("URI", text_of(string)); break;
        case GEN_IPADD: names.emplace_back("IP Address", address_text(string)); break;
        default: break; // kinds that no host has
        }
    }
    return names;
}

std::string time_text(const ASN1_TIME* time) {
    const OwnedBio bio(BIO_new(BIO_s_mem()));
    if (!bio || ASN1_TIME_print(bio.get(), time) != 1) return {};
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

std::string serial_text(const X509* certificate) {
    const Owned<BIGNUM, BN_free> number(
        ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
    char* text = number ? BN_bn2hex(number.get()) : nullptr;
    if (text == nullptr) return {};
    std::string serial(text);
    OPENSSL_free(text);
    return serial;
}

std::string der_of(X509* certificate) {
    const int size = i2d_X509(certificate, nullptr);
    if (size <= 0) return {};
    std::string der(static_cast<std::size_t>(size), '\0');
    auto* into = reinterpret_cast<unsigned char*>(der.data());
    i2d_X509(certificate, &into);
    return der;
}

} // namespace

PeerCertificate read_certificate(X509* certificate, bool verified) {
    PeerCertificate read;
    read.der = der_of(certificate);
    if (!verified) return read; // anybody can have written it
    read.subject = names_of(X509_get_subject_name(certificate));
    read.issuer = names_of(X509_get_issuer_name(certificate));
    read.subject_alt_name = alternative_names_of(certificate);
    read.version = static_cast<int>(X509_get_version(certificate)) + 1;
    read.serial_number = serial_text(certificate);
    read.not_before = time_text(X509_get0_notBefore(certificate));
    read.not_after = time_text(X509_get0_notAfter(certificate));
    ERR_clear_error();
    return read;
}

} // namespace asyncio::ssl::detail
