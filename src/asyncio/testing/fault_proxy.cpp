// SPDX-License-Identifier: MIT
// Bytes from one side to the other, spoiled on the way.
#include "asyncio/testing/fault_proxy.h"

#include "asyncio/sleep.h"
#include "asyncio/taskgroups.h"

#include <algorithm>
#include <chrono>

namespace asyncio::testing {

namespace {

constexpr std::size_t piece_bytes_max = 64 * 1024;

// With a reset instead of an orderly end.
void reset(const StreamWriter& writer) {
    const linger at_once{1, 0};
    if (const auto socket = writer.get_extra_info(extra::socket); socket && socket->fileno() >= 0) {
        socket->setsockopt(SOL_SOCKET, SO_LINGER,
                           {reinterpret_cast<const char*>(&at_once), sizeof at_once});
    }
    writer.transport().abort();
}

} // namespace

/// One direction of one connection.
class FaultPump {
public:
    FaultPump(FaultRules rules, StreamReader from, StreamWriter to, StreamWriter back)
        : rules_(std::move(rules)), from_(std::move(from)), to_(std::move(to)),
          back_(std::move(back)) {}

    /// Runs until the source has ended or a rule ends it.
    static Coro<> run(FaultPump pump) {
        for (;;) {
            std::string piece = co_await pump.from_.read(piece_bytes_max);
            if (piece.empty()) break;
            if (pump.rules_.coalesce_ > Duration()) {
                co_await sleep(pump.rules_.coalesce_);
                piece += pump.from_.buffered();
                if (!pump.from_.buffered().empty()) {
                    co_await pump.from_.read(
                        static_cast<std::ptrdiff_t>(pump.from_.buffered().size()));
                }
            }
            if (pump.rules_.delay_ > Duration()) co_await sleep(pump.rules_.delay_);
            const bool goes_on = co_await pass_on(&pump, std::move(piece));
            if (!goes_on) co_return;
        }
        if (!pump.to_.is_closing()) pump.to_.write_eof();
    }

private:
    using End = FaultRules::End;

    // LIFETIME: run()'s frame holds the pump, and awaits this.
    static Coro<bool> pass_on(FaultPump* pump, std::string piece) {
        const FaultRules& rules = pump->rules_;
        pump->spoil(piece);
        bool ends = false;
        if (rules.end_ != End::none && pump->passed_ + piece.size() >= rules.end_after_) {
            piece.resize(static_cast<std::size_t>(rules.end_after_ - pump->passed_));
            ends = true;
        }
        pump->passed_ += piece.size();
        const std::size_t most = rules.split_ != 0 ? rules.split_ : piece_bytes_max;
        for (std::size_t at = 0; at < piece.size(); at += most) {
            const std::string part = piece.substr(at, most);
            pump->to_.write(part);
            co_await pump->to_.drain();
            co_await sleep(pump->pause_after(part.size()));
        }
        if (ends) co_await end_as_told(pump);
        co_return !ends;
    }

    void spoil(std::string& piece) {
        const std::uint64_t end = passed_ + piece.size();
        if (rules_.corrupt_ && *rules_.corrupt_ >= passed_ && *rules_.corrupt_ < end) {
            char& byte = piece[static_cast<std::size_t>(*rules_.corrupt_ - passed_)];
            byte = static_cast<char>(byte ^ 1);
        }
        if (rules_.inject_at_ && *rules_.inject_at_ >= passed_ && *rules_.inject_at_ < end) {
            piece.insert(static_cast<std::size_t>(*rules_.inject_at_ - passed_), rules_.inject_);
            rules_.inject_at_.reset();
        }
    }

    Duration pause_after(std::size_t bytes) const {
        if (rules_.throttle_ == 0) return Duration();
        return std::chrono::duration<double>(static_cast<double>(bytes) /
                                             static_cast<double>(rules_.throttle_));
    }

    static Coro<> end_as_told(FaultPump* pump) {
        switch (pump->rules_.end_) {
        case End::none:
        case End::stall: break; // nothing more, not even an end, until the other side leaves
        case End::drop:
            for (;;) {
                const std::string swallowed = co_await pump->from_.read(piece_bytes_max);
                if (swallowed.empty()) break;
            }
            break;
        case End::half_close: pump->to_.write_eof(); break;
        case End::close:
            pump->to_.close();
            pump->back_.close();
            break;
        case End::reset:
            reset(pump->to_);
            reset(pump->back_);
            break;
        }
    }

    FaultRules rules_;
    StreamReader from_;
    StreamWriter to_;
    StreamWriter back_; // to whom `from_` is the other half
    std::uint64_t passed_ = 0;
};

namespace {

/// What the proxy does with each client.
class Forward {
public:
    Forward(std::string host, Port port, FaultProxyOptions options)
        : host_(std::move(host)), port_(std::move(port)), options_(std::move(options)) {}

    Coro<> operator()(StreamReader reader, StreamWriter writer) const {
        return forward(host_, port_, options_, std::move(reader), std::move(writer));
    }

private:
    static Coro<> forward(std::string host, Port port, FaultProxyOptions options,
                          StreamReader reader, StreamWriter writer) {
        auto opened = co_await outcome(open_connection(std::move(host), std::move(port)));
        if (!opened.has_value()) { // nobody there: the client is refused as well as can be
            reset(writer);
            co_return;
        }
        Stream& server = opened.value();
        FaultPump up(options.up(), std::move(reader), server.writer, writer);
        FaultPump down(options.down(), server.reader, writer, server.writer);
        // LIFETIME: this frame awaits the group.
        const auto both = [&up, &down](TaskGroup& group) -> Coro<> {
            group.create_task(FaultPump::run(std::move(up)));
            group.create_task(FaultPump::run(std::move(down)));
            co_return;
        };
        const auto ended = co_await outcome(task_group(both));
        if (ended.cancelled()) ended.value();
        writer.close();
        server.writer.close();
    }
    std::string host_;
    Port port_;
    FaultProxyOptions options_;
};

} // namespace

Coro<Server> start_fault_proxy(std::string host, Port port, FaultProxyOptions options) {
    const std::string listen_host = options.host();
    const Port listen_port = options.port();
    Forward forward(std::move(host), std::move(port), std::move(options));
    co_return co_await start_server(std::move(forward), listen_host, listen_port);
}

} // namespace asyncio::testing
