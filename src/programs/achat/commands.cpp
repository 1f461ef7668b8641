// SPDX-License-Identifier: MIT
// The commands, a function each, and the table that names them.
#include "programs/achat/commands.h"

#include <algorithm>
#include <array>

namespace achat {

namespace {

using Run = void (*)(Hub& hub, Member& member, std::string_view rest);

struct Entry {
    std::string_view word;
    Run run;
};

constexpr const char* help_text =
    R"(a line that does not begin with / is said to all in your room
* /nick NAME    be called NAME
* /join ROOM    go to another room; it is made if it is not there
* /who          who is in your room
* /rooms        which rooms there are
* /history      what was said here last
* /quit         goodbye)";

void help(Hub& hub, Member& member, std::string_view) { hub.tell(member, notice_line(help_text)); }

void nick(Hub& hub, Member& member, std::string_view name) {
    if (const auto fault = fault_of_name(name)) return hub.tell(member, complaint_line(*fault));
    if (name == member.nick) {
        hub.tell(member, notice_line("you are " + member.nick + " already"));
    } else if (!hub.rename(member, name)) {
        hub.tell(member, complaint_line("somebody is called " + std::string(name) + " already"));
    }
}

void join(Hub& hub, Member& member, std::string_view name) {
    if (const auto fault = fault_of_name(name)) return hub.tell(member, complaint_line(*fault));
    hub.move(member, name);
}

void who(Hub& hub, Member& member, std::string_view) {
    std::string text = "in " + member.room->name + ":";
    for (const Member* other : member.room->members) text += " " + other->nick;
    hub.tell(member, notice_line(text));
}

void rooms(Hub& hub, Member& member, std::string_view) {
    std::string text = "rooms:";
    for (const auto& [name, room] : hub.rooms()) {
        text += " " + name + " (" + std::to_string(room.members.size()) + ")";
    }
    hub.tell(member, notice_line(text));
}

// In one piece: the queue has room for a reply, however long the history is.
void history(Hub& hub, Member& member, std::string_view) {
    const std::deque<Line>& lines = member.room->history;
    if (lines.empty()) return hub.tell(member, notice_line("nobody has said anything here yet"));
    std::string text;
    for (const Line& line : lines) text += *line;
    hub.tell(member, std::make_shared<const std::string>(std::move(text)));
}

void quit(Hub& hub, Member& member, std::string_view) { hub.dismiss(member, "quit"); }

constexpr std::array<Entry, 7> entries{{{"/help", help},
                                        {"/nick", nick},
                                        {"/join", join},
                                        {"/who", who},
                                        {"/rooms", rooms},
                                        {"/history", history},
                                        {"/quit", quit}}};

void run_command(Hub& hub, Member& member, std::string_view line) {
    const Command command = split_command(line);
    const auto found = std::find_if(entries.begin(), entries.end(),
                                    [&](const Entry& entry) { return entry.word == command.word; });
    if (found != entries.end()) return found->run(hub, member, command.rest);
    const bool is_fit = !fault_of_text(command.word) && command.word.size() <= name_bytes_max;
    const std::string name = is_fit ? std::string(command.word) : "like that";
    hub.tell(member, complaint_line("there is no command " + name + "; /help names them"));
}

} // namespace

void obey(Hub& hub, Member& member, std::string_view line) {
    const std::string_view text = trimmed(line);
    if (text.empty()) return;
    if (text.front() == '/') return run_command(hub, member, text);
    if (const auto fault = fault_of_text(text)) return hub.tell(member, complaint_line(*fault));
    hub.say(member, text);
}

} // namespace achat
