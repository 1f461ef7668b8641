// SPDX-License-Identifier: MIT
// What transports have in common: marks, pauses, reports.
#include "asyncio/transports.h"

#include "asyncio/base_events.h"
#include "asyncio/channels.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace asyncio {

bool Transport::is_reading() const { throw NotImplementedError("this transport does not read"); }
void Transport::pause_reading() { throw NotImplementedError("this transport does not read"); }
void Transport::resume_reading() { throw NotImplementedError("this transport does not read"); }
void Transport::set_read_buffer_limits(std::optional<std::ptrdiff_t>,
                                       std::optional<std::ptrdiff_t>) {
    throw NotImplementedError("this transport keeps nothing that it has read");
}
std::pair<std::size_t, std::size_t> Transport::get_read_buffer_limits() const {
    throw NotImplementedError("this transport keeps nothing that it has read");
}
std::size_t Transport::get_read_buffer_size() const {
    throw NotImplementedError("this transport keeps nothing that it has read");
}

namespace {

[[noreturn]] void throw_no_writing() { throw NotImplementedError("this transport does not write"); }

} // namespace

void Transport::write(std::string_view) { throw_no_writing(); }
void Transport::writelines(std::span<const std::string_view> pieces) {
    for (const std::string_view piece : pieces) write(piece);
}
void Transport::write_eof() { throw NotImplementedError("this transport cannot end its writing"); }
void Transport::abort() { throw_no_writing(); }
void Transport::set_write_buffer_limits(std::optional<std::ptrdiff_t>,
                                        std::optional<std::ptrdiff_t>) {
    throw_no_writing();
}
std::pair<std::size_t, std::size_t> Transport::get_write_buffer_limits() const {
    throw_no_writing();
}
std::size_t Transport::get_write_buffer_size() const { throw_no_writing(); }
void Transport::sendto(std::string_view, const Address&) {
    throw NotImplementedError("this transport carries no datagrams");
}

namespace detail {

namespace {

ProtocolKind kind_of(const BaseProtocol* protocol, bool datagrams) {
    if (datagrams) {
        if (dynamic_cast<const DatagramProtocol*>(protocol)) return ProtocolKind::datagrams;
        throw TypeError("a transport of datagrams needs a DatagramProtocol");
    }
    if (dynamic_cast<const BufferedProtocol*>(protocol)) return ProtocolKind::buffered;
    if (dynamic_cast<const Protocol*>(protocol)) return ProtocolKind::streaming;
    throw TypeError("a transport needs a Protocol or a BufferedProtocol");
}

std::uint32_t mark(std::ptrdiff_t bytes) noexcept {
    constexpr auto most = static_cast<std::ptrdiff_t>(std::numeric_limits<std::uint32_t>::max());
    return static_cast<std::uint32_t>(std::min(bytes, most));
}

} // namespace

FlowControlTransport::FlowControlTransport(EventLoop& loop, std::shared_ptr<BaseProtocol> protocol,
                                           Carries what)
    : kind_(kind_of(protocol.get(), what == Carries::datagrams)), loop_(loop.core().index),
      protocol_(std::move(protocol)) {}

EventLoop& FlowControlTransport::loop() const noexcept { return EventLoop::of(*loop_table[loop_]); }

// The one before may be what calls: it goes when the loop is back in its own code.
void FlowControlTransport::set_protocol(std::shared_ptr<BaseProtocol> protocol) {
    const ProtocolKind kind = kind_of(protocol.get(), carries_datagrams());
    if (protocol_ != nullptr) Channels::of(loop()).dispose_later(protocol_);
    protocol_ = std::move(protocol);
    kind_ = kind;
}

std::pair<std::uint32_t, std::uint32_t>
FlowControlTransport::checked_marks(std::optional<std::ptrdiff_t> high,
                                    std::optional<std::ptrdiff_t> low,
                                    std::ptrdiff_t high_default) {
    const std::ptrdiff_t upper = high ? *high : low ? 4 * *low : high_default;
    const std::ptrdiff_t lower = low ? *low : upper / 4;
    if (upper < lower || lower < 0) {
        throw ValueError("high (" + std::to_string(upper) + ") must be >= low (" +
                         std::to_string(lower) + ") must be >= 0");
    }
    return {mark(lower), mark(upper)};
}

void FlowControlTransport::set_write_buffer_limits(std::optional<std::ptrdiff_t> high,
                                                   std::optional<std::ptrdiff_t> low) {
    std::tie(low_, high_) = checked_marks(high, low, default_high_water());
    maybe_pause_protocol(get_write_buffer_size());
}

void FlowControlTransport::pause_protocol() {
    protocol_paused_ = true;
    try {
        protocol_->pause_writing();
    } catch (...) {
        report_current("protocol.pause_writing() failed");
    }
}

void FlowControlTransport::resume_protocol() {
    protocol_paused_ = false;
    try {
        protocol_->resume_writing();
    } catch (...) {
        report_current("protocol.resume_writing() failed");
    }
}

void FlowControlTransport::report(std::string message, std::exception_ptr error) const noexcept {
    try {
        ExceptionContext context;
        context.message = std::move(message);
        context.exception = std::move(error);
        context.more.emplace_back("transport", text());
        loop().call_exception_handler(context);
    } catch (...) {
        log(LogLevel::error, "an error of a connection, and another in its report");
    }
}

void FlowControlTransport::report_current(const char* message) const {
    const std::exception_ptr error = std::current_exception();
    if (is_exception<KeyboardInterrupt>(error) || is_exception<SystemExit>(error)) throw;
    report(message, error);
}

} // namespace detail

} // namespace asyncio
