// SPDX-License-Identifier: MIT
// epoll: which descriptors are ready, waited for with nanosecond time-outs.
#pragma once

#include "os/descriptor.h"

#include <cstdint>
#include <span>

namespace asyncio::os {

/// One ready descriptor, with the tag it was registered under.
struct ReadyEvent {
    std::uint32_t events; // EPOLLIN and so on
    std::uint64_t tag;
};

/// An epoll instance.
class Epoll {
public:
    static constexpr std::uint32_t readable = 0x001;     // EPOLLIN
    static constexpr std::uint32_t writable = 0x004;     // EPOLLOUT
    static constexpr std::uint32_t failed = 0x008;       // EPOLLERR
    static constexpr std::uint32_t hung_up = 0x010;      // EPOLLHUP
    static constexpr std::uint32_t peer_closed = 0x2000; // EPOLLRDHUP
    static constexpr std::uint32_t edge = 1U << 31;      // EPOLLET
    static constexpr std::int64_t forever = -1;

    /// Throws    OSError.
    Epoll();

    /// Watches `fd` for `events`, which come back with `tag`.
    /// Throws    OSError: EPERM for a regular file, EBADF, EEXIST, ENOMEM, ENOSPC.
    void add(int fd, std::uint32_t events, std::uint64_t tag);
    /// Watches for other events from now on, or under another tag.
    /// Throws    OSError: ENOENT, it is not watched; EBADF.
    void modify(int fd, std::uint32_t events, std::uint64_t tag);
    /// Takes `fd` out. Not an error if it is closed or was never in.
    void remove(int fd) noexcept;

    /// Waits until something is ready, at most `timeout_ns` (0: looks only; forever: no limit).
    ///
    /// Returns   the ready ones, in `into`; none on time-out and when a signal came.
    /// Throws    OSError.
    std::span<ReadyEvent> wait(std::span<ReadyEvent> into, std::int64_t timeout_ns);

    int fd() const noexcept { return fd_.get(); } // the epoll instance's own descriptor

private:
    void control(int operation, const char* name, int fd, std::uint32_t events, std::uint64_t tag);

    Descriptor fd_;
};

} // namespace asyncio::os
