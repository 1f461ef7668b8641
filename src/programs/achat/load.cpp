// SPDX-License-Identifier: MIT
// Connecting, talking in turn, and waiting for what is under way.
#include "programs/achat/load.h"

#include <algorithm>

namespace achat {

using namespace std::chrono_literals;
using asyncio::Clock;
using asyncio::Coro;

namespace {

constexpr std::size_t connecting_at_once = 8; // more would all see each other in the lobby
constexpr std::size_t said_at_once = 64; // by who is late, until the others have their turn
constexpr asyncio::Duration patience_with_server = 30s;

std::int64_t ns_of(Clock::time_point time) {
    return time.time_since_epoch() / std::chrono::nanoseconds(1);
}

} // namespace

Load::~Load() {
    for (const auto& client : clients_) {
        if (client != nullptr) client->abandon();
    }
}

// ---- connecting ---------------------------------------------------------------------------------

Coro<> Load::connect(std::string host, asyncio::Port port) {
    const auto body = [&](asyncio::TaskGroup& group) -> Coro<> {
        for (std::size_t i = 0; i < connecting_at_once; ++i) {
            group.create_task(connect_some(host, port));
        }
        co_return;
    };
    co_await asyncio::task_group(body);
    co_await asyncio::wait_for(all_in_room_.wait(), patience_with_server);
}

Coro<> Load::connect_some(std::string host, asyncio::Port port) {
    while (begun_ < clients_.size()) {
        const std::size_t number = begun_++;
        const auto make = [&, number] {
            return std::make_shared<LoadClient>(number, ledger_, static_cast<LoadEvents&>(*this));
        };
        auto made = co_await asyncio::get_running_loop().create_connection(make, host, port);
        clients_[number] = made.protocol;
    }
}

// ---- talking ------------------------------------------------------------------------------------

Coro<> Load::talk() {
    const auto interval = 1s / static_cast<double>(plan_.messages_per_second);
    const auto messages =
        static_cast<std::size_t>(plan_.time.seconds() / std::chrono::duration<double>(interval));
    const Clock::time_point start = Clock::now();
    std::size_t in_a_row = 0;
    for (std::size_t i = 0; i < messages; ++i) {
        const auto due =
            start + std::chrono::duration_cast<Clock::duration>(interval * static_cast<double>(i));
        const Clock::duration early = due - Clock::now();
        if (early > 0ns) {
            co_await asyncio::sleep(early);
            in_a_row = 0;
        } else if (++in_a_row % said_at_once == 0) {
            co_await asyncio::yield_now();
        }
        clients_[i % clients_.size()]->say(ns_of(due));
    }
}

// ---- waiting for what is under way --------------------------------------------------------------

Coro<> Load::settle(asyncio::Duration patience) {
    all_heard_.clear();
    if (ledger_.all_here()) co_return;
    const asyncio::Outcome<> end =
        co_await asyncio::outcome(asyncio::wait_for(all_heard_.wait(), patience));
    if (!asyncio::is_exception<asyncio::TimeoutError>(end.exception())) end.value();
}

Coro<> Load::see_goodbye(asyncio::Duration patience) {
    if (gone_ >= in_room_) co_return;
    const asyncio::Outcome<> end =
        co_await asyncio::outcome(asyncio::wait_for(all_gone_.wait(), patience));
    if (!asyncio::is_exception<asyncio::TimeoutError>(end.exception())) end.value();
}

// ---- what clients tell --------------------------------------------------------------------------

void Load::is_in_room() {
    if (++in_room_ == clients_.size()) all_in_room_.set();
}

void Load::heard_message() {
    if (ledger_.all_here()) all_heard_.set();
}

void Load::heard_complaint(std::string_view line) {
    if (complaint_.empty()) complaint_ = line;
}

void Load::is_gone() {
    if (++gone_ == in_room_) all_gone_.set();
}

} // namespace achat
