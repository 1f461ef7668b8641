// SPDX-License-Identifier: MIT
// A number for each sender and each receiver: what is heard next.
#include "programs/achat/ledger.h"

#include <algorithm>

namespace achat {

Ledger::Ledger(std::size_t clients, std::size_t room_size)
    : rooms_(std::max<std::size_t>(clients / room_size, 1)), logs_(clients) {
    for (std::size_t i = 0; i < clients; ++i) {
        logs_[i].next_heard.resize(size_of_room(room_of(i)));
    }
}

std::uint32_t Ledger::sent(std::size_t sender, std::int64_t due_ns) {
    ++messages_;
    expected_ += size_of_room(room_of(sender));
    logs_[sender].due_ns.push_back(due_ns);
    return static_cast<std::uint32_t>(logs_[sender].due_ns.size() - 1);
}

void Ledger::received(std::size_t receiver, std::size_t sender, std::uint32_t number,
                      std::int64_t now_ns) {
    if (sender >= clients() || room_of(sender) != room_of(receiver)) return received_nonsense();
    Log& log = logs_[receiver];
    std::uint32_t& next = log.next_heard[place_of(sender)];
    const std::vector<std::int64_t>& due = logs_[sender].due_ns;
    if (number != next || number >= due.size()) return received_nonsense();
    ++next;
    log.order = (log.order + sender + 1) * 0x9e3779b97f4a7c15;
    delay_.add(now_ns - due[number]);
}

std::uint64_t Ledger::lost() const { return expected_ - delivered(); }

bool Ledger::same_order_for_all() const {
    for (std::size_t i = 0; i < clients(); ++i) {
        if (logs_[i].order != logs_[room_of(i)].order)
            return false; // client i in room i is the first
    }
    return true;
}

} // namespace achat
