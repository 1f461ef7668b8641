// SPDX-License-Identifier: MIT
// Ports, hosts, and the keyword arguments: their defaults, and what a copy shares.
#include "asyncio/connection_options.h"

#include "asyncio/connections.h"
#include "support/peers.h"

#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

TEST("Port: a number and the name of a service are one text; none is not 0") {
    CHECK_EQ(Port(80).text(), "80");
    CHECK_EQ(Port(std::uint16_t{65535}).text(), "65535");
    CHECK_EQ(Port(-1).text(), "-1"); // it is the resolver that knows what a port may be
    CHECK_EQ(Port("http").text(), "http");
    CHECK_EQ(Port(std::string("53")).text(), "53");
    CHECK(static_cast<bool>(Port(0)));
    CHECK(static_cast<bool>(Port("")));
    CHECK(!Port());
    CHECK_EQ(Port().text(), "");
}

TEST("Hosts: one, several, or none; an empty name is a name") {
    CHECK_EQ(Hosts("a").names(), Texts{"a"});
    CHECK_EQ(Hosts(Texts{"a", "b"}).names(), (Texts{"a", "b"}));
    CHECK_EQ(Hosts("").names(), Texts{""});
    CHECK(static_cast<bool>(Hosts("")));
    CHECK(static_cast<bool>(Hosts(Texts())));
    CHECK(!Hosts());
    CHECK(!Hosts(std::nullopt));
    CHECK_EQ(Hosts(std::nullopt).names(), Texts());
}

TEST("ConnectOptions: what is not set is as in CPython") {
    const ConnectOptions options;
    CHECK_EQ(options.family(), 0);
    CHECK_EQ(options.proto(), 0);
    CHECK_EQ(options.flags(), 0);
    CHECK(options.sock() == nullptr);
    CHECK(!options.local_addr().has_value());
    CHECK(!options.happy_eyeballs_delay().has_value());
    CHECK(!options.interleave().has_value());
    CHECK(!options.all_errors());
    CHECK_EQ(options.limit(), std::size_t{65536});
}

TEST("ConnectOptions: each setter sets its own option alone") {
    const ConnectOptions options = ConnectOptions()
                                       .family(AF_INET6)
                                       .proto(IPPROTO_TCP)
                                       .flags(AI_NUMERICHOST)
                                       .local_addr("::1", 7)
                                       .happy_eyeballs_delay(250ms)
                                       .interleave(2)
                                       .all_errors(true)
                                       .limit(10);
    CHECK_EQ(options.family(), AF_INET6);
    CHECK_EQ(options.proto(), IPPROTO_TCP);
    CHECK_EQ(options.flags(), AI_NUMERICHOST);
    CHECK_EQ(options.local_addr().value().first, "::1");
    CHECK_EQ(options.local_addr().value().second.text(), "7");
    CHECK(options.happy_eyeballs_delay() == Duration(250ms));
    CHECK_EQ(options.interleave().value_or(0), std::size_t{2});
    CHECK(options.all_errors());
    CHECK_EQ(options.limit(), std::size_t{10});
}

TEST("ServerOptions: what is not set is as in CPython") {
    const ServerOptions options;
    CHECK_EQ(options.family(), 0);
    CHECK(!options.flags().has_value());
    CHECK(options.sock() == nullptr);
    CHECK_EQ(options.backlog(), 100);
    CHECK(options.reuse_address());
    CHECK(!options.reuse_port());
    CHECK(!options.keep_alive());
    CHECK(options.start_serving());
    CHECK_EQ(options.limit(), std::size_t{65536});
}

TEST("ServerOptions: each setter sets its own option alone") {
    const ServerOptions options = ServerOptions()
                                      .family(AF_INET)
                                      .flags(0)
                                      .backlog(5)
                                      .reuse_address(false)
                                      .reuse_port(true)
                                      .keep_alive(true)
                                      .start_serving(false)
                                      .limit(10);
    CHECK_EQ(options.family(), AF_INET);
    CHECK_EQ(options.flags().value_or(-1), 0);
    CHECK_EQ(options.backlog(), 5);
    CHECK(!options.reuse_address());
    CHECK(options.reuse_port());
    CHECK(options.keep_alive());
    CHECK(!options.start_serving());
    CHECK_EQ(options.limit(), std::size_t{10});
}

CO_TEST("ConnectOptions: copies share a socket, and the first to connect has it") {
    auto pair = Socket::pair();
    const ConnectOptions options = ConnectOptions().sock(std::move(pair.first));
    const ConnectOptions copy = options;
    const auto protocol = std::make_shared<support::Recorder>();
    const auto factory = [protocol] { return protocol; };
    const auto made = co_await testing::loop().create_connection(factory, copy);
    CHECK_THROWS_AS(co_await testing::loop().create_connection(factory, options), ValueError);
    CHECK_EQ(protocol->count("made"), 1);
    made.transport->abort();
    co_await protocol->lost.wait();
}
