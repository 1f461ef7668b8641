// SPDX-License-Identifier: MIT
// getaddrinfo and getnameinfo: what they give, and how they fail.
#include "os/resolver.h"

#include "os/system_calls.h"

#include "asyncio/testing/testing.h"
#include "support/system_calls.h"

#include <cerrno>
#include <string>

using namespace asyncio::os;

namespace {

Lookup numeric(std::string host, std::string service) {
    Lookup lookup;
    lookup.host = std::move(host);
    lookup.service = std::move(service);
    lookup.type = SOCK_STREAM;
    lookup.flags = AI_NUMERICHOST | AI_NUMERICSERV;
    return lookup;
}

} // namespace

TEST("getaddrinfo: an address with its family, type and port") {
    const auto found = getaddrinfo(numeric("127.0.0.1", "80"));
    REQUIRE(found.size() == 1);
    CHECK_EQ(found[0].family, AF_INET);
    CHECK_EQ(found[0].type, SOCK_STREAM);
    CHECK(found[0].address == *Address::from_literal("127.0.0.1", 80));
}

TEST("getaddrinfo: no host means loopback, and passively every interface") {
    Lookup lookup = numeric("", "80");
    lookup.family = AF_INET;
    CHECK_EQ(getaddrinfo(lookup).at(0).address.host(), "127.0.0.1");
    lookup.flags |= AI_PASSIVE;
    CHECK_EQ(getaddrinfo(lookup).at(0).address.host(), "0.0.0.0");
}

TEST("getaddrinfo: the canonical name and the number of a service, if they are asked for") {
    Lookup lookup = numeric("127.0.0.1", "http");
    CHECK_THROWS_AS(getaddrinfo(lookup), GaiError); // AI_NUMERICSERV: no names
    lookup.flags = AI_NUMERICHOST | AI_CANONNAME;
    lookup.service = "80";
    const auto found = getaddrinfo(lookup);
    CHECK_EQ(found.at(0).canonname, "127.0.0.1");
    CHECK_EQ(found.at(0).protocol, IPPROTO_TCP);
    CHECK(found.at(0) != getaddrinfo(numeric("127.0.0.1", "80")).at(0)); // which has no name
}

TEST("numeric_addrinfo: agrees with getaddrinfo on every numeric address") {
    for (const char* host : {"127.0.0.1", "0.0.0.0", "::1", "::", "2001:db8::7"}) {
        for (const char* service : {"80", "0", "65535"}) {
            const Lookup lookup = numeric(host, service);
            const auto found = numeric_addrinfo(lookup);
            REQUIRE(found.has_value());
            CHECK(*found == getaddrinfo(lookup).at(0));
        }
    }
    Lookup datagram = numeric("::1", "");
    datagram.type = SOCK_DGRAM;
    CHECK_EQ(numeric_addrinfo(datagram).value().protocol, IPPROTO_UDP);
    CHECK_EQ(numeric_addrinfo(datagram).value().address.port(), 0);
}

TEST("numeric_addrinfo: leaves to the resolver whatever is more than that") {
    const auto needs_resolver = [](auto change) {
        Lookup lookup = numeric("127.0.0.1", "80");
        change(lookup);
        return !numeric_addrinfo(lookup).has_value();
    };
    CHECK(!needs_resolver([](Lookup&) {}));
    CHECK(!needs_resolver([](Lookup& lookup) { lookup.flags |= AI_PASSIVE | AI_ADDRCONFIG; }));
    CHECK(needs_resolver([](Lookup& lookup) { lookup.host = "localhost"; }));
    CHECK(needs_resolver([](Lookup& lookup) { lookup.host = ""; }));
    CHECK(needs_resolver([](Lookup& lookup) { lookup.host = "fe80::1%lo"; }));
    CHECK(needs_resolver([](Lookup& lookup) { lookup.family = AF_INET6; }));
    CHECK(needs_resolver([](Lookup& lookup) { lookup.type = SOCK_RAW; }));
    CHECK(needs_resolver([](Lookup& lookup) { lookup.type = 0; })); // one answer for each type
    CHECK(needs_resolver([](Lookup& lookup) { lookup.protocol = IPPROTO_UDP; }));
    CHECK(needs_resolver([](Lookup& lookup) { lookup.flags |= AI_CANONNAME; }));
    for (const char* service : {"http", "65536", "-1", "80x", " 80"}) {
        CHECK(needs_resolver([=](Lookup& lookup) { lookup.service = service; }));
    }
}

TEST("FLT-DNS-03: each failure of the resolver is told apart, with the name that failed") {
    const support::KeepSystemCalls keep;
    static int code = 0;
    system_calls.getaddrinfo = [](const char*, const char*, const addrinfo*, addrinfo**) {
        errno = EMFILE;
        return code;
    };
    for (const int failure : {EAI_NONAME, EAI_AGAIN, EAI_FAIL, EAI_FAMILY, EAI_SERVICE}) {
        code = failure;
        try {
            getaddrinfo(numeric("nowhere.example", "80"));
            FAIL("it did not throw");
        } catch (const GaiError& error) {
            CHECK_EQ(error.errnum(), failure);
            CHECK_EQ(error.object(), "nowhere.example");
            CHECK(std::string_view(error.what()).find(::gai_strerror(failure)) !=
                  std::string_view::npos);
        }
    }
    code = EAI_SYSTEM;
    try {
        getaddrinfo(numeric("nowhere.example", "80"));
        FAIL("it did not throw");
    } catch (const GaiError&) {
        FAIL("EAI_SYSTEM is an error of the system, not of the name");
    } catch (const OSError& error) {
        CHECK_EQ(error.errnum(), EMFILE);
    }
}

TEST("FLT-DNS-03: names that no name server can know are refused without asking one") {
    const support::KeepSystemCalls keep;
    static int asked = 0;
    asked = 0;
    system_calls.getaddrinfo = [](const char*, const char*, const addrinfo*, addrinfo**) {
        ++asked;
        return EAI_NONAME;
    };
    Lookup lookup = numeric(std::string(100'000, 'x'), "80");
    CHECK_THROWS_AS(getaddrinfo(lookup), GaiError);
    lookup.host = std::string("local\0host", 10);
    CHECK_THROWS_AS(getaddrinfo(lookup), GaiError);
    CHECK_EQ(asked, 0);
}

TEST("getnameinfo: the numbers of an address as text") {
    const auto names =
        getnameinfo(*Address::from_literal("127.0.0.1", 80), NI_NUMERICHOST | NI_NUMERICSERV);
    CHECK_EQ(names.first, "127.0.0.1");
    CHECK_EQ(names.second, "80");
    CHECK_THROWS_AS(getnameinfo(Address(), 0), GaiError);
}
