// SPDX-License-Identifier: MIT
// The chat as its visitors see it: who hears what, and what is said to those who mistype.
#include "support/visitors.h"

namespace {

using namespace asyncio;
using namespace std::chrono_literals;
using achat::Hub;
using achat::Limits;
using support::Visitor;

std::shared_ptr<Hub> new_hub() { return std::make_shared<Hub>(); }

// ---- coming, talking, going ---------------------------------------------------------------------

CO_TEST("chat: who comes is welcomed, has a name, and is in the lobby") {
    const auto hub = new_hub();
    const Visitor one(hub);
    CHECK_EQ(co_await one.line(), "* welcome, guest-1; /help says what you can do");
    CHECK_EQ(co_await one.line(), "* you are in lobby");
    const Visitor other(hub);
    CHECK_EQ(co_await one.line(), "* guest-2 is here");
    CHECK_EQ(co_await other.line_with("* you are"), "* you are in lobby; others here: 1");
    co_await other.go();
    CHECK_EQ(co_await one.line(), "* guest-2 has left: end of input");
    co_await one.go();
    CHECK_EQ(hub->size(), 0U);
    CHECK(hub->rooms().empty());
}

CO_TEST("chat: what one says is heard by all in the room, himself too, and by nobody else") {
    const auto hub = new_hub();
    const Visitor ada(hub);
    const Visitor grace(hub);
    const Visitor barbara(hub);
    co_await ada.call_me("ada");
    co_await grace.call_me("grace");
    co_await barbara.call_me("barbara");
    barbara.say("/join elsewhere");
    co_await ada.line_with("* barbara has gone");
    ada.say("hello");
    ada.say("  how are you? \r");
    for (const Visitor* visitor : {&ada, &grace}) {
        CHECK_EQ(co_await visitor->line_with("<"), "<ada> hello");
        CHECK_EQ(co_await visitor->line(), "<ada> how are you?");
    }
    barbara.say("anybody?");
    CHECK_EQ(co_await barbara.line_with("<"), "<barbara> anybody?");
    CHECK_EQ(hub->counts().messages, 3U);
    CHECK_EQ(hub->counts().deliveries, 5U);
    for (const Visitor* visitor : {&barbara, &grace, &ada}) co_await visitor->go();
}

CO_TEST("chat: who sends no more still gets all answers, and a goodbye") {
    const auto hub = new_hub();
    const Visitor one(hub);
    one.say("/nick ada\nhello\n/who");
    one.writer().write_eof();
    CHECK_EQ(co_await one.line_with("<"), "<ada> hello");
    CHECK_EQ(co_await one.line(), "* in lobby: ada");
    CHECK_EQ(co_await one.line(), "* goodbye: end of input");
    CHECK_EQ(co_await one.line(), "(end)");
    co_await one.go();
}

CO_TEST("chat: /quit is answered by a goodbye, and what is said behind it by nothing") {
    const auto hub = new_hub();
    const Visitor other(hub);
    const Visitor one(hub);
    one.say("last words\n/quit\nafter all");
    CHECK_EQ(co_await one.line_with("<"), "<guest-2> last words");
    CHECK_EQ(co_await one.line(), "* goodbye: quit");
    CHECK_EQ(co_await one.line(), "(end)");
    CHECK_EQ(co_await other.line_with("* guest-2 has"), "* guest-2 has left: quit");
    co_await one.go();
    co_await other.go();
    CHECK_EQ(hub->counts().messages, 1U);
}

CO_TEST("chat: a connection that is lost takes its member out, and the others are told") {
    const auto hub = new_hub();
    const Visitor other(hub);
    const Visitor one(hub);
    co_await one.line();
    one.writer().transport().abort();
    const std::string told = co_await other.line_with("* guest-2 has");
    CHECK(told == "* guest-2 has left: connection lost" ||
          told == "* guest-2 has left: end of input");
    co_await one.visit();
    CHECK_EQ(hub->size(), 1U);
    co_await other.go();
}

// ---- commands -----------------------------------------------------------------------------------

CO_TEST("chat: a name can be taken once, and is free again when its owner has gone") {
    const auto hub = new_hub();
    const Visitor ada(hub);
    const Visitor other(hub);
    co_await ada.call_me("ada");
    other.say("/nick ada");
    CHECK_EQ(co_await other.line_with("!"), "! somebody is called ada already");
    ada.say("/nick ada");
    CHECK_EQ(co_await ada.line_with("* you are ada"), "* you are ada already");
    ada.say("/nick lovelace");
    CHECK_EQ(co_await other.line_with("* ada is"), "* ada is lovelace now");
    other.say("/nick ada");
    CHECK_EQ(co_await other.line(), "* guest-2 is ada now");
    co_await ada.go();
    CHECK_EQ(co_await other.line(), "* lovelace has left: end of input");
    other.say("/nick lovelace");
    CHECK_EQ(co_await other.line(), "* ada is lovelace now");
    co_await other.go();
}

CO_TEST("chat: a guest's name that somebody has taken is passed over") {
    const auto hub = new_hub();
    const Visitor one(hub);
    co_await one.call_me("guest-2");
    const Visitor other(hub);
    CHECK_EQ(co_await other.line(), "* welcome, guest-3; /help says what you can do");
    co_await other.go();
    co_await one.go();
}

CO_TEST("chat: a room is there as long as somebody is in it") {
    const auto hub = new_hub();
    const Visitor one(hub);
    const Visitor other(hub);
    co_await other.line_with("* you are in lobby");
    one.say("/join tea");
    CHECK_EQ(co_await one.line_with("* you are in tea"), "* you are in tea");
    CHECK_EQ(co_await other.line(), "* guest-1 has gone to tea");
    one.say("/join tea");
    CHECK_EQ(co_await one.line(), "* you are in tea already");
    other.say("/rooms");
    CHECK_EQ(co_await other.line(), "* rooms: lobby (1) tea (1)");
    other.say("/join tea");
    CHECK_EQ(co_await other.line(), "* you are in tea; others here: 1");
    CHECK_EQ(co_await one.line(), "* guest-2 is here");
    other.say("/rooms\n/who");
    CHECK_EQ(co_await other.line(), "* rooms: tea (2)");
    CHECK_EQ(co_await other.line(), "* in tea: guest-1 guest-2");
    co_await one.go();
    co_await other.go();
    CHECK(hub->rooms().empty());
}

CO_TEST("chat: the history has what was said last, in order, and no more than its limit") {
    Limits limits;
    limits.history_lines = 3;
    const auto hub = std::make_shared<Hub>(limits);
    const Visitor ada(hub);
    co_await ada.call_me("ada");
    ada.say("/history");
    CHECK_EQ(co_await ada.line(), "* nobody has said anything here yet");
    for (int i = 1; i <= 5; ++i) ada.say(std::to_string(i));
    co_await ada.line_with("<ada> 5");
    const Visitor late(hub);
    CHECK_EQ(co_await late.line_with("* you are"),
             "* you are in lobby; others here: 1; /history shows what was said");
    late.say("/history");
    for (int i = 3; i <= 5; ++i) CHECK_EQ(co_await late.line(), "<ada> " + std::to_string(i));
    late.say("x");
    CHECK_EQ(co_await late.line(), "<guest-2> x");
    co_await late.go();
    co_await ada.go();
}

// ---- bad input ----------------------------------------------------------------------------------

CO_TEST("chat: what cannot be understood is answered, and the chat goes on") {
    const auto hub = new_hub();
    const Visitor one(hub);
    co_await one.line_with("* you are");
    const std::pair<std::string, std::string> mistakes[]{
        {"/dance now", "! there is no command /dance; /help names them"},
        {"/", "! there is no command /; /help names them"},
        {"/\x1b[2J", "! there is no command like that; /help names them"},
        {"/" + std::string(1000, 'x'), "! there is no command like that; /help names them"},
        {"/nick", "! a name is missing"},
        {"/nick   ", "! a name is missing"},
        {"/nick a b", "! a name has no blanks and none of < > , : / * !"},
        {"/nick \x07", "! that name has control characters"},
        {"/join", "! a name is missing"},
        {"/join \xff", "! that name is not UTF-8"},
        {std::string(1001, 'x'), "! a line has at most 1000 bytes"},
        {"bell\a", "! that line has control characters"},
        {"\xc3(", "! that line is not UTF-8"},
    };
    for (const auto& [said, answer] : mistakes) {
        one.say(said);
        CHECK_EQ(co_await one.line(), answer);
    }
    one.say("\n   \n\r\n"); // nothing
    one.say("still here");
    CHECK_EQ(co_await one.line(), "<guest-1> still here");
    co_await one.go();
}

CO_TEST("chat: /help names every command, and every one of them works") {
    const auto hub = new_hub();
    const Visitor one(hub);
    co_await one.line_with("* you are");
    one.say("/help\n/nick");
    std::vector<std::string> commands;
    for (std::string line; (line = co_await one.line()) != "! a name is missing";) {
        if (line.starts_with("* /")) commands.push_back(line.substr(2, line.find(' ', 2) - 2));
    }
    CHECK_EQ(commands.size(), 6U);
    for (const std::string& command : commands) {
        if (command == "/quit") continue;
        one.say(command);
        CHECK(!(co_await one.line()).starts_with("! there is no command"));
    }
    one.say("/quit");
    CHECK_EQ(co_await one.line_with("* goodbye"), "* goodbye: quit");
    co_await one.go();
}

CO_TEST("chat: a line without an end is the end of the visit, and the member is told so") {
    const auto hub = new_hub();
    const Visitor one(hub);
    co_await one.line_with("* you are");
    one.writer().write(std::string(200 * 1024, 'x'));
    CHECK_EQ(co_await one.line(), "* goodbye: a line without an end");
    co_await one.go();
    CHECK_EQ(hub->size(), 0U);
}

CO_TEST("chat: it does not matter where the network cuts what is said") {
    const auto hub = new_hub();
    const Visitor one(hub, testing::MemoryOptions().piece(1));
    one.say("/nick ada\nhello, world\n/who\n/quit");
    CHECK_EQ(co_await one.line_with("<"), "<ada> hello, world");
    CHECK_EQ(co_await one.line(), "* in lobby: ada");
    CHECK_EQ(co_await one.line(), "* goodbye: quit");
    co_await one.go();
}

// ---- cancelling ---------------------------------------------------------------------------------

CO_SWEEP("chat: a visit that is cancelled anywhere leaves nobody in the hub") {
    const auto hub = new_hub();
    const Visitor other(hub);
    {
        const Visitor one(hub, {}, &sweep);
        one.say("hello\n/nick ada\nagain\n/quit");
        static_cast<void>(co_await outcome(one.visit()));
        one.writer().close();
    }
    CHECK_EQ(hub->size(), 1U);
    other.say("/who");
    CHECK_EQ(co_await other.line_with("* in"), "* in lobby: guest-1");
    co_await other.go();
}

} // namespace
