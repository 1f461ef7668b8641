// SPDX-License-Identifier: MIT
// Ledger: what was sent, what has come, and whether anything is missing or in the wrong place.
#pragma once

#include "programs/achat/histogram.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace achat {

/// Keeps the books of a load: clients in rooms of about the same size, each of whom is to hear
/// everything that is said in its room, once and in the order in which it was said.
///
/// Clients are numbered from 0; client i is in room i % rooms.
class Ledger {
public:
    /// room_size   about how many are in a room, at least 1; there are never fewer
    Ledger(std::size_t clients, std::size_t room_size);

    std::size_t clients() const noexcept { return logs_.size(); }
    std::size_t rooms() const noexcept { return rooms_; }
    std::size_t room_of(std::size_t client) const noexcept { return client % rooms_; }
    std::size_t size_of_room(std::size_t room) const noexcept {
        return (clients() - room + rooms_ - 1) / rooms_;
    }

    /// Notes that `sender` says its next message.
    /// due_ns    when it was to say it: what it is late counts as delay
    /// Returns   the message's number, from 0 on for each sender.
    std::uint32_t sent(std::size_t sender, std::int64_t due_ns);
    /// Notes that `receiver` has heard it.
    void received(std::size_t receiver, std::size_t sender, std::uint32_t number,
                  std::int64_t now_ns);
    /// Notes something heard that nobody has said.
    void received_nonsense() noexcept { ++strange_; }

    std::uint64_t messages() const noexcept { return messages_; }
    std::uint64_t expected() const noexcept { return expected_; } // deliveries, of what was sent
    std::uint64_t delivered() const noexcept { return delay_.count(); }
    bool all_here() const noexcept { return delivered() == expected_; }
    /// Of what was sent so far, how many deliveries have not come.
    std::uint64_t lost() const;
    /// Deliveries that came twice, before an earlier one, or out of nowhere.
    std::uint64_t misplaced() const noexcept { return strange_; }
    /// Has everybody in each room heard the same in the same order? Asked when all is here.
    bool same_order_for_all() const;
    /// From when a message was due until it was heard.
    const Histogram& delay() const noexcept { return delay_; }

private:
    struct Log {
        std::vector<std::int64_t> due_ns;      // of what it has said
        std::vector<std::uint32_t> next_heard; // of each in its room, by place
        std::uint64_t order = 0;               // a fingerprint of all that it has heard
    };
    std::size_t place_of(std::size_t client) const noexcept { return client / rooms_; }

    std::size_t rooms_;
    std::vector<Log> logs_;
    std::uint64_t messages_ = 0;
    std::uint64_t expected_ = 0;
    std::uint64_t strange_ = 0;
    Histogram delay_;
};

} // namespace achat
