// SPDX-License-Identifier: MIT
// Hub: who is there, in which room, and who hears what.
#pragma once

#include "programs/achat/members.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace achat {

/// People who hear each other. It is there as long as somebody is in it.
struct Room {
    std::string name;
    std::vector<Member*> members; // LIFETIME: each leaves before it goes
    std::deque<Line> history;     // what was said last
};

/// What has happened so far.
struct Counts {
    std::uint64_t visits = 0;
    std::uint64_t messages = 0;   // said
    std::uint64_t deliveries = 0; // of them, to one member each
    std::uint64_t too_slow = 0;   // members that were cut off
};

/// The chat without the network: all that it knows, and all that it does. Nothing here waits.
///
/// What one says is put into the queue of each who is in the room, himself too: so he sees when and
/// in which order all see it.
///
/// Thread    the loop's own.
class Hub {
public:
    static constexpr const char* lobby = "lobby"; // where everybody begins

    explicit Hub(const Limits& limits = Limits()) : limits_(limits) {}
    Hub(const Hub&) = delete; // rooms know members, and these the rooms
    Hub& operator=(const Hub&) = delete;

    /// Lets one in, with a name for a beginning.
    void enter(Member& member);
    /// Takes one out, and tells the others why. Harmless twice.
    void leave(Member& member, std::string_view why);

    void say(Member& member, std::string_view text);
    /// Returns   false: somebody has that name.
    bool rename(Member& member, std::string_view nick);
    void move(Member& member, std::string_view room);
    /// Answers one alone.
    void tell(Member& member, Line line);

    /// Tells one goodbye, behind all that waits for it, and takes it out.
    void dismiss(Member& member, std::string_view why);
    /// The same for all, and for those who still come.
    void dismiss_all(std::string_view why);

    const std::map<std::string, Room, std::less<>>& rooms() const noexcept { return rooms_; }
    const Counts& counts() const noexcept { return counts_; }
    const Limits& limits() const noexcept { return limits_; }
    std::size_t size() const noexcept { return members_.size(); } // how many are there

private:
    Room& room(std::string_view name);
    void join(Member& member, Room& room);
    Room* leave_room(Member& member);
    void take_out(Member& member, std::string_view why);
    void announce(Room& room, std::string_view text);
    void hand_out(Room& room, const Line& line);
    void hand(Member& member, Line line);
    void let_slow_go();

    Limits limits_;
    Counts counts_;
    std::map<std::string, Member*, std::less<>> members_; // by nick
    std::map<std::string, Room, std::less<>> rooms_; // nodes: members hold their addresses
    std::vector<Member*> slow_; // cut off, and not yet taken out
    std::string closing_; // why nobody may come any more; empty: all may
};

} // namespace achat
