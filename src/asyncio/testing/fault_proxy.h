// SPDX-License-Identifier: MIT
// A proxy that spoils connections: what stands between a client and a real server in tests.
#pragma once

#include "asyncio/streams.h"

#include <cstdint>
#include <optional>
#include <string>

namespace asyncio::testing {

/// What happens to the bytes of one direction. Positions count from the connection's first byte.
class FaultRules {
public:
    FaultRules() noexcept {}
    /// Every piece is so long under way.
    FaultRules& delay(Duration time) {
        delay_ = time;
        return *this;
    }
    /// Pieces are passed on in parts of at most so many bytes.
    FaultRules& split(std::size_t bytes_max) {
        split_ = bytes_max;
        return *this;
    }
    /// What comes within this time is passed on in one piece.
    FaultRules& coalesce(Duration time) {
        coalesce_ = time;
        return *this;
    }
    /// So many bytes a second.
    FaultRules& throttle(std::size_t bytes_per_second) {
        throttle_ = bytes_per_second;
        return *this;
    }
    /// One bit of the byte at `position` is turned over.
    FaultRules& corrupt(std::uint64_t position) {
        corrupt_ = position;
        return *this;
    }
    /// `text` is put in before the byte at `position`.
    FaultRules& inject(std::uint64_t position, std::string text) {
        inject_at_ = position;
        inject_ = std::move(text);
        return *this;
    }
    /// After so many bytes: the connection hangs; what follows is swallowed; this direction is
    /// ended; both are closed; both are reset. The first of them counts.
    FaultRules& stall_after(std::uint64_t bytes) { return end(End::stall, bytes); }
    FaultRules& drop_after(std::uint64_t bytes) { return end(End::drop, bytes); }
    FaultRules& half_close_after(std::uint64_t bytes) { return end(End::half_close, bytes); }
    FaultRules& close_after(std::uint64_t bytes) { return end(End::close, bytes); }
    FaultRules& reset_after(std::uint64_t bytes) { return end(End::reset, bytes); }

private:
    friend class FaultPump;
    enum class End { none, stall, drop, half_close, close, reset };

    FaultRules& end(End how, std::uint64_t bytes) {
        if (end_ != End::none && bytes >= end_after_) return *this;
        end_ = how;
        end_after_ = bytes;
        return *this;
    }

    Duration delay_;
    Duration coalesce_;
    std::size_t split_ = 0;
    std::size_t throttle_ = 0;
    std::optional<std::uint64_t> corrupt_;
    std::optional<std::uint64_t> inject_at_;
    std::string inject_;
    End end_ = End::none;
    std::uint64_t end_after_ = 0;
};

/// The keyword arguments of start_fault_proxy.
class FaultProxyOptions {
public:
    FaultProxyOptions() {}
    /// For what clients send.
    FaultProxyOptions& up(FaultRules rules) {
        up_ = std::move(rules);
        return *this;
    }
    /// For what the server sends.
    FaultProxyOptions& down(FaultRules rules) {
        down_ = std::move(rules);
        return *this;
    }
    /// Where the proxy listens; 127.0.0.1 and any free port.
    FaultProxyOptions& listen(std::string host, Port port) {
        host_ = std::move(host);
        port_ = std::move(port);
        return *this;
    }

    // What was set, for the proxy.
    const FaultRules& up() const noexcept { return up_; }
    const FaultRules& down() const noexcept { return down_; }
    const std::string& host() const noexcept { return host_; }
    const Port& port() const noexcept { return port_; }

private:
    FaultRules up_;
    FaultRules down_;
    std::string host_ = "127.0.0.1";
    Port port_ = 0;
};

/// Listens, and passes every connection on to `port` of `host` under the options' rules.
///
/// Returns   the proxy; Server::sockets() tells where it listens.
/// Throws    as start_server.
/// Cancel    nothing listens.
Coro<Server> start_fault_proxy(std::string host, Port port,
                               FaultProxyOptions options = FaultProxyOptions());

} // namespace asyncio::testing
