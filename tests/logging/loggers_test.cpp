// SPDX-License-Identifier: MIT
// Loggers: the tree, levels, the way of a line, texts with arguments.
#include "logging/loggers.h"

#include "asyncio/testing/testing.h"
#include "logging/context.h"
#include "logging/kept_records.h"

#include <thread>

using namespace logging;
using asyncio::Coro;

namespace {

/// A logger with a handler that keeps its lines, for a case of its own.
struct Probe {
    explicit Probe(std::string_view name) : logger(get_logger(name)) {
        logger.add_handler(handler);
        logger.set_level(DEBUG);
        logger.set_propagate(false);
    }
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;
    ~Probe() { logger.remove_handler(handler); }
    const std::string& line() const { return handler->lines.back(); }

    Logger& logger;
    std::shared_ptr<kept::Lines> handler = std::make_shared<kept::Lines>();
};

struct Point {
    int x;
    int y;
};
std::string to_string(const Point& point) {
    return "(" + std::to_string(point.x) + ", " + std::to_string(point.y) + ")";
}

struct Watched {
    int* looked_at;
};
std::string to_string(const Watched& watched) {
    ++*watched.looked_at;
    return "watched";
}

} // namespace

TEST("LG01: loggers are a tree by their names; a name is one logger") {
    Logger& leaf = get_logger("tree.branch.leaf");
    CHECK(&leaf == &get_logger("tree.branch.leaf"));
    CHECK(leaf.parent() == &get_logger("tree.branch"));
    CHECK(get_logger("tree").parent() == &get_logger());
    CHECK(&get_logger("root") == &get_logger(""));
    CHECK(get_logger().parent() == nullptr);
    CHECK(&get_logger("tree").get_child("branch.leaf") == &leaf);
    CHECK(&get_logger().get_child("tree") == &get_logger("tree"));
    CHECK_EQ(leaf.name(), "tree.branch.leaf");
}

TEST("LG01: a logger without a level has that of the nearest ancestor that has one") {
    Logger& leaf = get_logger("levels.branch.leaf");
    CHECK(leaf.get_effective_level() == WARNING); // the root's
    get_logger("levels").set_level(INFO);
    CHECK(leaf.get_effective_level() == INFO);
    CHECK(leaf.is_enabled_for(INFO) && !leaf.is_enabled_for(DEBUG));
    leaf.set_level(ERROR);
    CHECK(leaf.level() == ERROR && !leaf.is_enabled_for(WARNING));
}

TEST("LG01: a line goes to the handlers of the logger and of its ancestors, nearest first") {
    const Probe top("way");
    const auto mine = std::make_shared<kept::Lines>();
    Logger& leaf = get_logger("way.leaf");
    CHECK(leaf.has_handlers());
    leaf.add_handler(mine);
    leaf.add_handler(mine); // once
    leaf.info("both");
    CHECK(mine->lines == std::vector<std::string>({"both"}));
    CHECK(top.handler->lines == std::vector<std::string>({"both"}));
    CHECK_EQ(top.handler->last.name, "way.leaf");
    leaf.set_propagate(false);
    leaf.info("mine alone");
    CHECK_EQ(mine->lines.size(), 2U);
    CHECK_EQ(top.handler->lines.size(), 1U);
    leaf.remove_handler(mine);
    CHECK(!leaf.has_handlers());
}

TEST("LG01: each level has its function, and what is below the level is not looked at") {
    const Probe probe("functions");
    probe.logger.set_level(INFO);
    int looked_at = 0;
    probe.logger.debug("{}", Watched{&looked_at});
    CHECK_EQ(looked_at, 0);
    probe.logger.info("{}", Watched{&looked_at});
    probe.logger.warning("w");
    probe.logger.error("e");
    probe.logger.critical("c");
    probe.logger.log(Level(25), "l");
    CHECK_EQ(looked_at, 1);
    CHECK(probe.handler->lines == std::vector<std::string>({"watched", "w", "e", "c", "l"}));
    CHECK(probe.handler->last.level == Level(25));
}

TEST("LG01: {} is the next argument, and nothing that is given is lost") {
    const Probe probe("texts");
    Logger& log = probe.logger;
    log.info("{} + {} = {}", 1, 2.5, "three");
    CHECK_EQ(probe.line(), "1 + 2.5 = three");
    log.info("{} {} {} {}", true, 'c', std::string("text"), Point{1, -2});
    CHECK_EQ(probe.line(), "true c text (1, -2)");
    log.info("{{}} {}", 1);
    CHECK_EQ(probe.line(), "{} 1");
    log.info("one {}, none {}", 1);
    CHECK_EQ(probe.line(), "one 1, none {}");
    log.info("more than places:", 1, 2);
    CHECK_EQ(probe.line(), "more than places: 1 2");
    log.info(std::string("a text that is no literal"));
    CHECK_EQ(probe.line(), "a text that is no literal");
}

TEST("LG01: a record knows where and when it was made, and on which thread") {
    const Probe probe("places");
    const auto before = std::chrono::system_clock::now();
    probe.logger.info("here");
    const unsigned line = std::source_location::current().line() - 1;
    const LogRecord& record = probe.handler->last;
    CHECK_EQ(record.where.line(), line);
    CHECK(std::string_view(record.where.file_name()).ends_with("loggers_test.cpp"));
    CHECK(record.created >= before && record.created <= std::chrono::system_clock::now());
    CHECK(record.task_name.empty());
    const auto thread_id = record.thread_id;
    std::thread([&probe] { probe.logger.info("there"); }).join();
    CHECK(probe.handler->last.thread_id != thread_id);
}

CO_TEST("LG01: a record of a task has its name and its context values") {
    const Probe probe("tasks");
    auto task = asyncio::create_task(
        [](Logger& log) -> Coro<> {
            const ContextScope scope("request", "7");
            co_await asyncio::yield_now();
            log.info("served");
        },
        std::ref(probe.logger));
    task.set_name("server");
    co_await task;
    CHECK_EQ(probe.handler->last.task_name, "server");
    CHECK(probe.handler->last.context == ContextValues({{"request", "7"}}));
}

TEST("LG01: exception() is an error with what is being handled; without that, it is an error") {
    const Probe probe("exceptions");
    try {
        throw asyncio::ValueError("x");
    } catch (const asyncio::ValueError&) {
        probe.logger.exception("failed: {}", 7);
    }
    CHECK_EQ(probe.line(), "failed: 7\nValueError('x')");
    CHECK(probe.handler->last.level == ERROR);
    probe.logger.exception("nothing");
    CHECK_EQ(probe.line(), "nothing");
}

TEST("LG01: a logger's filters are for its own lines, not for those of its children") {
    const Probe probe("filters");
    probe.logger.add_filter([](const LogRecord& record) { return record.message != "no"; });
    probe.logger.add_filter([](const LogRecord& record) { return record.message != "never"; });
    probe.logger.info("no");
    probe.logger.info("never");
    CHECK(probe.handler->lines.empty());
    get_logger("filters.child").info("no");
    CHECK_EQ(probe.line(), "no");
}

TEST("LG01: disable() silences all loggers up to a level") {
    const Probe probe("disabled");
    disable(WARNING);
    probe.logger.warning("silent");
    probe.logger.error("loud");
    disable(NOTSET);
    probe.logger.info("again");
    CHECK(probe.handler->lines == std::vector<std::string>({"loud", "again"}));
}

TEST("LG01: a broken handler does not keep others from the line") {
    const Probe probe("broken");
    Logger& child = get_logger("broken.child");
    const auto nothing = std::make_shared<NullHandler>();
    child.add_handler(nothing);
    child.info("text");
    CHECK_EQ(probe.line(), "text");
    child.remove_handler(nothing);
}

TEST("LG01: a record of another place goes through level and filters as a line of its own") {
    const Probe probe("received");
    probe.logger.set_level(ERROR);
    probe.logger.handle(kept::record(WARNING, "below"));
    probe.logger.handle(kept::record(ERROR, "from another process"));
    CHECK(probe.handler->lines == std::vector<std::string>({"from another process"}));
    CHECK_EQ(probe.handler->last.process_id, 4711);
    CHECK_EQ(probe.handler->last.name, "app.db");
}
