// SPDX-License-Identifier: MIT
// Inspection: lets other programs look at the tasks of this one while it runs.
#pragma once

#include "asyncio/durations.h"
#include "asyncio/snapshots.h"

#include <memory>
#include <string>
#include <vector>

namespace asyncio {

/// The keyword arguments of Inspection.
class InspectionOptions {
public:
    InspectionOptions() noexcept {}
    /// How long a loop may take to answer; one that is stuck in a callback does not. 1 s.
    InspectionOptions& patience(Duration time) noexcept {
        patience_ = time;
        return *this;
    }

    Duration patience() const noexcept { return patience_; } // what was set

private:
    Duration patience_ = std::chrono::seconds(1);
};

/// While it lives, `asyncio-ps PID` and `asyncio-pstree PID` show the tasks of all loops of this
/// process: their names, where they wait, and who waits for them.
///
///     int main() {
///         asyncio::Inspection inspection;
///         asyncio::run(main_());
///     }
///
/// It answers at an abstract Unix socket, from a thread and a loop of its own, and only to the same
/// user and to root. A loop answers between two callbacks; one that does not in time is named as
/// such, and so is one that does not run.
///
/// Throws    OSError: no socket or thread; EADDRINUSE: there is an Inspection already.
/// Thread    any; it outlives no fork: a child that wants one makes its own.
/// Cost      nothing until somebody asks; then each loop writes its tasks down.
/// Source    CPython 3.14 `python -m asyncio ps`, which reads the other's memory.  Differs: the
///           program has to agree.
class Inspection {
public:
    explicit Inspection(InspectionOptions options = InspectionOptions());
    Inspection(const Inspection&) = delete; // its thread knows its address
    Inspection& operator=(const Inspection&) = delete;
    ~Inspection(); // waits for its thread: for at most the patience

private:
    class Host;
    std::unique_ptr<Host> host_;
};

/// The name of the socket where a process answers.
std::string inspection_name(long process);

} // namespace asyncio
