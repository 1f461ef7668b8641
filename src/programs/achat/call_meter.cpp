// SPDX-License-Identifier: MIT
// The table of system calls, with clocks around the ones that a chat makes.
#include "programs/achat/call_meter.h"

#include <chrono>
#include <ctime>

namespace achat {

namespace {

using asyncio::os::SystemCalls;

struct Metered {
    SystemCalls real{};
    CallCounts counts;
};
constinit Metered metered;

double seconds_on(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Notes the time from its beginning to its end.
class Stretch {
public:
    explicit Stretch(clockid_t clock) : clock_(clock), began_(seconds_on(clock)) {}
    Stretch(const Stretch&) = delete;
    Stretch& operator=(const Stretch&) = delete;
    ~Stretch() { metered.counts.seconds += seconds_on(clock_) - began_; }

private:
    clockid_t clock_;
    double began_;
};

// Calls that do not wait: a clock that costs no system call itself will do.
ssize_t metered_recv(int fd, void* into, std::size_t size, int flags) {
    ++metered.counts.receives;
    const Stretch stretch(CLOCK_MONOTONIC);
    return metered.real.recv(fd, into, size, flags);
}
ssize_t metered_send(int fd, const void* bytes, std::size_t size, int flags) {
    ++metered.counts.sends;
    const Stretch stretch(CLOCK_MONOTONIC);
    return metered.real.send(fd, bytes, size, flags);
}
ssize_t metered_sendmsg(int fd, const msghdr* message, int flags) {
    ++metered.counts.sends;
    const Stretch stretch(CLOCK_MONOTONIC);
    return metered.real.sendmsg(fd, message, flags);
}

// These wait, which takes no processor.
int metered_wait(int fd, epoll_event* events, int room, int timeout_ms) {
    ++metered.counts.waits;
    const Stretch stretch(CLOCK_THREAD_CPUTIME_ID);
    return metered.real.epoll_wait(fd, events, room, timeout_ms);
}
int metered_pwait2(int fd, epoll_event* events, int room, const timespec* timeout,
                   const __sigset_t* mask) {
    ++metered.counts.waits;
    const Stretch stretch(CLOCK_THREAD_CPUTIME_ID);
    return metered.real.epoll_pwait2(fd, events, room, timeout, mask);
}

} // namespace

CallMeter::CallMeter() : before_(asyncio::os::system_calls) {
    metered.real = before_;
    metered.counts = CallCounts();
    SystemCalls& calls = asyncio::os::system_calls;
    calls.recv = metered_recv;
    calls.send = metered_send;
    calls.sendmsg = metered_sendmsg;
    calls.epoll_wait = metered_wait;
    calls.epoll_pwait2 = metered_pwait2;
}

CallMeter::~CallMeter() { asyncio::os::system_calls = before_; }

CallCounts CallMeter::counts() const noexcept { return metered.counts; }

} // namespace achat
