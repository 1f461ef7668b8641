// SPDX-License-Identifier: MIT
// Patterns are spdlog's, written as Python's; what spdlog does not know are flags of ours.
#include "logging/formatters.h"

#include "asyncio/exceptions.h"

#include <array>
#include <cstdio>
#include <mutex>
#include <spdlog/pattern_formatter.h>
#include <string_view>

namespace logging {

namespace {

/// The record that this thread formats: what flags of ours read.
thread_local const LogRecord* formatted = nullptr;

std::string context_text(const LogRecord& record) {
    std::string text;
    for (const auto& [name, value] : record.context) {
        if (!text.empty()) text += ' ';
        text.append(name).append(1, '=').append(value);
    }
    return text;
}

std::string level_number(const LogRecord& record) {
    return std::to_string(static_cast<int>(record.level));
}
std::string level_name(const LogRecord& record) { return get_level_name(record.level); }
std::string task_name(const LogRecord& record) { return record.task_name; }
std::string process_id(const LogRecord& record) { return std::to_string(record.process_id); }

/// A flag of ours, padded as spdlog pads its own.
class Flag final : public spdlog::custom_flag_formatter {
public:
    using Text = std::string (*)(const LogRecord&);
    explicit Flag(Text text) : text_(text) {}

    void format(const spdlog::details::log_msg&, const std::tm&,
                spdlog::memory_buf_t& into) override {
        const std::string text = text_(*formatted);
        const bool in_front = padinfo_.side_ == spdlog::details::padding_info::pad_side::left;
        const std::string blanks(text.size() < padinfo_.width_ ? padinfo_.width_ - text.size() : 0,
                                 ' ');
        const std::string padded = in_front ? blanks + text : text + blanks;
        into.append(padded.data(), padded.data() + padded.size());
    }
    std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<Flag>(text_);
    }

private:
    Text text_;
};

/// A field of Python's, and the flag that stands for it.
struct Field {
    std::string_view name;
    char flag;
    Flag::Text ours; // null: spdlog's own
};
constexpr std::array<Field, 11> fields{{{"name", 'n', nullptr},
                                        {"message", 'v', nullptr},
                                        {"filename", 's', nullptr},
                                        {"pathname", 'g', nullptr},
                                        {"lineno", '#', nullptr},
                                        {"funcName", '!', nullptr},
                                        {"thread", 't', nullptr},
                                        {"levelname", 'L', &level_name},
                                        {"levelno", 'N', &level_number},
                                        {"taskName", 'K', &task_name},
                                        {"context", 'Q', &context_text}}};
constexpr char process_flag = 'P';

/// Reads a pattern of Python's, piece by piece, and writes spdlog's.
class Translation {
public:
    Translation(std::string_view from, std::string_view datefmt) : rest_(from), datefmt_(datefmt) {}

    std::string run() {
        while (!rest_.empty()) {
            if (rest_.starts_with("%(")) {
                take_field();
            } else {
                const bool percent = rest_.front() == '%';
                pattern_ += percent ? "%%" : std::string(1, rest_.front());
                rest_.remove_prefix(rest_.starts_with("%%") ? 2 : 1);
            }
        }
        return pattern_;
    }

private:
    // %(name)-20s
    void take_field() {
        const std::size_t close = rest_.find(')');
        const std::size_t end = rest_.find_first_of("sd", close == rest_.npos ? 0 : close);
        if (close == rest_.npos || end == rest_.npos) {
            throw asyncio::ValueError("a field is not closed: '" + std::string(rest_) + "'");
        }
        const std::string_view name = rest_.substr(2, close - 2);
        const std::string_view width = rest_.substr(close + 1, end - close - 1);
        if (width.find_first_not_of("-0123456789") != width.npos) {
            throw asyncio::ValueError("no width of a field: '" + std::string(width) + "'");
        }
        rest_.remove_prefix(end + 1);
        pattern_ += name == "asctime" ? std::string(datefmt_) : flag_of(name, width);
    }
    static std::string flag_of(std::string_view name, std::string_view width) {
        if (name == "process") return "%" + std::string(width) + process_flag;
        for (const Field& field : fields) {
            if (field.name == name) return "%" + std::string(width) + field.flag;
        }
        throw asyncio::ValueError("no such field: '" + std::string(name) + "'");
    }

    std::string_view rest_;
    std::string_view datefmt_;
    std::string pattern_;
};

void append_json(std::string& text, std::string_view value) {
    text += '"';
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            text.append(1, '\\').append(1, c);
        } else if (c == '\n') {
            text += "\\n";
        } else if (c == '\t') {
            text += "\\t";
        } else if (byte < 0x20 || byte == 0x7f) {
            std::array<char, 8> escaped{};
            std::snprintf(escaped.data(), escaped.size(), "\\u%04x", byte);
            text += escaped.data();
        } else {
            text += c;
        }
    }
    text += '"';
}

void append_member(std::string& text, std::string_view name, std::string_view value) {
    text += text.size() > 1 && text.back() != '{' ? ", " : "";
    append_json(text, name);
    text += ": ";
    append_json(text, value);
}

void append_member(std::string& text, std::string_view name, std::uint64_t value) {
    text += ", ";
    append_json(text, name);
    text.append(": ").append(std::to_string(value));
}

std::string utc_text(std::chrono::system_clock::time_point time) {
    const auto since = time.time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(since - seconds);
    const std::time_t moment = seconds.count();
    std::tm parts{};
    ::gmtime_r(&moment, &parts);
    std::array<char, 40> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text.data() + size, text.size() - size, ".%06lldZ",
                  static_cast<long long>(micros.count()));
    return text.data();
}

std::string_view file_name(const char* path) {
    const std::string_view all = path;
    const std::size_t slash = all.rfind('/');
    return slash == all.npos ? all : all.substr(slash + 1);
}

} // namespace

struct PatternFormatter::Parts {
    std::mutex lock; // spdlog's formatter keeps the time of the last line
    std::unique_ptr<spdlog::pattern_formatter> pattern;
};

PatternFormatter::PatternFormatter(const std::string& format, const std::string& datefmt)
    : parts_(std::make_unique<Parts>()) {
    parts_->pattern = std::make_unique<spdlog::pattern_formatter>(
        "", spdlog::pattern_time_type::local, std::string());
    for (const Field& field : fields) {
        if (field.ours != nullptr) parts_->pattern->add_flag<Flag>(field.flag, field.ours);
    }
    parts_->pattern->add_flag<Flag>(process_flag, &process_id);
    parts_->pattern->set_pattern(Translation(format, datefmt).run());
}

PatternFormatter::~PatternFormatter() = default;

std::string PatternFormatter::format(const LogRecord& record) const {
    const spdlog::source_loc where(record.where.file_name(), static_cast<int>(record.where.line()),
                                   record.where.function_name());
    spdlog::details::log_msg message(record.created, where, record.name, spdlog::level::info,
                                     record.message);
    message.thread_id = static_cast<std::size_t>(record.thread_id);
    spdlog::memory_buf_t text;
    {
        const std::scoped_lock hold(parts_->lock);
        formatted = &record;
        parts_->pattern->format(message, text);
        formatted = nullptr;
    }
    std::string line(text.data(), text.size());
    if (!record.exception.empty()) line.append(1, '\n').append(record.exception);
    return line;
}

std::string JsonFormatter::format(const LogRecord& record) const {
    std::string text = "{";
    append_member(text, "time", utc_text(record.created));
    append_member(text, "level", get_level_name(record.level));
    append_member(text, "logger", record.name);
    append_member(text, "message", record.message);
    if (!record.task_name.empty()) append_member(text, "task", record.task_name);
    if (!record.context.empty()) {
        text += ", \"context\": {";
        for (const auto& [name, value] : record.context) append_member(text, name, value);
        text += '}';
    }
    if (!record.exception.empty()) append_member(text, "exception", record.exception);
    append_member(text, "file", file_name(record.where.file_name()));
    append_member(text, "line", record.where.line());
    append_member(text, "process", static_cast<std::uint64_t>(record.process_id));
    append_member(text, "thread", record.thread_id);
    return text + '}';
}

} // namespace logging
