// SPDX-License-Identifier: MIT
// Names: on threads of their own, merged, cancelled, literal.
#include "asyncio/resolver.h"

#include "asyncio/base_events.h"
#include "asyncio/connection_options.h"
#include "asyncio/gather.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/testing.h"
#include "asyncio/wait_for.h"
#include "support/reports.h"
#include "support/resolver.h"

#include <netdb.h>
#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::FakeResolver;
using Texts = std::vector<std::string>;

namespace {

Coro<Texts> hosts_of(std::string name) {
    const auto found = co_await testing::loop().getaddrinfo(std::move(name), 80, 0, SOCK_STREAM);
    Texts hosts;
    for (const os::AddrInfo& info : found) hosts.push_back(info.address.host());
    co_return hosts;
}

} // namespace

CO_TEST("getaddrinfo: what the resolver says, in its order") {
    FakeResolver resolver;
    resolver.know("host", {"127.0.0.2", "::1", "127.0.0.1"});
    CHECK_EQ(co_await hosts_of("host"), (Texts{"127.0.0.2", "::1", "127.0.0.1"}));
    CHECK_THROWS_MSG(co_await hosts_of("other"), os::GaiError, "other");
}

CO_TEST("getnameinfo: the names of an address") {
    const auto names = co_await testing::loop().getnameinfo(
        *os::Address::from_literal("127.0.0.1", 80), NI_NUMERICHOST | NI_NUMERICSERV);
    CHECK_EQ(names.first, "127.0.0.1");
    CHECK_EQ(names.second, "80");
}

CO_TEST("FLT-DNS-01: a literal address needs no look-up and does not suspend") {
    FakeResolver resolver;
    const testing::Turns turns;
    CHECK_EQ(co_await hosts_of("127.0.0.1"), Texts{"127.0.0.1"});
    CHECK_EQ(turns.count(), 0);
    CHECK_EQ(resolver.asked.load(), 0);
}

CO_TEST_REAL_TIME(
    "FLT-DNS-01: a hundred look-ups that hang hold up neither the loop nor other threads") {
    FakeResolver resolver;
    std::vector<Task<Texts>> tasks;
    resolver.hold();
    for (int i = 0; i < 100; ++i) {
        const std::string name = "host" + std::to_string(i);
        resolver.know(name, {"127.0.0.1"});
        tasks.push_back(create_task(hosts_of(name)));
    }
    co_await yield_now();
    const TimePoint began = testing::loop().time();
    for (int i = 0; i < 10; ++i) co_await sleep(1ms);
    CHECK_EQ(co_await to_thread([] { return 7; }), 7);
    CHECK(testing::loop().time() - began < 500ms);
    CHECK(resolver.working.load() <= detail::Resolver::threads_max);
    resolver.release();
    const auto found = co_await gather(std::move(tasks));
    for (const Texts& hosts : found) CHECK_EQ(hosts, Texts{"127.0.0.1"});
}

CO_TEST("equal look-ups that are under way at the same time are one") {
    FakeResolver resolver;
    resolver.know("host", {"127.0.0.1"});
    resolver.hold();
    std::vector<Task<Texts>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(create_task(hosts_of("host")));
    co_await yield_now();
    CHECK_EQ(detail::Resolver::of(testing::loop()).in_flight(), std::size_t{1});
    resolver.release();
    for (const Texts& hosts : co_await gather(std::move(tasks))) {
        CHECK_EQ(hosts, Texts{"127.0.0.1"});
    }
    CHECK_EQ(resolver.asked.load(), 1);
    CHECK_EQ(detail::Resolver::of(testing::loop()).in_flight(), std::size_t{0});
    CHECK_EQ(co_await hosts_of("host"), Texts{"127.0.0.1"});
    CHECK_EQ(resolver.asked.load(), 2); // nothing is remembered
}

CO_TEST_REAL_TIME(
    "FLT-DNS-02: who is cancelled goes at once; the look-up ends by itself and leaves nothing") {
    support::Reports reports;
    FakeResolver resolver;
    resolver.know("host", {"127.0.0.1"});
    resolver.hold();
    {
        const auto patient = create_task(hosts_of("host"));
        const auto hasty = create_task(hosts_of("host"));
        const auto failing = create_task(hosts_of("nowhere"));
        CHECK_THROWS_AS(co_await wait_for(hosts_of("host"), 5ms), TimeoutError);
        hasty.cancel();
        CHECK((co_await outcome(hasty)).cancelled());
        failing.cancel();
        CHECK((co_await outcome(failing)).cancelled());
        CHECK(!patient.done()); // the others' look-up is still its own
        resolver.release();
        CHECK_EQ(co_await patient, Texts{"127.0.0.1"});
    }
    while (detail::Resolver::of(testing::loop()).in_flight() != 0) co_await sleep(1ms);
    CHECK_EQ(resolver.asked.load(), 2);
    CHECK_EQ(resolver.live.load(), 0); // addrinfo is freed
    CHECK_EQ(reports.messages(), Texts{}); // not even the failure that nobody waits for
}

TEST("FLT-DNS-02: a loop that closes while a look-up hangs waits for nobody") {
    FakeResolver resolver;
    resolver.know("host", {"127.0.0.1"});
    resolver.hold();
    {
        EventLoop loop;
        loop.run_until_complete([](const FakeResolver* asked) -> Coro<> {
            auto impatient = wait_for(get_running_loop().getaddrinfo("host", 80), 5ms);
            CHECK_THROWS_AS(co_await std::move(impatient), TimeoutError);
            while (asked->working.load() == 0) co_await sleep(1ms);
        }(&resolver));
    }
    CHECK_EQ(resolver.working.load(), 1); // it hangs still
    resolver.release();
    resolver.wait_until_idle(); // and what it finds is freed
}

CO_TEST("FLT-DNS-03: an empty name, a label that is too long, a name of 100 kB fail as names do") {
    EventLoop& loop = testing::loop();
    const std::string label(64, 'x');
    CHECK_THROWS_AS(co_await loop.getaddrinfo(label + ".invalid", 80), os::GaiError);
    const std::string huge(100'000, 'x');
    CHECK_THROWS_AS(co_await loop.getaddrinfo(huge, 80), os::GaiError);
    // No name and no service is nothing that could be resolved.
    CHECK_THROWS_AS(co_await loop.getaddrinfo("", Port()), os::GaiError);
}
