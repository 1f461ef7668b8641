// SPDX-License-Identifier: MIT
// Puts the pretend kernel of the comparison's instruments below the library: it answers recv, send,
// epoll_wait, epoll_ctl and accept4 from memory, so that a nanosecond of the library's own shows.
#include "os/system_calls.h"

#include ASYNCIO_PRETEND_KERNEL

// The instrument renames the calls for who includes it; the table names them as they are.
#undef recv
#undef send
#undef epoll_wait
#undef epoll_ctl
#undef accept4
#undef setsockopt

namespace {

struct Install {
    Install() {
        auto& calls = asyncio::os::system_calls;
        calls.recv = &fk_recv;
        calls.send = &fk_send;
        calls.epoll_wait = &fk_wait;
        calls.epoll_ctl = &fk_ctl;
        calls.accept4 = [](int fd, sockaddr* address, socklen_t* size, int flags) {
            *size = 0;
            return fk_accept(fd, address, size, flags);
        };
        calls.setsockopt = &fk_sso;
        calls.epoll_pwait2 = [](int fd, epoll_event* events, int count, const timespec*,
                                const __sigset_t*) { return fk_wait(fd, events, count, 0); };
    }
} install;

} // namespace
