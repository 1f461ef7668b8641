// SPDX-License-Identifier: MIT
// Names of hosts and services to addresses and back: getaddrinfo and getnameinfo, which block.
#pragma once

#include "os/addresses.h"
#include "os/errors.h"

#include <netdb.h> // the AI_, NI_ and EAI_ values
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace asyncio::os {

/// A name could not be resolved; errnum() is an EAI_ value.
///
/// what() reads "[Errno -2] Name or service not known: 'nowhere.example' (getaddrinfo)".
/// Source    Python's socket.gaierror.
struct GaiError final : OSError {
    GaiError(int code, std::string_view call, std::string_view object);
};

/// One way to reach a host.
struct AddrInfo {
    int family = 0;
    int type = 0;
    int protocol = 0;
    std::string canonname; // only if AI_CANONNAME was asked for
    Address address;
    friend bool operator==(const AddrInfo&, const AddrInfo&) = default;
};

/// What is asked for; 0: any.
struct Lookup {
    std::string host;    // empty: none, which means loopback or (AI_PASSIVE) every interface
    std::string service; // a port number or the name of a service; empty: none
    int family = 0;
    int type = 0;
    int protocol = 0;
    int flags = 0;
    friend auto operator<=>(const Lookup&, const Lookup&) = default;
};

/// The answer to a look-up that asks for nothing but a numeric address and port: of a stream or
/// datagram socket, without a wish for more in its flags. It blocks nobody.
/// Returns   nothing if the resolver has to be asked.
/// Thread    any.
/// Source    CPython base_events._ipaddr_info.
std::optional<AddrInfo> numeric_addrinfo(const Lookup& lookup);

/// Resolves. It may take many seconds.
/// Throws    GaiError; OSError for EAI_SYSTEM.
/// Thread    any.
std::vector<AddrInfo> getaddrinfo(const Lookup& lookup);

/// The names of an address: host and service.
/// flags     NI_ values
/// Throws    GaiError; OSError for EAI_SYSTEM.
/// Thread    any.
std::pair<std::string, std::string> getnameinfo(const Address& address, int flags);

} // namespace asyncio::os
