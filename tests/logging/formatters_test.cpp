// SPDX-License-Identifier: MIT
// Formatters: each field, widths, what is no format, JSON.
#include "logging/formatters.h"

#include "asyncio/exceptions.h"
#include "asyncio/testing/testing.h"
#include "logging/kept_records.h"

#include <cstdlib>
#include <ctime>

using namespace logging;

namespace {

std::string formatted(const std::string& format, const LogRecord& record) {
    return PatternFormatter(format).format(record);
}

} // namespace

TEST("LG01: without a format, a line is Python's: level, name, message") {
    CHECK_EQ(PatternFormatter().format(kept::record(WARNING, "disk low")),
             "WARNING:app.db:disk low");
}

TEST("LG01: each field of a pattern is what the record says") {
    LogRecord record = kept::record(CRITICAL, "text");
    record.task_name = "Task-3";
    record.context = {{"request", "7"}, {"user", "ann"}};
    CHECK_EQ(formatted("%(levelno)s %(process)d %(thread)d", record), "50 4711 77");
    CHECK_EQ(formatted("[%(taskName)s] %(context)s", record), "[Task-3] request=7 user=ann");
    record.where = std::source_location::current();
    CHECK_EQ(formatted("%(filename)s:%(lineno)d", record),
             "formatters_test.cpp:" + std::to_string(record.where.line()));
    CHECK(formatted("%(pathname)s", record).ends_with("logging/formatters_test.cpp"));
    CHECK(!formatted("%(funcName)s", record).empty());
}

TEST("LG01: a field may have a width, on either side; a percent sign is itself") {
    const LogRecord record = kept::record(INFO, "x");
    CHECK_EQ(formatted("%(levelname)-8s|%(levelname)8s|%(name)8s|%(name)-8s|", record),
             "INFO    |    INFO|  app.db|app.db  |");
    CHECK_EQ(formatted("100%% of %(message)s, 5 % of it", record), "100% of x, 5 % of it");
}

TEST("LG01: asctime is local time with milliseconds, or what datefmt says") {
    LogRecord record = kept::record(INFO, "x");
    const std::time_t moment = 86'400;
    std::tm local{};
    ::localtime_r(&moment, &local);
    char text[40];
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
    CHECK_EQ(formatted("%(asctime)s %(message)s", record), std::string(text) + ",123 x");
    std::strftime(text, sizeof text, "%H:%M", &local);
    CHECK_EQ(PatternFormatter("%(asctime)s", "%H:%M").format(record), text);
}

TEST("LG01: a format that has no such field, or does not close it, is a ValueError") {
    CHECK_THROWS_MSG(PatternFormatter("%(colour)s"), asyncio::ValueError,
                     "no such field: 'colour'");
    for (const char* wrong : {"%(name", "%(name)", "%(name)!s"}) {
        CHECK_THROWS_AS(PatternFormatter(wrong), asyncio::ValueError);
    }
}

TEST("LG01: an exception is a line of its own behind the text") {
    LogRecord record = kept::record(ERROR, "failed");
    record.exception = "ValueError('x')";
    CHECK_EQ(formatted("%(message)s", record), "failed\nValueError('x')");
}

TEST("LG01: JSON has each value as it is, escaped where it must be") {
    LogRecord record = kept::record(ERROR, "a \"quoted\"\nline\t\\ \x01 中文");
    CHECK_EQ(JsonFormatter().format(record),
             "{\"time\": \"1970-01-02T00:00:00.123000Z\", \"level\": \"ERROR\", \"logger\": "
             "\"app.db\", \"message\": \"a \\\"quoted\\\"\\nline\\t\\\\ \\u0001 中文\", \"file\": "
             "\"\", \"line\": 0, \"process\": 4711, \"thread\": 77}");
    record.message = "m";
    record.task_name = "Task-1";
    record.context = {{"request", "7"}, {"user", "ann"}};
    record.exception = "ValueError('x')";
    CHECK_EQ(JsonFormatter().format(record),
             "{\"time\": \"1970-01-02T00:00:00.123000Z\", \"level\": \"ERROR\", \"logger\": "
             "\"app.db\", \"message\": \"m\", \"task\": \"Task-1\", \"context\": {\"request\": "
             "\"7\", \"user\": \"ann\"}, \"exception\": \"ValueError('x')\", \"file\": \"\", "
             "\"line\": 0, \"process\": 4711, \"thread\": 77}");
}
