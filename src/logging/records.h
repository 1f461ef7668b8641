// SPDX-License-Identifier: MIT
// A record: all that is known of one line.
#pragma once

#include "logging/context.h"
#include "logging/levels.h"

#include <chrono>
#include <cstdint>
#include <source_location>
#include <string>

namespace logging {

/// What a logger makes of a call, and handlers write.
/// Source    Python's logging.LogRecord.
struct LogRecord {
    std::string name; // of the logger
    Level level = NOTSET;
    std::string message;
    std::chrono::system_clock::time_point created;
    std::source_location where; // of the call
    std::uint64_t thread_id = 0;
    int process_id = 0;
    std::string task_name; // empty: no task
    ContextValues context;
    std::string exception; // "ValueError('text')"; empty: none
};

} // namespace logging
