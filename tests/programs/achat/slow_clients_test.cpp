// SPDX-License-Identifier: MIT
// Who does not read, who says too much, and how all end together: nobody else is the worse for it.
#include "support/visitors.h"

namespace {

using namespace asyncio;
using namespace std::chrono_literals;
using achat::Hub;
using achat::Limits;
using support::Visitor;

// Says a thousand bytes, so often that one who does not read has too much.
constexpr int many = 1000;
std::string long_text(int number) { return std::to_string(number) + std::string(990, '.'); }

std::shared_ptr<Hub> hub_for_talkers() {
    Limits limits;
    limits.said_per_second_max = 1'000'000;
    return std::make_shared<Hub>(limits);
}

std::vector<std::unique_ptr<Visitor>> several(const std::shared_ptr<Hub>& hub, int count) {
    std::vector<std::unique_ptr<Visitor>> all;
    for (int i = 0; i < count; ++i) all.push_back(std::make_unique<Visitor>(hub));
    return all;
}

// LIFETIME: both are the case's.
Coro<> say_much(const Visitor& talker, const Visitor& listener) {
    for (int i = 0; i < many; ++i) {
        talker.say(long_text(i));
        CHECK_EQ(co_await talker.line_with("<"), "<guest-1> " + long_text(i));
        CHECK_EQ(co_await listener.line_with("<"), "<guest-1> " + long_text(i));
    }
}

CO_TEST("slow clients: who does not read is dropped, and the others hear everything in order") {
    const auto hub = hub_for_talkers();
    const Visitor talker(hub);
    const Visitor listener(hub);
    const Visitor sleeper(hub);
    co_await say_much(talker, listener);
    CHECK_EQ(hub->counts().too_slow, 1U);
    CHECK_EQ(hub->size(), 2U);
    talker.say("/who");
    CHECK_EQ(co_await talker.line_with("* in"), "* in lobby: guest-1 guest-2");
    co_await sleeper.visit(); // the grace is over
    CHECK(sleeper.visit().done());
    co_await talker.go();
    co_await listener.line_with("* guest-1 has left");
    co_await listener.go();
}

CO_TEST("slow clients: the others are told once, and who reads again in time learns why") {
    const auto hub = hub_for_talkers();
    const Visitor talker(hub);
    const Visitor sleeper(hub);
    int told = 0;
    for (int i = 0; i < many; ++i) {
        talker.say(long_text(i));
        std::string line;
        while (!(line = co_await talker.line()).starts_with('<')) {
            told += line == "* guest-2 has left: reads too slowly" ? 1 : 0;
        }
        if (told == 1) break;
    }
    CHECK_EQ(told, 1);
    std::string last;
    int heard = 0;
    for (std::string line; (line = co_await sleeper.line()) != "(end)"; last = line) {
        if (line.starts_with('<')) CHECK_EQ(line, "<guest-1> " + long_text(heard++));
    }
    CHECK_EQ(last, "* goodbye: reads too slowly; 256 lines were waiting");
    CHECK(heard > 64);
    co_await sleeper.go();
    co_await talker.go();
}

CO_TEST("slow clients: several at once, of whom each is told that the others go, are all dropped") {
    const auto hub = hub_for_talkers();
    const Visitor talker(hub);
    const Visitor listener(hub);
    const std::vector<std::unique_ptr<Visitor>> sleepers = several(hub, 5);
    co_await say_much(talker, listener);
    CHECK_EQ(hub->counts().too_slow, 5U);
    CHECK_EQ(hub->size(), 2U);
    for (const auto& sleeper : sleepers) co_await sleeper->visit();
    co_await talker.go();
    co_await listener.line_with("* guest-1 has left");
    co_await listener.go();
}

CO_TEST("slow clients: who asks again and again and never reads is dropped, too") {
    const auto hub = hub_for_talkers();
    const Visitor sleeper(hub);
    for (int i = 0; i < 200; ++i) {
        std::string many_helps;
        for (int k = 0; k < 10; ++k) many_helps += "/help\n";
        sleeper.writer().write(many_helps);
        co_await sleep(1ms);
    }
    co_await sleeper.visit();
    CHECK_EQ(hub->counts().too_slow, 1U);
    CHECK_EQ(hub->size(), 0U);
}

CO_TEST("slow clients: who says too much is held back, and nobody is dropped for it") {
    const auto hub = std::make_shared<Hub>();
    const Visitor flooder(hub);
    const Visitor listener(hub);
    const TimePoint began = testing::loop().time();
    std::string flood;
    constexpr int lines = 1000;
    for (int i = 0; i < lines; ++i) flood += std::to_string(i) + "\n";
    flooder.writer().write(flood);
    for (int i = 0; i < lines; ++i) {
        CHECK_EQ(co_await listener.line_with("<"), "<guest-1> " + std::to_string(i));
        CHECK_EQ(co_await flooder.line_with("<"), "<guest-1> " + std::to_string(i));
    }
    const Duration took = testing::loop().time() - began; // 100 at once, then 50 a second
    CHECK(took >= Duration(17s) && took <= Duration(19s));
    CHECK_EQ(hub->counts().too_slow, 0U);
    co_await flooder.go();
    co_await listener.go();
}

CO_TEST("slow clients: a thousand lines in one piece are handed out line by line") {
    Limits limits;
    limits.said_in_burst_max = 10'000;
    const auto hub = std::make_shared<Hub>(limits);
    const Visitor flooder(hub);
    const Visitor listener(hub);
    std::string flood;
    for (int i = 0; i < many; ++i) flood += std::to_string(i) + "\n";
    flooder.writer().write(flood);
    for (int i = 0; i < many; ++i) {
        CHECK_EQ(co_await listener.line_with("<"), "<guest-1> " + std::to_string(i));
        CHECK_EQ(co_await flooder.line_with("<"), "<guest-1> " + std::to_string(i));
    }
    CHECK_EQ(hub->counts().too_slow, 0U);
    co_await flooder.go();
    co_await listener.go();
}

// ---- the end of all -----------------------------------------------------------------------------

CO_TEST("the end: each hears all that was said, then the goodbye, and nothing behind it") {
    const auto hub = std::make_shared<Hub>();
    const Visitor one(hub);
    const Visitor other(hub);
    co_await other.line_with("* you are");
    for (int i = 0; i < 50; ++i) one.say(std::to_string(i));
    co_await other.line_with("<guest-1> 49");
    for (int i = 50; i < 60; ++i)
        hub->say(*hub->rooms().begin()->second.members[0], std::to_string(i));
    hub->dismiss_all("the server ends");
    one.say("too late");
    for (int i = 50; i < 60; ++i) CHECK_EQ(co_await other.line(), "<guest-1> " + std::to_string(i));
    for (const Visitor* visitor : {&one, &other}) {
        CHECK_EQ(co_await visitor->line_with("* goodbye"), "* goodbye: the server ends");
        CHECK_EQ(co_await visitor->line(), "(end)");
        co_await visitor->go();
    }
    CHECK_EQ(hub->size(), 0U);
    const Visitor late(hub);
    co_await late.line();
    CHECK_EQ(co_await late.line(), "* goodbye: the server ends");
    co_await late.go();
}

CO_TEST("the end: a client that does not close is closed when the grace is over") {
    const auto hub = std::make_shared<Hub>();
    const Visitor one(hub);
    one.say("/quit");
    CHECK_EQ(co_await one.line_with("* goodbye"), "* goodbye: quit");
    const TimePoint began = testing::loop().time();
    co_await one.visit();
    CHECK_EQ(testing::loop().time() - began, Duration(hub->limits().grace));
}

} // namespace
