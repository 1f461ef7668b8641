// SPDX-License-Identifier: MIT
// One after the other: serve, connect, talk, settle, goodbye, report.
#include "programs/achat/demo.h"

#include "programs/achat/descriptors.h"
#include "programs/achat/report.h"
#include "programs/achat/server.h"
#include "programs/terminal/figures.h"
#include "programs/terminal/usage.h"

namespace achat {

using namespace std::chrono_literals;
using namespace terminal;
using asyncio::Coro;
using asyncio::Server;

namespace {

constexpr asyncio::Duration patience = 5s; // with what is under way, at the end
constexpr std::size_t descriptors_besides = 32;

std::uint16_t port_of(const Server& server) { return server.sockets()[0].getsockname().port(); }

std::string plan_text(const LoadPlan& plan, std::uint16_t port) {
    const Ledger ledger(plan.clients, plan.room_size);
    return "A chat server on port " + std::to_string(port) + " and " +
           count_text(plan.clients, "client") + " in " + count_text(ledger.rooms(), "room") +
           ": one process, one thread, TCP.\nThey say " +
           count_text(plan.messages_per_second, "message") + " a second, for " +
           time_text(plan.time.seconds().count()) + ". Ctrl-C ends it in order.";
}

struct Stage {
    Usage talk_began;
    CallCounts calls_before;
    bool talks = false;
};

// LIFETIME: all are demo()'s, which awaits this.
Coro<> connect_all(Load& load, std::uint16_t port, Measured& measured) {
    const double memory = static_cast<double>(resident_bytes());
    const Usage start = usage_now();
    co_await load.connect("127.0.0.1", port);
    measured.connect_seconds = usage_since(start).wall_seconds;
    measured.memory_bytes = static_cast<double>(resident_bytes()) - memory;
}

// LIFETIME: as above.
Coro<> connect_and_talk(Console& console, const CallMeter& meter, Load& load, std::uint16_t port,
                        Measured& measured, Stage& stage) {
    const auto connecting = [&] { return grouped(load.in_room()) + " connected"; };
    co_await with_live_line(console, connecting, connect_all(load, port, measured));
    console.say(count_text(load.in_room(), "client") + " connected and in their rooms after " +
                time_text(measured.connect_seconds) + ".");
    stage.talk_began = usage_now();
    stage.calls_before = meter.counts();
    stage.talks = true;
    const auto talking = [&] {
        return progress_text(load, usage_since(stage.talk_began).wall_seconds);
    };
    co_await with_live_line(console, talking, load.talk());
}

} // namespace

// LIFETIME: `console` and `meter` are main()'s.
Coro<bool> demo(Console& console, const CallMeter& meter, LoadPlan plan) {
    allow_descriptors(2 * plan.clients + descriptors_besides);
    const auto hub = std::make_shared<Hub>();
    const Server server = co_await start_chat(hub, "127.0.0.1", 0);
    console.title(plan_text(plan, port_of(server)));
    Load load(plan);
    Measured measured;
    Stage stage;
    auto work = connect_and_talk(console, meter, load, port_of(server), measured, stage);
    const asyncio::Outcome<> end = co_await asyncio::outcome(std::move(work));
    if (end.cancelled()) console.say("Interrupted: the clients stop, what they said is delivered.");
    co_await load.settle(patience);
    measured.used = usage_since(stage.talk_began);
    measured.calls = meter.counts() - stage.calls_before;
    co_await end_chat(hub, server, "the demo ends");
    co_await load.see_goodbye(patience);
    if (stage.talks) console.say(report_text(load, hub->counts(), measured));
    const std::string faults = faults_text(load, hub->counts());
    console.say(faults);
    end.value(); // passes on what it ended with
    co_return faults.empty();
}

namespace {

Coro<> wait_for_ever() {
    asyncio::Event never;
    co_await never.wait();
}

} // namespace

// LIFETIME: `console` is main()'s.
Coro<> serve(Console& console, std::string host, asyncio::Port port) {
    const auto hub = std::make_shared<Hub>();
    const Server server = co_await start_chat(hub, host, port);
    console.title("Chat on " + to_string(server.sockets()[0].getsockname()) +
                  ". Try: nc -N 127.0.0.1 " + std::to_string(port_of(server)) +
                  ". Ctrl-C ends it in order.");
    co_await asyncio::finally_(wait_for_ever(), end_chat(hub, server, "the server ends"));
}

} // namespace achat
