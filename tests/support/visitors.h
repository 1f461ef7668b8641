// SPDX-License-Identifier: MIT
// Visitor: a client of a chat in memory, as a test types and reads it.
#pragma once

#include "programs/achat/server.h"

#include "asyncio/testing/memory_transports.h"
#include "asyncio/testing/sweep.h"
#include "asyncio/testing/testing.h"

#include <string>

namespace support {

/// One connection to a hub; the server's side of it runs as a task.
class Visitor {
public:
    /// sweep     whose victim the server's side is; null: it is an ordinary task
    explicit Visitor(const std::shared_ptr<achat::Hub>& hub,
                     const asyncio::testing::MemoryOptions& options = {},
                     asyncio::testing::Sweep* sweep = nullptr)
        : Visitor(hub, asyncio::testing::memory_streams(options), sweep) {}

    /// Sends a line.
    void say(std::string_view text) const { mine_.writer.write(std::string(text) + "\n"); }
    /// The next line, without its LF; "(end)" when there is none.
    asyncio::Coro<std::string> line() const {
        const auto line = co_await asyncio::wait_for(mine_.reader.next_line(), patience);
        co_return line ? line->substr(0, line->find('\n')) : "(end)";
    }
    /// All lines up to one that begins with `beginning`; that one.
    asyncio::Coro<std::string> line_with(std::string beginning) const {
        for (;;) {
            std::string next = co_await line();
            if (next.starts_with(beginning) || next == "(end)") co_return next;
        }
    }
    /// Takes a name, and reads until it is known.
    asyncio::Coro<> call_me(std::string name) const {
        say("/nick " + name);
        for (std::string next; !next.ends_with(" is " + name + " now");) next = co_await line();
    }
    /// Sends no more, reads to the end, and waits until the server's side has ended.
    asyncio::Coro<> go() const {
        mine_.writer.write_eof();
        const std::string last = co_await line_with("(end)");
        mine_.writer.close();
        co_await visit_;
    }

    const asyncio::StreamReader& reader() const { return mine_.reader; }
    const asyncio::StreamWriter& writer() const { return mine_.writer; }
    const asyncio::Task<>& visit() const { return visit_; }

private:
    static constexpr asyncio::Duration patience = std::chrono::minutes(10); // virtual ones

    Visitor(const std::shared_ptr<achat::Hub>& hub,
            std::pair<asyncio::Stream, asyncio::Stream> ends, asyncio::testing::Sweep* sweep)
        : mine_(ends.first),
          visit_(start(achat::attend(hub, ends.second.reader, ends.second.writer), sweep)) {}

    static asyncio::Task<> start(asyncio::Coro<> visit, asyncio::testing::Sweep* sweep) {
        if (sweep != nullptr) return sweep->victim(std::move(visit));
        return asyncio::create_task(std::move(visit));
    }

    asyncio::Stream mine_;
    asyncio::Task<> visit_;
};

} // namespace support
