// SPDX-License-Identifier: MIT
// Coming, going, and being heard.
#include "programs/achat/hub.h"

#include <algorithm>

namespace achat {

namespace {

std::string farewell_text(std::string_view why) { return std::string("goodbye: ").append(why); }

} // namespace

// ---- coming and going ---------------------------------------------------------------------------

void Hub::enter(Member& member) {
    do {
        member.nick = "guest-" + std::to_string(++counts_.visits);
    } while (members_.contains(member.nick));
    members_.emplace(member.nick, &member);
    tell(member, notice_line("welcome, " + member.nick + "; /help says what you can do"));
    if (!closing_.empty()) return dismiss(member, closing_);
    join(member, room(lobby));
    let_slow_go();
}

void Hub::leave(Member& member, std::string_view why) {
    take_out(member, why);
    let_slow_go();
}

void Hub::take_out(Member& member, std::string_view why) {
    const auto found = members_.find(member.nick);
    if (found == members_.end() || found->second != &member) return;
    members_.erase(found);
    if (Room* room = leave_room(member)) {
        announce(*room, member.nick + " has left: " + std::string(why));
    }
}

void Hub::dismiss(Member& member, std::string_view why) {
    member.part(notice_line(farewell_text(why)));
    leave(member, why);
}

void Hub::dismiss_all(std::string_view why) {
    closing_ = why;
    const Line farewell = notice_line(farewell_text(why));
    for (const auto& [nick, member] : members_) {
        member->part(farewell);
        member->room = nullptr; // there is nobody who could be told
    }
    members_.clear();
    rooms_.clear();
}

bool Hub::rename(Member& member, std::string_view nick) {
    if (members_.contains(nick)) return false;
    auto node = members_.extract(member.nick);
    const std::string before = std::exchange(member.nick, nick);
    node.key() = member.nick;
    members_.insert(std::move(node));
    announce(*member.room, before + " is " + member.nick + " now");
    let_slow_go();
    return true;
}

// ---- rooms --------------------------------------------------------------------------------------

Room& Hub::room(std::string_view name) {
    const auto found = rooms_.find(name);
    if (found != rooms_.end()) return found->second;
    Room& made = rooms_[std::string(name)];
    made.name = name;
    return made;
}

void Hub::move(Member& member, std::string_view name) {
    Room& to = room(name);
    if (member.room == &to) return tell(member, notice_line("you are in " + to.name + " already"));
    if (Room* from = leave_room(member)) announce(*from, member.nick + " has gone to " + to.name);
    join(member, to);
    let_slow_go();
}

void Hub::join(Member& member, Room& room) {
    announce(room, member.nick + " is here");
    room.members.push_back(&member);
    member.room = &room;
    std::string text = "you are in " + room.name;
    const std::size_t others = room.members.size() - 1;
    if (others != 0) text += "; others here: " + std::to_string(others);
    if (!room.history.empty()) text += "; /history shows what was said";
    hand(member, notice_line(text));
}

// Returns the room if somebody is left in it.
Room* Hub::leave_room(Member& member) {
    Room* const room = std::exchange(member.room, nullptr);
    if (room == nullptr) return nullptr;
    std::erase(room->members, &member);
    if (!room->members.empty()) return room;
    rooms_.erase(rooms_.find(room->name));
    return nullptr;
}

// ---- being heard --------------------------------------------------------------------------------

void Hub::say(Member& member, std::string_view text) {
    Room& room = *member.room;
    const Line line = message_line(member.nick, text);
    room.history.push_back(line);
    if (room.history.size() > limits_.history_lines) room.history.pop_front();
    ++counts_.messages;
    counts_.deliveries += room.members.size();
    hand_out(room, line);
    let_slow_go();
}

void Hub::announce(Room& room, std::string_view text) { hand_out(room, notice_line(text)); }

void Hub::tell(Member& member, Line line) {
    hand(member, std::move(line));
    let_slow_go();
}

void Hub::hand_out(Room& room, const Line& line) {
    for (Member* member : room.members) hand(*member, line);
}

// Who cannot take a line is cut off at once, but taken out later: the room is being gone through.
void Hub::hand(Member& member, Line line) {
    if (member.take(std::move(line))) return;
    ++counts_.too_slow;
    member.cut(notice_line(farewell_text(
        "reads too slowly; " + std::to_string(limits_.waiting_lines_max) + " lines were waiting")));
    slow_.push_back(&member);
}

// The others are told, which can be too much for one of them, too.
void Hub::let_slow_go() {
    while (!slow_.empty()) {
        Member& member = *slow_.back();
        slow_.pop_back();
        take_out(member, "reads too slowly");
    }
}

} // namespace achat
