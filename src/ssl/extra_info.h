// SPDX-License-Identifier: MIT
// What transports over TLS know besides: transport.get_extra_info(ssl::extra::peercert).
#pragma once

#include "asyncio/transports.h"
#include "ssl/object.h"

/// The facts that transports over TLS know, once the handshake is done.
namespace asyncio::ssl::extra {

inline constexpr ExtraInfo<SSLContext> sslcontext{"sslcontext"}; // before it is done, too
inline constexpr ExtraInfo<SSLObject> ssl_object{"ssl_object"}; // the connection
inline constexpr ExtraInfo<PeerCertificate> peercert{"peercert"}; // if the peer has shown one
inline constexpr ExtraInfo<Cipher> cipher{"cipher"}; // what is encrypted with
inline constexpr ExtraInfo<std::string> compression{"compression"}; // never: it is off

} // namespace asyncio::ssl::extra
