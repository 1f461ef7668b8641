// SPDX-License-Identifier: MIT
// TLS between a transport and a protocol: SSLProtocol, and the transport that its protocol sees.
#pragma once

#include "asyncio/connection_options.h"
#include "asyncio/futures.h"
#include "asyncio/tls_engine.h"
#include "asyncio/transports.h"
#include "base/byte_buffer.h"

namespace asyncio::detail {

/// What the program's protocol writes to. It holds bytes of both kinds: plain ones that were
/// written and are not encrypted yet, and those that have come and are not decrypted yet.
///
/// Counts: one of its SSLProtocol, those of TransportRefs.
/// Source    CPython 3.14 sslproto._SSLProtocolTransport, and SSLProtocol.  Differs: an end without
///           close_notify is an error; after close() nothing is delivered; the alert of a handshake
///           that failed is sent.
class SSLTransport final : public FlowControlTransport {
public:
    /// connected   the protocol knows of the connection already: no connection_made() for it
    /// Throws    what the context's wrap() throws. TypeError: no protocol.
    SSLTransport(EventLoop& loop, std::shared_ptr<BaseProtocol> protocol, const TlsOptions& options,
                 bool server_side, bool connected);

    /// Told when the handshake is done, or why it is not.
    void tell_when_ready(const Future<>& waiter) noexcept;

    // What SSLProtocol passes on of the transport below.

    void start(Transport& below);
    void received(std::string_view bytes);
    bool received_eof();
    void below_is_lost(const std::exception_ptr& error);
    void below_is_full() noexcept { below_full_ = true; }
    void below_has_room();

    void close() override;
    bool is_closing() const noexcept override {
        return closed_ || (below_ && below_->is_closing());
    }
    bool is_reading() const override { return !is_closing() && !paused_; }
    void pause_reading() override { paused_ = true; }
    void resume_reading() override;
    void write(std::string_view data) override { writelines({&data, 1}); }
    void writelines(std::span<const std::string_view> pieces) override;
    void abort() override;
    std::size_t get_write_buffer_size() const override {
        return unencrypted_.size() + engine_->outgoing().size();
    }
    std::string text() const override;
    bool can_start_tls() const noexcept override { return true; }

    void set_read_buffer_limits(std::optional<std::ptrdiff_t> high,
                                std::optional<std::ptrdiff_t> low) override;
    std::pair<std::size_t, std::size_t> get_read_buffer_limits() const override {
        return {read_low_, read_high_};
    }
    std::size_t get_read_buffer_size() const override { return engine_->fed_size(); }

private:
    enum class State : std::uint8_t {
        idle, // no transport below yet
        handshake,
        wrapped, // bytes go both ways
        flushing, // closed; what was written still goes
        shutdown, // close_notify is sent, or waits for room; the peer's is waited for
        unwrapped, // the end
    };

    ~SSLTransport() override;
    void destroy() noexcept override { delete this; }
    void find_extra_info(std::string_view name, const std::type_info& type,
                         void* into) const override;
    std::ptrdiff_t default_high_water() const noexcept override { return 512 * 1024; }

    void shake_hands();
    void handshake_done();
    void handshake_failed(const std::exception_ptr& error);
    void tell_waiter(const std::exception_ptr& error) noexcept;

    void deliver();
    bool deliver_some();
    std::size_t fill(std::span<char> buffer);
    void give(std::size_t bytes);
    void peer_has_ended();
    void drop_received();
    void pace_below();

    bool drops_write();
    std::size_t encrypt(std::string_view plain);
    void encrypt_kept();
    void keep(std::string_view plain);
    void send_outgoing(bool although_full = false);

    void begin_shutdown();
    void flush();
    void shut_down();
    void arm(Duration time, void (SSLTransport::*late)());
    void handshake_late();
    void shutdown_late();
    void fail(const std::exception_ptr& error, const char* message);
    void end();
    void lose_connection(const std::exception_ptr& error);

    State state_ = State::idle;
    bool closed_ : 1 = false; // by either side
    bool paused_ : 1 = false; // by the protocol: deliver nothing
    bool made_ : 1; // the protocol knows of the connection
    bool eof_told_ : 1 = false;
    bool peer_ended_ : 1 = false; // the transport below has come to its end
    bool read_end_ : 1 = false; // close_notify has come
    bool below_full_ : 1 = false; // it has asked to write no more
    bool below_paused_ : 1 = false; // by this
    std::uint8_t dropped_writes_ = 0;
    std::uint32_t read_high_ = 256 * 1024;
    std::uint32_t read_low_ = 64 * 1024;
    std::unique_ptr<TlsEngine> engine_;
    TransportRef below_; // from start() until it is lost
    base::ByteBuffer unencrypted_;
    std::optional<TimerHandle> timer_; // of the handshake, then of the end
    StateRef waiter_;
    std::exception_ptr error_; // what the connection is to be lost with
    std::exception_ptr read_error_; // found behind bytes that are delivered first
    Duration handshake_timeout_;
    Duration shutdown_timeout_;
};

/// What the transport below has as its protocol.
/// Source    CPython 3.14 sslproto.SSLProtocol.
class SSLProtocol final : public Protocol {
public:
    /// Takes a count over.
    explicit SSLProtocol(SSLTransport* transport) noexcept
        : transport_(base::Counted<SSLTransport>::adopt(transport)) {}

    SSLTransport& transport() const noexcept { return *transport_; }

    void connection_made(Transport& below) override { transport_->start(below); }
    void connection_lost(std::exception_ptr error) override { transport_->below_is_lost(error); }
    void data_received(std::string_view bytes) override { transport_->received(bytes); }
    bool eof_received() override { return transport_->received_eof(); }
    void pause_writing() override { transport_->below_is_full(); }
    void resume_writing() override { transport_->below_has_room(); }

private:
    base::Counted<SSLTransport> transport_;
};

/// TLS for `protocol`: to be set as the protocol of a transport.
/// Throws    as SSLTransport.
std::shared_ptr<SSLProtocol> make_ssl_protocol(EventLoop& loop,
                                               std::shared_ptr<BaseProtocol> protocol,
                                               const TlsOptions& options, bool server_side,
                                               bool connected = false);

/// The transport that the program sees: `transport`, or the TLS over it, or the TLS over that.
Transport& outermost(Transport& transport) noexcept;

} // namespace asyncio::detail
