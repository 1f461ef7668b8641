// SPDX-License-Identifier: MIT
// Resolver: name look-ups on threads of their own, so that slow name servers hold up nobody else.
#pragma once

#include "asyncio/threads.h"
#include "os/resolver.h"

#include <atomic>
#include <map>
#include <vector>

namespace asyncio::detail {

/// The look-ups of a loop. Equal ones that are under way at the same time are one.
///
/// Thread    the loop's own.
class Resolver {
public:
    static constexpr int threads_max = 8;
    using Found = std::vector<os::AddrInfo>;

    explicit Resolver(EventLoop& loop);
    Resolver(const Resolver&) = delete; // callbacks know its address
    Resolver& operator=(const Resolver&) = delete;
    /// Waits for nobody: what is under way ends on its thread, and is dropped.
    ~Resolver();
    /// That of `loop`; made at first use.
    static Resolver& of(EventLoop& loop);

    /// The look-up: the one under way, or a new one. Several may wait for it: nobody may cancel it.
    Future<Found> look_up(os::Lookup lookup);
    Future<std::pair<std::string, std::string>> names_of(os::Address address, int flags);
    std::size_t in_flight() const noexcept { return in_flight_.size(); }

    /// How many look-ups threads have before them, of all loops: a closed one leaves its behind.
    /// Thread    any; what a look-up has done is seen by who no longer finds it here.
    static int on_threads() noexcept { return on_threads_.load(std::memory_order_acquire); }

private:
    // Goes with a look-up to its thread.
    class OnThread {
    public:
        OnThread() noexcept { on_threads_.fetch_add(1, std::memory_order_relaxed); }
        OnThread(OnThread&&) noexcept : OnThread() {}
        OnThread& operator=(OnThread&&) = delete;
        ~OnThread() { on_threads_.fetch_sub(1, std::memory_order_release); }
    };
    static Found addresses(const os::Lookup& lookup, const OnThread& here);
    static std::pair<std::string, std::string> names(const os::Address& address, int flags,
                                                     const OnThread& here);
    inline static std::atomic<int> on_threads_{0};

    EventLoop& loop_;
    ThreadPoolExecutor pool_;
    std::map<os::Lookup, Future<Found>> in_flight_;
};

} // namespace asyncio::detail
