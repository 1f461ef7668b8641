// SPDX-License-Identifier: MIT
// DatagramSocket: tasks that receive and send, errors where they belong, the end.
#include "asyncio/datagram_sockets.h"

#include "asyncio/gather.h"
#include "asyncio/testing/sweep.h"
#include "asyncio/testing/system_call_faults.h"
#include "support/datagrams.h"
#include "support/peers.h"

using namespace asyncio;
using support::local;
using support::towards;
using support::turns;
using Texts = std::vector<std::string>;

namespace {

struct Sockets {
    DatagramSocket one;
    DatagramSocket other;
};

Coro<Sockets> connected(DatagramOptions options = local()) {
    DatagramSocket other = co_await open_datagram_socket(std::move(options));
    DatagramSocket one = co_await open_datagram_socket(towards(other.sockname()));
    co_return Sockets{one, other};
}

/// Closes them, and lets them be gone.
Coro<> close(Sockets both) {
    both.one.close();
    both.other.close();
    co_await turns();
}

} // namespace

CO_TEST("DatagramSocket: datagrams go there and back, also empty ones, with their senders") {
    const Sockets both = co_await connected();
    CHECK(both.one.peername() == both.other.sockname());
    CHECK(!both.other.peername());
    co_await both.one.sendto("hello");
    co_await both.one.sendto("");
    const Datagram first = co_await both.other.recvfrom();
    CHECK_EQ(first.data, "hello");
    CHECK(first.from == both.one.sockname());
    CHECK_EQ((co_await both.other.recvfrom()).data, "");
    co_await both.other.sendto("back", first.from);
    CHECK_EQ((co_await both.one.recvfrom()).data, "back");
    CHECK_THROWS_AS(co_await both.other.sendto("whom?"), ValueError);
    co_await close(both);
}

CO_TEST("DatagramSocket: several receivers get what comes, first come, first served") {
    const Sockets both = co_await connected();
    const auto receive = [](DatagramSocket socket) -> Coro<std::string> {
        Datagram got = co_await socket.recvfrom();
        co_return std::move(got.data);
    };
    const auto first = create_task(receive, both.other);
    const auto second = create_task(receive, both.other);
    co_await turns();
    co_await both.one.sendto("1");
    co_await both.one.sendto("2");
    CHECK_EQ(co_await first, "1");
    CHECK_EQ(co_await second, "2");
    co_await close(both);
}

CO_TEST(
    "DatagramSocket: an error of sending is thrown by sendto(), one of the peer by recvfrom()") {
    const Sockets both = co_await connected();
    CHECK_THROWS_MSG(co_await both.one.sendto(std::string(70'000, 'x')), OSError, "too long");
    const Address address = both.other.sockname();
    both.other.close();
    co_await turns();
    co_await both.one.sendto("x");
    CHECK_THROWS_AS(co_await both.one.recvfrom(), ConnectionRefusedError);
    const DatagramSocket again =
        co_await open_datagram_socket(DatagramOptions().local_addr("127.0.0.1", address.port()));
    co_await both.one.sendto("y");
    CHECK_EQ((co_await again.recvfrom()).data, "y");
    co_await close(both);
    again.close();
    co_await turns();
}

CO_TEST(
    "DatagramSocket: sendto() waits while the kernel has no room; a cancel leaves it to be sent") {
    const Sockets both = co_await connected();
    const int fd = both.one.transport().get_extra_info(extra::socket)->fileno();
    testing::SystemCallFaults faults;
    faults.only_on(fd).at(testing::Call::send, EAGAIN, 0).at(testing::Call::send, EAGAIN, 1);
    const auto sending = create_task(both.one.sendto("patient"));
    co_await yield_now();
    CHECK(!sending.done());
    sending.cancel();
    CHECK((co_await outcome(sending)).cancelled());
    co_await both.one.sendto("next");
    CHECK_EQ((co_await both.other.recvfrom()).data, "patient");
    CHECK_EQ((co_await both.other.recvfrom()).data, "next");
    co_await close(both);
}

CO_TEST("DatagramSocket: more than its limit stays in the kernel, and comes when it is wanted") {
    const Sockets both = co_await connected(local().limit(1000));
    for (int i = 0; i < 20; ++i)
        co_await both.one.sendto(std::string(100, static_cast<char>('a' + i)));
    co_await turns(6);
    CHECK(!both.other.transport().is_reading());
    for (int i = 0; i < 20; ++i) {
        CHECK_EQ((co_await both.other.recvfrom()).data,
                 std::string(100, static_cast<char>('a' + i)));
    }
    CHECK(both.other.transport().is_reading());
    co_await close(both);
}

CO_TEST("FLT-NET-06: close() wakes all who receive; what was kept is got before the error") {
    const Sockets both = co_await connected();
    co_await both.one.sendto("kept");
    co_await turns(6);
    const auto waiting = create_task(both.one.recvfrom());
    co_await turns();
    both.one.close();
    both.one.close();
    both.other.close();
    CHECK(both.other.is_closing());
    CHECK(is_exception<OSError>((co_await outcome(waiting)).exception()));
    CHECK_EQ((co_await both.other.recvfrom()).data, "kept");
    CHECK_THROWS_MSG(co_await both.other.recvfrom(), OSError, "closed DatagramSocket");
    CHECK_THROWS_MSG(co_await both.one.sendto("x"), OSError, "closed DatagramSocket");
}

CO_TEST("DatagramSocket: it is closed when its last handle goes") {
    auto socket = std::make_unique<DatagramSocket>(co_await open_datagram_socket(local()));
    const TransportRef transport(socket->transport());
    socket.reset();
    CHECK(transport->is_closing());
    co_await turns();
}

CO_SWEEP(
    "DatagramSocket.recvfrom under the cancel sweep: no datagram is lost, the next wait works") {
    const Sockets both = co_await connected();
    sweep.fail_on(both.other.transport().get_extra_info(extra::socket)->fileno());
    const auto victim = sweep.victim(both.other.recvfrom());
    co_await turns();
    co_await both.one.sendto("one");
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (!end.has_value()) CHECK_EQ((co_await both.other.recvfrom()).data, "one");
    co_await both.one.sendto("two");
    CHECK_EQ((co_await both.other.recvfrom()).data, "two");
    co_await close(both);
}

CO_SWEEP("DatagramSocket.sendto under the cancel sweep: the socket sends on") {
    const Sockets both = co_await connected();
    const int fd = both.one.transport().get_extra_info(extra::socket)->fileno();
    std::optional<testing::SystemCallFaults> faults;
    const bool fails = sweep.mode() == testing::SweepMode::io_failure ||
                       sweep.mode() == testing::SweepMode::no_memory; // faults need some, too
    if (!fails) {
        faults.emplace().only_on(fd).at(testing::Call::send, EAGAIN, 0);
    }
    const auto victim = sweep.victim(both.one.sendto("one"));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    co_await both.one.sendto("two");
    std::string got = (co_await both.other.recvfrom()).data;
    if (got == "one") got = (co_await both.other.recvfrom()).data;
    CHECK_EQ(got, "two");
    co_await close(both);
}
