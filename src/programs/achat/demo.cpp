// SPDX-License-Identifier: MIT
// One after the other: serve, connect, talk, settle, goodbye, report.
#include "programs/achat/demo.h"

#include "programs/achat/descriptors.h"
#include "programs/achat/report.h"
#include "programs/achat/server.h"
#include "programs/achat/sleeper.h"
#include "programs/terminal/figures.h"
#include "programs/terminal/usage.h"

#include <algorithm>

namespace achat {

using namespace std::chrono_literals;
using namespace terminal;
using asyncio::Coro;
using asyncio::Server;

namespace {

constexpr asyncio::Duration patience = 5s; // with what is under way, at the end
constexpr std::size_t descriptors_besides = 32;
constexpr std::size_t said_by_sleeper_per_second = 10'000;

std::uint16_t port_of(const Server& server) { return server.sockets()[0].getsockname().port(); }

std::string plan_text(const LoadPlan& plan, std::uint16_t port) {
    const Ledger ledger(plan.clients, plan.room_size);
    return "A chat server on port " + std::to_string(port) + " and " +
           count_text(plan.clients, "client") + " in " + count_text(ledger.rooms(), "room") +
           ": one process, one thread, TCP.\nThey say " +
           count_text(plan.messages_per_second, "message") + " a second, for " +
           time_text(plan.time.seconds().count()) + ". Ctrl-C ends it in order.";
}

// Nobody is held back: the load says what it was told to, and the sleeper is to be noticed soon.
Limits limits_for(const LoadPlan& plan) {
    Limits limits;
    limits.said_per_second_max = std::max<std::size_t>(
        said_by_sleeper_per_second, 2 * plan.messages_per_second / plan.clients + 1);
    return limits;
}

// What the parts of a demo share.
struct Show {
    Console& console;
    const CallMeter& meter;
    const Hub& hub;
    Load& load;
    std::uint16_t port;
    Measured measured;
    Usage talk_began;
    CallCounts calls_before;
    bool has_talked = false;
};

// LIFETIME: `show` is demo()'s, which awaits this.
Coro<> connect_all(Show& show) {
    const double memory = static_cast<double>(resident_bytes());
    const Usage start = usage_now();
    co_await show.load.connect("127.0.0.1", show.port);
    show.measured.connect_seconds = usage_since(start).wall_seconds;
    show.measured.memory_bytes = static_cast<double>(resident_bytes()) - memory;
}

// LIFETIME: `show` is demo()'s, which awaits this.
Coro<> talk_until_one_is_dropped(Show& show) {
    co_await show.load.talk();
    const asyncio::EventLoop& loop = asyncio::get_running_loop();
    const asyncio::TimePoint give_up = loop.time() + patience;
    while (show.hub.counts().too_slow == 0 && loop.time() < give_up) co_await asyncio::sleep(10ms);
}

// LIFETIME: `show` is demo()'s, which awaits this.
Coro<> connect_and_talk(Show& show) {
    const auto connecting = [&] { return grouped(show.load.in_room()) + " connected"; };
    co_await with_live_line(show.console, connecting, connect_all(show));
    show.console.say(count_text(show.load.in_room(), "client") +
                     " connected and in their rooms after " +
                     time_text(show.measured.connect_seconds) + "; one more never reads.");
    show.talk_began = usage_now();
    show.calls_before = show.meter.counts();
    show.has_talked = true;
    const auto talking = [&] {
        return progress_text(show.load, usage_since(show.talk_began).wall_seconds);
    };
    auto sleeper = asyncio::create_task(never_read("127.0.0.1", show.port, "room-0"), "sleeper");
    auto talk = with_live_line(show.console, talking, talk_until_one_is_dropped(show));
    co_await asyncio::finally_(std::move(talk), [&sleeper] { sleeper.cancel(); });
}

} // namespace

// LIFETIME: `console` and `meter` are main()'s.
Coro<bool> demo(Console& console, const CallMeter& meter, LoadPlan plan) {
    allow_descriptors(2 * plan.clients + descriptors_besides);
    const auto hub = std::make_shared<Hub>(limits_for(plan));
    const Server server = co_await start_chat(hub, "127.0.0.1", 0);
    console.title(plan_text(plan, port_of(server)));
    Load load(plan);
    Show show{console, meter, *hub, load, port_of(server), {}, {}, {}};
    const asyncio::Outcome<> end = co_await asyncio::outcome(connect_and_talk(show));
    if (end.cancelled()) console.say("Interrupted: the clients stop, what they said is delivered.");
    co_await load.settle(patience);
    show.measured.used = usage_since(show.talk_began);
    show.measured.calls = meter.counts() - show.calls_before;
    co_await end_chat(hub, server, "the demo ends");
    co_await load.see_goodbye(patience);
    if (show.has_talked) console.say(report_text(load, hub->counts(), show.measured));
    end.value(); // passes on what it ended with
    const std::string faults = faults_text(load, hub->counts(), 1);
    const bool all_is_well = faults.empty();
    console.say(faults);
    co_return all_is_well;
}

namespace {

Coro<> wait_for_ever() {
    asyncio::Event never;
    co_await never.wait();
}

std::string status_text(const Hub& hub) {
    return count_text(hub.size(), "member") + " in " + count_text(hub.rooms().size(), "room") +
           ", " + count_text(hub.counts().messages, "message") + " so far";
}

std::string summary_text(const Counts& counts) {
    return count_text(counts.visits, "visit") + ", " + count_text(counts.messages, "message") +
           ", " + count_text(counts.too_slow, "client") + " dropped for reading too slowly.";
}

} // namespace

// LIFETIME: `console` is main()'s.
Coro<> serve(Console& console, std::string host, asyncio::Port port) {
    const auto hub = std::make_shared<Hub>();
    const Server server = co_await start_chat(hub, host, port);
    console.title("Chat on " + to_string(server.sockets()[0].getsockname()) +
                  "; talk to it with  nc -N " + host + " " + std::to_string(port_of(server)) +
                  "\nCtrl-C ends it in order.");
    auto serving = with_live_line(console, [&] { return status_text(*hub); }, wait_for_ever());
    const asyncio::Outcome<> end = co_await asyncio::outcome(std::move(serving));
    co_await end_chat(hub, server, "the server ends");
    console.say(summary_text(hub->counts()));
    end.value(); // passes on what it ended with
}

} // namespace achat
