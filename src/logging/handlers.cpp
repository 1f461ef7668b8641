// SPDX-License-Identifier: MIT
// Handlers over spdlog's sinks: the lines are ours, a sink writes them and rotates the files.
#include "logging/handlers.h"

#include "asyncio/exceptions.h"
#include "os/process.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/daily_file_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <utility>

namespace logging {

namespace {

/// As Python's logging.Handler.handleError: said, and survived.
void say_failed(const std::exception_ptr& error) noexcept {
    try {
        asyncio::os::write_to_stderr("--- Logging error ---\n" + asyncio::repr(error) + '\n');
    } catch (...) {
        asyncio::os::write_to_stderr("--- Logging error ---\n");
    }
}

spdlog::level::level_enum level_of_sink(Level level) noexcept {
    if (level >= CRITICAL) return spdlog::level::critical;
    if (level >= ERROR) return spdlog::level::err;
    if (level >= WARNING) return spdlog::level::warn;
    return level >= INFO ? spdlog::level::info : spdlog::level::debug;
}

} // namespace

// ---- Handler ------------------------------------------------------------------------------------

void Handler::set_formatter(std::shared_ptr<const Formatter> formatter) {
    const std::scoped_lock hold(lock_);
    formatter_ = std::move(formatter);
}

void Handler::add_filter(Filter filter) {
    const std::scoped_lock hold(lock_);
    filters_.push_back(std::move(filter));
}

bool Handler::handle(const LogRecord& record) noexcept {
    if (record.level < level()) return false;
    try {
        const std::scoped_lock hold(lock_);
        for (const Filter& filter : filters_) {
            if (!filter(record)) return false;
        }
        emit(record);
    } catch (...) {
        say_failed(std::current_exception());
    }
    return true;
}

void Handler::flush() noexcept {
    try {
        const std::scoped_lock hold(lock_);
        flush_now();
    } catch (...) {
        say_failed(std::current_exception());
    }
}

std::string Handler::format(const LogRecord& record) const {
    if (formatter_) return formatter_->format(record);
    return record.exception.empty() ? record.message : record.message + '\n' + record.exception;
}

// ---- over sinks ---------------------------------------------------------------------------------

struct SinkHandler::Sink {
    spdlog::sink_ptr sink;

    /// What `make()` gives; what spdlog throws is an OSError.
    template <class Make>
    static std::unique_ptr<Sink> of(Make&& make) {
        try {
            auto made = std::make_unique<Sink>();
            made->sink = make();
            made->sink->set_pattern("%v");
            return made;
        } catch (const spdlog::spdlog_ex& error) {
            throw asyncio::OSError(error.what());
        }
    }
};

SinkHandler::SinkHandler(std::unique_ptr<Sink> sink) : sink_(std::move(sink)) {}

SinkHandler::~SinkHandler() = default;

void SinkHandler::emit(const LogRecord& record) {
    const std::string line = format(record);
    const spdlog::details::log_msg message(record.created, spdlog::source_loc(), record.name,
                                           level_of_sink(record.level), line);
    sink_->sink->log(message);
    sink_->sink->flush(); // a crash loses nothing, and a fork doubles nothing
}

void SinkHandler::flush_now() { sink_->sink->flush(); }

StreamHandler::StreamHandler(Stream stream)
    : SinkHandler(Sink::of([stream]() -> spdlog::sink_ptr {
          if (stream == Stream::out) return std::make_shared<spdlog::sinks::stdout_sink_st>();
          return std::make_shared<spdlog::sinks::stderr_sink_st>();
      })) {}

FileHandler::FileHandler(const std::string& path, Mode mode)
    : SinkHandler(Sink::of([&] {
          return std::make_shared<spdlog::sinks::basic_file_sink_st>(path, mode == Mode::truncate);
      })) {}

RotatingFileHandler::RotatingFileHandler(const std::string& path, std::size_t max_bytes,
                                         std::size_t backup_count)
    : SinkHandler(Sink::of([&] {
          if (max_bytes == 0 || backup_count == 0) {
              throw asyncio::ValueError("max_bytes and backup_count must be > 0");
          }
          return std::make_shared<spdlog::sinks::rotating_file_sink_st>(path, max_bytes,
                                                                        backup_count);
      })) {}

TimedRotatingFileHandler::TimedRotatingFileHandler(const std::string& path, int hour, int minute,
                                                   std::uint16_t backup_count)
    : SinkHandler(Sink::of([&] {
          if (hour < 0 || hour > 23 || minute < 0 || minute > 59) {
              throw asyncio::ValueError("no such time of the day");
          }
          return std::make_shared<spdlog::sinks::daily_file_sink_st>(path, hour, minute, false,
                                                                     backup_count);
      })) {}

SysLogHandler::SysLogHandler(const std::string& ident)
    : SinkHandler(Sink::of([&] {
          constexpr int pid_in_each_line = 1; // LOG_PID
          constexpr int user_facility = 1 << 3; // LOG_USER
          return std::make_shared<spdlog::sinks::syslog_sink_st>(ident, pid_in_each_line,
                                                                 user_facility, true);
      })) {}

} // namespace logging
