// SPDX-License-Identifier: MIT
// Transports of descriptors that the loop watches: how each is made, fails and ends.
#pragma once

#include "asyncio/base_events.h"
#include "asyncio/channels.h"
#include "asyncio/futures.h"
#include "asyncio/transports.h"
#include "base/byte_buffer.h"

namespace asyncio::detail {

/// A transport of one descriptor, whatever it carries: its life from connection_made() to
/// connection_lost().
///
/// Counts: the loop's, until connection_lost() was called; those of TransportRefs.
/// Source    CPython 3.14 selector_events._SelectorTransport.
class ChannelTransport : public FlowControlTransport, protected Hop, protected Channel {
public:
    /// Has connection_made() called in the next turn; from then on the loop owns it. Once, when it
    /// is made as a whole.
    void start() noexcept;
    /// Told when connection_made() has been called and reading has begun.
    void tell_when_made(const Future<>& waiter);

    void close() override;
    bool is_closing() const noexcept final { return closing_; }
    bool is_reading() const override { return !closing_ && !paused_; }
    void pause_reading() override;
    void resume_reading() override;
    void abort() override { force_close(nullptr); }
    std::string text() const override;

    int fileno() const noexcept { return fd; } // -1: closed
    /// Ends it with an error, which is reported unless it is an OSError.
    void fail(const std::exception_ptr& error, const char* message);

    static void* operator new(std::size_t bytes) { return base::StatePool::take(bytes); }
    static void operator delete(void* memory, std::size_t bytes) noexcept {
        base::StatePool::give(memory, bytes);
    }

protected:
    /// What a transport needs that has more to do than to receive.
    struct Busy {
        base::ByteBuffer unsent;
        StateRef made; // who waits for connection_made()
        StateRef sent; // who has reserved writing, and waits
    };

    /// Takes the descriptor over.
    /// Throws    TypeError: no protocol, or of another kind. std::bad_alloc.
    ChannelTransport(EventLoop& loop, os::Descriptor descriptor,
                     std::shared_ptr<BaseProtocol> protocol, const Channel::Ops& operations,
                     Carries what = Carries::bytes);
    ~ChannelTransport() override;
    void destroy() noexcept override { delete this; }

    // What the kinds of transports say of themselves.

    /// For text().
    virtual const char* name() const noexcept = 0;
    /// What the poller is to look for; 0: it is not watched.
    virtual std::uint32_t interest_at_first() const = 0;
    /// Reading goes on.
    virtual void reading_resumed() {}
    virtual void drop_unsent() noexcept;
    /// The loop's part is over.
    virtual void gone() noexcept {}

    static void at_close(Channel& channel) noexcept; // of Channel::Ops
    /// For a catch (...) clause: fails with what was caught; an interrupt goes on instead.
    void protocol_failed(const char* message);
    void force_close(const std::exception_ptr& error);
    void queue_end();
    void lose_connection();
    void let_go() noexcept;
    /// Room that is seldom needed; given back by forget_busy().
    Busy& busy();
    /// Counts a write after the end. Returns true if it is time for a warning.
    bool is_dropped_too_often() noexcept;
    bool is_open() const noexcept { return fd >= 0; }
    // On the way of every byte.
    EventLoop& loop() const noexcept { return EventLoop::of(*loop_table[loop_index()]); }
    Channels& channels() const noexcept { return *loop().parts().channels; }

    /// The context that a protocol's calls run in.
    class InContext {
    public:
        explicit InContext(ChannelTransport& transport) noexcept {
            context_slot = &transport.context_;
        }
        InContext(const InContext&) = delete;
        InContext& operator=(const InContext&) = delete;
        ~InContext() { context_slot = nullptr; }
    };

    bool closing_ : 1 = false;
    bool paused_ : 1 = false;
    bool made_ : 1 = false; // connection_made() was called
    bool end_queued_ : 1 = false; // connection_lost() is to come
    bool hop_queued_ : 1 = false;

private:
    void make_connection();
    void begin();

    std::uint8_t dropped_writes_ = 0;
    ContextSlot context_;
    std::exception_ptr error_;

protected:
    std::unique_ptr<Busy> busy_;
};

/// What a socket's transport shows of it.
TransportSocket socket_of(ChannelTransport& transport) noexcept;

} // namespace asyncio::detail
