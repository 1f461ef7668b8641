// SPDX-License-Identifier: MIT
// Connecting: addresses in order, sockets, and how all their failures are told.
#include "asyncio/connections.h"

#include "asyncio/base_events.h"
#include "asyncio/made_transports.h"
#include "asyncio/selector_transports.h"
#include "asyncio/sslproto.h"
#include "asyncio/staggered.h"

#include <algorithm>
#include <map>

namespace asyncio::detail {

namespace {

using Infos = std::vector<os::AddrInfo>;

/// What one attempt needs. LIFETIME: the frame of connect_any() holds it until all have ended.
struct Attempt {
    EventLoop* loop;
    const Infos* local;                                // null: from any
    std::vector<std::vector<std::exception_ptr>>* failures; // a list an attempt
};

OSError bind_error(const OSError& error, const os::Address& address) {
    return OSError(error.errnum(), "bind", "local address " + to_string(address));
}

void bind_local(const Socket& socket, const Infos& local,
                std::vector<std::exception_ptr>& failures) {
    for (const os::AddrInfo& info : local) {
        if (info.family != socket.family()) continue;
        try {
            return socket.bind(info.address);
        } catch (const OSError& error) {
            failures.push_back(std::make_exception_ptr(bind_error(error, info.address)));
        }
    }
    if (failures.empty()) {
        throw OSError("no matching local address with family=" + std::to_string(socket.family()) +
                      " found");
    }
    const std::exception_ptr last = failures.back();
    failures.pop_back(); // it is added again by who catches it
    std::rethrow_exception(last);
}

Coro<Socket> open_and_connect(Attempt attempt, os::AddrInfo info,
                              std::vector<std::exception_ptr>* failures) {
    // LIFETIME: the frame of connect_one(), which awaits this, holds `failures`; else as Attempt.
    Socket socket(info.family, info.type, info.protocol);
    if (attempt.local != nullptr) bind_local(socket, *attempt.local, *failures);
    co_await attempt.loop->sock_connect(socket, info.address);
    co_return socket;
}

Coro<Socket> connect_one(Attempt attempt, os::AddrInfo info) {
    const std::size_t index = attempt.failures->size();
    attempt.failures->emplace_back();
    std::vector<std::exception_ptr> failures;
    auto end = co_await outcome(open_and_connect(attempt, std::move(info), &failures));
    const std::exception_ptr error = end.exception();
    if (is_exception<OSError>(error)) failures.push_back(error);
    (*attempt.failures)[index] = std::move(failures);
    co_return std::move(end).value();
}

/// An attempt for staggered_race.
struct ConnectOne {
    Attempt attempt;
    os::AddrInfo info;
    Coro<Socket> operator()() const { return connect_one(attempt, info); }
};

/// Alternates between families.
/// Source    CPython base_events._interleave_addrinfos.
Infos interleaved(const Infos& infos, std::size_t first_family_count) {
    std::vector<Infos> families;
    for (const os::AddrInfo& info : infos) {
        auto known = std::find_if(families.begin(), families.end(), [&](const Infos& family) {
            return family.front().family == info.family;
        });
        if (known == families.end()) known = families.insert(families.end(), Infos());
        known->push_back(info);
    }
    Infos mixed;
    Infos& first = families.front();
    const std::size_t ahead = std::min(first_family_count - 1, first.size());
    const auto head_end = first.begin() + static_cast<std::ptrdiff_t>(ahead);
    if (first_family_count > 1) mixed.assign(first.begin(), head_end);
    if (first_family_count > 1) first.erase(first.begin(), head_end);
    for (std::size_t i = 0; mixed.size() < infos.size(); ++i) {
        for (const Infos& family : families) {
            if (i < family.size()) mixed.push_back(family[i]);
        }
    }
    return mixed;
}

[[noreturn]] void throw_failures(const std::vector<std::vector<std::exception_ptr>>& by_attempt,
                                 bool all_errors) {
    std::vector<std::exception_ptr> failures;
    for (const auto& some : by_attempt) failures.insert(failures.end(), some.begin(), some.end());
    if (failures.empty()) throw TimeoutError(ETIMEDOUT, "create_connection");
    if (all_errors) throw ExceptionGroup("create_connection failed", std::move(failures));
    const std::string model = message_of(failures[0]);
    std::string all;
    bool same = true;
    for (const std::exception_ptr& failure : failures) {
        const std::string text = message_of(failure);
        same = same && text == model;
        all += (all.empty() ? "" : ", ") + text;
    }
    if (same) std::rethrow_exception(failures[0]);
    throw OSError("Multiple exceptions: " + all);
}

Coro<Infos> resolved(EventLoop* loop, std::string host, Port port, ConnectOptions options) {
    Infos infos = co_await loop->getaddrinfo(std::move(host), std::move(port), options.family(),
                                             SOCK_STREAM, options.proto(), options.flags());
    if (infos.empty()) throw OSError("getaddrinfo() returned empty list");
    co_return infos;
}

Coro<std::optional<Socket>> connect_in_order(Attempt attempt, Infos infos) {
    for (const os::AddrInfo& info : infos) {
        auto end = co_await outcome(connect_one(attempt, info));
        if (!is_exception<OSError>(end.exception())) co_return std::move(end).value();
    }
    co_return std::nullopt;
}

Coro<std::optional<Socket>> connect_staggered(Attempt attempt, Infos infos, Duration delay) {
    std::vector<ConnectOne> attempts;
    for (const os::AddrInfo& info : infos) attempts.push_back(ConnectOne{attempt, info});
    auto race = co_await staggered_race(std::move(attempts), delay);
    if (!race.winner) {
        for (const std::exception_ptr& failure : race.exceptions) {
            if (!is_exception<OSError>(failure)) std::rethrow_exception(failure);
        }
    }
    co_return std::move(race.winner);
}

Coro<Socket> connect_any(EventLoop* loop, std::string host, Port port, ConnectOptions options) {
    // LIFETIME: the loop runs this.
    Infos infos = co_await resolved(loop, std::move(host), std::move(port), options);
    Infos local;
    if (options.local_addr()) {
        local = co_await resolved(loop, options.local_addr()->first, options.local_addr()->second,
                                  options);
    }
    const std::optional<Duration> delay = options.happy_eyeballs_delay();
    const std::size_t interleave = options.interleave().value_or(delay ? 1 : 0);
    if (interleave > 0) infos = interleaved(infos, interleave);
    std::vector<std::vector<std::exception_ptr>> failures;
    const Attempt attempt{loop, options.local_addr() ? &local : nullptr, &failures};
    std::optional<Socket> socket;
    if (delay) {
        socket = co_await connect_staggered(attempt, std::move(infos), *delay);
    } else {
        socket = co_await connect_in_order(attempt, std::move(infos));
    }
    if (!socket) throw_failures(failures, options.all_errors());
    co_return std::move(*socket);
}

os::Address peer_of(const Socket& socket) {
    try {
        return socket.getpeername();
    } catch (const OSError&) {
        return {}; // it is gone already: reading will tell
    }
}

Socket taken_stream(const std::shared_ptr<Socket>& given) {
    if (given == nullptr || !*given) {
        throw ValueError("host and port was not specified and no sock specified");
    }
    if (given->type() != SOCK_STREAM) throw ValueError("A Stream Socket was expected");
    return std::move(*given);
}

} // namespace

Terms client_terms(const ConnectOptions& options, const std::string& host) {
    Terms terms{options.tls()};
    terms.tls.check();
    if (!terms.tls.context || terms.tls.server_hostname) return terms;
    if (host.empty()) {
        throw ValueError("You must set server_hostname when using ssl without a host");
    }
    terms.tls.server_hostname = host;
    return terms;
}

Coro<Connected<BaseProtocol>> make_connection(EventLoop* loop, ProtocolFactory factory,
                                              Socket socket, Terms terms) {
    // LIFETIME: the loop runs this.
    socket.setblocking(false);
    os::set_nodelay(socket);
    std::shared_ptr<BaseProtocol> protocol = factory();
    std::shared_ptr<SSLProtocol> over;
    if (terms.tls.context) {
        over = make_ssl_protocol(*loop, protocol, terms.tls, terms.server_side);
    }
    const std::shared_ptr<BaseProtocol> lowest = over ? over : protocol;
    const os::Address peer = peer_of(socket);
    const Future<> made(*loop);
    auto* transport = SelectorSocketTransport::make(*loop, socket.detach(), lowest, peer, nullptr);
    CloseUnlessMade guard{TransportRef(*transport)};
    if (over) {
        over->transport().tell_when_ready(made);
    } else {
        transport->tell_when_made(made);
    }
    co_await made;
    guard.made = true;
    if (over) guard.transport = TransportRef(over->transport());
    co_return Connected<BaseProtocol>{guard.transport, std::move(protocol)};
}

Coro<Connected<BaseProtocol>> create_connection(EventLoop* loop, ProtocolFactory factory,
                                                std::string host, Port port,
                                                ConnectOptions options) {
    if (options.sock() != nullptr) {
        throw ValueError("host/port and sock can not be specified at the same time");
    }
    Terms terms = client_terms(options, host);
    Socket socket = co_await connect_any(loop, std::move(host), std::move(port), options);
    co_return co_await make_connection(loop, std::move(factory), std::move(socket),
                                       std::move(terms));
}

Coro<Connected<BaseProtocol>> create_connection(EventLoop* loop, ProtocolFactory factory,
                                                ConnectOptions options) {
    Terms terms = client_terms(options, "");
    Socket socket = taken_stream(options.sock());
    co_return co_await make_connection(loop, std::move(factory), std::move(socket),
                                       std::move(terms));
}

Coro<Connected<BaseProtocol>> connect_accepted(EventLoop* loop, ProtocolFactory factory,
                                               Socket socket, AcceptedOptions options) {
    Terms terms{options.tls(), true};
    terms.tls.check();
    auto given = std::make_shared<Socket>(std::move(socket));
    Socket taken = taken_stream(given);
    co_return co_await make_connection(loop, std::move(factory), std::move(taken),
                                       std::move(terms));
}

} // namespace asyncio::detail
