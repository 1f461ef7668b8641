// SPDX-License-Identifier: MIT
// The table as it is in programs: libc itself.
#include "os/system_calls.h"

#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// The thread sanitizer takes clone() for a fork, and tidies up in what it takes for the child's
// memory: of a child that shares its parent's it must not know.
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming): glibc's name
extern "C" int __clone(int (*)(void*), void*, int, void*, ...) noexcept;

namespace asyncio::os {

namespace {

int clone_child(int (*child)(void*), void* stack, int flags, void* told, int* pidfd) {
    return ::__clone(child, stack, flags, told, pidfd);
}

// In glibc 2.36 it has no extern "C".
int pidfd_send_signal(int pidfd, int number, siginfo_t* info, unsigned flags) {
    return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, number, info, flags));
}

} // namespace

constinit SystemCalls system_calls{
    .recv = &::recv,
    .send = &::send,
    .sendmsg = &::sendmsg,
    .recvfrom = &::recvfrom,
    .sendto = &::sendto,
    .read = &::read,
    .write = &::write,
    .writev = &::writev,
    .sendfile = &::sendfile,
    .socket = &::socket,
    .bind = &::bind,
    .listen = &::listen,
    .accept4 = &::accept4,
    .connect = &::connect,
    .shutdown = &::shutdown,
    .getsockopt = &::getsockopt,
    .setsockopt = &::setsockopt,
    .clone = &clone_child,
    .waitid = &::waitid,
    .pidfd_send_signal = &pidfd_send_signal,
    .epoll_ctl = &::epoll_ctl,
    .epoll_wait = &::epoll_wait,
    .epoll_pwait2 = &::epoll_pwait2,
    .getaddrinfo = &::getaddrinfo,
    .freeaddrinfo = &::freeaddrinfo,
    .getnameinfo = &::getnameinfo,
};

} // namespace asyncio::os
