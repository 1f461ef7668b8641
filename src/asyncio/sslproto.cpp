// SPDX-License-Identifier: MIT
// TLS over a transport: the handshake, bytes both ways, the end.
#include "asyncio/sslproto.h"

#include "asyncio/base_events.h"

#include <algorithm>
#include <array>

namespace asyncio::detail {

namespace {

constexpr auto handshake_timeout_default = std::chrono::seconds(60);
constexpr auto shutdown_timeout_default = std::chrono::seconds(30);
constexpr std::size_t send_bytes = 64 * 1024; // encrypted before they are sent on
constexpr std::uint8_t dropped_writes_before_warning = 5;

std::string seconds_text(Duration time) { return value_text_of(time.seconds().count()); }

} // namespace

SSLTransport::SSLTransport(EventLoop& loop, std::shared_ptr<BaseProtocol> protocol,
                           const TlsOptions& options, bool server_side, bool connected)
    : FlowControlTransport(loop, std::move(protocol)), made_(connected),
      engine_(options.context->wrap(server_side, options.server_hostname.value_or(""))),
      handshake_timeout_(options.handshake_timeout.value_or(handshake_timeout_default)),
      shutdown_timeout_(options.shutdown_timeout.value_or(shutdown_timeout_default)) {
    set_write_buffer_limits(std::nullopt, std::nullopt);
}

SSLTransport::~SSLTransport() {
    if (timer_) timer_->cancel();
}

// ---- the handshake ------------------------------------------------------------------------------

void SSLTransport::tell_when_ready(const Future<>& waiter) noexcept {
    waiter_ = StateRef(waiter.state());
}

void SSLTransport::start(Transport& below) {
    below_ = TransportRef(below);
    if (closed_) return below.abort();
    const auto* flow = dynamic_cast<const FlowControlTransport*>(&below);
    if (flow != nullptr && flow->is_protocol_paused()) {
        below_full_ = true;
        inherit_pause(); // our protocol was its protocol
    }
    state_ = State::handshake;
    try {
        const std::optional<Address> peer = below.get_extra_info(extra::peername);
        if (peer) engine_->set_peer(to_string(*peer));
        arm(handshake_timeout_, &SSLTransport::handshake_late);
    } catch (const std::bad_alloc&) {
        return handshake_failed(std::current_exception());
    }
    shake_hands();
}

void SSLTransport::shake_hands() {
    bool done = false;
    try {
        done = engine_->do_handshake();
    } catch (...) {
        return handshake_failed(std::current_exception());
    }
    send_outgoing();
    if (done) handshake_done();
}

void SSLTransport::handshake_done() {
    timer_->cancel();
    timer_.reset();
    state_ = State::wrapped;
    if (!made_) {
        made_ = true;
        try {
            protocol().connection_made(*this);
        } catch (...) {
            report_current("Exception in callback connection_made()");
        }
    }
    tell_waiter(nullptr);
    encrypt_kept();
    deliver(); // what has come behind the last record of the handshake
}

void SSLTransport::handshake_failed(const std::exception_ptr& error) {
    send_outgoing(true); // the alert: the peer is to know why
    const bool told = static_cast<bool>(waiter_);
    const bool visible = !told && (!is_exception<OSError>(error) || loop().get_debug());
    if (visible && !made_) report("Error on transport creation for incoming connection", error);
    error_ = error;
    end();
    tell_waiter(error);
}

void SSLTransport::tell_waiter(const std::exception_ptr& error) noexcept {
    const StateRef waiter = std::exchange(waiter_, {});
    if (!waiter || waiter->done()) return;
    if (error != nullptr) return complete_error(waiter.get(), error);
    waiter->cell.st = CellHead::value;
    complete(waiter.get());
}

// ---- receiving ----------------------------------------------------------------------------------

void SSLTransport::received(std::string_view bytes) {
    if (state_ == State::unwrapped) return;
    try {
        engine_->feed(bytes);
    } catch (const std::bad_alloc&) {
        return fail(std::current_exception(), "Fatal error: no memory to receive into");
    }
    switch (state_) {
    case State::handshake: return shake_hands();
    case State::wrapped: return deliver();
    case State::flushing: return drop_received();
    case State::shutdown: return shut_down();
    default: return;
    }
}

// Returns whether the transport below stays open: this closes it.
bool SSLTransport::received_eof() {
    if (state_ == State::idle || state_ == State::unwrapped) return false;
    peer_ended_ = true;
    engine_->feed_eof();
    if (state_ == State::handshake) {
        handshake_failed(std::make_exception_ptr(
            ConnectionResetError(ECONNRESET, "do_handshake", "the peer ended the connection")));
    } else if (state_ == State::wrapped) {
        deliver();
    } else if (state_ == State::shutdown) {
        shut_down();
    }
    return true;
}

void SSLTransport::deliver() {
    while (state_ == State::wrapped && !paused_ && deliver_some()) {
    }
    if (state_ != State::wrapped) return;
    send_outgoing(); // answers of TLS itself
    pace_below();
}

// Returns whether there may be more.
bool SSLTransport::deliver_some() {
    std::size_t bytes = 0;
    std::span<char> buffer;
    try {
        if (is_buffered()) {
            const std::span<std::byte> theirs = buffered().get_buffer(-1);
            if (theirs.empty()) throw RuntimeError("get_buffer() returned an empty buffer");
            buffer = {reinterpret_cast<char*>(theirs.data()), theirs.size()};
        } else {
            buffer = Channels::of(loop()).read_buffer();
        }
        bytes = fill(buffer);
        if (bytes > 0 && is_buffered()) buffered().buffer_updated(bytes);
        if (bytes > 0 && !is_buffered()) streaming().data_received({buffer.data(), bytes});
    } catch (...) {
        const std::exception_ptr error = std::current_exception();
        if (is_exception<KeyboardInterrupt>(error) || is_exception<SystemExit>(error)) throw;
        fail(error, "Fatal error: the protocol failed to take what was received");
        return false;
    }
    if (bytes == buffer.size()) return true;
    if (state_ != State::wrapped) return false;
    if (read_error_ != nullptr) {
        fail(std::exchange(read_error_, nullptr), "Fatal error on SSL protocol");
    } else if (read_end_) {
        peer_has_ended();
    }
    return false;
}

// Decrypts as much as there is room for. What is found behind it waits until that is delivered.
std::size_t SSLTransport::fill(std::span<char> buffer) {
    std::size_t filled = 0;
    try {
        while (filled < buffer.size() && !read_end_ && read_error_ == nullptr) {
            const std::optional<std::size_t> bytes = engine_->read(buffer.subspan(filled));
            if (!bytes) break;
            read_end_ = *bytes == 0;
            filled += *bytes;
        }
    } catch (const std::exception&) {
        read_error_ = std::current_exception();
    }
    return filled;
}

void SSLTransport::peer_has_ended() {
    if (!eof_told_) {
        eof_told_ = true;
        try {
            if (tell_eof()) {
                log(LogLevel::warning,
                    "returning true from eof_received() has no effect when using ssl");
            }
        } catch (...) {
            const std::exception_ptr error = std::current_exception();
            if (is_exception<KeyboardInterrupt>(error) || is_exception<SystemExit>(error)) throw;
            return fail(error, "Error calling eof_received()");
        }
    }
    close();
}

// Nobody wants it any more, but it must not fill the memory, and TLS may have to answer it.
void SSLTransport::drop_received() {
    if (peer_ended_) return; // without a word perhaps, but it may still take what is on its way
    std::array<char, 16 * 1024> dropped;
    while (state_ == State::flushing && fill(dropped) == dropped.size()) {
    }
    if (read_error_ != nullptr) {
        return fail(std::exchange(read_error_, nullptr), "Fatal error on SSL protocol");
    }
    send_outgoing();
    pace_below();
}

void SSLTransport::resume_reading() {
    if (!paused_) return;
    if (state_ == State::wrapped) {
        loop().call_soon([self = TransportRef(*this), this] { deliver(); });
    }
    paused_ = false;
}

// The transport below reads while little of what it has brought is left over.
void SSLTransport::pace_below() {
    if (!below_ || below_->is_closing()) return;
    const std::size_t waiting = engine_->fed_size();
    if (waiting >= read_high_ && !below_paused_) {
        below_paused_ = true;
        below_->pause_reading();
    } else if (waiting <= read_low_ && below_paused_) {
        below_paused_ = false;
        below_->resume_reading();
    }
}

void SSLTransport::set_read_buffer_limits(std::optional<std::ptrdiff_t> high,
                                          std::optional<std::ptrdiff_t> low) {
    const auto [lower, upper] = checked_marks(high, low, 256 * 1024);
    read_low_ = lower;
    read_high_ = upper;
    pace_below();
}

// ---- sending ------------------------------------------------------------------------------------

bool SSLTransport::drops_write() {
    if (!is_closing() && state_ <= State::wrapped) return false;
    if (dropped_writes_ < dropped_writes_before_warning) ++dropped_writes_;
    if (dropped_writes_ == dropped_writes_before_warning) {
        log(LogLevel::warning, "SSL connection is closed");
    }
    return true;
}

void SSLTransport::writelines(std::span<const std::string_view> pieces) {
    if (drops_write()) return;
    for (std::string_view piece : pieces) {
        if (state_ == State::wrapped && unencrypted_.empty()) piece.remove_prefix(encrypt(piece));
        keep(piece);
    }
    send_outgoing();
    maybe_pause_protocol(get_write_buffer_size());
}

// Encrypts while the transport below has room: what is encrypted cannot be taken back, and takes
// memory once more.
std::size_t SSLTransport::encrypt(std::string_view plain) {
    std::size_t done = 0;
    try {
        while (done < plain.size() && !below_full_) {
            const std::size_t bytes = engine_->write(plain.substr(done, send_bytes));
            if (bytes == 0) break;
            done += bytes;
            if (engine_->outgoing().size() >= send_bytes) send_outgoing();
        }
    } catch (const std::exception&) {
        fail(std::current_exception(), "Fatal error on SSL protocol");
        return plain.size();
    }
    return done;
}

void SSLTransport::keep(std::string_view plain) {
    if (plain.empty() || state_ == State::unwrapped) return;
    try {
        unencrypted_.append(plain);
    } catch (const std::bad_alloc&) { // what follows it must not be sent
        fail(std::current_exception(), "Fatal error: what is to be sent cannot be kept");
    }
}

void SSLTransport::encrypt_kept() {
    if (!unencrypted_.empty()) {
        unencrypted_.consume(encrypt(unencrypted_.view()));
        if (unencrypted_.empty()) unencrypted_.shrink();
    }
    send_outgoing();
}

void SSLTransport::send_outgoing(bool although_full) {
    if (!below_ || (below_full_ && !although_full)) return;
    const std::string_view bytes = engine_->outgoing();
    if (bytes.empty()) return;
    if (!below_->is_closing()) below_->write(bytes);
    engine_->consume_outgoing(bytes.size());
}

void SSLTransport::below_has_room() {
    below_full_ = false;
    if (state_ == State::unwrapped) return;
    if (state_ == State::handshake) return send_outgoing();
    encrypt_kept();
    if (state_ == State::wrapped) maybe_resume_protocol(get_write_buffer_size());
    if (state_ == State::flushing) flush();
}

// ---- the end ------------------------------------------------------------------------------------

void SSLTransport::close() {
    if (closed_) return;
    closed_ = true;
    if (state_ == State::wrapped && !loop().is_closed()) return begin_shutdown();
    if (state_ == State::wrapped || state_ == State::handshake) end();
}

void SSLTransport::abort() {
    closed_ = true;
    end();
}

void SSLTransport::begin_shutdown() {
    state_ = State::flushing;
    try {
        arm(shutdown_timeout_, &SSLTransport::shutdown_late);
    } catch (const std::exception&) { // without it the end could take for ever
        return fail(std::current_exception(), "Fatal error: no memory to close in good order");
    }
    flush();
}

void SSLTransport::flush() {
    encrypt_kept();
    if (state_ != State::flushing || !unencrypted_.empty()) return drop_received();
    state_ = State::shutdown;
    shut_down();
}

void SSLTransport::shut_down() {
    bool done = peer_ended_;
    try {
        done = engine_->unwrap() || done;
    } catch (const std::exception&) {
        if (!peer_ended_) {
            return fail(std::current_exception(), "Fatal error on SSL protocol");
        }
    }
    send_outgoing(done);
    if (done) {
        below_->close(); // it sends the rest; the timer still runs
    } else {
        pace_below();
    }
}

void SSLTransport::arm(Duration time, void (SSLTransport::*late)()) {
    // LIFETIME: it is cancelled before this goes. A count here would be a circle.
    timer_ = loop().call_later(time, [this, late] {
        const TransportRef keep(*this);
        (this->*late)();
    });
}

void SSLTransport::handshake_late() {
    if (state_ != State::handshake) return;
    handshake_failed(std::make_exception_ptr(ConnectionAbortedError(
        "SSL handshake is taking longer than " + seconds_text(handshake_timeout_) +
        " seconds: aborting the connection")));
}

void SSLTransport::shutdown_late() {
    if (state_ == State::unwrapped) return;
    fail(std::make_exception_ptr(TimeoutError("SSL shutdown timed out")), "SSL shutdown timed out");
}

void SSLTransport::fail(const std::exception_ptr& error, const char* message) {
    if (state_ == State::unwrapped) return;
    if (!is_exception<OSError>(error)) {
        report(message, error);
    } else if (loop().get_debug()) {
        log(LogLevel::debug, text() + ": " + message + ": " + repr(error));
    }
    send_outgoing(); // an alert
    error_ = error;
    end();
}

// The transport below is dropped; connection_lost() comes when it is gone.
void SSLTransport::end() {
    if (state_ == State::unwrapped) return;
    closed_ = true;
    state_ = State::unwrapped;
    unencrypted_ = base::ByteBuffer();
    if (timer_) timer_->cancel();
    timer_.reset();
    if (below_) below_->abort();
}

void SSLTransport::below_is_lost(const std::exception_ptr& error) {
    const std::exception_ptr cause = error_ != nullptr ? error_ : error;
    end();
    below_ = TransportRef();
    if (waiter_) {
        tell_waiter(cause != nullptr ? cause
                                     : std::make_exception_ptr(ConnectionAbortedError(
                                           "the connection was closed during the SSL handshake")));
    }
    if (!made_) return static_cast<void>(let_protocol_go());
    try {
        loop().call_soon([self = TransportRef(*this), this, cause] { lose_connection(cause); });
    } catch (const std::bad_alloc&) {
        lose_connection(cause);
    }
}

void SSLTransport::lose_connection(const std::exception_ptr& error) {
    struct LetGo { // also after an interrupt
        SSLTransport& self;
        ~LetGo() { const std::shared_ptr<BaseProtocol> last = self.let_protocol_go(); }
    } let_go_at_end{*this};
    try {
        protocol().connection_lost(error);
    } catch (...) {
        report_current("Exception in callback connection_lost()");
    }
}

// ---- facts --------------------------------------------------------------------------------------

void SSLTransport::find_extra_info(std::string_view name, const std::type_info& type,
                                   void* into) const {
    if (!engine_->find_extra_info(name, type, into) && below_) ask(*below_, name, type, into);
}

std::string SSLTransport::text() const {
    std::string text = "<SSLTransport";
    if (is_closing()) text += " closing";
    if (below_) text += " over " + below_->text();
    return text + ">";
}

} // namespace asyncio::detail
