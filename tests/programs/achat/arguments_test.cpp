// SPDX-License-Identifier: MIT
// The command line of achat: what it takes, and what it says of the rest.
#include "programs/achat/arguments.h"

#include "asyncio/testing/testing.h"

#include <vector>

namespace {

using namespace std::chrono_literals;
using achat::Arguments;
using achat::UsageError;

template <class... Words>
Arguments parse(Words... words) {
    const std::vector<const char*> all{words...};
    return achat::parse_arguments(all);
}

TEST("achat arguments: without any, a thousand clients say two thousand messages a second") {
    for (const Arguments& arguments : {parse(), parse("demo")}) {
        CHECK(arguments.task == Arguments::Task::demo);
        CHECK_EQ(arguments.plan.clients, 1000U);
        CHECK_EQ(arguments.plan.room_size, 20U);
        CHECK_EQ(arguments.plan.messages_per_second, 2000U);
        CHECK_EQ(arguments.plan.time, asyncio::Duration(10s));
    }
}

TEST("achat arguments: a demo can be of any size") {
    const Arguments arguments =
        parse("--clients", "50", "--rate", "7", "--seconds", "3", "--room-size", "9");
    CHECK_EQ(arguments.plan.clients, 50U);
    CHECK_EQ(arguments.plan.room_size, 9U);
    CHECK_EQ(arguments.plan.messages_per_second, 7U);
    CHECK_EQ(arguments.plan.time, asyncio::Duration(3s));
}

TEST("achat arguments: the server alone has a host and a port") {
    const Arguments arguments = parse("serve", "--port", "7", "--host", "::1");
    CHECK(arguments.task == Arguments::Task::serve);
    CHECK_EQ(arguments.host, "::1");
    CHECK_EQ(arguments.port, "7");
    CHECK_EQ(parse("serve", "--port", "0").port, "0");
    CHECK(parse("serve", "--help").task == Arguments::Task::help);
    CHECK(parse("-h").task == Arguments::Task::help);
}

TEST("achat arguments: what cannot be understood is named") {
    CHECK_THROWS_MSG(parse("listen"), UsageError, "what is listen?");
    CHECK_THROWS_MSG(parse("--fast"), UsageError, "the demo has no option --fast");
    CHECK_THROWS_MSG(parse("serve", "--clients", "5"), UsageError, "serve has no option --clients");
    CHECK_THROWS_MSG(parse("--clients"), UsageError, "--clients needs a value");
    CHECK_THROWS_MSG(parse("--clients", ""), UsageError, "--clients needs a value");
    for (const char* number : {"0", "-1", "5x", "many", "500001", "99999999999999999999"}) {
        CHECK_THROWS_MSG(parse("--clients", number), UsageError, "from 1 to 500000, not ");
    }
    CHECK_THROWS_MSG(parse("serve", "--port", "65536"), UsageError, "from 0 to 65535, not 65536");
}

} // namespace
