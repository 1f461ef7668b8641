// SPDX-License-Identifier: MIT
// Member: one who is connected, and the lines that wait for it.
#pragma once

#include "programs/achat/lines.h"

#include "asyncio/asyncio.h"

#include <cstddef>
#include <optional>
#include <string>

namespace achat {

struct Room;

/// What the server puts up with.
struct Limits {
    std::size_t waiting_lines_max = 256;  // for one member; with more it reads too slowly
    std::size_t history_lines = 50;       // of a room
    std::size_t said_per_second_max = 50; // by one member; more are read later
    std::size_t said_in_burst_max = 100;  // after a silence; fewer than may wait for another
    asyncio::Duration grace = std::chrono::seconds(2); // to take what is left, at the end
};

/// One connection's part in the chat.
///
/// Lines for it go through a bounded queue, from which a task of its own sends: nobody who says
/// something waits for those who hear it.
///
/// Thread    the loop's own.
class Member {
public:
    Member(asyncio::StreamWriter writer, const Limits& limits)
        : waiting(limits.waiting_lines_max), writer_(std::move(writer)), grace_(limits.grace) {}
    Member(const Member&) = delete; // the hub knows its address
    Member& operator=(const Member&) = delete;
    ~Member() {
        if (last_chance_) last_chance_->cancel();
    }

    /// Takes a line in.
    /// Returns   false: there are too many.  Of one who leaves already, lines are dropped.
    bool take(Line line);
    /// Ends what it hears with `farewell`; what waits is sent before.
    void part(Line farewell);
    /// Ends what it hears now: what waits is dropped, and what the connection does not take within
    /// the grace, too.
    void cut(const Line& farewell);
    /// Was it told goodbye?
    bool is_leaving() const noexcept { return waiting.is_shut_down(); }

    const asyncio::StreamWriter& writer() const noexcept { return writer_; }

    std::string nick;
    Room* room = nullptr; // the hub's
    asyncio::Queue<Line> waiting;

private:
    asyncio::StreamWriter writer_;
    asyncio::Duration grace_;
    std::optional<asyncio::TimerHandle> last_chance_; // after cut()
};

} // namespace achat
