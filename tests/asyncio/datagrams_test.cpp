// SPDX-License-Identifier: MIT
// create_datagram_endpoint: addresses, options, what is refused, Unix paths.
#include "asyncio/datagrams.h"

#include "asyncio/base_events.h"
#include "asyncio/testing/sweep.h"
#include "support/datagrams.h"
#include "support/resolver.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/stat.h>

using namespace asyncio;
using support::close_endpoint;
using support::DatagramRecorder;
using support::Endpoint;
using support::local;
using support::open_endpoint;
using support::Scratch;
using support::towards;
using support::wait_for_arrivals;
using Texts = std::vector<std::string>;

CO_TEST("SEM-UDP-01: local_addr binds, remote_addr connects, and both exchange datagrams") {
    const Endpoint server = co_await open_endpoint(local());
    const Endpoint client = co_await open_endpoint(towards(server.sockname()));
    client.transport().sendto("hello");
    co_await wait_for_arrivals(server, 1);
    CHECK_EQ(server.protocol->received, Texts{"hello"});
    CHECK(server.protocol->senders[0] == client.sockname());
    server.transport().sendto("back", server.protocol->senders[0]);
    co_await wait_for_arrivals(client, 1);
    CHECK_EQ(client.protocol->received, Texts{"back"});
    CHECK(client.protocol->senders[0] == server.sockname());
    CHECK(client.transport().get_extra_info(extra::peername).value() == server.sockname());
    CHECK(!server.transport().get_extra_info(extra::peername));
    co_await close_endpoint(client);
    co_await close_endpoint(server);
}

CO_TEST("SEM-UDP-01: a path without AF_UNIX is a TypeError, and host and port with it") {
    EventLoop& loop = testing::loop();
    const auto factory = [] { return std::make_shared<DatagramRecorder>(); };
    CHECK_THROWS_AS(
        co_await loop.create_datagram_endpoint(factory, DatagramOptions().local_addr("/tmp/x")),
        TypeError);
    CHECK_THROWS_AS(co_await loop.create_datagram_endpoint(
                        factory, DatagramOptions().remote_addr("localhost", 1).family(AF_UNIX)),
                    TypeError);
    const auto wrong = [] { return std::make_shared<Protocol>(); };
    CHECK_THROWS_AS(co_await loop.create_datagram_endpoint(wrong, local()), TypeError);
}

CO_TEST("SEM-UDP-02: a socket alone is taken; with other options, or of streams, it is refused") {
    Socket given(AF_INET, SOCK_DGRAM);
    given.bind(*Address::from_literal("127.0.0.1", 0));
    const Address address = given.getsockname();
    const Endpoint end = co_await open_endpoint(DatagramOptions().sock(std::move(given)));
    CHECK(end.sockname() == address);
    co_await close_endpoint(end);

    CHECK_THROWS_AS(co_await open_endpoint(DatagramOptions().sock(Socket(AF_INET))), ValueError);
    std::vector<DatagramOptions> others(7);
    others[0] = local();
    others[1] = towards(address);
    others[2].family(AF_INET);
    others[3].proto(17);
    others[4].flags(AI_PASSIVE);
    others[5].reuse_port(true);
    others[6].allow_broadcast(true);
    for (DatagramOptions& both : others) {
        both.sock(Socket(AF_INET, SOCK_DGRAM));
        CHECK_THROWS_MSG(co_await open_endpoint(both), ValueError, "when sock is specified");
    }
    CHECK_THROWS_MSG(co_await open_endpoint(DatagramOptions()), ValueError, "address family");
}

CO_TEST("SEM-UDP-02: a family alone makes an endpoint that sends to anybody") {
    const Endpoint server = co_await open_endpoint(local());
    const Endpoint any = co_await open_endpoint(DatagramOptions().family(AF_INET));
    any.transport().sendto("x", server.sockname());
    co_await wait_for_arrivals(server, 1);
    CHECK_EQ(server.protocol->received, Texts{"x"});
    co_await close_endpoint(any);
    co_await close_endpoint(server);
}

CO_TEST("SEM-UDP-03: addresses without a common family are a ValueError, a list of nothing an "
        "OSError") {
    support::KeepSystemCalls keep;
    support::FakeResolver names;
    names.know("nowhere", {});
    CHECK_THROWS_MSG(
        co_await open_endpoint(DatagramOptions().local_addr("127.0.0.1", 0).remote_addr("::1", 9)),
        ValueError, "can not get address information");
    CHECK_THROWS_MSG(co_await open_endpoint(DatagramOptions().remote_addr("nowhere", 9)), OSError,
                     "empty list");
}

CO_TEST("SEM-UDP-03: of addresses that all fail the first error is thrown, and no socket is left") {
    const std::size_t before = os::open_descriptors_count();
    const Endpoint taken = co_await open_endpoint(local());
    CHECK_THROWS_MSG(
        co_await open_endpoint(DatagramOptions().local_addr("127.0.0.1", taken.sockname().port())),
        OSError, "127.0.0.1:" + std::to_string(taken.sockname().port()));
    co_await close_endpoint(taken);
    CHECK_EQ(os::open_descriptors_count(), before);
}

CO_TEST("SEM-UDP-03: the first address that works is taken") {
    support::KeepSystemCalls keep;
    support::FakeResolver names;
    names.know("two.test", {"203.0.113.77", "127.0.0.1"}); // the first is not ours to bind
    const Endpoint end = co_await open_endpoint(DatagramOptions().local_addr("two.test", 0));
    CHECK_EQ(end.sockname().host(), "127.0.0.1");
    co_await close_endpoint(end);
}

CO_TEST("SEM-UDP-04: allow_broadcast sets SO_BROADCAST, and does not connect") {
    const Endpoint server = co_await open_endpoint(local());
    const Endpoint end = co_await open_endpoint(towards(server.sockname()).allow_broadcast(true));
    const auto socket = end.transport().get_extra_info(extra::socket).value();
    CHECK(socket.getsockopt(SOL_SOCKET, SO_BROADCAST) != 0);
    CHECK(!end.transport().get_extra_info(extra::peername)); // not connected,
    end.transport().sendto("x"); // and yet it knows whom to send to,
    co_await wait_for_arrivals(server, 1);
    const Address other = *Address::from_literal("127.0.0.1", 9);
    CHECK_THROWS_AS(end.transport().sendto("x", other), ValueError); // and nobody else
    co_await close_endpoint(end);
    co_await close_endpoint(server);
}

CO_TEST("SEM-UDP-04: reuse_port shares a port; SO_REUSEADDR is never set") {
    const Endpoint one = co_await open_endpoint(local().reuse_port(true));
    const Endpoint other = co_await open_endpoint(
        DatagramOptions().local_addr("127.0.0.1", one.sockname().port()).reuse_port(true));
    CHECK(one.sockname() == other.sockname());
    const auto socket = one.transport().get_extra_info(extra::socket).value();
    CHECK(socket.getsockopt(SOL_SOCKET, SO_REUSEPORT) != 0);
    CHECK_EQ(socket.getsockopt(SOL_SOCKET, SO_REUSEADDR), 0);
    co_await close_endpoint(one);
    co_await close_endpoint(other);
}

CO_TEST("SEM-UDP-04: a multicast group is joined by an option of the socket") {
    const Endpoint member = co_await open_endpoint(DatagramOptions().local_addr("0.0.0.0", 0));
    const Endpoint sender = co_await open_endpoint(local());
    const in_addr group{htonl(0xeffffe01)}; // 239.255.254.1
    const in_addr loopback{htonl(INADDR_LOOPBACK)};
    const ip_mreq membership{group, loopback};
    member.transport()
        .get_extra_info(extra::socket)
        ->setsockopt(
            IPPROTO_IP, IP_ADD_MEMBERSHIP,
            std::string_view(reinterpret_cast<const char*>(&membership), sizeof membership));
    sender.transport()
        .get_extra_info(extra::socket)
        ->setsockopt(IPPROTO_IP, IP_MULTICAST_IF,
                     std::string_view(reinterpret_cast<const char*>(&loopback), sizeof loopback));
    sender.transport().sendto("to all",
                              *Address::from_literal("239.255.254.1", member.sockname().port()));
    co_await wait_for_arrivals(member, 1);
    CHECK_EQ(member.protocol->received, Texts{"to all"});
    CHECK(sender.protocol->errors.empty());
    co_await close_endpoint(member);
    co_await close_endpoint(sender);
}

// ---- Unix ---------------------------------------------------------------------------------------

CO_TEST("SEM-UDP-05: Unix datagrams, with and without a name; a dead socket file is replaced") {
    Scratch folder;
    const std::string path = folder.path("server");
    {
        const Socket dead(AF_UNIX, SOCK_DGRAM);
        dead.bind(Address::from_path(path));
    }
    const auto unix = DatagramOptions().family(AF_UNIX);
    const Endpoint server = co_await open_endpoint(DatagramOptions(unix).local_addr(path));
    CHECK_EQ(server.sockname().path(), path);
    const Endpoint nameless = co_await open_endpoint(DatagramOptions(unix).remote_addr(path));
    nameless.transport().sendto("who");
    co_await wait_for_arrivals(server, 1);
    CHECK(!server.protocol->senders[0]); // no name, no answer
    const std::string back = folder.path("client");
    const Endpoint named =
        co_await open_endpoint(DatagramOptions(unix).local_addr(back).remote_addr(path));
    named.transport().sendto("me");
    co_await wait_for_arrivals(server, 2);
    CHECK_EQ(server.protocol->senders[1].path(), back);
    server.transport().sendto("you", server.protocol->senders[1]);
    co_await wait_for_arrivals(named, 1);
    CHECK_EQ(named.protocol->received, Texts{"you"});
    co_await close_endpoint(server);
    co_await close_endpoint(nameless);
    co_await close_endpoint(named);
}

CO_TEST("SEM-UDP-05: another file is not removed, an abstract name needs none, a long path is an "
        "error") {
    Scratch folder;
    const std::string path = folder.path("file");
    {
        const os::Descriptor file(::creat(path.c_str(), 0600));
    }
    const auto at = [](const std::string& where) {
        return DatagramOptions().family(AF_UNIX).local_addr(where);
    };
    CHECK_THROWS_MSG(co_await open_endpoint(at(path)), OSError, path);
    struct stat facts{};
    CHECK_EQ(::stat(path.c_str(), &facts), 0);
    const std::string name = std::string(1, '\0') + path;
    const Endpoint hidden = co_await open_endpoint(at(name));
    CHECK_EQ(hidden.sockname().path(), name);
    co_await close_endpoint(hidden);
    CHECK_THROWS_AS(co_await open_endpoint(at(std::string(108, 'x'))), OSError);
}

CO_TEST("SEM-UDP-05: numeric addresses are not looked up") {
    support::KeepSystemCalls keep;
    support::FakeResolver names;
    const Endpoint end = co_await open_endpoint(local());
    CHECK_EQ(names.asked.load(), 0);
    co_await close_endpoint(end);
}

CO_SWEEP("create_datagram_endpoint that is cancelled at whatever suspension leaves no socket") {
    const Socket server(AF_INET, SOCK_DGRAM);
    server.bind(*Address::from_literal("127.0.0.1", 0));
    const auto protocol = std::make_shared<DatagramRecorder>();
    auto factory = [protocol] { return protocol; };
    sweep.fail_on_new_sockets();
    const auto victim = sweep.victim(testing::loop().create_datagram_endpoint(
        factory, local().remote_addr("127.0.0.1", server.getsockname().port())));
    auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (end.has_value()) {
        end.value().transport->abort();
        co_await protocol->lost.wait();
    }
    co_await yield_now();
    co_await yield_now();
    CHECK_EQ(protocol->count("made"), protocol->count("lost"));
    protocol->transport = TransportRef();
}
