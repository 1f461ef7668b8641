// SPDX-License-Identifier: MIT
// Handlers: where records go.
#pragma once

#include "base/function.h"
#include "logging/forks.h"
#include "logging/formatters.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace logging {

/// Lets a record through, or not.
/// Source    Python's logging.Filter.
using Filter = asyncio::base::Function<bool(const LogRecord&)>;

/// Writes records somewhere; each as a whole, one at a time.
///
/// What fails in a handler is said on the error output, and never thrown to who logs.
///
/// Thread    any. A handler that writes to a file or a terminal may block for as long as that does:
///           on a loop, put a QueueHandler in front of it.
/// Source    Python's logging.Handler.
class Handler {
public:
    Handler() = default;
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;
    virtual ~Handler() = default;

    /// Records below it are left out; NOTSET.
    void set_level(Level level) noexcept { level_ = level; }
    Level level() const noexcept { return level_; }
    /// By default Python's: the message alone.
    void set_formatter(std::shared_ptr<const Formatter> formatter);
    /// All filters have to let a record through.
    void add_filter(Filter filter);

    /// Writes the record, if its level and the filters let it through.
    /// Returns   whether they did.
    bool handle(const LogRecord& record) noexcept;
    /// What was written is in the kernel's hands when this returns.
    void flush() noexcept;

protected:
    /// Writes it. Called with the handler's lock.
    virtual void emit(const LogRecord& record) = 0;
    virtual void flush_now() {}
    std::string format(const LogRecord& record) const;

private:
    std::atomic<Level> level_{NOTSET};
    detail::ForkSafeMutex lock_; // for all that follows
    std::shared_ptr<const Formatter> formatter_;
    std::vector<Filter> filters_;
};

/// Forgets everything: for a library whose users may want no lines.
class NullHandler final : public Handler {
    void emit(const LogRecord&) override {}
};

/// Hands formatted lines to one of spdlog's sinks; the base of those below.
class SinkHandler : public Handler {
public:
    ~SinkHandler() override;

protected:
    struct Sink;
    explicit SinkHandler(std::unique_ptr<Sink> sink);

private:
    void emit(const LogRecord& record) override;
    void flush_now() override;
    std::unique_ptr<Sink> sink_;
};

/// To standard output or error output, each line at once.
/// Source    Python's logging.StreamHandler.
class StreamHandler final : public SinkHandler {
public:
    enum class Stream { out, err };
    explicit StreamHandler(Stream stream = Stream::err);
};

/// To a file; its folder is made if need be. Each line is in the kernel's hands at once.
/// Source    Python's logging.FileHandler.
class FileHandler final : public SinkHandler {
public:
    enum class Mode { append, truncate };
    /// Throws    OSError: it cannot be opened.
    explicit FileHandler(const std::string& path, Mode mode = Mode::append);
};

/// To a file that is begun anew before it would be larger than so many bytes. "app.log" becomes
/// "app.1.log", that "app.2.log", and so on; the last one is removed.
/// Source    Python's RotatingFileHandler.  Differs: the names, which are spdlog's.
class RotatingFileHandler final : public SinkHandler {
public:
    /// backup_count   how many old files are kept; not 0
    /// Throws    OSError: it cannot be opened. ValueError: a number is 0.
    RotatingFileHandler(const std::string& path, std::size_t max_bytes, std::size_t backup_count);
};

/// To a file that is begun anew once a day; the day is in its name: "app_2026-01-31.log".
/// Source    Python's TimedRotatingFileHandler.  Differs: the current file has its day, too.
class TimedRotatingFileHandler final : public SinkHandler {
public:
    /// hour, minute   when, in local time
    /// backup_count   how many files are kept; 0: all
    /// Throws    OSError: it cannot be opened. ValueError: no such time.
    explicit TimedRotatingFileHandler(const std::string& path, int hour = 0, int minute = 0,
                                      std::uint16_t backup_count = 0);
};

/// To syslog, as `ident`, with the level that syslog has for it. One a process: its name is the
/// whole process's.
/// Source    Python's SysLogHandler.
class SysLogHandler final : public SinkHandler {
public:
    explicit SysLogHandler(const std::string& ident);
};

} // namespace logging
