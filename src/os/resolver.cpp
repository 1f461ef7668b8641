// SPDX-License-Identifier: MIT
// The resolver of libc.
#include "os/resolver.h"

#include "os/system_calls.h"

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <memory>

namespace asyncio::os {

namespace {

std::string text_of(int code, std::string_view call, std::string_view object) {
    std::string text = "[Errno " + std::to_string(code) + "] " + ::gai_strerror(code);
    if (!object.empty()) text.append(": '").append(object).append("'");
    return text.append(" (").append(call).append(")");
}

// Names in the DNS have 253 bytes at most; libc takes far longer ones to the name server's door.
constexpr std::size_t name_bytes_max = 1025; // NI_MAXHOST

[[noreturn]] void throw_gai_error(int code, std::string_view call, std::string_view object) {
    if (code == EAI_SYSTEM) throw_os_error(errno, call, object);
    throw GaiError(code, call, object);
}

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

// Of its decimal text; no text is 0.
std::optional<std::uint16_t> port_number(const std::string& text) {
    std::uint16_t number = 0;
    const char* const end = text.data() + text.size();
    if (text.empty()) return number;
    const auto result = std::from_chars(text.data(), end, number);
    if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
    return number;
}

// Of a kind of socket that has just one; nothing: another one is wanted, or it is another kind.
std::optional<int> only_protocol(int type, int wanted) {
    if (type != SOCK_STREAM && type != SOCK_DGRAM) return std::nullopt;
    const int only = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    if (wanted != 0 && wanted != only) return std::nullopt;
    return only;
}

} // namespace

GaiError::GaiError(int code, std::string_view call, std::string_view object)
    : OSError(code, call, object, text_of(code, call, object)) {}

std::optional<AddrInfo> numeric_addrinfo(const Lookup& lookup) {
    constexpr int plain = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV | AI_ADDRCONFIG;
    const std::optional<int> protocol = only_protocol(lookup.type, lookup.protocol);
    const std::optional<std::uint16_t> port = port_number(lookup.service);
    if (!protocol || !port || (lookup.flags & ~plain) != 0) return std::nullopt;
    const std::optional<Address> address = Address::from_literal(lookup.host, *port);
    if (!address) return std::nullopt;
    if (lookup.family != AF_UNSPEC && lookup.family != address->family()) return std::nullopt;
    return AddrInfo{address->family(), lookup.type, *protocol, "", *address};
}

std::vector<AddrInfo> getaddrinfo(const Lookup& lookup) {
    if (lookup.host.size() >= name_bytes_max || lookup.host.find('\0') != std::string::npos) {
        throw GaiError(EAI_NONAME, "getaddrinfo",
                       std::string_view(lookup.host).substr(0, name_bytes_max));
    }
    addrinfo hints{};
    hints.ai_family = lookup.family;
    hints.ai_socktype = lookup.type;
    hints.ai_protocol = lookup.protocol;
    hints.ai_flags = lookup.flags;
    addrinfo* first = nullptr;
    const int code =
        system_calls.getaddrinfo(or_null(lookup.host), or_null(lookup.service), &hints, &first);
    if (code != 0) throw_gai_error(code, "getaddrinfo", lookup.host);
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(first, system_calls.freeaddrinfo);
    std::vector<AddrInfo> found;
    for (const addrinfo* info = first; info != nullptr; info = info->ai_next) {
        found.push_back({info->ai_family, info->ai_socktype, info->ai_protocol,
                         info->ai_canonname != nullptr ? info->ai_canonname : "",
                         Address(info->ai_addr, info->ai_addrlen)});
    }
    return found;
}

std::pair<std::string, std::string> getnameinfo(const Address& address, int flags) {
    char host[NI_MAXHOST];
    char service[NI_MAXSERV];
    const int code = system_calls.getnameinfo(address.data(), address.size(), host, sizeof host,
                                              service, sizeof service, flags);
    if (code != 0) throw_gai_error(code, "getnameinfo", to_string(address));
    return {host, service};
}

} // namespace asyncio::os
