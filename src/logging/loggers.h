// SPDX-License-Identifier: MIT
// Loggers: named, in a tree, each with a level and handlers.
#pragma once

#include "logging/handlers.h"

#include <charconv>
#include <concepts>
#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace logging {

/// The text of a call, and where it stands: made of a text, by itself.
class Message {
public:
    template <class S>
        requires std::convertible_to<const S&, std::string_view>
    Message(const S& text, // implicit: logger.info("text")
            std::source_location where = std::source_location::current()) noexcept
        : text_(text), where_(where) {}
    std::string_view text() const noexcept { return text_; }
    const std::source_location& where() const noexcept { return where_; }

private:
    std::string_view text_; // LIFETIME: the call's
    std::source_location where_;
};

namespace detail {

template <class T>
std::string text_of(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
        return value ? "true" : "false";
    } else if constexpr (std::convertible_to<const T&, std::string_view>) {
        return std::string(std::string_view(value));
    } else if constexpr (std::is_same_v<T, char>) {
        return std::string(1, value);
    } else if constexpr (std::is_arithmetic_v<T>) {
        char digits[64];
        const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
        return std::string(digits, end);
    } else {
        return to_string(value); // a function of its own namespace
    }
}

struct Manager;

/// Flushes the handlers of all loggers.
void flush_all_loggers() noexcept;

} // namespace detail

/// Takes lines, and hands them to its handlers, and to those of all its ancestors.
///
/// In a text, "{}" stands for the next argument; "{{" is a brace. Arguments are texts, numbers, or
/// what has a to_string(). They are looked at only if the line is wanted.
///
/// Thread    any.
/// Lifetime  until the process ends.
/// Cost      a line that is not wanted: an atomic load for each ancestor without a level.
/// Source    Python's logging.Logger.  Differs: "{}" for "%s".
class Logger {
public:
    Logger(const Logger&) = delete;
    Logger& operator=(const Logger&) = delete;

    const std::string& name() const noexcept { return name_; } // "root" for the root
    Logger* parent() const noexcept { return parent_; } // null for the root

    /// Lines below it are not wanted. NOTSET: as its parent.
    void set_level(Level level) noexcept { level_ = level; }
    Level level() const noexcept { return level_; }
    Level get_effective_level() const noexcept;
    bool is_enabled_for(Level level) const noexcept;
    /// Do the handlers of its ancestors get its lines, too? True.
    void set_propagate(bool on) noexcept { propagate_ = on; }
    bool propagate() const noexcept { return propagate_; }

    void add_handler(std::shared_ptr<Handler> handler); // twice is once
    void remove_handler(const std::shared_ptr<Handler>& handler); // harmless if it has it not
    std::vector<std::shared_ptr<Handler>> handlers() const; // its own
    bool has_handlers() const; // it, or an ancestor whose handlers get its lines
    /// All filters have to let a line through; those of ancestors are not asked.
    void add_filter(Filter filter);
    /// The logger "name.suffix".
    Logger& get_child(std::string_view suffix) const;

    /// Logs a line of level DEBUG.
    template <class... Args>
    void debug(Message message, const Args&... args) {
        log(DEBUG, message, args...);
    }
    /// Logs a line of level INFO.
    template <class... Args>
    void info(Message message, const Args&... args) {
        log(INFO, message, args...);
    }
    /// Logs a line of level WARNING.
    template <class... Args>
    void warning(Message message, const Args&... args) {
        log(WARNING, message, args...);
    }
    /// Logs a line of level ERROR.
    template <class... Args>
    void error(Message message, const Args&... args) {
        log(ERROR, message, args...);
    }
    /// Logs a line of level CRITICAL.
    template <class... Args>
    void critical(Message message, const Args&... args) {
        log(CRITICAL, message, args...);
    }
    /// Logs a line of any level, if it is wanted.
    template <class... Args>
    void log(Level level, Message message, const Args&... args) {
        if (!is_enabled_for(level)) return;
        make(level, message, {detail::text_of(args)...}, nullptr);
    }
    /// An error, with the exception that is being handled here.
    template <class... Args>
    void exception(Message message, const Args&... args) {
        if (!is_enabled_for(ERROR)) return;
        make(ERROR, message, {detail::text_of(args)...}, std::current_exception());
    }
    /// Gives a record of another place to the handlers, if its level is wanted.
    void handle(const LogRecord& record);

private:
    friend struct detail::Manager;
    Logger(std::string name, Logger* parent);
    void make(Level level, const Message& message, const std::vector<std::string>& args,
              const std::exception_ptr& error);
    bool passes_filters(const LogRecord& record) const;

    const std::string name_;
    Logger* const parent_;
    std::atomic<Level> level_{NOTSET};
    std::atomic<bool> propagate_{true};
    mutable detail::ForkSafeMutex lock_; // for all that follows
    std::vector<std::shared_ptr<Handler>> handlers_;
    std::shared_ptr<const std::vector<std::shared_ptr<Filter>>> filters_;
};

/// The logger of that name; the same one each time. "a.b" is a child of "a". Without a name, the
/// root, whose level is WARNING.
/// Source    Python's logging.getLogger.
Logger& get_logger(std::string_view name = {});

/// No logger wants lines of `level` or below; NOTSET: as their own levels say.
/// Source    Python's logging.disable.
void disable(Level level = CRITICAL) noexcept;

} // namespace logging
