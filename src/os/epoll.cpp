// SPDX-License-Identifier: MIT
// epoll's system calls.
#include "os/epoll.h"

#include "os/errors.h"
#include "os/system_calls.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <sys/epoll.h>

namespace asyncio::os {

static_assert(Epoll::readable == EPOLLIN && Epoll::writable == EPOLLOUT);
static_assert(Epoll::peer_closed == EPOLLRDHUP);
static_assert(Epoll::failed == EPOLLERR && Epoll::hung_up == EPOLLHUP && Epoll::edge == EPOLLET);

Epoll::Epoll() : fd_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (!fd_) throw_os_error(errno, "epoll_create1");
}

void Epoll::control(int operation, const char* name, int fd, std::uint32_t events,
                    std::uint64_t tag) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = tag;
    if (system_calls.epoll_ctl(fd_.get(), operation, fd, &event) < 0) {
        throw_os_error(errno, name, "fd " + std::to_string(fd));
    }
}

void Epoll::add(int fd, std::uint32_t events, std::uint64_t tag) {
    control(EPOLL_CTL_ADD, "epoll_ctl add", fd, events, tag);
}

void Epoll::modify(int fd, std::uint32_t events, std::uint64_t tag) {
    control(EPOLL_CTL_MOD, "epoll_ctl modify", fd, events, tag);
}

void Epoll::remove(int fd) noexcept {
    const int kept = errno;
    epoll_event unused{};
    system_calls.epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, &unused);
    errno = kept;
}

std::span<ReadyEvent> Epoll::wait(std::span<ReadyEvent> into, std::int64_t timeout_ns) {
    constexpr std::size_t batch = 256;
    epoll_event events[batch];
    const int room = static_cast<int>(std::min(batch, into.size()));
    int got = 0;
    if (timeout_ns == 0 || timeout_ns == forever) {
        got = system_calls.epoll_wait(fd_.get(), events, room, timeout_ns == 0 ? 0 : -1);
    } else {
        const timespec timeout{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
        got = system_calls.epoll_pwait2(fd_.get(), events, room, &timeout, nullptr);
    }
    if (got < 0) {
        if (errno != EINTR) throw_os_error(errno, "epoll_wait");
        got = 0;
    }
    for (int i = 0; i < got; ++i) {
        into[static_cast<std::size_t>(i)] = {events[i].events, events[i].data.u64};
    }
    return into.first(static_cast<std::size_t>(got));
}

} // namespace asyncio::os
