// SPDX-License-Identifier: MIT
// Transports of sockets on epoll: read when the kernel says so, write at once what goes.
#pragma once

#include "asyncio/channels.h"
#include "asyncio/futures.h"
#include "asyncio/transports.h"
#include "base/byte_buffer.h"

namespace asyncio::detail {

class ServerState;

/// What a server knows its connections by.
struct ServerClient : base::ListNode {};

/// A connected socket, read and written edge-triggered.
///
/// Counts: the loop's, until connection_lost() was called; those of TransportRefs.
/// Source    CPython 3.14 selector_events._SelectorSocketTransport.
class SelectorSocketTransport final : public FlowControlTransport,
                                      public ServerClient,
                                      Hop,
                                      Channel {
public:
    /// Takes the socket over; connection_made() is called in the next turn.
    ///
    /// server   whose connection it is; may be null
    /// Throws    TypeError: no protocol. std::bad_alloc. The socket is closed then.
    static SelectorSocketTransport* make(EventLoop& loop, os::Descriptor socket,
                                         std::shared_ptr<BaseProtocol> protocol,
                                         const Address& peer, ServerState* server);

    /// Told when connection_made() has been called and reading has begun.
    void tell_when_made(const Future<>& waiter);

    void close() override;
    bool is_closing() const noexcept override { return closing_; }
    bool is_reading() const override { return !closing_ && !paused_; }
    void pause_reading() override;
    void resume_reading() override;
    void write(std::string_view data) override;
    void writelines(std::span<const std::string_view> pieces) override;
    void write_eof() override;
    bool can_write_eof() const noexcept override { return true; }
    void abort() override { force_close(nullptr); }
    std::size_t get_write_buffer_size() const override {
        return busy_ != nullptr ? busy_->unsent.size() : 0;
    }
    std::string text() const override;
    bool can_start_tls() const noexcept override { return true; }

    int fileno() const noexcept { return fd; } // -1: closed

    // For loop.sendfile().
    SendfileMode sendfile_mode() const noexcept override { return SendfileMode::native; }
    /// Nothing else may be written until release_writing(). Throws RuntimeError: it is already so.
    void reserve_writing();
    void release_writing() noexcept { writing_reserved_ = false; }
    /// A future that is done when all that was written has gone, and fails with a ConnectionError
    /// when the connection is lost.
    Future<> all_sent();
    /// The same for room to send more, after it was seen that there is none.
    Future<> room_to_send();
    /// Ends the connection with an error, which is reported unless it is an OSError.
    void fail(const std::exception_ptr& error, const char* message);

    static void* operator new(std::size_t bytes) { return base::StatePool::take(bytes); }
    static void operator delete(void* memory, std::size_t bytes) noexcept {
        base::StatePool::give(memory, bytes);
    }

private:
    /// What a transport needs that has more to do than to receive.
    struct Busy {
        base::ByteBuffer unsent;
        StateRef made; // who waits for connection_made()
        StateRef sent; // who has reserved writing, and waits
    };

    SelectorSocketTransport(EventLoop& loop, os::Descriptor socket,
                            std::shared_ptr<BaseProtocol> protocol, const Address& peer,
                            ServerState* server);
    ~SelectorSocketTransport() override = default;
    void destroy() noexcept override { delete this; }
    void find_extra_info(std::string_view name, const std::type_info& type,
                         void* into) const override;

    static const Channel::Ops channel_ops;
    void on_io(std::uint32_t events);
    bool wants_bytes() const noexcept { return readable_ && !closing_ && !paused_ && !read_eof_; }
    void read_ready();
    void receive_for_protocol();
    void receive_into_protocol();
    std::size_t receive(std::span<char> buffer);
    void received_eof();
    void write_ready();
    void all_is_sent();
    bool drops_write(const char* function);
    bool is_unsent(std::size_t size, ssize_t& sent);
    void keep_rest(std::span<const std::string_view> pieces, std::size_t sent);
    void keep_unsent(std::string_view rest);
    void watch_writing();
    void tell_sender() noexcept;
    void make_connection();
    void begin_to_read();
    void protocol_failed(const char* message);
    void force_close(const std::exception_ptr& error);
    void queue_end();
    void lose_connection();
    void let_go() noexcept;
    std::exception_ptr error_of(ssize_t result, const char* call) const;
    bool has_unsent() const noexcept { return busy_ != nullptr && !busy_->unsent.empty(); }
    bool is_open() const noexcept { return fd >= 0; }
    Busy& busy();
    EventLoop& loop() const noexcept;
    Channels& channels() const noexcept;

    bool closing_ : 1 = false;
    bool paused_ : 1 = false;
    bool made_ : 1 = false; // connection_made() was called
    bool end_queued_ : 1 = false; // connection_lost() is to come
    bool hop_queued_ : 1 = false;
    bool readable_ : 1 = false; // as far as the poller has told
    bool hung_up_ : 1 = false; // no further event will tell of the end
    bool read_eof_ : 1 = false;
    bool write_eof_ : 1 = false;
    bool writing_reserved_ : 1 = false;
    std::uint8_t dropped_writes_ = 0;
    ServerState* server_;
    ContextSlot context_;
    std::exception_ptr error_;
    std::unique_ptr<Busy> busy_;
    os::IpEndpoint peer_; // none: another family, whose name is asked for
};

} // namespace asyncio::detail
