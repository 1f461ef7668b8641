// SPDX-License-Identifier: MIT
// The faulty table of system calls.
#include "asyncio/testing/system_call_faults.h"

#include "asyncio/exceptions.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <sys/epoll.h> // tidy: system: stands in for libc's calls, with their types
#include <sys/uio.h>   // tidy: system: the same

namespace asyncio::testing {

namespace {

/// What was registered with a poller, so that it can be told anew.
struct Registration {
    int poller;
    epoll_event event;
};

} // namespace

/// The functions of the table. One set of faults at a time.
struct FaultyCalls {
    static inline SystemCallFaults* active = nullptr;
    static inline std::map<int, Registration> registered; // by descriptor

    static SystemCallFaults::State& state() { return active->state_; }
    static const os::SystemCalls& real() { return active->before_; }

    static double chance() {
        std::uint64_t& random = state().random;
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        return static_cast<double>(random >> 11) / static_cast<double>(std::uint64_t{1} << 53);
    }

    static bool strikes(const SystemCallFaults::Plan& plan, std::size_t call) {
        using Kind = SystemCallFaults::Plan::Kind;
        if (plan.kind == Kind::at) return call == plan.k;
        if (plan.kind == Kind::random) return chance() < plan.probability;
        const bool again = plan.error == EINTR || plan.error == EAGAIN;
        return !again || call % 2 == 0;
    }

    /// Counts a call. Returns true with errno set if it is to fail.
    static bool fails(Call call, int fd = -1) {
        if (state().restricted && !state().only.contains(fd)) return false;
        const std::size_t number = state().calls[call]++;
        const auto [begin, end] = state().plans.equal_range(call);
        for (auto plan = begin; plan != end; ++plan) {
            if (!strikes(plan->second, number)) continue;
            ++state().faults[call];
            if (plan->second.error == EAGAIN) tell_anew(fd);
            errno = plan->second.error; // tidy: system: as libc's calls tell it
            return true;
        }
        return false;
    }

    /// Has epoll look at a descriptor again, which an edge-triggered one would not do by itself.
    static void tell_anew(int fd) {
        const auto found = registered.find(fd);
        if (found == registered.end()) return;
        epoll_event event = found->second.event;
        real().epoll_ctl(found->second.poller, EPOLL_CTL_MOD, fd, &event);
    }

    static std::size_t shortened(int fd, std::size_t size) {
        const std::size_t most = state().short_bytes;
        if (most == 0 || size <= most) return size;
        tell_anew(fd);
        return most;
    }

    static ssize_t recv(int fd, void* into, std::size_t size, int flags) {
        if (fails(Call::recv, fd)) return -1;
        return real().recv(fd, into, shortened(fd, size), flags);
    }
    static ssize_t send(int fd, const void* bytes, std::size_t size, int flags) {
        if (fails(Call::send, fd)) return -1;
        return real().send(fd, bytes, shortened(fd, size), flags);
    }
    static ssize_t sendmsg(int fd, const msghdr* message, int flags) {
        if (fails(Call::sendmsg, fd)) return -1;
        if (state().short_bytes == 0) return real().sendmsg(fd, message, flags);
        for (std::size_t i = 0; i < message->msg_iovlen; ++i) {
            const iovec& piece = message->msg_iov[i];
            if (piece.iov_len == 0) continue;
            tell_anew(fd);
            return real().send(fd, piece.iov_base, std::min(piece.iov_len, state().short_bytes),
                               flags);
        }
        return 0;
    }
    static ssize_t recvfrom(int fd, void* into, std::size_t size, int flags, sockaddr* from,
                            socklen_t* length) {
        if (fails(Call::recvfrom, fd)) return -1;
        return real().recvfrom(fd, into, size, flags, from, length); // a datagram comes whole
    }
    static ssize_t sendto(int fd, const void* bytes, std::size_t size, int flags,
                          const sockaddr* to, socklen_t length) {
        if (fails(Call::sendto, fd)) return -1;
        return real().sendto(fd, bytes, size, flags, to, length);
    }
    static ssize_t read(int fd, void* into, std::size_t size) {
        if (fails(Call::read, fd)) return -1;
        return real().read(fd, into, shortened(fd, size));
    }
    static ssize_t write(int fd, const void* bytes, std::size_t size) {
        if (fails(Call::write, fd)) return -1;
        return real().write(fd, bytes, shortened(fd, size));
    }
    static ssize_t writev(int fd, const iovec* pieces, int count) {
        if (fails(Call::write, fd)) return -1;
        if (state().short_bytes == 0) return real().writev(fd, pieces, count);
        for (const iovec& piece : std::span(pieces, static_cast<std::size_t>(count))) {
            if (piece.iov_len == 0) continue;
            return real().write(fd, piece.iov_base, shortened(fd, piece.iov_len));
        }
        return 0;
    }
    static ssize_t sendfile(int socket, int file, off_t* offset, std::size_t count) {
        if (fails(Call::sendfile, socket)) return -1;
        return real().sendfile(socket, file, offset, shortened(socket, count));
    }
    static int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
        return fails(Call::accept4, fd) ? -1 : real().accept4(fd, address, size, flags);
    }
    static int connect(int fd, const sockaddr* address, socklen_t size) {
        return fails(Call::connect, fd) ? -1 : real().connect(fd, address, size);
    }
    static int socket(int family, int type, int protocol) {
        if (fails(Call::socket)) return -1;
        const int fd = real().socket(family, type, protocol);
        if (state().new_sockets && fd >= 0) state().only.insert(fd);
        return fd;
    }
    static int getsockopt(int fd, int level, int name, void* value, socklen_t* size) {
        const bool pending_error = level == SOL_SOCKET && name == SO_ERROR;
        if (pending_error && fails(Call::getsockopt, fd)) return -1;
        return real().getsockopt(fd, level, name, value, size);
    }
    static int epoll_ctl(int poller, int operation, int fd, epoll_event* event) {
        if (operation != EPOLL_CTL_DEL && fails(Call::epoll_ctl, fd)) return -1;
        const int result = real().epoll_ctl(poller, operation, fd, event);
        if (operation == EPOLL_CTL_DEL) {
            registered.erase(fd);
        } else if (result == 0) {
            registered[fd] = {poller, *event};
        }
        return result;
    }

    /// Adds a descriptor that is not ready to those that are.
    static int with_spurious(int poller, epoll_event* events, int room, int ready) {
        if (ready < 0 || ready >= room || chance() >= state().spurious) return ready;
        for (const auto& [fd, registration] : registered) {
            constexpr std::uint32_t io = EPOLLIN | EPOLLOUT;
            const std::uint32_t wanted = registration.event.events & io;
            // The loop's own wake-up is an edge without EPOLLRDHUP: a false one would end a poll.
            const bool transport = (registration.event.events & EPOLLRDHUP) != 0;
            if (registration.poller != poller || !transport || chance() < 0.5) continue;
            events[ready] = registration.event;
            events[ready].events = wanted;
            return ready + 1;
        }
        return ready;
    }
    static int epoll_wait(int poller, epoll_event* events, int room, int timeout_ms) {
        if (fails(Call::epoll_wait)) return -1;
        return with_spurious(poller, events, room,
                             real().epoll_wait(poller, events, room, timeout_ms));
    }
    static int epoll_pwait2(int poller, epoll_event* events, int room, const timespec* timeout,
                            const sigset_t* signals) {
        if (fails(Call::epoll_wait)) return -1;
        return with_spurious(poller, events, room,
                             real().epoll_pwait2(poller, events, room, timeout, signals));
    }
};

SystemCallFaults::SystemCallFaults(std::uint64_t seed) : before_(os::system_calls) {
    if (FaultyCalls::active != nullptr) throw RuntimeError("one set of faults at a time");
    state_.random = seed * 0x9e3779b97f4a7c15U | 1U;
    FaultyCalls::active = this;
    FaultyCalls::registered.clear();
    os::SystemCalls& calls = os::system_calls;
    calls.recv = &FaultyCalls::recv;
    calls.send = &FaultyCalls::send;
    calls.sendmsg = &FaultyCalls::sendmsg;
    calls.recvfrom = &FaultyCalls::recvfrom;
    calls.sendto = &FaultyCalls::sendto;
    calls.read = &FaultyCalls::read;
    calls.write = &FaultyCalls::write;
    calls.writev = &FaultyCalls::writev;
    calls.sendfile = &FaultyCalls::sendfile;
    calls.accept4 = &FaultyCalls::accept4;
    calls.connect = &FaultyCalls::connect;
    calls.getsockopt = &FaultyCalls::getsockopt;
    calls.socket = &FaultyCalls::socket;
    calls.epoll_ctl = &FaultyCalls::epoll_ctl;
    calls.epoll_wait = &FaultyCalls::epoll_wait;
    calls.epoll_pwait2 = &FaultyCalls::epoll_pwait2;
}

SystemCallFaults::~SystemCallFaults() {
    os::system_calls = before_;
    FaultyCalls::active = nullptr;
    FaultyCalls::registered.clear();
}

SystemCallFaults& SystemCallFaults::every(Call call, int error) {
    state_.plans.emplace(call, Plan{Plan::Kind::every, error, 0, 0});
    return *this;
}

SystemCallFaults& SystemCallFaults::at(Call call, int error, std::size_t k) {
    state_.plans.emplace(call, Plan{Plan::Kind::at, error, calls(call) + k, 0});
    return *this;
}

SystemCallFaults& SystemCallFaults::random(Call call, int error, double probability) {
    state_.plans.emplace(call, Plan{Plan::Kind::random, error, 0, probability});
    return *this;
}

SystemCallFaults& SystemCallFaults::only_on(int fd) {
    state_.restricted = true;
    state_.only.insert(fd);
    return *this;
}

SystemCallFaults& SystemCallFaults::only_on_new_sockets() {
    state_.restricted = true;
    state_.new_sockets = true;
    return *this;
}

SystemCallFaults& SystemCallFaults::short_io(std::size_t bytes_max) {
    state_.short_bytes = bytes_max;
    return *this;
}

SystemCallFaults& SystemCallFaults::spurious_readiness(double probability) {
    state_.spurious = probability;
    return *this;
}

void SystemCallFaults::stop() noexcept {
    state_.plans.clear();
    state_.short_bytes = 0;
    state_.spurious = 0;
}

std::size_t SystemCallFaults::calls(Call call) const noexcept {
    const auto found = state_.calls.find(call);
    return found != state_.calls.end() ? found->second : 0;
}

std::size_t SystemCallFaults::faults(Call call) const noexcept {
    const auto found = state_.faults.find(call);
    return found != state_.faults.end() ? found->second : 0;
}

} // namespace asyncio::testing
