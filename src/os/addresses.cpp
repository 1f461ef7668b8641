// SPDX-License-Identifier: MIT
// Addresses from text and to text.
#include "os/addresses.h"

#include "os/errors.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace asyncio::os {

namespace {

const sockaddr_in& as_in(const sockaddr* address) {
    return *reinterpret_cast<const sockaddr_in*>(address);
}
const sockaddr_in6& as_in6(const sockaddr* address) {
    return *reinterpret_cast<const sockaddr_in6*>(address);
}

} // namespace

Address::Address(const sockaddr* address, socklen_t size) noexcept
    : size_(std::min(size, size_max)) {
    std::memcpy(&storage_, address, size_);
}

std::optional<Address> Address::from_literal(std::string_view host, std::uint16_t port) noexcept {
    char text[INET6_ADDRSTRLEN];
    if (host.size() >= sizeof text || host.find('\0') != host.npos) return std::nullopt;
    *std::copy(host.begin(), host.end(), text) = '\0';
    sockaddr_in four{};
    if (::inet_pton(AF_INET, text, &four.sin_addr) == 1) {
        four.sin_family = AF_INET;
        four.sin_port = htons(port);
        return Address(reinterpret_cast<const sockaddr*>(&four), sizeof four);
    }
    sockaddr_in6 six{};
    if (::inet_pton(AF_INET6, text, &six.sin6_addr) != 1) return std::nullopt;
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    return Address(reinterpret_cast<const sockaddr*>(&six), sizeof six);
}

Address Address::from_path(std::string_view path) {
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path) throw_os_error(ENAMETOOLONG, "bind", path);
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    const bool abstract = !path.empty() && path[0] == '\0';
    const std::size_t size =
        offsetof(sockaddr_un, sun_path) + path.size() + (abstract || path.empty() ? 0 : 1);
    return Address(reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size));
}

std::string Address::host() const {
    char text[INET6_ADDRSTRLEN];
    if (family() == AF_INET)
        return ::inet_ntop(AF_INET, &as_in(data()).sin_addr, text, sizeof text);
    if (family() != AF_INET6) return {};
    const sockaddr_in6& six = as_in6(data());
    std::string host = ::inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof text);
    if (six.sin6_scope_id == 0) return host;
    char name[IF_NAMESIZE];
    const char* zone = ::if_indextoname(six.sin6_scope_id, name);
    return host + "%" + (zone != nullptr ? std::string(zone) : std::to_string(six.sin6_scope_id));
}

std::uint16_t Address::port() const noexcept {
    if (family() == AF_INET) return ntohs(as_in(data()).sin_port);
    if (family() == AF_INET6) return ntohs(as_in6(data()).sin6_port);
    return 0;
}

std::string Address::path() const {
    constexpr std::size_t head = offsetof(sockaddr_un, sun_path);
    if (family() != AF_UNIX || size_ <= head) return {};
    const char* const begin = reinterpret_cast<const sockaddr_un*>(data())->sun_path;
    const std::string_view whole(begin, size_ - head);
    if (whole[0] == '\0') return std::string(whole);
    return std::string(whole.substr(0, whole.find('\0')));
}

bool operator==(const Address& a, const Address& b) noexcept {
    return a.size_ == b.size_ && std::memcmp(&a.storage_, &b.storage_, a.size_) == 0;
}

std::string to_string(const Address& address) {
    switch (address.family()) {
    case AF_INET: return address.host() + ":" + std::to_string(address.port());
    case AF_INET6: return "[" + address.host() + "]:" + std::to_string(address.port());
    case AF_UNIX: {
        const std::string path = address.path();
        return path.empty() ? "unnamed" : path;
    }
    default: return "unnamed";
    }
}

IpEndpoint::IpEndpoint(const Address& address) noexcept {
    if (address.family() == AF_INET) {
        const sockaddr_in& four = as_in(address.data());
        std::memcpy(host_.data(), &four.sin_addr, sizeof four.sin_addr);
        port_ = four.sin_port;
    } else if (address.family() == AF_INET6) {
        const sockaddr_in6& six = as_in6(address.data());
        static_assert(sizeof six.sin6_addr == host_bytes);
        std::memcpy(host_.data(), &six.sin6_addr, sizeof six.sin6_addr);
        port_ = six.sin6_port;
        scope_ = six.sin6_scope_id;
    } else {
        return;
    }
    family_ = static_cast<std::uint16_t>(address.family());
}

std::optional<Address> IpEndpoint::address() const noexcept {
    if (family_ == AF_INET) {
        sockaddr_in four{};
        four.sin_family = AF_INET;
        std::memcpy(&four.sin_addr, host_.data(), sizeof four.sin_addr);
        four.sin_port = port_;
        return Address(reinterpret_cast<const sockaddr*>(&four), sizeof four);
    }
    if (family_ != AF_INET6) return std::nullopt;
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    std::memcpy(&six.sin6_addr, host_.data(), sizeof six.sin6_addr);
    six.sin6_port = port_;
    six.sin6_scope_id = scope_;
    return Address(reinterpret_cast<const sockaddr*>(&six), sizeof six);
}

} // namespace asyncio::os
