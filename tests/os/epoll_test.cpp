// SPDX-License-Identifier: MIT
// Epoll: registration, readiness, time-outs, errors, signals in between.
#include "os/epoll.h"

#include "os/clock.h"
#include "os/errors.h"
#include "os/wakeup.h"

#include "asyncio/testing/testing.h"

#include <array>
#include <csignal>
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>

using namespace asyncio::os;

namespace {

Descriptor counter(unsigned value) { return Descriptor(::eventfd(value, EFD_NONBLOCK)); }

constexpr std::int64_t millisecond = 1'000'000;

} // namespace

TEST("Epoll: tells which descriptor is ready, by its tag") {
    Epoll epoll;
    const Descriptor quiet = counter(0);
    const Descriptor ready = counter(1);
    epoll.add(quiet.get(), Epoll::readable, 1);
    epoll.add(ready.get(), Epoll::readable, UINT64_MAX - 1);
    std::array<ReadyEvent, 8> events{};
    const auto got = epoll.wait(events, 0);
    REQUIRE(got.size() == 1);
    CHECK_EQ(got[0].tag, UINT64_MAX - 1);
    CHECK_EQ(got[0].events, Epoll::readable);
}

TEST("Epoll: modify replaces events and tag; remove ends the reports") {
    Epoll epoll;
    const Descriptor fd = counter(1);
    std::array<ReadyEvent, 8> events{};
    epoll.add(fd.get(), Epoll::readable, 1);
    epoll.modify(fd.get(), Epoll::writable, 2);
    const auto got = epoll.wait(events, 0);
    REQUIRE(got.size() == 1);
    CHECK_EQ(got[0].tag, 2U);
    CHECK_EQ(got[0].events, Epoll::writable);
    epoll.remove(fd.get());
    CHECK(epoll.wait(events, 0).empty());
    errno = ENOENT;
    epoll.remove(fd.get()); // no error, and errno is kept
    CHECK_EQ(errno, ENOENT);
}

TEST("Epoll: level-triggered reports come again until the descriptor is read") {
    Epoll epoll;
    const Descriptor fd = counter(1);
    std::array<ReadyEvent, 8> events{};
    epoll.add(fd.get(), Epoll::readable, 1);
    CHECK_EQ(epoll.wait(events, 0).size(), 1U);
    CHECK_EQ(epoll.wait(events, 0).size(), 1U);
    std::uint64_t value = 0;
    CHECK(::read(fd.get(), &value, sizeof value) == sizeof value);
    CHECK(epoll.wait(events, 0).empty());
}

TEST("Epoll: what it refuses is an error with its errno") {
    Epoll epoll;
    const Descriptor fd = counter(0);
    epoll.add(fd.get(), Epoll::readable, 1);
    CHECK_THROWS_MSG(epoll.add(fd.get(), Epoll::readable, 1), FileExistsError, "epoll_ctl add");
    const Descriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    CHECK_THROWS_AS(epoll.add(file.get(), Epoll::readable, 1), PermissionError);
    CHECK_THROWS_MSG(epoll.add(987'654, Epoll::readable, 1), OSError, "fd 987654");
    CHECK_THROWS_AS(epoll.modify(file.get(), Epoll::readable, 1), OSError);
}

TEST("Epoll: waits at least as long as asked, to the microsecond") {
    Epoll epoll;
    std::array<ReadyEvent, 8> events{};
    for (const std::int64_t wanted : {50'000L, 300'000L, 2'000'000L}) {
        const std::int64_t before = monotonic_ns();
        CHECK(epoll.wait(events, wanted).empty());
        CHECK(monotonic_ns() - before >= wanted);
        CHECK(monotonic_ns() - before < wanted + 500 * millisecond);
    }
}

TEST("Epoll: gives no more than there is room for, and the rest the next time") {
    Epoll epoll;
    std::array<Descriptor, 5> fds;
    for (std::size_t i = 0; i < fds.size(); ++i) {
        fds[i] = counter(1);
        epoll.add(fds[i].get(), Epoll::readable | Epoll::edge, i);
    }
    std::array<ReadyEvent, 2> events{};
    CHECK_EQ(epoll.wait(events, 0).size(), 2U);
    CHECK_EQ(epoll.wait(events, 0).size(), 2U);
    CHECK_EQ(epoll.wait(events, 0).size(), 1U);
    CHECK(epoll.wait(events, 0).empty());
}

TEST("Epoll: a signal ends a wait without an error") {
    struct sigaction before{};
    struct sigaction action{};
    action.sa_handler = [](int) {};
    ::sigaction(SIGUSR1, &action, &before);
    Epoll epoll;
    const pthread_t waiter = ::pthread_self();
    std::atomic<bool> stop = false;
    std::thread sender([&stop, waiter] {
        while (!stop) {
            ::pthread_kill(waiter, SIGUSR1);
            // tidy: sleep: so that the waiter gets to wait in between
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    });
    std::array<ReadyEvent, 2> events{};
    CHECK(epoll.wait(events, Epoll::forever).empty()); // would never end otherwise
    stop = true;
    sender.join();
    ::sigaction(SIGUSR1, &before, nullptr);
}
