// SPDX-License-Identifier: MIT
// Report: what a load has shown, in figures.
#pragma once

#include "programs/achat/call_meter.h"
#include "programs/achat/hub.h"
#include "programs/achat/load.h"
#include "programs/terminal/usage.h"

#include <string>

namespace achat {

/// What was measured beside the load's own books.
struct Measured {
    double connect_seconds = 0; // until all were in their rooms
    double memory_bytes = 0;    // that the connections have added to the process, both ends
    terminal::Usage used;       // while they talked, until all was heard
    CallCounts calls;           // meanwhile
};

/// "4.2 s: 8,400 said, 167,980 heard, ...": while they talk.
std::string progress_text(const Load& load, double seconds);

/// A line for each of: messages, delay, processor, memory, those who were dropped, the end.
std::string report_text(const Load& load, const Counts& counts, const Measured& measured);

/// What is not as it should be; empty: all is well.
/// sleepers  how many clients were to be dropped, since they never read
std::string faults_text(const Load& load, const Counts& counts, std::uint64_t sleepers);

} // namespace achat
