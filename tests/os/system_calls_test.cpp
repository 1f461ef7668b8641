// SPDX-License-Identifier: MIT
// The table of system calls: whole, and really in use.
#include "os/system_calls.h"

#include "os/epoll.h"
#include "os/errors.h"
#include "os/pipes.h"
#include "os/sockets.h"

#include "asyncio/testing/testing.h"
#include "support/system_calls.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>

using namespace asyncio::os;

TEST("system_calls: no entry is empty") {
    static_assert(sizeof(SystemCalls) % sizeof(void*) == 0);
    std::array<void*, sizeof(SystemCalls) / sizeof(void*)> entries{};
    std::memcpy(entries.data(), &system_calls, sizeof system_calls);
    for (const void* entry : entries) CHECK(entry != nullptr);
}

TEST("system_calls: who replaces an entry is asked instead of the kernel") {
    std::optional<support::KeepSystemCalls> keep(std::in_place);
    system_calls.socket = [](int, int, int) {
        errno = EMFILE;
        return -1;
    };
    system_calls.epoll_ctl = [](int, int, int, epoll_event*) {
        errno = ENOSPC;
        return -1;
    };
    CHECK_THROWS_MSG(Socket(AF_INET), OSError, "Too many open files");
    Epoll epoll;
    CHECK_THROWS_MSG(epoll.add(0, Epoll::readable, 0), OSError, "No space left");
    keep.reset();
    CHECK(static_cast<bool>(Socket(AF_INET)));
}

namespace {

/// A call of the same kind that fails with ENOSYS.
template <class Result, class... Args>
auto refusing(Result (*)(Args...)) {
    Result (*refuses)(Args...) = [](Args...) -> Result {
        errno = ENOSYS;
        return -1;
    };
    return refuses;
}

} // namespace

TEST("system_calls: all that moves bytes or changes a connection goes through the table") {
    const support::KeepSystemCalls keep;
    SystemCalls& calls = system_calls;
    calls.recv = refusing(calls.recv);
    calls.send = refusing(calls.send);
    calls.sendmsg = refusing(calls.sendmsg);
    calls.recvfrom = refusing(calls.recvfrom);
    calls.sendto = refusing(calls.sendto);
    calls.sendfile = refusing(calls.sendfile);
    calls.read = refusing(calls.read);
    calls.write = refusing(calls.write);
    calls.writev = refusing(calls.writev);
    calls.accept4 = refusing(calls.accept4);
    calls.connect = refusing(calls.connect);
    calls.shutdown = refusing(calls.shutdown);
    calls.getsockopt = refusing(calls.getsockopt);
    char byte = 0;
    const std::string_view piece = "x";
    Address address;
    CHECK_EQ(receive(0, &byte, 1), -ENOSYS);
    CHECK_EQ(send(0, &byte, 1), -ENOSYS);
    CHECK_EQ(send_pieces(0, {&piece, 1}), -ENOSYS);
    CHECK_EQ(receive_from(0, &byte, 1, address), -ENOSYS);
    CHECK_EQ(send_to(0, &byte, 1, address), -ENOSYS);
    CHECK_EQ(send_file(0, 0, 0, 1), -ENOSYS);
    CHECK_EQ(read_pipe(0, &byte, 1), -ENOSYS);
    CHECK_EQ(write_pipe(0, &byte, 1), -ENOSYS);
    CHECK_EQ(write_pieces(0, {&piece, 1}), -ENOSYS);
    CHECK_EQ(accept_now(0, address), -ENOSYS);
    CHECK_EQ(connect_now(0, address), -ENOSYS);
    CHECK_EQ(shut_down_writing(0), -ENOSYS);
    CHECK_EQ(take_socket_error(0), ENOSYS);
}

TEST("system_calls: the methods of a socket and of a poller go through it, too") {
    const support::KeepSystemCalls keep;
    const Socket socket(AF_INET);
    Epoll epoll;
    SystemCalls& calls = system_calls;
    calls.bind = refusing(calls.bind);
    calls.listen = refusing(calls.listen);
    calls.getsockopt = refusing(calls.getsockopt);
    calls.setsockopt = refusing(calls.setsockopt);
    calls.epoll_ctl = refusing(calls.epoll_ctl);
    calls.epoll_wait = refusing(calls.epoll_wait);
    calls.epoll_pwait2 = refusing(calls.epoll_pwait2);
    const char* const refusal = "Function not implemented";
    CHECK_THROWS_MSG(socket.bind(Address()), OSError, refusal);
    CHECK_THROWS_MSG(socket.listen(1), OSError, refusal);
    CHECK_THROWS_MSG(socket.getsockopt(SOL_SOCKET, SO_TYPE), OSError, refusal);
    CHECK_THROWS_MSG(socket.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1), OSError, refusal);
    CHECK_THROWS_MSG(epoll.modify(0, Epoll::readable, 0), OSError, refusal);
    std::array<ReadyEvent, 1> events{};
    CHECK_THROWS_MSG(epoll.wait(events, 0), OSError, refusal);
    CHECK_THROWS_MSG(epoll.wait(events, 1000), OSError, refusal);
    epoll.remove(0); // what cannot be taken out is not watched any more
}
