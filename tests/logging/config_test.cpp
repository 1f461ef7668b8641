// SPDX-License-Identifier: MIT
// Setting up: the root's handler, asyncio's lines, the last resort.
#include "logging/config.h"

#include "asyncio/events.h"
#include "asyncio/reports.h"
#include "asyncio/testing/testing.h"
#include "logging/kept_records.h"
#include "logging/queues.h"
#include "support/child_process.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <unistd.h>

using namespace logging;
using support::in_child;
using support::Scratch;

namespace {

/// The error output goes to a file from now on.
void redirect_stderr(const std::string& path) {
    const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ::dup2(file, STDERR_FILENO);
}

} // namespace

TEST("LG01: without any set-up, warnings go to the error output, and nothing below them") {
    const Scratch scratch;
    CHECK(in_child([&] {
              redirect_stderr(scratch.path("err"));
              get_logger("bare").info("not seen");
              get_logger("bare").warning("seen {}", 1);
          }).exited(0));
    CHECK_EQ(scratch.get("err"), "seen 1\n");
}

TEST("LG02: basic_config sets up the root once, unless it is forced") {
    const Scratch scratch;
    CHECK(in_child([&] {
              redirect_stderr(scratch.path("err"));
              basic_config();
              get_logger("app").info("below");
              get_logger("app").error("plain");
              basic_config(BasicConfig().filename(scratch.path("no.log")));
              basic_config(BasicConfig()
                               .filename(scratch.path("app.log"))
                               .level(INFO)
                               .format("%(asctime)s %(name)s %(message)s")
                               .datefmt("time")
                               .force());
              get_logger("app").info("to the file");
          }).exited(0));
    CHECK_EQ(scratch.get("err"), "ERROR:app:plain\n");
    CHECK_EQ(scratch.get("app.log"), "time app to the file\n");
    CHECK_EQ(scratch.count(), 2U);
}

TEST("LG01: asyncio's own lines are those of the logger asyncio, once they are captured") {
    const auto lines = std::make_shared<kept::Lines>();
    Logger& logger = get_logger("asyncio");
    logger.add_handler(lines);
    logger.set_propagate(false);
    capture_asyncio();
    const auto loop = asyncio::new_event_loop();
    asyncio::ExceptionContext context;
    context.message = "something went wrong";
    loop->call_exception_handler(context);
    loop->close();
    asyncio::set_log_handler(nullptr);
    logger.remove_handler(lines);
    CHECK_EQ(lines->lines.size(), 1U);
    CHECK(lines->lines.at(0).starts_with("something went wrong"));
    CHECK(lines->last.level == ERROR);
}

TEST("LG03: shutdown writes what waits in queues, and flushes handlers; twice does no harm") {
    const auto queue = std::make_shared<LogQueue>();
    const auto lines = std::make_shared<kept::Lines>();
    QueueListener listener(queue, {lines});
    listener.start();
    for (int i = 0; i < 100; ++i) queue->put(kept::record(INFO, std::to_string(i)));
    shutdown();
    CHECK_EQ(lines->lines.size(), 100U);
    shutdown();
    queue->put(kept::record(INFO, "later")); // nobody listens: it waits
    CHECK_EQ(queue->size(), 1U);
}
