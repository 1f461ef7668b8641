// SPDX-License-Identifier: MIT
// System calls that fail as a test wants: the fault seam below every socket.
#pragma once

#include "os/system_calls.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace asyncio::testing {

/// The calls that can be made to fail.
enum class Call {
    recv,
    send,
    sendmsg,
    recvfrom,
    sendto,
    read, // of a pipe
    write, // the same; several pieces, too
    sendfile,
    accept4,
    connect,
    getsockopt, // of SO_ERROR: what a connect that had to wait has come to
    socket,
    epoll_ctl,
    epoll_wait
};

/// While it lives, system calls fail, or do less than they were asked for, as it was told.
///
///     SystemCallFaults faults;
///     faults.every(Call::recv, EINTR).random(Call::send, EAGAIN, 0.3).short_io(1);
///
/// A call that is made to say EAGAIN, or to do only a part, is told of anew by epoll, as the kernel
/// would: whoever waits for readiness goes on.
///
/// Thread    made and destroyed while no loop runs on another thread; used by one loop.
class SystemCallFaults {
public:
    /// seed      of what is random
    explicit SystemCallFaults(std::uint64_t seed = 1);
    SystemCallFaults(const SystemCallFaults&) = delete;
    SystemCallFaults& operator=(const SystemCallFaults&) = delete;
    ~SystemCallFaults();

    /// Every call fails with `error`; of EINTR and EAGAIN every second one, or nothing would go on.
    SystemCallFaults& every(Call call, int error);
    /// The k-th call from now on fails, counted from 0.
    SystemCallFaults& at(Call call, int error, std::size_t k);
    /// A call fails with this probability.
    SystemCallFaults& random(Call call, int error, double probability);
    /// Only calls on this descriptor are counted, and fail; call it again for further ones.
    SystemCallFaults& only_on(int fd);
    /// The same of all sockets that are made from now on.
    SystemCallFaults& only_on_new_sockets();
    /// recv, send, read and write take at most so many bytes at a time; 0: as many as asked for.
    SystemCallFaults& short_io(std::size_t bytes_max);
    /// epoll reports what is not ready, too, with this probability.
    SystemCallFaults& spurious_readiness(double probability);

    /// No further faults.
    void stop() noexcept;
    /// How often it was called, and how often that failed by a fault.
    std::size_t calls(Call call) const noexcept;
    std::size_t faults(Call call) const noexcept;

private:
    struct Plan {
        enum class Kind { every, at, random } kind;
        int error;
        std::size_t k;
        double probability;
    };
    struct State {
        std::multimap<Call, Plan> plans;
        std::map<Call, std::size_t> calls;
        std::map<Call, std::size_t> faults;
        std::set<int> only; // these descriptors, if it is restricted
        bool restricted = false;
        bool new_sockets = false;
        std::size_t short_bytes = 0;
        double spurious = 0;
        std::uint64_t random = 1;
    };
    friend struct FaultyCalls;

    const os::SystemCalls before_;
    State state_;
};

} // namespace asyncio::testing
