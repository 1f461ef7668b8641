// SPDX-License-Identifier: MIT
// The usual setting-up, in a call; asyncio's own lines; the end.
#pragma once

#include "logging/loggers.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace logging {

/// The keyword arguments of basic_config.
class BasicConfig {
public:
    BasicConfig() {}
    /// To a file, which is appended to; by default to the error output.
    BasicConfig& filename(std::string path) {
        filename_ = std::move(path);
        return *this;
    }
    BasicConfig& stream(StreamHandler::Stream stream) {
        stream_ = stream;
        return *this;
    }
    /// Of the root; WARNING.
    BasicConfig& level(Level level) {
        level_ = level;
        return *this;
    }
    /// As PatternFormatter's.
    BasicConfig& format(std::string pattern) {
        format_ = std::move(pattern);
        return *this;
    }
    BasicConfig& datefmt(std::string pattern) {
        datefmt_ = std::move(pattern);
        return *this;
    }
    /// Takes away the handlers that the root has; else, if it has some, nothing is done.
    BasicConfig& force(bool on = true) {
        force_ = on;
        return *this;
    }

private:
    friend void basic_config(const BasicConfig& config);
    std::string filename_;
    StreamHandler::Stream stream_ = StreamHandler::Stream::err;
    std::optional<Level> level_;
    std::string format_ = PatternFormatter::default_format;
    std::string datefmt_ = PatternFormatter::default_datefmt;
    bool force_ = false;
};

/// Gives the root a handler and a level.
/// Throws    OSError: the file cannot be opened. ValueError: the format.
/// Source    Python's logging.basicConfig.
void basic_config(const BasicConfig& config = BasicConfig());

/// Stops all listeners, when their queues are empty, and flushes all handlers of loggers. It is
/// called at exit by itself: a line that was logged is not lost.
/// Source    Python's logging.shutdown.
void shutdown() noexcept;

/// From now on asyncio's own lines (slow callbacks, errors that nobody retrieved) are lines of the
/// logger "asyncio".
void capture_asyncio() noexcept;

} // namespace logging
