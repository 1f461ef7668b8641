// SPDX-License-Identifier: MIT
// The seam below the loop: where its time comes from and how it waits for descriptors.
#pragma once

#include "os/epoll.h"
#include "os/wakeup.h"

#include <cstdint>
#include <memory>
#include <span>

namespace asyncio {

/// What a loop stands on. epoll is one; io_uring and a virtual clock are others.
///
/// Thread    the loop's own, but for wake().
class Backend {
public:
    static constexpr std::uint32_t readable = os::Epoll::readable;
    static constexpr std::uint32_t writable = os::Epoll::writable;

    virtual ~Backend() = default;

    /// Nanoseconds of the loop's clock.
    virtual std::int64_t now_ns() noexcept = 0;

    /// Watches `fd` for `events`, level-triggered unless os::Epoll::edge is among them; 0 takes it
    /// out. `tag` comes back with its events.
    /// Throws    OSError: the kernel refused (EPERM: a regular file; EBADF).
    virtual void watch(int fd, std::uint32_t before, std::uint32_t events, std::uint64_t tag) = 0;

    /// Waits until something is ready, at most `timeout_ns` (0: looks only; negative: no limit).
    ///
    /// outside   work goes on that the clock does not know of (threads): time must not jump.
    /// Returns   ready descriptors, valid until the next call; none on time-out or wake().
    virtual std::span<const os::ReadyEvent> poll(std::int64_t timeout_ns, bool outside) = 0;

    /// Ends the poll that is under way, or the next.  Thread: any; from signal handlers too.
    virtual void wake() noexcept = 0;

    /// A stale event came: watches nothing but what `known` lists from now on. Called when a
    /// descriptor was closed while a copy of it is alive.
    struct Known {
        int fd;
        std::uint32_t events;
        std::uint64_t tag;
    };
    virtual void rebuild(std::span<const Known> known) = 0;

    /// What EventLoop::backend_name() says: "epoll".
    virtual const char* name() const noexcept = 0;
};

/// epoll with the machine's monotonic clock.
/// Throws    OSError: no descriptors or memory (EMFILE, ENFILE, ENOMEM).
std::unique_ptr<Backend> make_epoll_backend();

/// epoll, for backends with a clock of their own.
class EpollBackend : public Backend {
public:
    EpollBackend();
    std::int64_t now_ns() noexcept override;
    void watch(int fd, std::uint32_t before, std::uint32_t events, std::uint64_t tag) override;
    std::span<const os::ReadyEvent> poll(std::int64_t timeout_ns, bool outside) override;
    void wake() noexcept override { wakeup_.notify(); }
    void rebuild(std::span<const Known> known) override;
    const char* name() const noexcept override { return "epoll"; }

protected:
    bool woken() const noexcept { return woken_; } // did the last poll end by wake()?

private:
    static constexpr std::uint64_t wakeup_tag = UINT64_MAX;
    static constexpr std::size_t events_max = 256;

    os::Epoll epoll_;
    os::Wakeup wakeup_;
    os::ReadyEvent events_[events_max];
    bool woken_ = false;
};

} // namespace asyncio
