// SPDX-License-Identifier: MIT
// Handlers that keep what they are given, and records made by hand.
#pragma once

#include "logging/handlers.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace kept {

/// Keeps its lines, and all of the last record.
class Lines final : public logging::Handler {
public:
    std::vector<std::string> lines;
    logging::LogRecord last;

private:
    void emit(const logging::LogRecord& record) override {
        lines.push_back(format(record));
        last = record;
    }
};

/// Fails.
class Broken final : public logging::Handler {
    void emit(const logging::LogRecord&) override { throw std::runtime_error("disk full"); }
};

inline logging::LogRecord record(logging::Level level, std::string message) {
    logging::LogRecord made;
    made.name = "app.db";
    made.level = level;
    made.message = std::move(message);
    made.created = std::chrono::system_clock::time_point(std::chrono::milliseconds(86'400'123));
    made.thread_id = 77;
    made.process_id = 4711;
    return made;
}

} // namespace kept
