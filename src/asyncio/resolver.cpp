// SPDX-License-Identifier: MIT
// Look-ups: merged, on threads, left alone by a cancel.
#include "asyncio/resolver.h"

#include "asyncio/base_events.h"
#include "asyncio/connection_options.h"

namespace asyncio {

namespace detail {

Resolver::Resolver(EventLoop& loop)
    : loop_(loop), pool_(ThreadPoolOptions(threads_max).thread_name_prefix("asyncio-names")) {}

Resolver::~Resolver() { pool_.shutdown(false, true); }

Resolver& Resolver::of(EventLoop& loop) {
    std::unique_ptr<Resolver>& resolver = loop.parts().resolver;
    if (resolver == nullptr) resolver = std::make_unique<Resolver>(loop);
    return *resolver;
}

Future<Resolver::Found> Resolver::look_up(os::Lookup lookup) {
    if (const auto known = in_flight_.find(lookup); known != in_flight_.end()) {
        return known->second;
    }
    auto found = loop_.run_in_executor(&pool_, &os::getaddrinfo, lookup);
    // Before it is known to others: what is never taken out again would be the answer for ever.
    found.add_done_callback([this, lookup](const Future<Found>& done) {
        in_flight_.erase(lookup);
        if (!done.cancelled()) static_cast<void>(done.exception()); // perhaps nobody waits any more
    });
    in_flight_.emplace(lookup, found);
    return found;
}

Future<std::pair<std::string, std::string>> Resolver::names_of(os::Address address, int flags) {
    return loop_.run_in_executor(&pool_, &os::getnameinfo, address, flags);
}

namespace {

Coro<Resolver::Found> found_numeric(os::AddrInfo info) {
    Resolver::Found found;
    found.push_back(std::move(info));
    co_return found;
}

Coro<Resolver::Found> found_by_look_up(EventLoop* loop, os::Lookup lookup) {
    // LIFETIME: the loop runs this.
    const Future<Resolver::Found> found = Resolver::of(*loop).look_up(std::move(lookup));
    // Awaited by way of a future of this caller's own: a cancel ends that one alone, and what the
    // look-up then fails with is nobody's concern, so shield(), which reports it, is not right.
    const Future<> done(*loop);
    found.add_done_callback([done] {
        if (!done.done()) done.set_result();
    });
    co_await done;
    co_return found.result();
}

Coro<std::pair<std::string, std::string>> names_by_look_up(EventLoop* loop, os::Address address,
                                                           int flags) {
    // LIFETIME: the loop runs this.
    co_return co_await Resolver::of(*loop).names_of(address, flags);
}

} // namespace

} // namespace detail

Coro<std::vector<os::AddrInfo>> EventLoop::getaddrinfo(std::string host, Port port, int family,
                                                       int type, int proto, int flags) {
    os::Lookup lookup;
    lookup.host = std::move(host);
    lookup.service = std::move(port).text();
    lookup.family = family;
    lookup.type = type;
    lookup.protocol = proto;
    lookup.flags = flags;
    if (auto numeric = os::numeric_addrinfo(lookup)) {
        return detail::found_numeric(std::move(*numeric));
    }
    return detail::found_by_look_up(this, std::move(lookup));
}

Coro<std::pair<std::string, std::string>> EventLoop::getnameinfo(os::Address address, int flags) {
    return detail::names_by_look_up(this, address, flags);
}

} // namespace asyncio
