// SPDX-License-Identifier: MIT
// Resolver: name look-ups on threads of their own, so that slow name servers hold up nobody else.
#pragma once

#include "asyncio/threads.h"
#include "os/resolver.h"

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

private:
    EventLoop& loop_;
    ThreadPoolExecutor pool_;
    std::map<os::Lookup, Future<Found>> in_flight_;
};

} // namespace asyncio::detail
