// SPDX-License-Identifier: MIT
// The tree of loggers, and the way of a record through it.
#include "logging/loggers.h"

#include "asyncio/events.h"
#include "asyncio/exceptions.h"
#include "asyncio/tasks.h"
#include "os/process.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <thread>

namespace logging {

namespace {

std::atomic<Level> disabled_up_to{NOTSET};

/// "{}" is the next argument; arguments without a place come behind the text, so nothing is lost.
std::string filled(std::string_view text, const std::vector<std::string>& args) {
    std::string line;
    std::size_t next = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string_view rest = text.substr(i);
        if (rest.starts_with("{{") || rest.starts_with("}}")) {
            line += text[i++];
        } else if (rest.starts_with("{}") && next < args.size()) {
            line += args[next++];
            ++i;
        } else {
            line += text[i];
        }
    }
    for (; next < args.size(); ++next) line.append(1, ' ').append(args[next]);
    return line;
}

std::string name_of_task() {
    asyncio::EventLoop* const loop = asyncio::running_loop_or_null();
    if (loop == nullptr) return {};
    const asyncio::AnyTask task = asyncio::current_task(*loop);
    return task ? task.get_name() : std::string();
}

/// Where lines go for which nobody has set up anything: warnings, and what is worse.
Handler& last_resort() {
    static auto* const handler = [] {
        auto* made = new StreamHandler; // never destroyed
        made->set_level(WARNING);
        return made;
    }();
    return *handler;
}

// Made before main: a fork while another thread is in the first use would leave the child a
// guard that nobody opens.
[[maybe_unused]] const Handler& last_resort_from_the_start = last_resort();

} // namespace

namespace detail {

struct Manager {
    ForkSafeMutex lock;
    std::map<std::string, std::unique_ptr<Logger>, std::less<>> loggers;
    Logger root{"root", nullptr};

    Manager() {
        root.set_level(WARNING);
        std::atexit(&flush_all_loggers);
    }

    // With the lock. Those above it are made as well.
    Logger& get(std::string_view name) {
        const auto known = loggers.find(name);
        if (known != loggers.end()) return *known->second;
        const std::size_t dot = name.rfind('.');
        Logger& parent = dot == name.npos ? root : get(name.substr(0, dot));
        std::unique_ptr<Logger> made(new Logger(std::string(name), &parent));
        return *loggers.emplace(name, std::move(made)).first->second;
    }
};

Manager& manager() {
    static auto* const one = new Manager; // never destroyed: lines are logged until the very end
    return *one;
}

[[maybe_unused]] const Manager& manager_from_the_start = manager(); // as above

void flush_all_loggers() noexcept {
    Manager& all = manager();
    const std::scoped_lock hold(all.lock);
    for (const auto& handler : all.root.handlers()) handler->flush();
    for (const auto& [name, logger] : all.loggers) {
        for (const auto& handler : logger->handlers()) handler->flush();
    }
}

} // namespace detail

Logger& get_logger(std::string_view name) {
    detail::Manager& all = detail::manager();
    if (name.empty() || name == "root") return all.root;
    const std::scoped_lock hold(all.lock);
    return all.get(name);
}

void disable(Level level) noexcept { disabled_up_to = level; }

Logger::Logger(std::string name, Logger* parent) : name_(std::move(name)), parent_(parent) {}

Level Logger::get_effective_level() const noexcept {
    for (const Logger* one = this; one != nullptr; one = one->parent_) {
        if (one->level() != NOTSET) return one->level();
    }
    return NOTSET;
}

bool Logger::is_enabled_for(Level level) const noexcept {
    return level > disabled_up_to.load(std::memory_order_relaxed) && level >= get_effective_level();
}

void Logger::add_handler(std::shared_ptr<Handler> handler) {
    const std::scoped_lock hold(lock_);
    if (std::find(handlers_.begin(), handlers_.end(), handler) != handlers_.end()) return;
    handlers_.push_back(std::move(handler));
}

void Logger::remove_handler(const std::shared_ptr<Handler>& handler) {
    const std::scoped_lock hold(lock_);
    std::erase(handlers_, handler);
}

std::vector<std::shared_ptr<Handler>> Logger::handlers() const {
    const std::scoped_lock hold(lock_);
    return handlers_;
}

bool Logger::has_handlers() const {
    for (const Logger* one = this; one != nullptr; one = one->parent_) {
        if (!one->handlers().empty()) return true;
        if (!one->propagate()) return false;
    }
    return false;
}

void Logger::add_filter(Filter filter) {
    const std::scoped_lock hold(lock_);
    std::vector<std::shared_ptr<Filter>> filters;
    if (filters_) filters = *filters_;
    filters.push_back(std::make_shared<Filter>(std::move(filter)));
    filters_ = std::make_shared<const std::vector<std::shared_ptr<Filter>>>(std::move(filters));
}

Logger& Logger::get_child(std::string_view suffix) const {
    if (parent_ == nullptr) return get_logger(suffix);
    return get_logger(name_ + '.' + std::string(suffix));
}

bool Logger::passes_filters(const LogRecord& record) const {
    std::shared_ptr<const std::vector<std::shared_ptr<Filter>>> filters;
    {
        const std::scoped_lock hold(lock_);
        filters = filters_;
    }
    return !filters || std::all_of(filters->begin(), filters->end(),
                                   [&record](const auto& filter) { return (*filter)(record); });
}

void Logger::make(Level level, const Message& message, const std::vector<std::string>& args,
                  const std::exception_ptr& error) {
    LogRecord record;
    record.name = name_;
    record.level = level;
    record.message = filled(message.text(), args);
    record.created = std::chrono::system_clock::now();
    record.where = message.where();
    record.thread_id = std::hash<std::thread::id>()(std::this_thread::get_id());
    record.process_id = asyncio::os::process_id();
    record.task_name = name_of_task();
    record.context = context_values();
    if (error) record.exception = asyncio::repr(error);
    handle(record);
}

void Logger::handle(const LogRecord& record) {
    if (!is_enabled_for(record.level) || !passes_filters(record)) return;
    bool handled = false;
    for (const Logger* one = this; one != nullptr; one = one->parent_) {
        for (const auto& handler : one->handlers()) {
            handler->handle(record);
            handled = true;
        }
        if (!one->propagate()) break;
    }
    if (!handled) last_resort().handle(record);
}

} // namespace logging
