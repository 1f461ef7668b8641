// SPDX-License-Identifier: MIT
// Transports of connected sockets.
#pragma once

#include "asyncio/stream_transports.h"

namespace asyncio::detail {

class ServerState;

/// What a server knows its connections by.
struct ServerClient : base::ListNode {};

/// A connected socket.
/// Source    CPython 3.14 selector_events._SelectorSocketTransport.
class SelectorSocketTransport final : public StreamTransport, public ServerClient {
public:
    /// Takes the socket over; connection_made() is called in the next turn.
    ///
    /// server   whose connection it is; may be null
    /// Throws    TypeError: no protocol. std::bad_alloc. The socket is closed then.
    static SelectorSocketTransport* make(EventLoop& loop, os::Descriptor socket,
                                         std::shared_ptr<BaseProtocol> protocol,
                                         const Address& peer, ServerState* server);

    void write_eof() override;
    bool can_start_tls() const noexcept override { return true; }

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

private:
    SelectorSocketTransport(EventLoop& loop, os::Descriptor socket,
                            std::shared_ptr<BaseProtocol> protocol, const Address& peer,
                            ServerState* server);
    ~SelectorSocketTransport() override = default;
    void find_extra_info(std::string_view name, const std::type_info& type,
                         void* into) const override;

    const char* name() const noexcept override { return "SocketTransport"; }
    void received_eof() override;
    void read_failed(const std::exception_ptr& error) override;
    void refuse_write(const char* function) override;
    std::string peer_text() const override;
    void tell_sender() noexcept override;
    void gone() noexcept override;

    ServerState* server_;
    os::IpEndpoint peer_; // none: another family, whose name is asked for
};

} // namespace asyncio::detail
