// SPDX-License-Identifier: MIT
// Setting up, and the end.
#include "logging/config.h"

#include "asyncio/reports.h"
#include "logging/queues.h"

namespace logging {

namespace {

Level level_of(asyncio::LogLevel level) noexcept {
    switch (level) {
    case asyncio::LogLevel::debug: return DEBUG;
    case asyncio::LogLevel::info: return INFO;
    case asyncio::LogLevel::warning: return WARNING;
    case asyncio::LogLevel::error: break;
    }
    return ERROR;
}

} // namespace

void basic_config(const BasicConfig& config) {
    Logger& root = get_logger();
    if (config.force_) {
        for (const auto& handler : root.handlers()) root.remove_handler(handler);
    }
    if (!root.handlers().empty()) return;
    std::shared_ptr<Handler> handler;
    if (config.filename_.empty()) {
        handler = std::make_shared<StreamHandler>(config.stream_);
    } else {
        handler = std::make_shared<FileHandler>(config.filename_);
    }
    handler->set_formatter(std::make_shared<PatternFormatter>(config.format_, config.datefmt_));
    root.add_handler(std::move(handler));
    if (config.level_) root.set_level(*config.level_);
}

void shutdown() noexcept {
    QueueListener::stop_all();
    detail::flush_all_loggers();
}

void capture_asyncio() noexcept {
    asyncio::set_log_handler([](asyncio::LogLevel level, std::string_view text) {
        get_logger("asyncio").log(level_of(level), text);
    });
}

} // namespace logging
