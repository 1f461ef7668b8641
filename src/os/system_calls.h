// SPDX-License-Identifier: MIT
// The system calls of the I/O paths, as a table: what a test replaces to make them fail.
#pragma once

#include <csignal>
#include <cstddef>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>

namespace asyncio::os {

/// Every call on a socket, a pipe, a child process, the poller and the resolver goes through here,
/// with the signatures of libc.
///
/// Thread    replaced only while no loop runs and no resolver works.
/// Cost      one load and an indirect call: a nanosecond beside a system call of a hundred.
struct SystemCalls {
    ssize_t (*recv)(int, void*, std::size_t, int);
    ssize_t (*send)(int, const void*, std::size_t, int);
    ssize_t (*sendmsg)(int, const msghdr*, int);
    ssize_t (*recvfrom)(int, void*, std::size_t, int, sockaddr*, socklen_t*);
    ssize_t (*sendto)(int, const void*, std::size_t, int, const sockaddr*, socklen_t);
    ssize_t (*read)(int, void*, std::size_t);
    ssize_t (*write)(int, const void*, std::size_t);
    ssize_t (*writev)(int, const iovec*, int);
    ssize_t (*sendfile)(int, int, off_t*, std::size_t);
    int (*socket)(int, int, int);
    int (*bind)(int, const sockaddr*, socklen_t);
    int (*listen)(int, int);
    int (*accept4)(int, sockaddr*, socklen_t*, int);
    int (*connect)(int, const sockaddr*, socklen_t);
    int (*shutdown)(int, int);
    int (*getsockopt)(int, int, int, void*, socklen_t*);
    int (*setsockopt)(int, int, int, const void*, socklen_t);
    int (*clone)(int (*)(void*), void*, int, void*, int*); // without its last two arguments
    int (*waitid)(idtype_t, id_t, siginfo_t*, int);
    int (*pidfd_send_signal)(int, int, siginfo_t*, unsigned);
    int (*epoll_ctl)(int, int, int, epoll_event*);
    int (*epoll_wait)(int, epoll_event*, int, int);
    int (*epoll_pwait2)(int, epoll_event*, int, const timespec*, const sigset_t*);
    int (*getaddrinfo)(const char*, const char*, const addrinfo*, addrinfo**);
    void (*freeaddrinfo)(addrinfo*);
    int (*getnameinfo)(const sockaddr*, socklen_t, char*, socklen_t, char*, socklen_t, int);
};

extern constinit SystemCalls system_calls;

} // namespace asyncio::os
