// SPDX-License-Identifier: MIT
// TransportSocket: the socket of a transport or server, for looking at and setting options.
#pragma once

#include "os/sockets.h"

namespace asyncio {

using os::Address;
using os::Socket;

/// A socket that a transport or a server owns: what get_extra_info and Server::sockets() show.
///
/// It keeps its owner's object, not the connection: once that is closed, fileno() is -1 and the
/// other calls throw OSError.
///
/// Thread    the loop's own.
/// Source    CPython 3.14 asyncio.trsock.TransportSocket.
class TransportSocket {
public:
    TransportSocket(const TransportSocket& other) noexcept;
    TransportSocket& operator=(TransportSocket other) noexcept {
        std::swap(object_, other.object_);
        std::swap(owner_, other.owner_);
        return *this;
    }
    ~TransportSocket();

    int fileno() const noexcept; // -1: closed
    // As the methods of Socket.
    int family() const;
    int type() const;
    int protocol() const;
    int getsockopt(int level, int name) const;
    void setsockopt(int level, int name, int value) const;
    void setsockopt(int level, int name, std::string_view bytes) const; // of a struct
    Address getsockname() const;
    Address getpeername() const;
    /// A copy of its own, which goes on when the transport closes.
    Socket dup() const;
    /// Throws    ValueError: on is true.
    void setblocking(bool on) const;
    /// Throws    ValueError: other than 0.
    void settimeout(double seconds) const;

    /// Who owns the descriptor.
    struct Owner {
        void (*add_ref)(void*) noexcept;
        void (*release)(void*) noexcept;
        int (*fileno)(const void*) noexcept;
    };
    TransportSocket(void* object, const Owner& owner) noexcept; // for the library's own use

private:
    void* object_;
    const Owner* owner_;
};

} // namespace asyncio
