// SPDX-License-Identifier: MIT
// A transport's life: made, told of, failed, lost.
#include "asyncio/channel_transports.h"

namespace asyncio::detail {

namespace {

constexpr std::uint8_t dropped_writes_before_warning = 5;

} // namespace

// ---- the beginning ------------------------------------------------------------------------------

ChannelTransport::ChannelTransport(EventLoop& loop, os::Descriptor descriptor,
                                   std::shared_ptr<BaseProtocol> protocol,
                                   const Channel::Ops& operations, Carries what)
    : FlowControlTransport(loop, std::move(protocol), what),
      Hop(
          [](Hop* hop) {
              auto* self = static_cast<ChannelTransport*>(hop);
              self->hop_queued_ = false;
              self->made_ ? self->lose_connection() : self->make_connection();
          },
          [](Hop* hop) noexcept { static_cast<ChannelTransport*>(hop)->let_go(); }),
      Channel(operations), context_(std::as_const(current_context())) {
    // Made before it is asked for; if that fails, the descriptor is still its owner's.
    Channels::of(loop);
    fd = descriptor.release();
}

// Open still: what it was to become has failed to be made.
ChannelTransport::~ChannelTransport() { const os::Descriptor descriptor(fd); }

void ChannelTransport::start() noexcept {
    hop_queued_ = true;
    queue_hop(loop().core(), this);
}

ChannelTransport::Busy& ChannelTransport::busy() {
    if (busy_ == nullptr) busy_ = std::make_unique<Busy>();
    return *busy_;
}

void ChannelTransport::tell_when_made(const Future<>& waiter) {
    busy().made = StateRef(waiter.state());
}

void ChannelTransport::make_connection() {
    made_ = true;
    struct Leave { // also by an interrupt
        ChannelTransport& self;
        ~Leave() {
            if (self.end_queued_) self.queue_end(); // it was aborted before it was made
        }
    } leave{*this};
    try {
        const InContext context(*this);
        protocol().connection_made(*this);
    } catch (...) {
        report_current("Exception in callback connection_made()");
    }
    begin();
    const StateRef waiter = busy_ != nullptr ? std::exchange(busy_->made, {}) : StateRef();
    if (busy_ != nullptr && busy_->unsent.empty()) busy_.reset();
    if (!waiter || waiter->done()) return;
    waiter->cell.st = CellHead::value;
    complete(waiter.get());
}

void ChannelTransport::begin() {
    if (end_queued_) return;
    try {
        if (const std::uint32_t wanted = interest_at_first()) channels().open(*this, wanted);
    } catch (const std::exception&) { // no memory, or too many watches
        fail(std::current_exception(), "Fatal error: the descriptor cannot be watched");
    }
}

// ---- reading ------------------------------------------------------------------------------------

void ChannelTransport::pause_reading() {
    if (is_reading()) paused_ = true;
}

void ChannelTransport::resume_reading() {
    if (closing_ || !paused_) return;
    paused_ = false;
    reading_resumed();
}

// ---- the end ------------------------------------------------------------------------------------

void ChannelTransport::close() {
    if (closing_) return;
    closing_ = true;
    if (get_write_buffer_size() == 0) queue_end();
}

// In a catch (...) clause.
void ChannelTransport::protocol_failed(const char* message) {
    const std::exception_ptr error = std::current_exception();
    if (is_exception<KeyboardInterrupt>(error) || is_exception<SystemExit>(error)) throw;
    fail(error, message);
}

void ChannelTransport::fail(const std::exception_ptr& error, const char* message) {
    if (!is_exception<OSError>(error)) {
        report(message, error);
    } else if (loop().get_debug()) {
        log(LogLevel::debug, text() + ": " + message + ": " + repr(error));
    }
    force_close(error);
}

void ChannelTransport::drop_unsent() noexcept {
    if (busy_ != nullptr) busy_->unsent = base::ByteBuffer();
}

void ChannelTransport::force_close(const std::exception_ptr& error) {
    if (end_queued_) return;
    drop_unsent();
    closing_ = true;
    error_ = error;
    queue_end();
}

void ChannelTransport::queue_end() {
    end_queued_ = true;
    if (hop_queued_) return; // connection_made() is still to come
    hop_queued_ = true;
    queue_hop(loop().core(), this);
}

void ChannelTransport::lose_connection() {
    end_queued_ = true;
    struct LetGo { // also after an interrupt
        ChannelTransport& self;
        ~LetGo() { self.let_go(); }
    } let_go_at_end{*this};
    try {
        const InContext context(*this);
        protocol().connection_lost(error_);
    } catch (...) {
        report_current("Exception in callback connection_lost()");
    }
}

void ChannelTransport::at_close(Channel& channel) noexcept {
    auto& self = static_cast<ChannelTransport&>(channel);
    if (self.loop().get_debug()) {
        try {
            log(LogLevel::warning, "unclosed transport " + self.text());
        } catch (const std::bad_alloc&) {
            log(LogLevel::warning, "unclosed transport");
        }
    }
    self.closing_ = self.end_queued_ = true;
    self.let_go();
}

// The loop's part is over. Called once; what is called afterwards finds the transport closing.
void ChannelTransport::let_go() noexcept {
    closing_ = end_queued_ = true;
    drop_unsent();
    const StateRef sender = busy_ != nullptr ? std::exchange(busy_->sent, {}) : StateRef();
    busy_.reset();
    if (sender && !sender->done() && !loop().is_closed()) {
        complete_error(sender.get(),
                       std::make_exception_ptr(ConnectionError("Connection is closed by peer")));
    }
    channels().close(*this);
    const os::Descriptor descriptor(std::exchange(fd, -1));
    const std::shared_ptr<BaseProtocol> last = let_protocol_go();
    gone();
    if (!Channel::queued) release(); // else on_io() does
}

bool ChannelTransport::is_dropped_too_often() noexcept {
    if (dropped_writes_ < dropped_writes_before_warning) ++dropped_writes_;
    return dropped_writes_ == dropped_writes_before_warning;
}

// ---- facts --------------------------------------------------------------------------------------

namespace {

constexpr TransportSocket::Owner transport_owner{
    [](void* object) noexcept { static_cast<ChannelTransport*>(object)->add_ref(); },
    [](void* object) noexcept { static_cast<ChannelTransport*>(object)->release(); },
    [](const void* object) noexcept {
        return static_cast<const ChannelTransport*>(object)->fileno();
    }};

} // namespace

TransportSocket socket_of(ChannelTransport& transport) noexcept {
    return TransportSocket(&transport, transport_owner);
}

std::string ChannelTransport::text() const {
    std::string text = std::string("<") + name();
    if (!is_open()) return text + " closed>";
    if (closing_) text += " closing";
    text += " fd=" + std::to_string(fd);
    text += is_reading() ? " read=polling" : " read=idle";
    const std::size_t unsent = get_write_buffer_size();
    text += unsent != 0 ? " write=<polling" : " write=<idle";
    return text + ", bufsize=" + std::to_string(unsent) + ">>";
}

} // namespace asyncio::detail
