// SPDX-License-Identifier: MIT
// Channels: the descriptors that the loop watches for its own transports, and their turn in a turn.
#pragma once

#include "asyncio/scheduling.h"
#include "base/chunk_pool.h"
#include "os/epoll.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace asyncio {

class BaseProtocol;

namespace detail {

/// A descriptor that a transport or a listener has the loop watch. Registered once for its life.
///
/// What happened since its node was queued is gathered in `seen`; the node is queued once, however
/// much happens. It stays where it is while it is queued: see Channels::close().
struct Channel {
    struct Ops {
        /// Its turn has come: `events` happened. The descriptor may be closed meanwhile (fd -1).
        void (*on_io)(Channel&, std::uint32_t events);
        /// The loop closes.
        void (*at_close)(Channel&) noexcept;
    };

    explicit Channel(const Ops& operations) noexcept : ops(&operations) {}
    Channel(const Channel&) = delete; // the line and the poller know its address
    Channel& operator=(const Channel&) = delete;

    const Ops* ops;
    Channel* behind = nullptr; // in the line of those whose turn comes
    int fd = -1; // its owner's; -1: closed
    std::uint32_t interest = 0; // what the poller watches; 0: not registered
    std::uint32_t seen = 0;
    bool queued = false;
    bool registered = false;
};

/// All channels of a loop, the line of those that something has happened to, the read buffer.
///
/// The line runs as one node of the loop's ready queue, behind what was left from the turn before.
/// When `turn_bytes_max` were received in a turn, the rest of the line stays where it is and the
/// tasks that were woken go first: the buffers they read from are still warm.
class Channels : Hop {
public:
    static constexpr std::size_t read_buffer_bytes = 128 * 1024;
    static constexpr std::ptrdiff_t turn_bytes_max = 128 * 1024;

    static constexpr std::uint32_t edge_reads =
        os::Epoll::readable | os::Epoll::peer_closed | os::Epoll::edge;
    static constexpr std::uint32_t edge_both = edge_reads | os::Epoll::writable;
    static constexpr std::uint32_t level_reads = os::Epoll::readable;

    explicit Channels(EventLoop& loop) noexcept;
    Channels(const Channels&) = delete;
    Channels& operator=(const Channels&) = delete;
    /// Those of `loop`; made at first use.
    static Channels& of(EventLoop& loop);

    /// Watches its descriptor for `interest` from now on.
    /// Throws    OSError: the kernel refused.
    void open(Channel& channel, std::uint32_t interest);
    /// Watches it for something else; 0: for nothing, for a while.
    /// Throws    OSError.
    void change(Channel& channel, std::uint32_t interest);
    /// The same; what is ready already is told once more.
    void rearm(Channel& channel, std::uint32_t interest);
    /// Watches it no more: its owner closes the descriptor then. A channel that is queued must stay
    /// until on_io was called once more.
    void close(Channel& channel) noexcept;
    /// The loop closes: tells all.
    void close_all() noexcept;

    /// Something happened, or there is more to do: queues it.
    void happened(Channel& channel, std::uint32_t events) noexcept;
    /// So much was received in this turn.
    void spend(std::size_t bytes) noexcept { budget_ -= static_cast<std::ptrdiff_t>(bytes); }

    /// Where everything is received into. Lent for one call of a protocol.
    std::span<char> read_buffer();
    /// Is it this, from its beginning on?
    bool is_read_buffer(std::string_view data) const noexcept {
        return data.data() == buffer_.data();
    }
    /// Hands the read buffer over for another of its size.
    base::Chunk take_read_buffer(base::Chunk other) noexcept;

    /// Keeps it until the loop is back in its own code.
    void dispose_later(std::shared_ptr<BaseProtocol> protocol);

    bool empty() const noexcept { return count_ == 0; }
    /// Whose descriptor it is; null: nobody's here.
    Channel* owner_of(int fd) const noexcept {
        const auto index = static_cast<std::size_t>(fd);
        return index < by_fd_.size() ? by_fd_[index] : nullptr;
    }
    EventLoop& loop() const noexcept { return loop_; }

    // The tag of a channel's events is its address, and the bit that no descriptor's tag has.
    static constexpr std::uint64_t tag_bit = std::uint64_t{1} << 63;
    static std::uint64_t tag(const Channel& channel) noexcept {
        return reinterpret_cast<std::uintptr_t>(&channel) | tag_bit;
    }
    static bool is_tag(std::uint64_t tag) noexcept { return (tag & tag_bit) != 0; }
    static Channel& of_tag(std::uint64_t tag) noexcept {
        return *reinterpret_cast<Channel*>(tag & ~tag_bit);
    }
    template <class F>
    void for_each(F&& f) const {
        for (const Channel* channel : by_fd_) {
            if (channel != nullptr) f(*channel);
        }
    }

private:
    void run_line();
    Channel* pop() noexcept;

    EventLoop& loop_;
    Channel* first_ = nullptr; // the line
    Channel* last_ = nullptr;
    bool pumping_ = false; // this node is queued, or runs
    std::ptrdiff_t budget_ = 0;
    base::Chunk buffer_;
    std::vector<Channel*> by_fd_; // null: none
    std::size_t count_ = 0;
    std::vector<std::shared_ptr<BaseProtocol>> disposed_;
};

} // namespace detail

} // namespace asyncio
