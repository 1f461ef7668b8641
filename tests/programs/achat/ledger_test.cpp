// SPDX-License-Identifier: MIT
// Ledger: what is missing, what came twice, what came in the wrong place.
#include "programs/achat/ledger.h"

#include "asyncio/testing/testing.h"

namespace {

using achat::Ledger;

TEST("ledger: every client is in one room, and rooms differ by one at most") {
    for (const std::size_t clients : {1U, 19U, 20U, 39U, 50U, 1000U}) {
        const Ledger ledger(clients, 20);
        std::vector<std::size_t> sizes(ledger.rooms());
        for (std::size_t i = 0; i < clients; ++i) ++sizes.at(ledger.room_of(i));
        for (std::size_t room = 0; room < sizes.size(); ++room) {
            CHECK_EQ(sizes[room], ledger.size_of_room(room));
            CHECK(sizes[room] + 1 >= sizes[0]);
        }
    }
    CHECK_EQ(Ledger(1000, 20).rooms(), 50U);
    CHECK_EQ(Ledger(50, 20).rooms(), 2U);
    CHECK_EQ(Ledger(3, 20).rooms(), 1U);
}

// Two rooms of two: 0 and 2, 1 and 3.
Ledger two_rooms() { return Ledger(4, 2); }

TEST("ledger: what was said is due once to each in the room, the sender too") {
    Ledger ledger = two_rooms();
    CHECK_EQ(ledger.sent(0, 100), 0U);
    CHECK_EQ(ledger.sent(0, 200), 1U);
    CHECK_EQ(ledger.sent(2, 300), 0U);
    CHECK_EQ(ledger.messages(), 3U);
    CHECK_EQ(ledger.expected(), 6U);
    for (const std::size_t receiver : {0U, 2U}) {
        ledger.received(receiver, 0, 0, 1100);
        ledger.received(receiver, 2, 0, 1300);
        CHECK(!ledger.all_here());
        ledger.received(receiver, 0, 1, 1200);
    }
    CHECK(ledger.all_here());
    CHECK(ledger.same_order_for_all());
    CHECK_EQ(ledger.lost(), 0U);
    CHECK_EQ(ledger.misplaced(), 0U);
    CHECK_EQ(ledger.delay().max_ns(), 1000);
}

TEST("ledger: what has not come is lost, and counted") {
    Ledger ledger = two_rooms();
    ledger.sent(0, 0);
    ledger.received(0, 0, 0, 1);
    CHECK(!ledger.all_here());
    CHECK_EQ(ledger.lost(), 1U);
}

TEST("ledger: what comes twice, too early, from nobody or to the wrong room is no delivery") {
    Ledger ledger = two_rooms();
    for (int i = 0; i < 3; ++i) ledger.sent(0, 0);
    ledger.received(2, 0, 1, 1); // before number 0
    ledger.received(2, 0, 0, 1);
    ledger.received(2, 0, 0, 1); // twice
    ledger.received(1, 0, 0, 1); // in another room
    ledger.received(2, 4, 0, 1); // there is no client 4
    ledger.received(0, 2, 0, 1); // client 2 has said nothing
    CHECK_EQ(ledger.delivered(), 1U);
    CHECK_EQ(ledger.misplaced(), 5U);
}

TEST("ledger: two who hear the same in different orders are found out") {
    Ledger ledger = two_rooms();
    ledger.sent(0, 0);
    ledger.sent(2, 0);
    ledger.received(0, 0, 0, 1);
    ledger.received(0, 2, 0, 1);
    ledger.received(2, 2, 0, 1);
    ledger.received(2, 0, 0, 1);
    CHECK(ledger.all_here());
    CHECK_EQ(ledger.misplaced(), 0U); // each sender's own order is kept
    CHECK(!ledger.same_order_for_all());
}

} // namespace
