// SPDX-License-Identifier: MIT
// Socket addresses: what Python writes as a tuple of host and port, or as a path.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>

namespace asyncio::os {

/// The address of a socket, of any family. A value; of no family by default.
class Address {
public:
    Address() noexcept = default;
    Address(const sockaddr* address, socklen_t size) noexcept;

    /// A numeric IPv4 or IPv6 address; nothing for a name, and for a zone ("fe80::1%eth0").
    static std::optional<Address> from_literal(std::string_view host, std::uint16_t port) noexcept;
    /// A Unix path; one that begins with a NUL is abstract.
    /// Throws    OSError: ENAMETOOLONG, 108 bytes and more.
    static Address from_path(std::string_view path);

    int family() const noexcept { return storage_.ss_family; } // AF_UNSPEC: none
    /// "127.0.0.1", "::1", "fe80::1%eth0"; empty for other families.
    std::string host() const;
    std::uint16_t port() const noexcept;
    /// Of a Unix address; empty for an unnamed socket and for other families.
    std::string path() const;

    // As the kernel takes it and writes it.
    const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
    sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&storage_); }
    socklen_t size() const noexcept { return size_; }
    /// After the kernel has written to data().
    void resize(socklen_t size) noexcept { size_ = size; }
    static constexpr socklen_t size_max = sizeof(sockaddr_storage);

    explicit operator bool() const noexcept { return family() != AF_UNSPEC; }
    friend bool operator==(const Address& a, const Address& b) noexcept;

private:
    sockaddr_storage storage_{};
    socklen_t size_ = 0;
};

/// "127.0.0.1:80", "[::1]:80", the path, or "unnamed".
std::string to_string(const Address& address);

/// An IPv4 or IPv6 address with its port in 24 bytes, where an Address takes 136: for who keeps
/// one for each of many connections.
class IpEndpoint {
public:
    IpEndpoint() noexcept = default; // none
    /// Of an address of another family it is none.
    explicit IpEndpoint(const Address& address) noexcept;

    /// The same as an Address; nothing: none.
    std::optional<Address> address() const noexcept;

private:
    static constexpr std::size_t host_bytes = 16; // of an IPv6 address

    std::array<std::byte, host_bytes> host_{};
    std::uint32_t scope_ = 0;
    std::uint16_t port_ = 0; // in the network's order
    std::uint16_t family_ = 0; // AF_UNSPEC: none
};

} // namespace asyncio::os
