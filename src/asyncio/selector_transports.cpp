// SPDX-License-Identifier: MIT
// A socket's transport: its end of file, its server, files that are sent over it.
#include "asyncio/selector_transports.h"

#include "asyncio/server_states.h"

namespace asyncio::detail {

SelectorSocketTransport* SelectorSocketTransport::make(EventLoop& loop, os::Descriptor socket,
                                                       std::shared_ptr<BaseProtocol> protocol,
                                                       const Address& peer, ServerState* server) {
    auto* transport =
        new SelectorSocketTransport(loop, std::move(socket), std::move(protocol), peer, server);
    transport->start();
    return transport;
}

SelectorSocketTransport::SelectorSocketTransport(EventLoop& loop, os::Descriptor socket,
                                                 std::shared_ptr<BaseProtocol> protocol,
                                                 const Address& peer, ServerState* server)
    : StreamTransport(loop, std::move(socket), std::move(protocol), channel_ops,
                      Medium::stream_socket),
      server_(server), peer_(peer) {
    if (server_ != nullptr) server_->attach(*this);
}

void SelectorSocketTransport::received_eof() {
    if (!tell_eof_received()) close();
}

void SelectorSocketTransport::read_failed(const std::exception_ptr& error) {
    fail(error, "Fatal read error on socket transport");
}

void SelectorSocketTransport::refuse_write(const char* function) {
    if (write_eof_) {
        throw RuntimeError(std::string("Cannot call ") + function + "() after write_eof()");
    }
    if (writing_reserved_) throw RuntimeError("unable to write; sendfile is in progress");
    if (is_dropped_too_often()) log(LogLevel::warning, "socket.send() raised exception.");
}

void SelectorSocketTransport::write_eof() {
    if (closing_ || write_eof_) return;
    write_eof_ = true;
    if (has_unsent()) return;
    const int result = os::shut_down_writing(fd);
    if (result < 0) std::rethrow_exception(error_of(result, "shutdown"));
}

void SelectorSocketTransport::gone() noexcept {
    if (server_ != nullptr) std::exchange(server_, nullptr)->detach(*this);
}

// ---- sending files ------------------------------------------------------------------------------

void SelectorSocketTransport::reserve_writing() {
    if (writing_reserved_) throw RuntimeError("unable to send; sendfile is in progress");
    writing_reserved_ = true;
}

Future<> SelectorSocketTransport::all_sent() {
    Future<> sent(loop());
    if (!has_unsent()) {
        sent.set_result();
    } else {
        busy().sent = StateRef(sent.state());
    }
    return sent;
}

Future<> SelectorSocketTransport::room_to_send() {
    Future<> sent(loop());
    busy().sent = StateRef(sent.state());
    channels().rearm(*this, Channels::edge_both);
    return sent;
}

void SelectorSocketTransport::tell_sender() noexcept {
    if (busy_ == nullptr) return;
    const StateRef sender = std::exchange(busy_->sent, {});
    if (!sender || sender->done()) return;
    sender->cell.st = CellHead::value;
    complete(sender.get());
}

// ---- facts --------------------------------------------------------------------------------------

std::string SelectorSocketTransport::peer_text() const {
    const std::optional<Address> peer = peer_.address();
    return peer ? to_string(*peer) : "";
}

void SelectorSocketTransport::find_extra_info(std::string_view name, const std::type_info& type,
                                              void* into) const {
    auto* self = const_cast<SelectorSocketTransport*>(this);
    const TransportSocket socket = socket_of(*self);
    try {
        static_cast<void>(
            tell(extra::socket, name, type, into, [&] { return socket; }) ||
            tell(extra::sockname, name, type, into, [&] { return socket.getsockname(); }) ||
            tell(extra::peername, name, type, into, [&] {
                const std::optional<Address> known = peer_.address();
                return known ? *known : socket.getpeername();
            }));
    } catch (const OSError&) {
        // Not connected any more, and nobody has asked before.
    }
}

} // namespace asyncio::detail
