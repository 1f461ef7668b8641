// SPDX-License-Identifier: MIT
// Load: many clients that talk at a steady rate, and what has become of what they said.
#pragma once

#include "programs/achat/load_client.h"

#include <memory>
#include <string>
#include <vector>

namespace achat {

/// How much a load does. The values are those of the demo.
struct LoadPlan {
    std::size_t clients = 1000;
    std::size_t room_size = 20;
    std::size_t messages_per_second = 2000; // of all clients together
    asyncio::Duration time = std::chrono::seconds(10);
};

/// Clients on TCP connections of their own, all in the running loop.
///
/// Thread    the loop's own.
/// Lifetime  what waits in it must have ended before it goes; connections are aborted then.
class Load final : LoadEvents {
public:
    explicit Load(const LoadPlan& plan)
        : plan_(plan), ledger_(plan.clients, plan.room_size), clients_(plan.clients) {}
    Load(const Load&) = delete; // clients hold its address
    Load& operator=(const Load&) = delete;
    ~Load();

    /// Connects all of them, and waits until each is in its room.
    /// Throws    OSError: a connection cannot be made. TimeoutError: the server does not answer.
    /// Cancel    those that are connected stay so.
    asyncio::Coro<> connect(std::string host, asyncio::Port port);
    /// Has them talk, in turn, as long as planned. Who is late makes up for it: the rate is that of
    /// the plan, whatever the server does.
    /// Cancel    what was said is under way.
    asyncio::Coro<> talk();
    /// Waits until all that was said is heard, but no longer than `patience`.
    /// Cancel    nothing is changed.
    asyncio::Coro<> settle(asyncio::Duration patience);
    /// Waits until the server has ended all connections, but no longer than `patience`.
    /// Cancel    nothing is changed.
    asyncio::Coro<> see_goodbye(asyncio::Duration patience);

    const LoadPlan& plan() const noexcept { return plan_; }
    const Ledger& ledger() const noexcept { return ledger_; }
    /// How many are in their rooms, were told goodbye, have no connection any more.
    std::size_t in_room() const noexcept { return in_room_; }
    std::size_t goodbyes() const noexcept { return goodbyes_; }
    std::size_t gone() const noexcept { return gone_; }
    /// What the server did not understand; the first such line.
    const std::string& complaint() const noexcept { return complaint_; }

private:
    void is_in_room() override;
    void heard_message() override;
    void heard_goodbye() override { ++goodbyes_; }
    void heard_complaint(std::string_view line) override;
    void is_gone() override;

    asyncio::Coro<> connect_some(std::string host, asyncio::Port port);

    LoadPlan plan_;
    Ledger ledger_;
    std::vector<std::shared_ptr<LoadClient>> clients_;
    std::size_t begun_ = 0; // clients that connect, or have
    std::size_t in_room_ = 0;
    std::size_t goodbyes_ = 0;
    std::size_t gone_ = 0;
    std::string complaint_;
    asyncio::Event all_in_room_;
    asyncio::Event all_heard_; // of what was said until it was cleared
    asyncio::Event all_gone_;
};

} // namespace achat
