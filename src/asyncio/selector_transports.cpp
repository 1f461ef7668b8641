// SPDX-License-Identifier: MIT
// A socket's life on epoll: made, read, written, lost.
#include "asyncio/selector_transports.h"

#include "asyncio/base_events.h"
#include "asyncio/server_states.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <sys/uio.h>

namespace asyncio::detail {

namespace {

constexpr std::uint8_t dropped_writes_before_warning = 5;

/// The context that a protocol's calls run in.
struct InContextOf {
    explicit InContextOf(ContextSlot& context) noexcept { context_slot = &context; }
    InContextOf(const InContextOf&) = delete;
    InContextOf& operator=(const InContextOf&) = delete;
    ~InContextOf() { context_slot = nullptr; }
};

} // namespace

// ---- the name of a peer -------------------------------------------------------------------------

void PeerName::set(const Address& address) noexcept {
    if (address.family() == AF_INET) {
        const auto& four = *reinterpret_cast<const sockaddr_in*>(address.data());
        std::memcpy(host_.data(), &four.sin_addr, sizeof four.sin_addr);
        port_ = four.sin_port;
    } else if (address.family() == AF_INET6) {
        const auto& six = *reinterpret_cast<const sockaddr_in6*>(address.data());
        std::memcpy(host_.data(), &six.sin6_addr, sizeof six.sin6_addr);
        port_ = six.sin6_port;
        scope_ = six.sin6_scope_id;
    } else {
        return;
    }
    family_ = static_cast<std::uint16_t>(address.family());
}

std::optional<Address> PeerName::get() const noexcept {
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

// Inlined here: they are on the way of every byte.
inline EventLoop& SelectorSocketTransport::loop() const noexcept {
    return EventLoop::of(*loop_table[loop_index()]);
}
inline Channels& SelectorSocketTransport::channels() const noexcept {
    return *loop().parts().channels;
}

// ---- the beginning ------------------------------------------------------------------------------

const Channel::Ops SelectorSocketTransport::channel_ops{
    [](Channel& channel, std::uint32_t events) {
        static_cast<SelectorSocketTransport&>(channel).on_io(events);
    },
    [](Channel& channel) noexcept {
        auto& self = static_cast<SelectorSocketTransport&>(channel);
        if (self.loop().get_debug()) {
            try {
                log(LogLevel::warning, "unclosed transport " + self.text());
            } catch (const std::bad_alloc&) {
                log(LogLevel::warning, "unclosed transport");
            }
        }
        self.closing_ = self.end_queued_ = true;
        self.let_go();
    }};

SelectorSocketTransport* SelectorSocketTransport::make(EventLoop& loop, os::Descriptor socket,
                                                       std::shared_ptr<BaseProtocol> protocol,
                                                       const Address& peer, ServerState* server) {
    return new SelectorSocketTransport(loop, std::move(socket), std::move(protocol), peer, server);
}

SelectorSocketTransport::SelectorSocketTransport(EventLoop& loop, os::Descriptor socket,
                                                 std::shared_ptr<BaseProtocol> protocol,
                                                 const Address& peer, ServerState* server)
    : FlowControlTransport(loop, std::move(protocol)),
      Hop(
          [](Hop* hop) {
              auto* self = static_cast<SelectorSocketTransport*>(hop);
              self->hop_queued_ = false;
              self->made_ ? self->lose_connection() : self->make_connection();
          },
          [](Hop* hop) noexcept { static_cast<SelectorSocketTransport*>(hop)->let_go(); }),
      Channel(channel_ops), server_(server), context_(std::as_const(current_context())) {
    // Made before it is asked for. If that fails, the socket is still its owner's.
    Channels::of(loop);
    fd = socket.release();
    peer_.set(peer);
    if (server_ != nullptr) server_->attach(*this);
    hop_queued_ = true;
    queue_hop(loop.core(), this);
}

SelectorSocketTransport::Busy& SelectorSocketTransport::busy() {
    if (busy_ == nullptr) busy_ = std::make_unique<Busy>();
    return *busy_;
}

void SelectorSocketTransport::tell_when_made(const Future<>& waiter) {
    busy().made = StateRef(waiter.state());
}

void SelectorSocketTransport::make_connection() {
    made_ = true;
    struct Leave { // also by an interrupt
        SelectorSocketTransport& self;
        ~Leave() {
            if (self.end_queued_) self.queue_end(); // it was aborted before it was made
        }
    } leave{*this};
    try {
        const InContextOf context(context_);
        protocol().connection_made(*this);
    } catch (...) {
        report_current("Exception in callback connection_made()");
    }
    begin_to_read();
    const StateRef waiter = busy_ != nullptr ? std::exchange(busy_->made, {}) : StateRef();
    if (!has_unsent()) busy_.reset();
    if (!waiter || waiter->done()) return;
    waiter->cell.st = CellHead::value;
    complete(waiter.get());
}

void SelectorSocketTransport::begin_to_read() {
    if (end_queued_) return;
    try {
        channels().open(*this, has_unsent() ? Channels::edge_both : Channels::edge_reads);
    } catch (const std::exception&) { // no memory, or too many watches
        fail(std::current_exception(), "Fatal error: the socket cannot be watched");
    }
}

// ---- reading ------------------------------------------------------------------------------------

void SelectorSocketTransport::on_io(std::uint32_t events) {
    if (!is_open()) return release(); // it was closed while it stood in the line
    constexpr std::uint32_t ends = os::Epoll::peer_closed | os::Epoll::hung_up | os::Epoll::failed;
    constexpr std::uint32_t writes = os::Epoll::writable | os::Epoll::hung_up | os::Epoll::failed;
    if ((events & (os::Epoll::readable | ends)) != 0) readable_ = true;
    if ((events & ends) != 0) hung_up_ = true;
    const InContextOf context(context_);
    if (wants_bytes()) read_ready();
    if ((events & writes) == 0) return;
    if (has_unsent()) return write_ready();
    if (writing_reserved_) tell_sender();
}

void SelectorSocketTransport::read_ready() {
    if (is_buffered()) {
        receive_into_protocol();
    } else {
        receive_for_protocol();
    }
    // One receive a turn; the rest waits at the end of the line.
    if (wants_bytes()) channels().happened(*this, 0);
}

void SelectorSocketTransport::receive_for_protocol() {
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

void SelectorSocketTransport::receive_into_protocol() {
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
std::size_t SelectorSocketTransport::receive(std::span<char> buffer) {
    const ssize_t got = os::receive(fd, buffer.data(), buffer.size());
    if (got > 0) [[likely]] {
        const auto bytes = static_cast<std::size_t>(got);
        channels().spend(bytes);
        // A short read has emptied the socket. Of an end that is known already no event will tell.
        if (bytes < buffer.size() && !hung_up_) readable_ = false;
        return bytes;
    }
    if (got == 0) {
        received_eof();
    } else {
        readable_ = false;
        if (got != -EAGAIN) fail(error_of(got, "recv"), "Fatal read error on socket transport");
    }
    return 0;
}

void SelectorSocketTransport::received_eof() {
    read_eof_ = true;
    try {
        if (!tell_eof()) close();
    } catch (...) {
        protocol_failed("Fatal error: protocol.eof_received() call failed.");
    }
}

void SelectorSocketTransport::pause_reading() {
    if (is_reading()) paused_ = true;
}

void SelectorSocketTransport::resume_reading() {
    if (closing_ || !paused_) return;
    paused_ = false;
    if (wants_bytes()) channels().happened(*this, 0);
}

// ---- writing ------------------------------------------------------------------------------------

bool SelectorSocketTransport::drops_write(const char* function) {
    if (write_eof_) {
        throw RuntimeError(std::string("Cannot call ") + function + "() after write_eof()");
    }
    if (writing_reserved_) throw RuntimeError("unable to write; sendfile is in progress");
    if (!closing_) [[likely]]
        return false;
    if (dropped_writes_ < dropped_writes_before_warning) ++dropped_writes_;
    if (dropped_writes_ == dropped_writes_before_warning) {
        log(LogLevel::warning, "socket.send() raised exception.");
    }
    return true;
}

// Looks at the result of a send: is anything left to send? An error ends the connection.
bool SelectorSocketTransport::is_unsent(std::size_t size, ssize_t& sent) {
    if (sent == static_cast<ssize_t>(size)) [[likely]]
        return false;
    if (sent == -EAGAIN) sent = 0;
    if (sent >= 0) return true;
    fail(error_of(sent, "send"), "Fatal write error on socket transport");
    return false;
}

void SelectorSocketTransport::write(std::string_view data) {
    if (drops_write("write") || data.empty()) return;
    if (!has_unsent()) [[likely]] {
        ssize_t sent = os::send(fd, data.data(), data.size());
        if (!is_unsent(data.size(), sent)) return;
        data.remove_prefix(static_cast<std::size_t>(sent));
    }
    keep_unsent(data);
    maybe_pause_protocol(get_write_buffer_size());
}

void SelectorSocketTransport::writelines(std::span<const std::string_view> pieces) {
    if (drops_write("writelines")) return;
    while (!pieces.empty() && !has_unsent() && !closing_) {
        constexpr std::size_t at_once = 64;
        std::array<iovec, at_once> vectors;
        const std::size_t count = std::min(pieces.size(), at_once);
        std::size_t size = 0;
        for (std::size_t i = 0; i < count; ++i) {
            vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
            size += pieces[i].size();
        }
        ssize_t sent = size == 0 ? 0 : os::send_pieces(fd, {vectors.data(), count});
        const bool unsent = is_unsent(size, sent);
        for (std::size_t i = 0; unsent && i < count; ++i) {
            const std::size_t gone = std::min(static_cast<std::size_t>(sent), pieces[i].size());
            sent -= static_cast<ssize_t>(gone);
            keep_unsent(pieces[i].substr(gone));
        }
        pieces = pieces.subspan(count);
    }
    for (const std::string_view piece : pieces) keep_unsent(piece);
    maybe_pause_protocol(get_write_buffer_size());
}

void SelectorSocketTransport::keep_unsent(std::string_view rest) {
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
void SelectorSocketTransport::watch_writing() {
    if (Channel::registered) channels().change(*this, Channels::edge_both);
}

void SelectorSocketTransport::write_ready() {
    base::ByteBuffer& unsent = busy_->unsent;
    const ssize_t sent = os::send(fd, unsent.data(), unsent.size());
    if (sent == -EAGAIN) return;
    if (sent < 0) return fail(error_of(sent, "send"), "Fatal write error on socket transport");
    unsent.consume(static_cast<std::size_t>(sent));
    if (unsent.empty()) unsent.shrink();
    maybe_resume_protocol(unsent.size()); // may write more, or end it all
    if (!has_unsent() && !end_queued_) all_is_sent();
}

void SelectorSocketTransport::all_is_sent() {
    tell_sender();
    busy_.reset();
    if (closing_) return lose_connection();
    if (write_eof_) os::shut_down_writing(fd); // if it fails, the connection is gone
}

void SelectorSocketTransport::write_eof() {
    if (closing_ || write_eof_) return;
    write_eof_ = true;
    if (has_unsent()) return;
    const int result = os::shut_down_writing(fd);
    if (result < 0) std::rethrow_exception(error_of(result, "shutdown"));
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

// ---- the end ------------------------------------------------------------------------------------

void SelectorSocketTransport::close() {
    if (closing_) return;
    closing_ = true;
    if (!has_unsent()) queue_end();
}

std::exception_ptr SelectorSocketTransport::error_of(ssize_t result, const char* call) const {
    const std::optional<Address> peer = peer_.get();
    return os::os_error(static_cast<int>(-result), call, peer ? to_string(*peer) : "");
}

// In a catch (...) clause.
void SelectorSocketTransport::protocol_failed(const char* message) {
    const std::exception_ptr error = std::current_exception();
    if (is_exception<KeyboardInterrupt>(error) || is_exception<SystemExit>(error)) throw;
    fail(error, message);
}

void SelectorSocketTransport::fail(const std::exception_ptr& error, const char* message) {
    if (!is_exception<OSError>(error)) {
        report(message, error);
    } else if (loop().get_debug()) {
        log(LogLevel::debug, text() + ": " + message + ": " + repr(error));
    }
    force_close(error);
}

void SelectorSocketTransport::force_close(const std::exception_ptr& error) {
    if (end_queued_) return;
    if (busy_ != nullptr) busy_->unsent = base::ByteBuffer();
    closing_ = true;
    error_ = error;
    queue_end();
}

void SelectorSocketTransport::queue_end() {
    end_queued_ = true;
    if (hop_queued_) return; // connection_made() is still to come
    hop_queued_ = true;
    queue_hop(loop().core(), this);
}

void SelectorSocketTransport::lose_connection() {
    end_queued_ = true;
    struct LetGo { // also after an interrupt
        SelectorSocketTransport& self;
        ~LetGo() { self.let_go(); }
    } let_go_at_end{*this};
    try {
        const InContextOf context(context_);
        protocol().connection_lost(error_);
    } catch (...) {
        report_current("Exception in callback connection_lost()");
    }
}

// The loop's part is over. Called once; what is called afterwards finds the transport closing.
void SelectorSocketTransport::let_go() noexcept {
    closing_ = end_queued_ = true;
    const StateRef sender = busy_ != nullptr ? std::exchange(busy_->sent, {}) : StateRef();
    busy_.reset();
    if (sender && !sender->done() && !loop().is_closed()) {
        complete_error(sender.get(),
                       std::make_exception_ptr(ConnectionError("Connection is closed by peer")));
    }
    channels().close(*this);
    const os::Descriptor socket(std::exchange(fd, -1));
    const std::shared_ptr<BaseProtocol> last = let_protocol_go();
    if (server_ != nullptr) std::exchange(server_, nullptr)->detach(*this);
    if (!Channel::queued) release(); // else on_io() does
}

// ---- facts --------------------------------------------------------------------------------------

namespace {

constexpr TransportSocket::Owner transport_owner{
    [](void* object) noexcept { static_cast<SelectorSocketTransport*>(object)->add_ref(); },
    [](void* object) noexcept { static_cast<SelectorSocketTransport*>(object)->release(); },
    [](const void* object) noexcept {
        return static_cast<const SelectorSocketTransport*>(object)->fileno();
    }};

} // namespace

void SelectorSocketTransport::find_extra_info(std::string_view name, const std::type_info& type,
                                              void* into) const {
    auto* self = const_cast<SelectorSocketTransport*>(this);
    const TransportSocket socket(self, transport_owner);
    try {
        static_cast<void>(
            tell(extra::socket, name, type, into, [&] { return socket; }) ||
            tell(extra::sockname, name, type, into, [&] { return socket.getsockname(); }) ||
            tell(extra::peername, name, type, into, [&] {
                const std::optional<Address> known = peer_.get();
                return known ? *known : socket.getpeername();
            }));
    } catch (const OSError&) {
        // Not connected any more, and nobody has asked before.
    }
}

std::string SelectorSocketTransport::text() const {
    std::string text = "<SocketTransport";
    if (!is_open()) return text + " closed>";
    if (closing_) text += " closing";
    text += " fd=" + std::to_string(fd);
    text += is_reading() ? " read=polling" : " read=idle";
    text += has_unsent() ? " write=<polling" : " write=<idle";
    return text + ", bufsize=" + std::to_string(get_write_buffer_size()) + ">>";
}

} // namespace asyncio::detail
