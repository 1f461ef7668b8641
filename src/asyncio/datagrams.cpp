// SPDX-License-Identifier: MIT
// Addresses in pairs, and the first socket that takes one.
#include "asyncio/datagrams.h"

#include "asyncio/datagram_transports.h"
#include "asyncio/made_transports.h"

#include <algorithm>

namespace asyncio::detail {

namespace {

/// Where a socket is to be bound and connected; an address of no family: nowhere.
struct AddressPair {
    int family;
    int protocol;
    os::Address local;
    os::Address remote;
};
using AddressPairs = std::vector<AddressPair>;

/// What a transport is made of.
struct Opened {
    Socket socket;
    os::Address remote; // the only one that is sent to; none: anybody
};

bool is_given(const std::optional<DatagramOptions::End>& end) { return end.has_value(); }

Opened taken_socket(const DatagramOptions& options) {
    Socket& socket = *options.sock();
    if (!socket || socket.type() != SOCK_DGRAM) throw ValueError("A datagram socket was expected");
    if (is_given(options.local_addr()) || is_given(options.remote_addr()) ||
        options.family() != 0 || options.proto() != 0 || options.flags() != 0 ||
        options.reuse_port() || options.allow_broadcast()) {
        throw ValueError("other options can not be used when sock is specified");
    }
    socket.setblocking(false);
    return Opened{std::move(socket), {}};
}

os::Address path_address(const std::optional<DatagramOptions::End>& end) {
    if (!end) return {};
    if (end->port) throw TypeError("a path is expected for AF_UNIX, not host and port");
    return os::Address::from_path(end->host);
}

AddressPairs unix_addresses(const DatagramOptions& options) {
    const os::Address local = path_address(options.local_addr());
    const os::Address remote = path_address(options.remote_addr());
    if (options.local_addr()) remove_stale_socket(options.local_addr()->host);
    return {AddressPair{AF_UNIX, options.proto(), local, remote}};
}

/// The addresses of one end, added to the pairs of their families and protocols.
Coro<> add_addresses(EventLoop* loop, DatagramOptions options, DatagramOptions::End end,
                     os::Address AddressPair::* side, AddressPairs* pairs) {
    // LIFETIME: ip_addresses(), which awaits this, holds `pairs`; `side` names a member; the loop
    // runs it.
    if (!end.port) throw TypeError("host and port are expected, a path only for AF_UNIX");
    const auto infos = co_await loop->getaddrinfo(end.host, end.port, options.family(), SOCK_DGRAM,
                                                  options.proto(), options.flags());
    if (infos.empty()) throw OSError("getaddrinfo() returned empty list");
    for (const os::AddrInfo& info : infos) {
        auto known = std::find_if(pairs->begin(), pairs->end(), [&](const AddressPair& pair) {
            return pair.family == info.family && pair.protocol == info.protocol;
        });
        if (known == pairs->end()) {
            known = pairs->insert(known, AddressPair{info.family, info.protocol, {}, {}});
        }
        (*known).*side = info.address;
    }
}

Coro<AddressPairs> ip_addresses(EventLoop* loop, DatagramOptions options) {
    // LIFETIME: the loop runs this.
    AddressPairs pairs;
    if (options.local_addr()) {
        co_await add_addresses(loop, options, *options.local_addr(), &AddressPair::local, &pairs);
    }
    if (options.remote_addr()) {
        co_await add_addresses(loop, options, *options.remote_addr(), &AddressPair::remote, &pairs);
    }
    std::erase_if(pairs, [&options](const AddressPair& pair) {
        return (options.local_addr() && !pair.local) || (options.remote_addr() && !pair.remote);
    });
    if (pairs.empty()) throw ValueError("can not get address information");
    co_return pairs;
}

Coro<Opened> open_one(EventLoop* loop, DatagramOptions options, AddressPair pair) {
    // LIFETIME: the loop runs this.
    Socket socket(pair.family, SOCK_DGRAM, pair.protocol);
    if (options.reuse_port()) socket.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1);
    if (options.allow_broadcast()) socket.setsockopt(SOL_SOCKET, SO_BROADCAST, 1);
    if (pair.local) socket.bind(pair.local);
    if (pair.remote && !options.allow_broadcast()) {
        co_await loop->sock_connect(socket, pair.remote);
    }
    co_return Opened{std::move(socket), pair.remote};
}

Coro<Opened> open_any(EventLoop* loop, DatagramOptions options) {
    // LIFETIME: the loop runs this.
    if (options.sock() != nullptr) co_return taken_socket(options);
    AddressPairs pairs;
    if (!is_given(options.local_addr()) && !is_given(options.remote_addr())) {
        if (options.family() == 0) throw ValueError("unexpected address family");
        pairs.push_back(AddressPair{options.family(), options.proto(), {}, {}});
    } else if (options.family() == AF_UNIX) {
        pairs = unix_addresses(options);
    } else {
        pairs = co_await ip_addresses(loop, options);
    }
    std::exception_ptr first_failure;
    for (const AddressPair& pair : pairs) {
        auto end = co_await outcome(open_one(loop, options, pair));
        if (!is_exception<OSError>(end.exception())) co_return std::move(end).value();
        if (first_failure == nullptr) first_failure = end.exception();
    }
    std::rethrow_exception(first_failure);
}

struct MakeDatagramTransport {
    std::shared_ptr<Opened> opened; // shared, so that this can be copied
    ChannelTransport* operator()(EventLoop& loop,
                                 const std::shared_ptr<BaseProtocol>& protocol) const {
        return SelectorDatagramTransport::make(loop, std::move(opened->socket), protocol,
                                               opened->remote);
    }
};

} // namespace

Coro<Connected<BaseProtocol>> create_datagram_endpoint(EventLoop* loop, ProtocolFactory factory,
                                                       DatagramOptions options) {
    Opened opened = co_await open_any(loop, std::move(options));
    MakeDatagramTransport make;
    make.opened = std::make_shared<Opened>(std::move(opened));
    co_return co_await made_transport(loop, std::move(factory), std::move(make));
}

} // namespace asyncio::detail
