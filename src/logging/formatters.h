// SPDX-License-Identifier: MIT
// Formatters: records as texts.
#pragma once

#include "logging/records.h"

#include <memory>
#include <string>

namespace logging {

/// Makes a text of a record; without the newline.
/// Thread    any, also several at once.
class Formatter {
public:
    Formatter() = default;
    Formatter(const Formatter&) = delete;
    Formatter& operator=(const Formatter&) = delete;
    virtual ~Formatter() = default;
    virtual std::string format(const LogRecord& record) const = 0;
};

/// A text with fields, as Python's: "%(asctime)s %(levelname)-8s %(name)s: %(message)s".
///
/// Fields are asctime, name, levelname, levelno, message, filename, pathname, lineno, funcName,
/// process, thread, taskName, and context (all values of the task: "request=7 user=ann"). A field
/// may have a width: %(name)20s, %(name)-20s. An exception comes behind it, on a line of its own.
///
/// Source    Python's logging.Formatter.
class PatternFormatter final : public Formatter {
public:
    /// format    by default Python's: "%(levelname)s:%(name)s:%(message)s"
    /// datefmt   of asctime, as strftime's; by default "2026-01-31 13:05:09,123"
    /// Throws    ValueError: no such field, or it is not closed.
    explicit PatternFormatter(const std::string& format = default_format,
                              const std::string& datefmt = default_datefmt);
    ~PatternFormatter() override;
    std::string format(const LogRecord& record) const override;

    /// Python's own.
    static constexpr char default_format[] = "%(levelname)s:%(name)s:%(message)s";
    /// The same, with milliseconds.
    static constexpr char default_datefmt[] = "%Y-%m-%d %H:%M:%S,%e";

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// One JSON object a line: time (UTC, ISO 8601), level, logger, message; where there are, task,
/// context, exception; file, line, process, thread.
class JsonFormatter final : public Formatter {
public:
    std::string format(const LogRecord& record) const override;
};

} // namespace logging
