// SPDX-License-Identifier: MIT
// What a TransportSocket lets through.
#include "asyncio/trsock.h"

#include "asyncio/exceptions.h"

namespace asyncio {

namespace {

// Asks the kernel through a Socket that gives the descriptor up again.
template <class F>
auto asked(int fd, F&& question) {
    if (fd < 0) os::throw_os_error(EBADF, "socket", "closed transport");
    struct Borrowed {
        explicit Borrowed(int borrowed) : socket(os::Descriptor(borrowed)) {}
        ~Borrowed() { static_cast<void>(socket.detach().release()); }
        Socket socket;
    } borrowed(fd);
    return question(std::as_const(borrowed.socket));
}

} // namespace

TransportSocket::TransportSocket(void* object, const Owner& owner) noexcept
    : object_(object), owner_(&owner) {
    owner_->add_ref(object_);
}
TransportSocket::TransportSocket(const TransportSocket& other) noexcept
    : TransportSocket(other.object_, *other.owner_) {}
TransportSocket::~TransportSocket() { owner_->release(object_); }

int TransportSocket::fileno() const noexcept { return owner_->fileno(object_); }

int TransportSocket::family() const {
    return asked(fileno(), [](const Socket& socket) { return socket.family(); });
}
int TransportSocket::type() const {
    return asked(fileno(), [](const Socket& socket) { return socket.type(); });
}
int TransportSocket::protocol() const {
    return asked(fileno(), [](const Socket& socket) { return socket.protocol(); });
}
int TransportSocket::getsockopt(int level, int name) const {
    return asked(fileno(), [=](const Socket& socket) { return socket.getsockopt(level, name); });
}
void TransportSocket::setsockopt(int level, int name, int value) const {
    asked(fileno(), [=](const Socket& socket) { socket.setsockopt(level, name, value); });
}
void TransportSocket::setsockopt(int level, int name, std::string_view bytes) const {
    asked(fileno(), [=](const Socket& socket) { socket.setsockopt(level, name, bytes); });
}
Address TransportSocket::getsockname() const {
    return asked(fileno(), [](const Socket& socket) { return socket.getsockname(); });
}
Address TransportSocket::getpeername() const {
    return asked(fileno(), [](const Socket& socket) { return socket.getpeername(); });
}
Socket TransportSocket::dup() const {
    return asked(fileno(), [](const Socket& socket) { return socket.dup(); });
}

void TransportSocket::setblocking(bool on) const {
    if (on) throw ValueError("setblocking(): transport sockets cannot be blocking");
}
void TransportSocket::settimeout(double seconds) const {
    if (seconds != 0)
        throw ValueError("settimeout(): only 0 timeout is allowed on transport sockets");
}

} // namespace asyncio
