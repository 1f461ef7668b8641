// SPDX-License-Identifier: MIT
// The table as it is in programs: libc itself.
#include "os/system_calls.h"

#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

namespace asyncio::os {

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
    .epoll_ctl = &::epoll_ctl,
    .epoll_wait = &::epoll_wait,
    .epoll_pwait2 = &::epoll_pwait2,
    .getaddrinfo = &::getaddrinfo,
    .freeaddrinfo = &::freeaddrinfo,
    .getnameinfo = &::getnameinfo,
};

} // namespace asyncio::os
