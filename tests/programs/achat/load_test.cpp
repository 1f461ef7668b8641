// SPDX-License-Identifier: MIT
// The load notices what goes wrong: lines that nobody said, and a server that loses some.
#include "programs/achat/load.h"

#include "asyncio/testing/testing.h"
#include "programs/achat/report.h"
#include "programs/achat/sleeper.h"

#include <cmath>

namespace {

using namespace asyncio;
using namespace std::chrono_literals;
using achat::Ledger;
using achat::LoadClient;

struct Events final : achat::LoadEvents {
    void is_in_room() override { text += "room "; }
    void heard_message() override { text += "message "; }
    void heard_goodbye() override { text += "goodbye "; }
    void heard_complaint(std::string_view line) override { text.append(line) += " "; }
    void is_gone() override { text += "gone "; }
    std::string text;
};

constexpr std::string_view heard = "* welcome, guest-1; /help says what you can do\n"
                                   "* you are in lobby\n"
                                   "* you are in room-0; others here: 1\n"
                                   "<load-1> 0 the quick brown fox jumps over the lazy dog\n"
                                   "<load-1> 1 the quick brown fox jumps over the lazy dog\n"
                                   "! what?\n"
                                   "* goodbye: the end\n";

TEST("load client: where the network cuts what it hears changes nothing") {
    for (std::size_t cut = 0; cut <= heard.size(); ++cut) {
        Ledger ledger(2, 2);
        Events events;
        LoadClient client(0, ledger, events);
        for (int i = 0; i < 2; ++i) ledger.sent(1, 0);
        client.data_received(heard.substr(0, cut));
        client.data_received(heard.substr(cut));
        CHECK_EQ(events.text, "room message message ! what? goodbye ");
        CHECK_EQ(ledger.delivered(), 2U);
        CHECK_EQ(ledger.misplaced(), 0U);
    }
}

TEST("load client: a message that nobody has said, or not so, is no delivery") {
    for (const std::string_view line :
         {"<load-1> 0 the quick brown fox jumps over the lazy do", "<load-1> 0", "<load-1> the",
          "<load-2> 0 the quick brown fox jumps over the lazy dog", "<ada> hello", "<",
          "<load-1> 1 the quick brown fox jumps over the lazy dog",
          "<load-99999999999> 0 the quick brown fox jumps over the lazy dog"}) {
        Ledger ledger(2, 2);
        Events events;
        LoadClient client(0, ledger, events);
        ledger.sent(1, 0);
        client.data_received(std::string(line) + "\n");
        CHECK_EQ(ledger.delivered(), 0U);
        CHECK_EQ(ledger.misplaced(), 1U);
    }
}

// A chat of one room that never is what it should be: it forgets, repeats and mixes up messages.
struct BadChat {
    std::vector<StreamWriter> writers;
    std::vector<std::string> nicks;
    int messages = 0;
    void hand_out(const std::string& line) {
        ++messages;
        for (const StreamWriter& writer : writers) {
            if (messages % 10 == 3 && &writer == &writers[0]) continue;
            writer.write(line);
            if (messages % 10 == 5) writer.write(line);
        }
    }
};

// LIFETIME: `chat` is the case's, which outlives its server.
Coro<> attend_badly(BadChat& chat, StreamReader reader, StreamWriter writer) {
    std::string nick;
    while (auto line = co_await reader.next_line()) {
        if (line->starts_with("/nick ")) {
            nick = line->substr(6, line->size() - 7);
        } else if (line->starts_with("/join ")) {
            chat.writers.push_back(writer);
            writer.write("* you are in " + line->substr(6));
        } else {
            chat.hand_out("<" + nick + "> " + *line);
        }
    }
}

CO_TEST_REAL_TIME("load: what a bad server loses, repeats and leaves out is found out") {
    BadChat chat;
    const auto attend = [&chat](StreamReader reader, StreamWriter writer) {
        return attend_badly(chat, std::move(reader), std::move(writer));
    };
    const Server server = co_await start_server(attend, "127.0.0.1", 0);
    achat::LoadPlan plan;
    plan.clients = 10;
    plan.messages_per_second = 1000;
    plan.time = 100ms;
    {
        achat::Load load(plan);
        co_await load.connect("127.0.0.1", server.sockets()[0].getsockname().port());
        co_await load.talk();
        co_await load.settle(100ms); // for real: what is lost does not come
        CHECK_EQ(load.ledger().messages(), 100U);
        CHECK(load.ledger().lost() >= 10U);
        CHECK(load.ledger().misplaced() >= 100U); // ten messages came twice to each of ten
        const std::string faults = achat::faults_text(load, achat::Counts(), 1);
        for (const char* fault : {"deliveries are lost", "came out of order", "0 clients dropped",
                                  "not all were told goodbye"}) {
            CHECK(faults.find(fault) != std::string::npos);
        }
    } // its clients hang up
    chat.writers.clear();
    server.close();
    co_await server.wait_closed();
}

CO_TEST_REAL_TIME("load: a server that is not there is an error that names it") {
    achat::LoadPlan plan;
    plan.clients = 3;
    achat::Load load(plan);
    const auto end = co_await outcome(load.connect("127.0.0.1", 1));
    CHECK(is_exception<ExceptionGroup>(end.exception()));
    CHECK_EQ(load.gone(), 0U);
}

} // namespace
