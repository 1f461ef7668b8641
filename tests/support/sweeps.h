// SPDX-License-Identifier: MIT
// What scenarios of the sweep share: connections in memory, and a bystander who is not disturbed.
#pragma once

#include "asyncio/base_events.h"
#include "asyncio/sleep.h"
#include "asyncio/streams.h"
#include "asyncio/testing/memory_transports.h"
#include "asyncio/testing/sweep.h"

#include <string>
#include <utility>

namespace support {

/// A connection in memory with streams at both ends, which can be reset.
class MemoryPair {
public:
    explicit MemoryPair(
        const asyncio::testing::MemoryOptions& options = asyncio::testing::MemoryOptions())
        : MemoryPair(protocol(), protocol(), options) {}

    /// Ends it, and waits until both ends know.
    asyncio::Coro<> close() {
        first.writer.transport().abort();
        second.writer.transport().abort();
        static_cast<void>(co_await asyncio::outcome(first.writer.wait_closed()));
        static_cast<void>(co_await asyncio::outcome(second.writer.wait_closed()));
    }

private:
    using Protocol = std::shared_ptr<asyncio::StreamReaderProtocol>;

    static Protocol protocol() {
        return std::make_shared<asyncio::StreamReaderProtocol>(asyncio::StreamReader());
    }
    MemoryPair(const Protocol& one, const Protocol& other,
               const asyncio::testing::MemoryOptions& options)
        : connection(one, other, options),
          first{one->reader(), asyncio::StreamWriter(connection.first(), one)},
          second{other->reader(), asyncio::StreamWriter(connection.second(), other)} {}

public:
    asyncio::testing::MemoryConnection connection;
    asyncio::Stream first;
    asyncio::Stream second;
};

/// A conversation over a pair of sockets, while the sweep is at work elsewhere in the same loop.
class Bystander {
public:
    Bystander() : talk_(asyncio::create_task(converse())) {}

    /// Waits for its end. Were all its lines answered, in order?
    asyncio::Coro<bool> unharmed() {
        const std::string heard = co_await talk_;
        co_return heard == "0\n1\n2\n3\n4\n";
    }

private:
    static asyncio::Coro<std::string> converse() {
        auto pair = asyncio::Socket::pair();
        auto ours = asyncio::ConnectOptions().sock(std::move(pair.first));
        auto theirs = asyncio::ConnectOptions().sock(std::move(pair.second));
        const auto client = co_await asyncio::open_connection(std::move(ours));
        const auto server = co_await asyncio::open_connection(std::move(theirs));
        std::string heard;
        for (int i = 0; i < 5; ++i) {
            co_await client.writer.write_all(std::to_string(i) + "\n");
            co_await server.writer.write_all(co_await server.reader.readline());
            heard += co_await client.reader.readline();
        }
        client.writer.close();
        server.writer.close();
        co_await client.writer.wait_closed();
        co_await server.writer.wait_closed();
        co_return heard;
    }

    asyncio::Task<std::string> talk_;
};

/// Lets the loop take `count` turns.
inline asyncio::Coro<> turns_go_by(int count) {
    for (int i = 0; i < count; ++i) co_await asyncio::yield_now();
}

} // namespace support
