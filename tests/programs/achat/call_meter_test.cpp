// SPDX-License-Identifier: MIT
// CallMeter: counts what the library asks of the kernel, and leaves the table as it was.
#include "programs/achat/call_meter.h"

#include "asyncio/asyncio.h"
#include "asyncio/testing/testing.h"

namespace {

using namespace asyncio;
using achat::CallCounts;
using achat::CallMeter;

Coro<> ping_pong(int count) {
    auto pair = Socket::pair();
    auto [reader, writer] = co_await open_connection(ConnectOptions().sock(std::move(pair.first)));
    auto [other_reader, other_writer] =
        co_await open_connection(ConnectOptions().sock(std::move(pair.second)));
    for (int i = 0; i < count; ++i) {
        writer.write("x\n");
        CHECK_EQ(co_await other_reader.readline(), "x\n");
    }
}

TEST("call meter: every call is counted, and one in thirteen timed") {
    const auto send_before = os::system_calls.send;
    {
        const CallMeter meter;
        run(ping_pong(130));
        const CallCounts counts = meter.counts();
        CHECK_EQ(counts.sends.calls, 130U);
        CHECK_EQ(counts.sends.timed, 10U);
        CHECK(counts.receives.calls >= 130U);
        CHECK(counts.waits.calls >= 130U);
        CHECK(counts.seconds() > 0);
        const CallCounts nothing = meter.counts() - counts;
        CHECK_EQ(nothing.sends.calls, 0U);
        CHECK_EQ(nothing.seconds(), 0.0);
    }
    CHECK(os::system_calls.send == send_before);
}

} // namespace
