// SPDX-License-Identifier: MIT
// CallMeter: how many system calls a stretch of the program makes, and how long they take.
#pragma once

#include "os/system_calls.h"

#include <cstdint>

namespace achat {

struct CallCounts {
    std::uint64_t sends = 0;
    std::uint64_t receives = 0;
    std::uint64_t waits = 0; // for events
    double seconds = 0;      // of the processor, in all of these

    friend CallCounts operator-(const CallCounts& a, const CallCounts& b) noexcept {
        return {a.sends - b.sends, a.receives - b.receives, a.waits - b.waits,
                a.seconds - b.seconds};
    }
};

/// While it lives, the library's calls on sockets and the poller are counted and timed.
///
/// Thread    made and destroyed while no loop runs.
/// Cost      two looks at the clock for each call, 50 ns beside some microseconds.
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
