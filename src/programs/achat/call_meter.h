// SPDX-License-Identifier: MIT
// CallMeter: how many system calls a stretch of the program makes, and how long they take.
#pragma once

#include "os/system_calls.h"

#include <cstdint>

namespace achat {

/// Calls of one kind.
struct CallCount {
    std::uint64_t calls = 0;
    std::uint64_t timed = 0;   // so many of them
    double timed_seconds = 0;  // of the processor, in these

    /// What all of them have taken, as far as those that were timed tell it.
    double seconds() const noexcept;
    friend CallCount operator-(const CallCount& a, const CallCount& b) noexcept {
        return {a.calls - b.calls, a.timed - b.timed, a.timed_seconds - b.timed_seconds};
    }
};

struct CallCounts {
    CallCount sends;
    CallCount receives;
    CallCount waits; // for events

    double seconds() const noexcept {
        return sends.seconds() + receives.seconds() + waits.seconds();
    }
    friend CallCounts operator-(const CallCounts& a, const CallCounts& b) noexcept {
        return {a.sends - b.sends, a.receives - b.receives, a.waits - b.waits};
    }
};

/// While it lives, the library's calls on sockets and the poller are counted, and some timed.
///
/// Thread    made and destroyed while no loop runs.
/// Cost      two looks at a clock of the kernel for one call in thirteen.
class CallMeter {
public:
    CallMeter();
    CallMeter(const CallMeter&) = delete; // there is one table
    CallMeter& operator=(const CallMeter&) = delete;
    ~CallMeter();

    /// All since it was made.
    CallCounts counts() const noexcept;

private:
    asyncio::os::SystemCalls before_;
};

} // namespace achat
