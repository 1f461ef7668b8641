// SPDX-License-Identifier: MIT
// Channels: the line of those that something happened to, its budget, who leaves it.
#include "asyncio/channels.h"

#include "asyncio/base_events.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/testing.h"
#include "support/pipes.h"

#include <string>
#include <vector>

using namespace asyncio;
using detail::Channel;
using detail::Channels;
using support::Pipe;

namespace {

/// Notes what happens to one end of a pipe.
struct Noting : Channel {
    Noting() : Channel(operations) {}
    ~Noting() { CHECK(!queued); } // it has to stay while it stands in the line
    /// Watched no more, and out of the line.
    Coro<> leave() {
        Channels::of(testing::loop()).close(*this);
        while (queued) co_await yield_now();
    }
    void open(int descriptor, std::uint32_t wanted = Channels::edge_reads) {
        fd = descriptor;
        Channels::of(testing::loop()).open(*this, wanted);
    }

    static const Channel::Ops operations;
    void told(std::uint32_t events) {
        seen_events.push_back(events);
        Channels::of(testing::loop()).spend(spends);
        if (then) then();
    }

    std::vector<std::uint32_t> seen_events;
    std::size_t spends = 0;
    base::Function<void()> then;
};

const Channel::Ops Noting::operations{
    [](Channel& channel, std::uint32_t events) { static_cast<Noting&>(channel).told(events); },
    [](Channel& channel) noexcept { Channels::of(testing::loop()).close(channel); }};

} // namespace

CO_TEST("a channel is told once of what happened, edge by edge") {
    const Pipe pipe;
    Noting channel;
    channel.open(pipe.in());
    co_await yield_now();
    pipe.put();
    for (int i = 0; i < 5; ++i) co_await yield_now();
    CHECK_EQ(channel.seen_events.size(), std::size_t{1}); // it is not read, and not told again
    pipe.put();
    for (int i = 0; i < 5; ++i) co_await yield_now();
    CHECK_EQ(channel.seen_events.size(), std::size_t{2});
    CHECK_EQ(channel.seen_events[0], os::Epoll::readable);
    co_await channel.leave();
}

CO_TEST("what happens while a channel stands in the line is gathered") {
    const Pipe pipe;
    Noting channel;
    channel.open(pipe.in());
    Channels& channels = Channels::of(testing::loop());
    channels.happened(channel, 1);
    channels.happened(channel, 4);
    co_await yield_now();
    REQUIRE(channel.seen_events.size() == 1);
    CHECK_EQ(channel.seen_events[0], std::uint32_t{5});
    co_await channel.leave();
}

CO_TEST("a channel that joins the line anew waits for the next turn") {
    const Pipe pipe;
    Noting channel;
    channel.open(pipe.in());
    Channels& channels = Channels::of(testing::loop());
    int left = 3;
    channel.then = [&] {
        if (--left > 0) channels.happened(channel, 0);
    };
    channels.happened(channel, 0);
    for (std::size_t turn = 1; turn <= 3; ++turn) {
        co_await yield_now();
        CHECK_EQ(channel.seen_events.size(), turn);
    }
    co_await yield_now();
    CHECK_EQ(channel.seen_events.size(), std::size_t{3});
    co_await channel.leave();
}

CO_TEST("a turn's budget: the rest of the line goes on in the next turn, behind woken tasks") {
    const std::vector<Pipe> pipes(4);
    std::vector<Noting> channels(4);
    Channels& all = Channels::of(testing::loop());
    for (std::size_t i = 0; i < channels.size(); ++i) {
        channels[i].open(pipes[i].in());
        channels[i].spends = 100 * 1024;
        all.happened(channels[i], 0);
    }
    const auto told = [&channels] {
        std::size_t count = 0;
        for (const Noting& channel : channels) count += channel.seen_events.size();
        return count;
    };
    co_await yield_now();
    CHECK_EQ(told(), std::size_t{2});
    co_await yield_now();
    CHECK_EQ(told(), std::size_t{4});
    for (Noting& channel : channels) co_await channel.leave();
}

CO_TEST("the owner of a descriptor is known while it is watched") {
    const Pipe pipe;
    Noting channel;
    Channels& channels = Channels::of(testing::loop());
    CHECK(channels.owner_of(pipe.in()) == nullptr);
    channel.open(pipe.in());
    CHECK(channels.owner_of(pipe.in()) == &channel);
    CHECK(channels.owner_of(pipe.out()) == nullptr);
    CHECK(channels.owner_of(1'000'000) == nullptr);
    channels.close(channel);
    CHECK(channels.owner_of(pipe.in()) == nullptr);
    CHECK(channels.empty());
    channels.close(channel);
    co_return;
}

CO_TEST("watching for nothing, and again") {
    const Pipe pipe;
    Noting channel;
    channel.open(pipe.in(), Channels::level_reads);
    Channels& channels = Channels::of(testing::loop());
    channels.change(channel, 0);
    pipe.put();
    for (int i = 0; i < 3; ++i) co_await yield_now();
    CHECK(channel.seen_events.empty());
    channels.change(channel, Channels::level_reads);
    for (int i = 0; i < 3; ++i) co_await yield_now();
    CHECK(channel.seen_events.size() >= 2); // level-triggered
    co_await channel.leave();
}

CO_TEST("rearm tells once more of what is ready already") {
    const Pipe pipe;
    Noting channel;
    channel.open(pipe.in());
    pipe.put();
    for (int i = 0; i < 3; ++i) co_await yield_now();
    CHECK_EQ(channel.seen_events.size(), std::size_t{1});
    Channels::of(testing::loop()).rearm(channel, Channels::edge_reads);
    for (int i = 0; i < 3; ++i) co_await yield_now();
    CHECK_EQ(channel.seen_events.size(), std::size_t{2});
    co_await channel.leave();
}

CO_TEST("the read buffer is handed over for another") {
    Channels& channels = Channels::of(testing::loop());
    const auto buffer = channels.read_buffer();
    CHECK_EQ(buffer.size(), Channels::read_buffer_bytes);
    CHECK(channels.is_read_buffer({buffer.data(), buffer.size()}));
    base::Chunk other(Channels::read_buffer_bytes);
    const char* const next = other.data();
    const base::Chunk taken = channels.take_read_buffer(std::move(other));
    CHECK(taken.data() == buffer.data());
    CHECK(channels.read_buffer().data() == next);
    CHECK(!channels.is_read_buffer({taken.data(), taken.size()}));
    co_return;
}
