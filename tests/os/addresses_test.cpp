// SPDX-License-Identifier: MIT
// Address: from literals and paths, to text, equality.
#include "os/addresses.h"

#include "os/errors.h"

#include "asyncio/testing/testing.h"

#include <net/if.h>
#include <netinet/in.h>
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

TEST("Address: of a scoped IPv6 address the zone is named, or numbered if it has no name") {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_addr.s6_addr[0] = 0xfe;
    six.sin6_addr.s6_addr[1] = 0x80;
    six.sin6_addr.s6_addr[15] = 1;
    six.sin6_port = htons(80);
    six.sin6_scope_id = ::if_nametoindex("lo");
    CHECK_EQ(Address(reinterpret_cast<const sockaddr*>(&six), sizeof six).host(), "fe80::1%lo");
    six.sin6_scope_id = 4'000'000'000;
    const Address nameless(reinterpret_cast<const sockaddr*>(&six), sizeof six);
    CHECK_EQ(to_string(nameless), "[fe80::1%4000000000]:80");
}

TEST("IpEndpoint: gives back the address it was made from, zone and all") {
    for (const char* host : {"127.0.0.1", "255.254.253.252", "::1", "2001:db8::7"}) {
        const Address address = *Address::from_literal(host, 65535);
        const auto again = IpEndpoint(address).address();
        REQUIRE(again.has_value());
        CHECK(*again == address);
    }
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_scope_id = 3;
    const Address scoped(reinterpret_cast<const sockaddr*>(&six), sizeof six);
    CHECK(IpEndpoint(scoped).address() == scoped);
}

TEST("IpEndpoint: is none of what is not IP, and takes 24 bytes") {
    static_assert(sizeof(IpEndpoint) == 24);
    CHECK(!IpEndpoint().address().has_value());
    CHECK(!IpEndpoint(Address()).address().has_value());
    CHECK(!IpEndpoint(Address::from_path("/tmp/x")).address().has_value());
}
