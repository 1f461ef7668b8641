// SPDX-License-Identifier: MIT
// Datagrams: received whole, sent at once or in their order, errors told.
#include "asyncio/datagram_transports.h"

#include "os/sockets.h"

namespace asyncio::detail {

namespace {

constexpr int datagrams_a_turn = 16; // then the others have their turn
constexpr std::size_t header_bytes = 8; // what each that is kept counts besides, as in CPython
constexpr std::size_t unix_buffer_bytes = 256 * 1024;
constexpr auto unix_retry_delay = std::chrono::milliseconds(1);

Address peer_of(const Socket& socket) {
    try {
        return socket.getpeername();
    } catch (const OSError&) {
        return {}; // it is not connected
    }
}

} // namespace

// ---- the beginning ------------------------------------------------------------------------------

const Channel::Ops SelectorDatagramTransport::channel_ops{
    [](Channel& channel, std::uint32_t events) {
        static_cast<SelectorDatagramTransport&>(channel).on_io(events);
    },
    &ChannelTransport::at_close};

SelectorDatagramTransport* SelectorDatagramTransport::make(EventLoop& loop, Socket socket,
                                                           std::shared_ptr<BaseProtocol> protocol,
                                                           const Address& remote) {
    const Address peer = peer_of(socket);
    const bool connected = static_cast<bool>(peer);
    auto* transport = new SelectorDatagramTransport(loop, std::move(socket), std::move(protocol),
                                                    connected ? peer : remote);
    transport->connected_ = connected;
    transport->start();
    return transport;
}

SelectorDatagramTransport::SelectorDatagramTransport(EventLoop& loop, Socket socket,
                                                     std::shared_ptr<BaseProtocol> protocol,
                                                     const Address& remote)
    : ChannelTransport(loop, socket.detach(), std::move(protocol), channel_ops, Carries::datagrams),
      unix_(socket.family() == AF_UNIX), remote_(remote) {}

void SelectorDatagramTransport::on_io(std::uint32_t events) {
    if (!is_open()) return release(); // it was closed while it stood in the line
    constexpr std::uint32_t ends = os::Epoll::hung_up | os::Epoll::failed;
    if ((events & (os::Epoll::readable | ends)) != 0) readable_ = true;
    const InContext context(*this);
    if (wants_datagrams()) read_ready();
    if ((events & (os::Epoll::writable | ends)) != 0) write_ready();
}

// ---- receiving ----------------------------------------------------------------------------------

void SelectorDatagramTransport::reading_resumed() {
    if (wants_datagrams()) channels().happened(*this, 0);
}

void SelectorDatagramTransport::read_ready() {
    for (int i = 0; i < datagrams_a_turn && wants_datagrams(); ++i) receive_one();
    if (wants_datagrams()) channels().happened(*this, 0);
}

std::span<char> SelectorDatagramTransport::buffer() {
    if (!unix_) return channels().read_buffer();
    if (!large_buffer_) large_buffer_ = base::Chunk(unix_buffer_bytes);
    return {large_buffer_.data(), large_buffer_.size()};
}

void SelectorDatagramTransport::receive_one() {
    std::span<char> into;
    try {
        into = buffer();
    } catch (const std::bad_alloc&) {
        return fail(std::current_exception(), "Fatal read error on datagram transport");
    }
    Address from;
    const ssize_t got = os::receive_datagram(fd, into.data(), into.size(), from);
    if (got == -EAGAIN) {
        readable_ = false;
        return;
    }
    if (got < 0) return tell_error(static_cast<int>(-got), "recvfrom", remote_);
    const auto bytes = static_cast<std::size_t>(got);
    if (bytes > into.size()) return tell_error(EMSGSIZE, "recvfrom", from);
    channels().spend(bytes);
    give({into.data(), bytes}, from);
}

void SelectorDatagramTransport::give(std::string_view data, const Address& from) {
    try {
        datagrams().datagram_received(data, from);
    } catch (...) {
        report_current("Exception in callback datagram_received()");
    }
}

void SelectorDatagramTransport::tell_error(int error, const char* call, const Address& peer) {
    try {
        datagrams().error_received(os::os_error(error, call, peer ? to_string(peer) : ""));
    } catch (...) {
        report_current("Exception in callback error_received()");
    }
}

// ---- sending ------------------------------------------------------------------------------------

void SelectorDatagramTransport::check_receiver(const Address& to) const {
    if (remote_ && to && to != remote_) {
        throw ValueError("Invalid address: must be none or " + to_string(remote_));
    }
    if (!remote_ && !to)
        throw ValueError("sendto() of an endpoint without a peer needs an address");
}

ssize_t SelectorDatagramTransport::send(std::string_view data, const Address& to) const noexcept {
    if (connected_) return os::send(fd, data.data(), data.size());
    return os::send_to(fd, data.data(), data.size(), remote_ ? remote_ : to);
}

void SelectorDatagramTransport::sendto(std::string_view data, const Address& to) {
    check_receiver(to);
    if (closing_) {
        if (is_dropped_too_often()) log(LogLevel::warning, "socket.sendto() raised exception.");
        return;
    }
    if (unsent_.empty()) [[likely]] {
        const ssize_t sent = send(data, to);
        if (sent >= 0) return;
        if (sent != -EAGAIN) {
            return tell_error(static_cast<int>(-sent), "sendto", remote_ ? remote_ : to);
        }
    }
    keep_unsent(data, to);
    maybe_pause_protocol(unsent_bytes_);
}

void SelectorDatagramTransport::keep_unsent(std::string_view data, const Address& to) {
    const bool first = unsent_.empty();
    if (first && Channel::registered) channels().change(*this, Channels::edge_both);
    if (first && unix_ && !connected_) retry_later();
    unsent_.push_back(Unsent{std::string(data), to});
    unsent_bytes_ += data.size() + header_bytes;
}

void SelectorDatagramTransport::write_ready() {
    while (!unsent_.empty()) {
        const ssize_t sent = send(unsent_.front().data, unsent_.front().to);
        if (sent == -EAGAIN) {
            if (unix_ && !connected_) retry_later();
            break;
        }
        const Unsent done = std::move(unsent_.front());
        unsent_.pop_front();
        unsent_bytes_ -= done.data.size() + header_bytes;
        // May send more, or end it all.
        if (sent < 0) tell_error(static_cast<int>(-sent), "sendto", remote_ ? remote_ : done.to);
    }
    if (end_queued_) return;
    maybe_resume_protocol(unsent_bytes_);
    if (unsent_.empty() && closing_ && !end_queued_) lose_connection();
}

// Nothing tells a Unix socket that is not connected when its receiver has room again.
void SelectorDatagramTransport::retry_later() {
    retry_ = loop().call_later(unix_retry_delay, [this] {
        // LIFETIME: gone() cancels it.
        const InContext context(*this);
        write_ready();
    });
}

// ---- the end ------------------------------------------------------------------------------------

void SelectorDatagramTransport::drop_unsent() noexcept {
    unsent_.clear();
    unsent_bytes_ = 0;
}

void SelectorDatagramTransport::gone() noexcept {
    if (retry_) retry_->cancel();
    retry_.reset();
}

void SelectorDatagramTransport::find_extra_info(std::string_view name, const std::type_info& type,
                                                void* into) const {
    auto* self = const_cast<SelectorDatagramTransport*>(this);
    const TransportSocket socket = socket_of(*self);
    try {
        static_cast<void>(
            tell(extra::socket, name, type, into, [&] { return socket; }) ||
            tell(extra::sockname, name, type, into, [&] { return socket.getsockname(); }) ||
            tell(extra::peername, name, type, into, [&] { return socket.getpeername(); }));
    } catch (const OSError&) {
        // Not connected, or closed.
    }
}

} // namespace asyncio::detail
