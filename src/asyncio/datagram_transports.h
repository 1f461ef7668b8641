// SPDX-License-Identifier: MIT
// Transports of datagram sockets.
#pragma once

#include "asyncio/channel_transports.h"
#include "base/chunk_pool.h"

#include <deque>

namespace asyncio::detail {

/// A socket of datagrams, of IP or Unix.
/// Source    CPython 3.14 selector_events._SelectorDatagramTransport.  Differs: several datagrams a
///           turn; one that is too large for the buffer is an error, and not given in part.
class SelectorDatagramTransport final : public ChannelTransport {
public:
    /// Takes the socket over; connection_made() is called in the next turn.
    ///
    /// remote    the only one that is sent to; none: anybody, or the peer of a connected socket
    /// Throws    TypeError: no DatagramProtocol. std::bad_alloc. The socket is closed then.
    static SelectorDatagramTransport* make(EventLoop& loop, Socket socket,
                                           std::shared_ptr<BaseProtocol> protocol,
                                           const Address& remote);

    void sendto(std::string_view data, const Address& to) override;
    std::size_t get_write_buffer_size() const override { return unsent_bytes_; }
    SendfileMode sendfile_mode() const noexcept override { return SendfileMode::unsupported; }

private:
    struct Unsent {
        std::string data;
        Address to; // none: the peer
    };

    SelectorDatagramTransport(EventLoop& loop, Socket socket,
                              std::shared_ptr<BaseProtocol> protocol, const Address& remote);
    ~SelectorDatagramTransport() override = default;
    void find_extra_info(std::string_view name, const std::type_info& type,
                         void* into) const override;

    const char* name() const noexcept override { return "DatagramTransport"; }
    std::uint32_t interest_at_first() const override {
        return unsent_.empty() ? Channels::edge_reads : Channels::edge_both;
    }
    void reading_resumed() override;
    void drop_unsent() noexcept override;
    void gone() noexcept override;

    static const Channel::Ops channel_ops;
    void on_io(std::uint32_t events);
    bool wants_datagrams() const noexcept { return readable_ && !closing_ && !paused_; }
    void read_ready();
    void receive_one();
    std::span<char> buffer();
    void give(std::string_view data, const Address& from);
    void tell_error(int error, const char* call, const Address& peer);
    void check_receiver(const Address& to) const;
    ssize_t send(std::string_view data, const Address& to) const noexcept;
    void keep_unsent(std::string_view data, const Address& to);
    void write_ready();
    void retry_later();

    const bool unix_;
    bool connected_ = false;
    bool readable_ = false; // as far as the poller has told
    Address remote_;
    std::size_t unsent_bytes_ = 0; // with what each counts besides
    std::deque<Unsent> unsent_;
    std::optional<TimerHandle> retry_;
    base::Chunk large_buffer_; // for Unix, whose datagrams may be larger than IP's
};

} // namespace asyncio::detail
