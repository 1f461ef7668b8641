// SPDX-License-Identifier: MIT
// The same ten thousand waits in CPython, to compare with.
#pragma once

#include "programs/atour/waits.h"

#include <string>

namespace atour {

struct PythonWaits {
    std::string version; // "3.11.7"
    WaitsCost cost;
    std::string skipped; // why there is nothing to compare with; empty: there is
};

/// Runs them in a python3 of its own, if there is one.
///
/// Cancel    ends that python3.
asyncio::Coro<PythonWaits> wait_in_python();

} // namespace atour
