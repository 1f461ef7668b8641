// SPDX-License-Identifier: MIT
// Bytes from the kernel to a protocol, and from a protocol to the kernel.
#include "asyncio/stream_transports.h"

#include "os/pipes.h"
#include "os/sockets.h"

#include <algorithm>

namespace asyncio::detail {

const Channel::Ops StreamTransport::channel_ops{[](Channel& channel, std::uint32_t events) {
                                                    static_cast<StreamTransport&>(channel).on_io(
                                                        events);
                                                },
                                                &ChannelTransport::at_close};

StreamTransport::StreamTransport(EventLoop& loop, os::Descriptor descriptor,
                                 std::shared_ptr<BaseProtocol> protocol,
                                 const Channel::Ops& operations, Medium medium)
    : ChannelTransport(loop, std::move(descriptor), std::move(protocol), operations),
      medium_(medium) {}

std::exception_ptr StreamTransport::error_of(ssize_t result, const char* call) const {
    return os::os_error(static_cast<int>(-result), call, peer_text());
}

// ---- reading ------------------------------------------------------------------------------------

void StreamTransport::on_io(std::uint32_t events) {
    if (!is_open()) return release(); // it was closed while it stood in the line
    constexpr std::uint32_t ends = os::Epoll::peer_closed | os::Epoll::hung_up | os::Epoll::failed;
    constexpr std::uint32_t writes = os::Epoll::writable | os::Epoll::hung_up | os::Epoll::failed;
    if ((events & (os::Epoll::readable | ends)) != 0) readable_ = true;
    if ((events & ends) != 0) hung_up_ = true;
    const InContext context(*this);
    if (wants_bytes()) read_ready();
    if ((events & writes) == 0) return;
    if (has_unsent()) return write_ready();
    if (writing_reserved_) tell_sender();
}

void StreamTransport::read_ready() {
    if (is_buffered()) {
        receive_into_protocol();
    } else {
        receive_for_protocol();
    }
    // One receive a turn; the rest waits at the end of the line.
    if (wants_bytes()) channels().happened(*this, 0);
}

void StreamTransport::receive_for_protocol() {
    std::span<char> buffer;
    try {
        buffer = channels().read_buffer();
    } catch (const std::bad_alloc&) {
        return fail(std::current_exception(), "Fatal error: no memory to receive into");
    }
    const std::size_t bytes = receive(buffer);
    if (bytes == 0) return;
    try {
        streaming().data_received({buffer.data(), bytes});
    } catch (...) {
        protocol_failed("Fatal error: protocol.data_received() call failed.");
    }
}

void StreamTransport::receive_into_protocol() {
    std::span<std::byte> buffer;
    try {
        buffer = buffered().get_buffer(-1);
        if (buffer.empty()) throw RuntimeError("get_buffer() returned an empty buffer");
    } catch (...) {
        return protocol_failed("Fatal error: protocol.get_buffer() call failed.");
    }
    const std::size_t bytes = receive({reinterpret_cast<char*>(buffer.data()), buffer.size()});
    if (bytes == 0) return;
    try {
        buffered().buffer_updated(bytes);
    } catch (...) {
        protocol_failed("Fatal error: protocol.buffer_updated() call failed.");
    }
}

// Returns how much has come. Nothing: not yet, or the end, which is dealt with here.
std::size_t StreamTransport::receive(std::span<char> buffer) {
    const bool stream = medium_ == Medium::stream_socket;
    const ssize_t got = stream ? os::receive(fd, buffer.data(), buffer.size())
                               : os::read_pipe(fd, buffer.data(), buffer.size());
    if (got > 0) [[likely]] {
        const auto bytes = static_cast<std::size_t>(got);
        channels().spend(bytes);
        // A short read has emptied the socket. Of an end that is known already no event will tell.
        if (bytes < buffer.size() && !hung_up_ && stream) readable_ = false;
        return bytes;
    }
    if (got == 0) {
        received_eof();
    } else {
        readable_ = false;
        if (got != -EAGAIN) read_failed(error_of(got, stream ? "recv" : "read"));
    }
    return 0;
}

// Returns true if the way out is to stay open.
bool StreamTransport::tell_eof_received() {
    read_eof_ = true;
    try {
        return tell_eof();
    } catch (...) {
        protocol_failed("Fatal error: protocol.eof_received() call failed.");
        return true; // it is closing already
    }
}

void StreamTransport::reading_resumed() {
    if (wants_bytes()) channels().happened(*this, 0);
}

// ---- writing ------------------------------------------------------------------------------------

ssize_t StreamTransport::send(std::string_view data) const noexcept {
    if (medium_ == Medium::stream_socket) [[likely]]
        return os::send(fd, data.data(), data.size());
    return os::write_pipe(fd, data.data(), data.size());
}

ssize_t StreamTransport::send_pieces(std::span<const std::string_view> pieces) const noexcept {
    return medium_ == Medium::stream_socket ? os::send_pieces(fd, pieces)
                                            : os::write_pieces(fd, pieces);
}

inline bool StreamTransport::is_refused(const char* function) {
    if (!closing_ && !write_eof_ && !writing_reserved_) [[likely]]
        return false;
    refuse_write(function);
    return true;
}

void StreamTransport::write_failed(ssize_t result) {
    const bool stream = medium_ == Medium::stream_socket;
    fail(error_of(result, stream ? "send" : "write"),
         stream ? "Fatal write error on socket transport" : "Fatal write error on pipe transport");
}

// Looks at the result of a send: is anything left to send? An error ends the connection.
bool StreamTransport::is_unsent(std::size_t size, ssize_t& sent) {
    if (sent == static_cast<ssize_t>(size)) [[likely]]
        return false;
    if (sent == -EAGAIN) sent = 0;
    if (sent >= 0) return true;
    write_failed(sent);
    return false;
}

void StreamTransport::write(std::string_view data) {
    if (is_refused("write") || data.empty()) return;
    if (!has_unsent()) [[likely]] {
        ssize_t sent = send(data);
        if (!is_unsent(data.size(), sent)) return;
        data.remove_prefix(static_cast<std::size_t>(sent));
    }
    keep_unsent(data);
    maybe_pause_protocol(get_write_buffer_size());
}

void StreamTransport::writelines(std::span<const std::string_view> pieces) {
    if (is_refused("writelines")) return;
    while (!pieces.empty() && !has_unsent() && !closing_) {
        const auto some = pieces.first(std::min(pieces.size(), os::pieces_max));
        std::size_t size = 0;
        for (const std::string_view piece : some) size += piece.size();
        ssize_t sent = size == 0 ? 0 : send_pieces(some);
        if (is_unsent(size, sent)) keep_rest(some, static_cast<std::size_t>(sent));
        pieces = pieces.subspan(some.size());
    }
    for (const std::string_view piece : pieces) keep_unsent(piece);
    maybe_pause_protocol(get_write_buffer_size());
}

// What is behind the first `sent` bytes.
void StreamTransport::keep_rest(std::span<const std::string_view> pieces, std::size_t sent) {
    for (const std::string_view piece : pieces) {
        const std::size_t gone = std::min(sent, piece.size());
        sent -= gone;
        keep_unsent(piece.substr(gone));
    }
}

void StreamTransport::keep_unsent(std::string_view rest) {
    if (rest.empty() || end_queued_) return;
    try {
        const bool first = !has_unsent();
        busy().unsent.append(rest);
        if (first) watch_writing();
    } catch (const std::exception&) { // a part is sent: what follows must not be
        fail(std::current_exception(), "Fatal error: what is to be sent cannot be kept");
    }
}

// Once it was needed it stays: a connection that cannot send at once will meet that again.
void StreamTransport::watch_writing() {
    if (Channel::registered) channels().change(*this, Channels::edge_both);
}

void StreamTransport::write_ready() {
    base::ByteBuffer& unsent = busy_->unsent;
    const ssize_t sent = send({unsent.data(), unsent.size()});
    if (sent == -EAGAIN) return;
    if (sent < 0) return write_failed(sent);
    unsent.consume(static_cast<std::size_t>(sent));
    if (unsent.empty()) unsent.shrink();
    maybe_resume_protocol(unsent.size()); // may write more, or end it all
    if (!has_unsent() && !end_queued_) all_is_sent();
}

void StreamTransport::all_is_sent() {
    tell_sender();
    busy_.reset();
    if (closing_) return lose_connection();
    if (write_eof_) os::shut_down_writing(fd); // if it fails, the connection is gone
}

} // namespace asyncio::detail
