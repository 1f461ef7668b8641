// SPDX-License-Identifier: MIT
// Handlers: levels, filters, files that are rotated, streams, syslog, and what fails.
#include "logging/handlers.h"

#include "asyncio/exceptions.h"
#include "asyncio/testing/testing.h"
#include "logging/kept_records.h"
#include "support/child_process.h"
#include "support/scratch.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <thread>
#include <unistd.h>

using namespace logging;
using support::Scratch;

namespace {

std::size_t lines_in(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// What `body` writes to a descriptor, in a process of its own.
template <class F>
std::string written_to(int fd, F body) {
    const Scratch scratch;
    const std::string path = scratch.path("output");
    const auto ended = support::in_child([&] {
        const int file = ::open(path.c_str(), O_CREAT | O_WRONLY, 0600);
        ::dup2(file, fd);
        body();
    });
    CHECK(ended.exited(0));
    return scratch.get("output");
}

} // namespace

TEST("LG01: a handler leaves out what is below its level, and what a filter does not let through") {
    kept::Lines handler;
    handler.set_level(WARNING);
    handler.add_filter([](const LogRecord& record) { return record.message != "secret"; });
    handler.add_filter([](const LogRecord& record) { return record.message != "dull"; });
    CHECK(!handler.handle(kept::record(INFO, "low")));
    CHECK(!handler.handle(kept::record(ERROR, "secret")));
    CHECK(!handler.handle(kept::record(ERROR, "dull")));
    CHECK(handler.handle(kept::record(ERROR, "seen")));
    CHECK(handler.lines == std::vector<std::string>({"seen"}));
    handler.set_formatter(std::make_shared<PatternFormatter>());
    handler.handle(kept::record(ERROR, "seen"));
    CHECK_EQ(handler.lines.back(), "ERROR:app.db:seen");
    NullHandler nothing;
    CHECK(nothing.handle(kept::record(ERROR, "text")));
}

TEST("LG01: what fails in a handler is said on the error output, and not thrown") {
    const std::string said = written_to(STDERR_FILENO, [] {
        kept::Broken broken;
        CHECK(broken.handle(kept::record(ERROR, "text")));
    });
    CHECK_EQ(said, "--- Logging error ---\nruntime_error('disk full')\n");
}

TEST("LG02: a stream handler writes each line at once, to the stream it is for") {
    const auto write = [](StreamHandler::Stream stream) {
        return [stream] {
            StreamHandler handler(stream);
            handler.handle(kept::record(INFO, "one"));
            handler.handle(kept::record(INFO, "two"));
            ::_exit(0); // nothing is flushed here
        };
    };
    CHECK_EQ(written_to(STDOUT_FILENO, write(StreamHandler::Stream::out)), "one\ntwo\n");
    CHECK_EQ(written_to(STDERR_FILENO, write(StreamHandler::Stream::err)), "one\ntwo\n");
}

TEST("LG02: a file is appended to or begun anew, and its folder is made") {
    const Scratch scratch;
    const std::string path = scratch.path("logs/app.log");
    FileHandler(path).handle(kept::record(INFO, "one"));
    FileHandler(path).handle(kept::record(INFO, "two"));
    CHECK_EQ(scratch.get("logs/app.log"), "one\ntwo\n");
    FileHandler(path, FileHandler::Mode::truncate).handle(kept::record(INFO, "three"));
    CHECK_EQ(scratch.get("logs/app.log"), "three\n");
    CHECK_THROWS_AS(FileHandler(scratch.folder()), asyncio::OSError);
}

TEST("LG02: a file is rotated before it would be too large; so many old ones stay") {
    const Scratch scratch;
    RotatingFileHandler handler(scratch.path("app.log"), 100, 2);
    for (int i = 100; i < 130; ++i) handler.handle(kept::record(INFO, "line " + std::to_string(i)));
    CHECK_EQ(scratch.count(), 3U);
    for (const char* name : {"app.log", "app.1.log", "app.2.log"}) {
        CHECK(std::filesystem::file_size(scratch.path(name)) <= 100);
    }
    // No line is lost between the files: those that are left are the last ones, in order.
    const std::string all =
        scratch.get("app.2.log") + scratch.get("app.1.log") + scratch.get("app.log");
    int number = 130 - static_cast<int>(lines_in(all));
    std::string expected;
    for (; number < 130; ++number) expected += "line " + std::to_string(number) + '\n';
    CHECK_EQ(all, expected);
    CHECK_THROWS_AS(RotatingFileHandler(scratch.path("x.log"), 0, 1), asyncio::ValueError);
    CHECK_THROWS_AS(RotatingFileHandler(scratch.path("x.log"), 1, 0), asyncio::ValueError);
}

TEST("LG02: a file of each day has the day in its name, and a record of the next day opens "
     "another") {
    const Scratch scratch;
    TimedRotatingFileHandler handler(scratch.path("app.log"), 0, 0, 2);
    LogRecord record = kept::record(INFO, "today");
    record.created = std::chrono::system_clock::now();
    handler.handle(record);
    CHECK_EQ(scratch.count(), 1U);
    for (int day = 1; day <= 3; ++day) {
        record.created += std::chrono::hours(24);
        record.message = "day " + std::to_string(day);
        handler.handle(record);
    }
    CHECK_EQ(scratch.count(), 2U); // two are kept
    CHECK_THROWS_AS(TimedRotatingFileHandler(scratch.path("x.log"), 24), asyncio::ValueError);
    CHECK_THROWS_AS(TimedRotatingFileHandler(scratch.path("x.log"), 0, 60), asyncio::ValueError);
}

TEST("LG02: a line to a syslog that nobody runs is no error") {
    SysLogHandler handler("asyncio-test");
    CHECK(handler.handle(kept::record(ERROR, "text")));
    handler.flush();
}

TEST("LG02: lines of several threads are whole, and none is lost") {
    const Scratch scratch;
    FileHandler handler(scratch.path("app.log"));
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&handler, thread] {
            const std::string line(50, static_cast<char>('a' + thread));
            for (int i = 0; i < 200; ++i) handler.handle(kept::record(INFO, line));
        });
    }
    for (std::thread& thread : threads) thread.join();
    const std::string all = scratch.get("app.log");
    CHECK_EQ(lines_in(all), 800U);
    bool whole = true;
    for (std::size_t at = 0; at < all.size(); at += 51) {
        whole = whole && all.substr(at, 51) == std::string(50, all[at]) + '\n';
    }
    CHECK(whole);
}
