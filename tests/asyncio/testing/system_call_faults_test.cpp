// SPDX-License-Identifier: MIT
// The fault seam: which calls fail, how often, and that waiting for readiness goes on.
#include "asyncio/testing/system_call_faults.h"

#include "asyncio/base_events.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/testing.h"
#include "os/errors.h"
#include "os/sockets.h"
#include "support/peers.h"

#include <cerrno>

using namespace asyncio;
using testing::Call;
using testing::SystemCallFaults;

namespace {

ssize_t receive_one(const Socket& socket) {
    char byte = 0;
    return os::system_calls.recv(socket.fileno(), &byte, 1, 0);
}

} // namespace

TEST("faults: every call, or of those that are repeated every second one") {
    const auto [one, other] = Socket::pair();
    {
        SystemCallFaults faults;
        faults.every(Call::recv, ECONNRESET).every(Call::send, EINTR);
        for (int i = 0; i < 3; ++i) {
            CHECK_EQ(receive_one(other), ssize_t{-1});
            CHECK_EQ(errno, ECONNRESET);
        }
        CHECK_EQ(os::send(one.fileno(), "x", 1), ssize_t{1}); // it was made again
        CHECK_EQ(faults.calls(Call::send), std::size_t{2});
        CHECK_EQ(faults.faults(Call::send), std::size_t{1});
        CHECK_EQ(faults.faults(Call::recv), std::size_t{3});
        faults.stop();
        CHECK_EQ(receive_one(other), ssize_t{1});
    }
    CHECK(os::system_calls.recv == &::recv);
}

TEST("faults: the k-th call from now on") {
    const auto [one, other] = Socket::pair();
    CHECK_EQ(os::send(one.fileno(), "0123456789", 10), ssize_t{10});
    SystemCallFaults faults;
    CHECK_EQ(receive_one(other), ssize_t{1});
    faults.at(Call::recv, EIO, 2);
    CHECK_EQ(receive_one(other), ssize_t{1});
    CHECK_EQ(receive_one(other), ssize_t{1});
    CHECK_EQ(receive_one(other), ssize_t{-1});
    CHECK_EQ(errno, EIO);
    CHECK_EQ(receive_one(other), ssize_t{1});
}

TEST("faults: only on the descriptors that were named, and on sockets made since") {
    const auto [one, other] = Socket::pair();
    CHECK_EQ(os::send(one.fileno(), "ab", 2), ssize_t{2});
    CHECK_EQ(os::send(other.fileno(), "ab", 2), ssize_t{2});
    SystemCallFaults faults;
    faults.only_on(one.fileno()).only_on_new_sockets().every(Call::recv, ECONNRESET);
    faults.every(Call::getsockopt, ECONNREFUSED);
    CHECK_EQ(receive_one(other), ssize_t{1});
    CHECK_EQ(receive_one(one), ssize_t{-1});
    CHECK_EQ(os::take_socket_error(other.fileno()), 0);
    CHECK_EQ(os::take_socket_error(one.fileno()), ECONNREFUSED);
    const Socket later(AF_INET);
    CHECK_EQ(os::take_socket_error(later.fileno()), ECONNREFUSED);
    CHECK_EQ(faults.calls(Call::recv), std::size_t{1});
}

TEST("faults: by chance, the same chance for the same seed") {
    const auto run = [](std::uint64_t seed) {
        SystemCallFaults faults(seed);
        faults.random(Call::socket, EMFILE, 0.5);
        std::string outcomes;
        for (int i = 0; i < 64; ++i) {
            os::Descriptor made(os::system_calls.socket(AF_UNIX, SOCK_STREAM, 0));
            outcomes += made ? 'o' : 'x';
        }
        return outcomes;
    };
    const std::string first = run(1);
    CHECK(first.find('o') != std::string::npos && first.find('x') != std::string::npos);
    CHECK_EQ(run(1), first);
    CHECK(run(2) != first);
}

TEST("faults: one set at a time") {
    const SystemCallFaults faults;
    CHECK_THROWS_AS(SystemCallFaults(), RuntimeError);
}

CO_TEST("faults: what says EAGAIN, or does a part, is told of again") {
    SystemCallFaults faults;
    auto end = co_await support::connect_pair();
    faults.random(Call::recv, EAGAIN, 0.5).short_io(1).spurious_readiness(0.3);
    const std::string data = "as many turns as it takes";
    CHECK_EQ(::send(end.peer.socket.fileno(), data.data(), data.size(), 0),
             static_cast<ssize_t>(data.size()));
    while (end.protocol->data.size() < data.size()) co_await yield_now();
    CHECK_EQ(end.protocol->data, data);
    CHECK(end.protocol->count("data") >= static_cast<int>(data.size()));
    CHECK(faults.faults(Call::recv) > 0);
    faults.stop();
    end.transport->abort();
    co_await end.protocol->lost.wait();
}
