// SPDX-License-Identifier: MIT
// Transports of bytes on epoll: read when the kernel says so, write at once what goes.
#pragma once

#include "asyncio/channel_transports.h"

namespace asyncio::detail {

/// What sockets and pipes have in common: a descriptor that is read and written edge-triggered.
class StreamTransport : public ChannelTransport {
public:
    void write(std::string_view data) override;
    void writelines(std::span<const std::string_view> pieces) override;
    bool can_write_eof() const noexcept override { return true; }
    std::size_t get_write_buffer_size() const final {
        return busy_ != nullptr ? busy_->unsent.size() : 0;
    }

protected:
    /// How bytes are moved. A stream socket has no more to give when it gives less than there is
    /// room for; a terminal may have further lines, and others further packets.
    enum class Medium : bool { stream_socket, other };

    StreamTransport(EventLoop& loop, os::Descriptor descriptor,
                    std::shared_ptr<BaseProtocol> protocol, const Channel::Ops& operations,
                    Medium medium);
    ~StreamTransport() override = default;

    // What the kinds of streams do differently.

    /// The peer will send no more.
    virtual void received_eof() = 0;
    virtual void read_failed(const std::exception_ptr& error) = 0;
    /// write() after the end, or before its time: throws, or returns, and it is dropped.
    virtual void refuse_write(const char* function) = 0;
    /// Who is at the other end, for errors.
    virtual std::string peer_text() const = 0;
    /// Who has reserved writing can go on.
    virtual void tell_sender() noexcept {}

    static const Channel::Ops channel_ops; // of one that is read
    void on_io(std::uint32_t events);
    std::uint32_t interest_at_first() const override {
        return has_unsent() ? Channels::edge_both : Channels::edge_reads;
    }
    void reading_resumed() final;
    bool tell_eof_received();
    void write_ready();
    bool has_unsent() const noexcept { return busy_ != nullptr && !busy_->unsent.empty(); }
    std::exception_ptr error_of(ssize_t result, const char* call) const;

    bool readable_ : 1 = false; // as far as the poller has told
    bool hung_up_ : 1 = false; // no further event will tell of the end
    bool read_eof_ : 1 = false;
    bool write_eof_ : 1 = false;
    bool writing_reserved_ : 1 = false;

private:
    bool wants_bytes() const noexcept { return readable_ && !closing_ && !paused_ && !read_eof_; }
    void read_ready();
    void receive_for_protocol();
    void receive_into_protocol();
    std::size_t receive(std::span<char> buffer);
    ssize_t send(std::string_view data) const noexcept;
    ssize_t send_pieces(std::span<const std::string_view> pieces) const noexcept;
    bool is_refused(const char* function);
    void write_failed(ssize_t result);
    bool is_unsent(std::size_t size, ssize_t& sent);
    void keep_rest(std::span<const std::string_view> pieces, std::size_t sent);
    void keep_unsent(std::string_view rest);
    void watch_writing();
    void all_is_sent();

    const Medium medium_;
};

} // namespace asyncio::detail
