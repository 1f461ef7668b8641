// SPDX-License-Identifier: MIT
// Wakeup: ends the poll that watches it, as often as it is asked to.
#include "os/wakeup.h"

#include "os/epoll.h"

#include "asyncio/testing/testing.h"

#include <array>
#include <cerrno>
#include <thread>

using namespace asyncio::os;

TEST("Wakeup: each notify ends one poll, though nobody reads") {
    Epoll epoll;
    const Wakeup wakeup;
    epoll.add(wakeup.fd(), Epoll::readable | Epoll::edge, 5);
    std::array<ReadyEvent, 4> events{};
    CHECK(epoll.wait(events, 0).empty());
    for (int i = 0; i < 3; ++i) {
        wakeup.notify();
        const auto got = epoll.wait(events, 0);
        REQUIRE(got.size() == 1);
        CHECK_EQ(got[0].tag, 5U);
        CHECK(epoll.wait(events, 0).empty());
    }
}

TEST("Wakeup: many notifies before a poll are one event") {
    Epoll epoll;
    const Wakeup wakeup;
    epoll.add(wakeup.fd(), Epoll::readable | Epoll::edge, 5);
    for (int i = 0; i < 1000; ++i) wakeup.notify();
    std::array<ReadyEvent, 4> events{};
    CHECK_EQ(epoll.wait(events, 0).size(), 1U);
    CHECK(epoll.wait(events, 0).empty());
}

TEST("Wakeup: ends the poll of another thread") {
    Epoll epoll;
    const Wakeup wakeup;
    epoll.add(wakeup.fd(), Epoll::readable | Epoll::edge, 5);
    std::size_t got = 0;
    std::thread waiter([&] {
        std::array<ReadyEvent, 4> events{};
        got = epoll.wait(events, Epoll::forever).size();
    });
    wakeup.notify();
    waiter.join();
    CHECK_EQ(got, 1U);
}

TEST("Wakeup: notify keeps errno, since signal handlers call it") {
    const Wakeup wakeup;
    errno = ENOENT;
    wakeup.notify();
    CHECK_EQ(errno, ENOENT);
}
