// SPDX-License-Identifier: MIT
// The table of system calls, with a clock around some of those that a chat makes.
#include "programs/achat/call_meter.h"

#include <ctime>

namespace achat {

namespace {

using asyncio::os::SystemCalls;

struct Metered {
    SystemCalls real{};
    CallCounts counts;
    double clock_seconds = 0; // that a look at the clock takes
};
constinit Metered metered;

// Not a divisor of a room: a message is always sent as often as its room is large.
constexpr std::uint64_t timed_one_in = 13;

// Of this thread alone: what it waits for, or others take from it, does not count.
double processor_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double measure_clock() {
    constexpr int looks = 1000;
    const double began = processor_seconds();
    for (int i = 0; i < looks; ++i) processor_seconds();
    return (processor_seconds() - began) / looks;
}

// Counts a call, and times it if it is one of those.
template <class Call, class... Args>
auto metered_call(CallCount& count, Call call, Args... args) {
    if (++count.calls % timed_one_in != 0) return call(args...);
    const double began = processor_seconds();
    const auto result = call(args...);
    count.timed_seconds += processor_seconds() - began - metered.clock_seconds;
    ++count.timed;
    return result;
}

ssize_t metered_recv(int fd, void* into, std::size_t size, int flags) {
    return metered_call(metered.counts.receives, metered.real.recv, fd, into, size, flags);
}
ssize_t metered_send(int fd, const void* bytes, std::size_t size, int flags) {
    return metered_call(metered.counts.sends, metered.real.send, fd, bytes, size, flags);
}
ssize_t metered_sendmsg(int fd, const msghdr* message, int flags) {
    return metered_call(metered.counts.sends, metered.real.sendmsg, fd, message, flags);
}
int metered_wait(int fd, epoll_event* events, int room, int timeout_ms) {
    return metered_call(metered.counts.waits, metered.real.epoll_wait, fd, events, room,
                        timeout_ms);
}
int metered_pwait2(int fd, epoll_event* events, int room, const timespec* timeout,
                   const __sigset_t* mask) {
    return metered_call(metered.counts.waits, metered.real.epoll_pwait2, fd, events, room, timeout,
                        mask);
}

} // namespace

double CallCount::seconds() const noexcept {
    if (timed == 0) return 0;
    return timed_seconds / static_cast<double>(timed) * static_cast<double>(calls);
}

CallMeter::CallMeter() : before_(asyncio::os::system_calls) {
    metered.real = before_;
    metered.counts = CallCounts();
    metered.clock_seconds = measure_clock();
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
