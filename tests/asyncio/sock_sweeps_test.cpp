// SPDX-License-Identifier: MIT
// loop.sock_*, sendfile and readiness under the sweep, over sockets of the kernel.
#include "asyncio/sendfile.h"

#include "support/memory_file.h"
#include "support/peers.h"
#include "support/sweeps.h"
#include "support/system_calls.h"

#include <array>
#include <cerrno>
#include <string>

using namespace asyncio;
using namespace std::chrono_literals;
using support::Bystander;
using support::fill;
using support::MemoryFile;
using support::NoKernelSendfile;
using support::Recorder;
using support::turns_go_by;
using testing::Sweep;
using testing::SweepMode;

namespace {

EventLoop& loop() { return testing::loop(); }

Socket bound(int type) {
    Socket socket(AF_INET, type);
    socket.bind(*Address::from_literal("127.0.0.1", 0));
    return socket;
}

std::span<std::byte> in(std::array<std::byte, 16>& buffer) { return buffer; }

std::string text_in(const std::array<std::byte, 16>& buffer, std::size_t size) {
    return std::string(reinterpret_cast<const char*>(buffer.data()), size);
}

} // namespace

// ---- streams ------------------------------------------------------------------------------------

CO_SWEEP("sock_recv under the sweep: what it does not get, the next one gets") {
    Bystander bystander;
    const auto pair = Socket::pair();
    sweep.fail_on(pair.second.fileno());
    const auto victim = sweep.victim(loop().sock_recv(pair.second, 100));
    co_await turns_go_by(3);
    co_await loop().sock_sendall(pair.first, "data");
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (end.has_value()) co_await loop().sock_sendall(pair.first, "data");
    CHECK_EQ(co_await loop().sock_recv(pair.second, 100), "data");
    CHECK(co_await bystander.unharmed());
}

CO_SWEEP("sock_recv_into under the sweep: what it does not get, the next one gets") {
    Bystander bystander;
    const auto pair = Socket::pair();
    sweep.fail_on(pair.second.fileno());
    std::array<std::byte, 16> buffer{};
    const auto victim = sweep.victim(loop().sock_recv_into(pair.second, in(buffer)));
    co_await turns_go_by(3);
    co_await loop().sock_sendall(pair.first, "data");
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (end.has_value()) co_await loop().sock_sendall(pair.first, "data");
    if (end.has_value()) CHECK_EQ(text_in(buffer, end.value()), "data");
    const std::size_t again = co_await loop().sock_recv_into(pair.second, in(buffer));
    CHECK_EQ(text_in(buffer, again), "data");
    CHECK(co_await bystander.unharmed());
}

CO_SWEEP("sock_sendall under the sweep: a beginning of it goes, and what follows comes behind it") {
    Bystander bystander;
    const auto pair = Socket::pair();
    const std::size_t before = fill(pair.first);
    sweep.fail_on(pair.first.fileno());
    const std::string data(500'000, 'd');
    const auto victim = sweep.victim(loop().sock_sendall(pair.first, data));
    auto read_all = [](const Socket* from) -> Coro<std::string> { // LIFETIME: the scenario's
        std::string got;
        while (!got.ends_with("end")) got += co_await loop().sock_recv(*from, 1 << 17);
        co_return got;
    };
    const auto reader = create_task(read_all(&pair.second));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    co_await loop().sock_sendall(pair.first, "end");
    const std::string got = co_await reader;
    const std::size_t sent = got.size() - before - 3;
    CHECK(sent <= data.size());
    CHECK(got == std::string(before, 'x') + std::string(sent, 'd') + "end");
    if (end.has_value()) CHECK_EQ(sent, data.size());
    CHECK(co_await bystander.unharmed());
}

CO_SWEEP("sock_connect under the sweep: it may be awaited anew, and the server accepts one") {
    Bystander bystander;
    const Socket server = bound(SOCK_STREAM);
    server.listen(8);
    const Socket client(AF_INET);
    sweep.fail_on(client.fileno());
    const auto victim = sweep.victim(loop().sock_connect(client, server.getsockname()));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (!end.has_value()) co_await loop().sock_connect(client, server.getsockname());
    const auto accepted = co_await loop().sock_accept(server);
    CHECK(accepted.second == client.getsockname());
    co_await loop().sock_sendall(client, "tag");
    CHECK_EQ(co_await loop().sock_recv(accepted.first, 10), "tag");
    Address none;
    CHECK_EQ(os::accept_now(server.fileno(), none), -EAGAIN);
    CHECK(co_await bystander.unharmed());
}

CO_SWEEP("sock_accept under the sweep: a connection is delivered, or stays in the line") {
    Bystander bystander;
    const Socket server = bound(SOCK_STREAM);
    server.listen(8);
    sweep.fail_on(server.fileno());
    const auto victim = sweep.victim(loop().sock_accept(server));
    co_await turns_go_by(3);
    const Socket client(AF_INET);
    co_await loop().sock_connect(client, server.getsockname());
    auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (!end.has_value()) end = co_await outcome(loop().sock_accept(server));
    co_await loop().sock_sendall(client, "tag");
    CHECK_EQ(co_await loop().sock_recv(end.value().first, 10), "tag");
    CHECK(co_await bystander.unharmed());
}

// ---- datagrams ----------------------------------------------------------------------------------

CO_SWEEP("sock_recvfrom under the sweep: a datagram it does not get, the next one gets") {
    const Socket one = bound(SOCK_DGRAM);
    const Socket other = bound(SOCK_DGRAM);
    const auto victim = sweep.victim(loop().sock_recvfrom(other, 100));
    co_await turns_go_by(3);
    co_await loop().sock_sendto(one, "datagram", other.getsockname());
    auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (!end.has_value()) end = co_await outcome(loop().sock_recvfrom(other, 100));
    CHECK_EQ(end.value().first, "datagram");
    CHECK(end.value().second == one.getsockname());
}

CO_SWEEP("sock_recvfrom_into under the sweep: a datagram it does not get, the next one gets") {
    const Socket one = bound(SOCK_DGRAM);
    const Socket other = bound(SOCK_DGRAM);
    std::array<std::byte, 16> buffer{};
    const auto victim = sweep.victim(loop().sock_recvfrom_into(other, in(buffer)));
    co_await turns_go_by(3);
    co_await loop().sock_sendto(one, "datagram", other.getsockname());
    auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (!end.has_value()) end = co_await outcome(loop().sock_recvfrom_into(other, in(buffer)));
    CHECK_EQ(text_in(buffer, end.value().first), "datagram");
}

CO_SWEEP("sock_sendto under the sweep: a datagram goes once, or not at all") {
    const support::KeepSystemCalls keep;
    static int calls = 0;
    calls = 0;
    os::system_calls.sendto = [](int fd, const void* data, std::size_t size, int flags,
                                 const sockaddr* to, socklen_t to_size) -> ssize_t {
        if (calls++ > 0) return ::sendto(fd, data, size, flags, to, to_size);
        errno = EAGAIN;
        return -1;
    };
    const Socket one = bound(SOCK_DGRAM);
    const Socket other = bound(SOCK_DGRAM);
    const auto victim = sweep.victim(loop().sock_sendto(one, "first", other.getsockname()));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    co_await loop().sock_sendto(one, "second", other.getsockname());
    if (end.has_value()) CHECK_EQ((co_await loop().sock_recvfrom(other, 100)).first, "first");
    CHECK_EQ((co_await loop().sock_recvfrom(other, 100)).first, "second");
}

// ---- readiness ----------------------------------------------------------------------------------

CO_SWEEP("readable and writable under the sweep: nobody watches on, and the next wait works") {
    Bystander bystander;
    const auto pair = Socket::pair();
    auto both = [](int fd) -> Coro<> {
        co_await loop().writable(fd);
        co_await loop().readable(fd);
    };
    const auto victim = sweep.victim(both(pair.first.fileno()));
    co_await turns_go_by(3);
    co_await loop().sock_sendall(pair.second, "x");
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    CHECK(!loop().remove_reader(pair.first.fileno()));
    CHECK(!loop().remove_writer(pair.first.fileno()));
    co_await both(pair.first.fileno());
    CHECK_EQ(co_await loop().sock_recv(pair.first, 10), "x");
    CHECK(co_await bystander.unharmed());
}

// ---- files --------------------------------------------------------------------------------------

namespace {

constexpr std::size_t file_bytes = 400'000;

/// The victim sends a file over a socket; what follows comes behind as much as the file's position
/// tells.
Coro<> sweep_sock_sendfile(Sweep* sweep) {
    // LIFETIME: a sweep outlives its scenarios.
    Bystander bystander;
    auto pair = Socket::pair();
    const support::Peer peer(std::move(pair.second));
    const MemoryFile file(std::string(file_bytes, 'f'));
    sweep->fail_on(pair.first.fileno());
    const auto victim = sweep->victim(loop().sock_sendfile(pair.first, file.fileno()));
    std::string got;
    while (!victim.done()) {
        got += peer.receive();
        co_await yield_now();
    }
    const auto end = co_await outcome(victim);
    CHECK(sweep->accounts_for(end));
    const auto tail = create_task(loop().sock_sendall(pair.first, "tail"));
    while (!got.ends_with("tail")) {
        got += peer.receive();
        co_await yield_now();
    }
    co_await tail;
    // By hand a block may have gone in part when it was cancelled: the position is before it.
    CHECK(got.size() - 4 >= static_cast<std::size_t>(file.position()));
    CHECK(got.size() - 4 <= static_cast<std::size_t>(file.position()) + 64 * 1024);
    if (end.has_value()) CHECK_EQ(end.value(), std::uint64_t{file_bytes});
    CHECK(co_await bystander.unharmed());
}

/// The same over a transport, which is as it was before, unless its connection was lost.
Coro<> sweep_sendfile(Sweep* sweep) {
    // LIFETIME: a sweep outlives its scenarios.
    Bystander bystander;
    auto end = co_await support::connect_pair();
    const MemoryFile file(std::string(file_bytes, 'f'));
    sweep->fail_on(end.transport->get_extra_info(extra::socket).value().fileno());
    const auto victim = sweep->victim(loop().sendfile(*end.transport, file.fileno()));
    std::string got;
    while (!victim.done()) {
        got += end.peer.receive();
        co_await yield_now();
    }
    const auto sent = co_await outcome(victim);
    CHECK(sweep->accounts_for(sent));
    if (!end.transport->is_closing()) {
        CHECK(end.transport->is_reading());
        CHECK(end.transport->get_protocol() == end.protocol);
        end.transport->write("tail");
        while (!got.ends_with("tail")) {
            got += end.peer.receive();
            co_await yield_now();
        }
        CHECK_EQ(got.size() - 4, static_cast<std::size_t>(file.position()));
        end.peer.send("heard");
        co_await end.protocol->got_data.wait();
    }
    end.transport->abort();
    co_await end.protocol->lost.wait();
    end.protocol->transport = TransportRef();
    CHECK(co_await bystander.unharmed());
}

} // namespace

CO_SWEEP("sock_sendfile by the kernel under the sweep: the file's position tells what went") {
    co_await sweep_sock_sendfile(&sweep);
}

CO_SWEEP("sock_sendfile by hand under the sweep: the file's position tells what went whole") {
    const NoKernelSendfile without;
    co_await sweep_sock_sendfile(&sweep);
}

CO_SWEEP("sendfile by the kernel under the sweep: the transport is given back as it was") {
    co_await sweep_sendfile(&sweep);
}

CO_SWEEP("sendfile by hand under the sweep: the transport has its own protocol again") {
    const NoKernelSendfile without;
    co_await sweep_sendfile(&sweep);
}
