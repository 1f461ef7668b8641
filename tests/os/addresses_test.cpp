// SPDX-License-Identifier: MIT
// Address: from literals and paths, to text, equality.
#include "os/addresses.h"

#include "os/errors.h"

#include "asyncio/testing/testing.h"

#include <string>

using namespace asyncio::os;

TEST("Address: an IPv4 literal gives host, port and family") {
    const auto address = Address::from_literal("127.0.0.1", 8080);
    REQUIRE(address.has_value());
    CHECK_EQ(address->family(), AF_INET);
    CHECK_EQ(address->host(), "127.0.0.1");
    CHECK_EQ(address->port(), 8080);
    CHECK_EQ(to_string(*address), "127.0.0.1:8080");
}

TEST("Address: an IPv6 literal is written in brackets") {
    const auto address = Address::from_literal("0:0:0:0:0:0:0:1", 1);
    REQUIRE(address.has_value());
    CHECK_EQ(address->family(), AF_INET6);
    CHECK_EQ(address->host(), "::1");
    CHECK_EQ(to_string(*address), "[::1]:1");
}

TEST("Address: names, zones and malformed numbers are no literals") {
    for (const char* text : {"", "localhost", "127.0.0", "256.0.0.1", "fe80::1%lo", "::1::", "1",
                             "127.0.0.1 ", "0000:0000:0000:0000:0000:ffff:255.255.255.255:1:2:3"}) {
        CHECK(!Address::from_literal(text, 1).has_value());
    }
    CHECK(!Address::from_literal(std::string_view("127.0.0.1\0", 10), 1).has_value());
}

TEST("Address: a path, an abstract one and the unnamed one") {
    CHECK_EQ(Address::from_path("/tmp/x").path(), "/tmp/x");
    CHECK_EQ(to_string(Address::from_path("/tmp/x")), "/tmp/x");
    const std::string abstract("\0name", 5);
    CHECK_EQ(Address::from_path(abstract).path(), abstract);
    CHECK_EQ(Address::from_path("").path(), "");
    CHECK_EQ(to_string(Address::from_path("")), "unnamed");
    CHECK_EQ(Address::from_path("/tmp/x").port(), 0);
    CHECK_EQ(Address::from_path("/tmp/x").host(), "");
}

TEST("Address: a path of 108 bytes does not fit") {
    CHECK_EQ(Address::from_path(std::string(107, 'x')).path(), std::string(107, 'x'));
    CHECK_THROWS_AS(Address::from_path(std::string(108, 'x')), OSError);
}

TEST("Address: is equal to one with the same family, host and port") {
    const auto one = Address::from_literal("127.0.0.1", 1);
    CHECK(one == Address::from_literal("127.0.0.1", 1));
    CHECK(one != Address::from_literal("127.0.0.1", 2));
    CHECK(one != Address::from_literal("127.0.0.2", 1));
    CHECK(Address() == Address());
    CHECK(!Address());
    CHECK_EQ(to_string(Address()), "unnamed");
}
