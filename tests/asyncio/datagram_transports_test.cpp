// SPDX-License-Identifier: MIT
// Datagrams by protocol: whom they go to, what is kept, what is refused, faults, the end.
#include "asyncio/datagram_transports.h"

#include "asyncio/testing/system_call_faults.h"
#include "support/datagrams.h"
#include "support/reports.h"
#include "support/scratch.h"

#include <fcntl.h>

using namespace asyncio;
using support::close_endpoint;
using support::Endpoint;
using support::local;
using support::open_endpoint;
using support::towards;
using support::wait_for_arrivals;
using testing::Call;
using testing::SystemCallFaults;
using Texts = std::vector<std::string>;

namespace {

/// Two ends that are connected with each other.
struct Two {
    Endpoint one;
    Endpoint other;
};

Coro<Two> connected() {
    Two two;
    two.other = co_await open_endpoint(local());
    two.one = co_await open_endpoint(towards(two.other.sockname()));
    co_return two;
}

Coro<> close(Two two) {
    co_await close_endpoint(two.one);
    co_await close_endpoint(two.other);
}

int fd_of(const Endpoint& end) { return end.transport().get_extra_info(extra::socket)->fileno(); }

/// Has sends of this end wait, until the faults stop.
struct Full {
    explicit Full(const Endpoint& end) {
        faults.only_on(fd_of(end));
        for (std::size_t k = 0; k < 1000; ++k) {
            faults.at(Call::send, EAGAIN, k).at(Call::sendto, EAGAIN, k);
        }
    }
    SystemCallFaults faults;
};

} // namespace

// ---- sending ------------------------------------------------------------------------------------

CO_TEST("SEM-UDP-06: a connected endpoint sends to its peer alone, others need an address") {
    const Two two = co_await connected();
    two.one.transport().sendto("a");
    two.one.transport().sendto("b", two.other.sockname());
    const Address elsewhere = *Address::from_literal("127.0.0.1", 9);
    CHECK_THROWS_MSG(two.one.transport().sendto("c", elsewhere), ValueError, "Invalid address");
    CHECK_THROWS_MSG(two.other.transport().sendto("d"), ValueError, "needs an address");
    co_await wait_for_arrivals(two.other, 2);
    CHECK_EQ(two.other.protocol->received, (Texts{"a", "b"}));
    co_await close(two);
}

CO_TEST("SEM-UDP-07: an empty datagram is sent as such, and is no end") {
    const Two two = co_await connected();
    two.one.transport().sendto("");
    two.one.transport().sendto("more");
    co_await wait_for_arrivals(two.other, 2);
    CHECK_EQ(two.other.protocol->received, (Texts{"", "more"}));
    CHECK(!two.other.transport().is_closing());
    co_await close(two);
}

CO_TEST("SEM-UDP-09: what would block is copied, kept in order, and sent when there is room") {
    const Two two = co_await connected();
    {
        const Full full(two.one);
        std::string data = "first";
        two.one.transport().sendto(data);
        data = "!!!!!";
        two.one.transport().sendto("");
        two.one.transport().sendto("third");
        CHECK_EQ(two.one.transport().get_write_buffer_size(), std::size_t{5 + 0 + 5 + 3 * 8});
        co_await yield_now();
        CHECK(two.other.protocol->received.empty());
    }
    co_await wait_for_arrivals(two.other, 3);
    CHECK_EQ(two.other.protocol->received, (Texts{"first", "", "third"}));
    CHECK_EQ(two.one.transport().get_write_buffer_size(), std::size_t{0});
    co_await close(two);
}

CO_TEST("SEM-UDP-09: each datagram that is kept counts 8 bytes more for the marks") {
    const Two two = co_await connected();
    two.one.transport().set_write_buffer_limits(40, 10);
    {
        const Full full(two.one);
        for (int i = 0; i < 5; ++i) two.one.transport().sendto("");
        CHECK_EQ(two.one.protocol->count("pause"), 0);
        two.one.transport().sendto("");
        CHECK_EQ(two.one.protocol->count("pause"), 1);
    }
    co_await wait_for_arrivals(two.other, 6);
    CHECK_EQ(two.one.protocol->count("resume"), 1);
    co_await close(two);
}

// ---- what the system refuses --------------------------------------------------------------------

CO_TEST("SEM-UDP-08: errors go to error_received, and the endpoint stays usable") {
    const Two two = co_await connected();
    {
        SystemCallFaults faults;
        faults.at(Call::send, ENOBUFS, 0).at(Call::recvfrom, ENETDOWN, 0);
        two.one.transport().sendto("lost");
        CHECK_EQ(two.one.protocol->errors.size(), std::size_t{1});
        CHECK(is_exception<OSError>(two.one.protocol->errors[0]));
        two.one.transport().sendto("sent");
        co_await wait_for_arrivals(two.other, 2);
    }
    CHECK_EQ(two.other.protocol->errors.size(), std::size_t{1});
    CHECK_EQ(two.other.protocol->received, Texts{"sent"});
    CHECK_EQ(two.one.protocol->calls, Texts{"made"});
    co_await close(two);
}

CO_TEST("SEM-UDP-08: an error of one that was kept does not hold up those behind it") {
    const Two two = co_await connected();
    {
        SystemCallFaults faults;
        faults.only_on(fd_of(two.one)).at(Call::send, EAGAIN, 0).at(Call::send, EPERM, 1);
        two.one.transport().sendto("refused");
        two.one.transport().sendto("goes");
        co_await wait_for_arrivals(two.other, 1);
    }
    CHECK(is_exception<PermissionError>(two.one.protocol->errors.at(0)));
    CHECK_EQ(two.other.protocol->received, Texts{"goes"});
    co_await close(two);
}

namespace {

class Thrower : public support::DatagramRecorder {
public:
    void datagram_received(std::string_view data, const Address& from) override {
        DatagramRecorder::datagram_received(data, from);
        throw ValueError("not for me");
    }
    void error_received(std::exception_ptr error) override {
        DatagramRecorder::error_received(error);
        throw ValueError("nor that");
    }
};

} // namespace

CO_TEST("SEM-UDP-08: what a protocol throws is reported, and the endpoint goes on") {
    support::Reports reports;
    Endpoint end;
    end.protocol = std::make_shared<Thrower>();
    auto factory = [protocol = end.protocol] { return protocol; };
    co_await testing::loop().create_datagram_endpoint(factory, local());
    const Endpoint sender = co_await open_endpoint(towards(end.sockname()));
    sender.transport().sendto("one");
    sender.transport().sendto("two");
    co_await wait_for_arrivals(end, 2);
    end.transport().sendto(std::string(70'000, 'x'), sender.sockname());
    CHECK_EQ(reports.seen.size(), std::size_t{3});
    co_await close_endpoint(sender);
    co_await close_endpoint(end);
}

CO_TEST("SEM-UDP-10: to send where nobody listens does not stop later receives") {
    const Endpoint end = co_await open_endpoint(local());
    const Endpoint gone = co_await open_endpoint(local());
    const Address nobody = gone.sockname();
    co_await close_endpoint(gone);
    end.transport().sendto("x", nobody);
    co_await yield_now();
    const Endpoint peer = co_await open_endpoint(towards(end.sockname()));
    peer.transport().sendto("y");
    co_await wait_for_arrivals(end, 1);
    CHECK_EQ(end.protocol->received, Texts{"y"});
    co_await close_endpoint(peer);
    co_await close_endpoint(end);
}

CO_TEST("FLT-NET-10: a port that refuses is a ConnectionRefusedError, and the endpoint lives on") {
    Two two = co_await connected();
    const Address address = two.other.sockname();
    co_await close_endpoint(two.other);
    two.one.transport().sendto("x");
    co_await wait_for_arrivals(two.one, 1);
    CHECK(is_exception<ConnectionRefusedError>(two.one.protocol->errors.at(0)));
    two.other = co_await open_endpoint(DatagramOptions().local_addr("127.0.0.1", address.port()));
    two.one.transport().sendto("y");
    co_await wait_for_arrivals(two.other, 1);
    CHECK_EQ(two.other.protocol->received, Texts{"y"});
    co_await close(two);
}

CO_TEST("FLT-NET-10: a datagram that is too large is an OSError with EMSGSIZE, the next one goes") {
    const Two two = co_await connected();
    two.one.transport().sendto(std::string(70'000, 'x'));
    CHECK_EQ(two.one.protocol->errors.size(), std::size_t{1});
    try {
        std::rethrow_exception(two.one.protocol->errors.at(0));
    } catch (const OSError& error) {
        CHECK_EQ(error.errnum(), EMSGSIZE);
    }
    const std::string most(65'507, 'y');
    two.one.transport().sendto(most);
    co_await wait_for_arrivals(two.other, 1);
    CHECK(two.other.protocol->received.at(0) == most);
    co_await close(two);
}

CO_TEST("FLT-NET-10: 10,000 datagrams to dead ports leave an endpoint that answers") {
    const Two two = co_await connected();
    for (int i = 0; i < 10'000; ++i) {
        const auto port = static_cast<std::uint16_t>(1 + i % 1000);
        two.other.transport().sendto("x", *Address::from_literal("127.0.0.9", port));
        if (i % 100 == 0) co_await yield_now();
    }
    two.one.transport().sendto("y");
    while (two.other.protocol->received.empty()) co_await yield_now();
    CHECK_EQ(two.other.protocol->received, Texts{"y"});
    CHECK_EQ(two.other.protocol->calls, Texts{"made"});
    co_await close(two);
}

CO_TEST("FLT-NET-10: interruptions, false readiness and EAGAIN lose and reorder nothing") {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        SystemCallFaults faults(seed);
        faults.random(Call::send, EAGAIN, 0.3).random(Call::send, EINTR, 0.2);
        faults.random(Call::recvfrom, EAGAIN, 0.3).random(Call::recvfrom, EINTR, 0.2);
        faults.spurious_readiness(0.3);
        const Two two = co_await connected();
        Texts sent;
        for (int i = 0; i < 50; ++i) {
            two.one.transport().sendto(sent.emplace_back(std::to_string(i)));
            co_await yield_now();
        }
        co_await wait_for_arrivals(two.other, 50);
        CHECK_EQ(two.other.protocol->received, sent);
        co_await close(two);
    }
}

// ---- Unix ---------------------------------------------------------------------------------------

CO_TEST("a Unix datagram of 200,000 bytes comes whole") {
    auto pair = Socket::pair(AF_UNIX, SOCK_DGRAM);
    pair.first.setsockopt(SOL_SOCKET, SO_SNDBUF, 1 << 20);
    const Endpoint one = co_await open_endpoint(DatagramOptions().sock(std::move(pair.first)));
    const Endpoint other = co_await open_endpoint(DatagramOptions().sock(std::move(pair.second)));
    const std::string large(200'000, 'x');
    one.transport().sendto(large);
    co_await wait_for_arrivals(other, 1);
    CHECK(other.protocol->errors.empty());
    CHECK(other.protocol->received.at(0) == large);
    co_await close_endpoint(one);
    co_await close_endpoint(other);
}

CO_TEST("a Unix receiver that is full gets the rest later, also from one that is not connected") {
    support::Scratch folder;
    const std::string path = folder.path("full");
    const Socket receiver(AF_UNIX, SOCK_DGRAM);
    receiver.bind(Address::from_path(path));
    const Endpoint end = co_await open_endpoint(DatagramOptions().family(AF_UNIX));
    int sent = 0;
    while (end.transport().get_write_buffer_size() == 0) {
        end.transport().sendto(std::to_string(sent++), Address::from_path(path));
    }
    for (int i = 0; i < sent; ++i) {
        const auto got = co_await testing::loop().sock_recvfrom(receiver, 100);
        CHECK_EQ(got.first, std::to_string(i));
    }
    CHECK_EQ(end.transport().get_write_buffer_size(), std::size_t{0});
    co_await close_endpoint(end);
}

// ---- reading and the end ------------------------------------------------------------------------

CO_TEST("pause_reading() leaves datagrams to the kernel, resume_reading() gets them") {
    const Two two = co_await connected();
    two.other.transport().pause_reading();
    CHECK(!two.other.transport().is_reading());
    two.one.transport().sendto("x");
    for (int i = 0; i < 3; ++i) co_await yield_now();
    CHECK(two.other.protocol->received.empty());
    two.other.transport().resume_reading();
    co_await wait_for_arrivals(two.other, 1);
    co_await close(two);
}

CO_TEST("close() sends what is kept first, abort() drops it; later sends are dropped and counted") {
    for (const bool abort : {false, true}) {
        const Two two = co_await connected();
        const std::shared_ptr<support::DatagramRecorder> protocol = two.one.protocol;
        {
            const Full full(two.one);
            two.one.transport().sendto("kept");
            abort ? two.one.transport().abort() : two.one.transport().close();
            CHECK_EQ(protocol->count("lost"), 0);
        }
        for (int i = 0; i < 5; ++i) two.one.transport().sendto("late");
        CHECK_EQ(testing::take_logs().size(), std::size_t{1});
        co_await protocol->lost.wait();
        for (int i = 0; i < 3; ++i) co_await yield_now();
        CHECK_EQ(two.other.protocol->received, abort ? Texts{} : Texts{"kept"});
        CHECK_EQ(protocol->calls, (Texts{"made", "lost"}));
        co_await close(two);
    }
}

CO_TEST("SEM-SNF-04: a transport of datagrams sends no file, and its other half is not there") {
    const Endpoint end = co_await open_endpoint(local());
    const os::Descriptor file(::open("/dev/null", O_RDONLY));
    CHECK_THROWS_AS(co_await testing::loop().sendfile(end.transport(), file.get()), RuntimeError);
    CHECK_THROWS_AS(end.transport().write("x"), NotImplementedError);
    CHECK_THROWS_AS(end.transport().write_eof(), NotImplementedError);
    CHECK_EQ(end.transport().text().substr(0, 18), "<DatagramTransport");
    co_await close_endpoint(end);
}
