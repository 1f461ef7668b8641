// SPDX-License-Identifier: MIT
// Logging as programs use it: on loops, in crowds, until a crash.
#include "asyncio/gather.h"
#include "asyncio/runners.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/testing.h"
#include "logging/config.h"
#include "logging/kept_records.h"
#include "logging/queues.h"
#include "support/child_process.h"
#include "support/scratch.h"
#include "support/threads.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <set>
#include <thread>
#include <unistd.h>

using namespace logging;
using namespace std::chrono_literals;
using asyncio::Coro;
using support::Scratch;

namespace {

/// A disk that hangs until it is told to go on.
class HungDisk final : public Handler {
public:
    void go_on() { gate_.open(); }
    void wait_hung() { gate_.wait_begun(); }
    std::atomic<int> written{0};

private:
    void emit(const LogRecord&) override {
        if (written == 0) gate_.pass();
        ++written;
    }
    support::Gate gate_;
};

Coro<> serve(Logger& log, int number) {
    // LIFETIME: loggers live until the end.
    const ContextScope scope("request", std::to_string(number));
    log.info("begun");
    co_await asyncio::sleep(std::chrono::milliseconds(10 - number % 10));
    log.info("done");
}

std::vector<std::string> lines_of_all(const std::string& folder) {
    std::vector<std::string> lines;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        std::ifstream file(entry.path());
        for (std::string line; std::getline(file, line);) lines.push_back(line);
    }
    std::sort(lines.begin(), lines.end());
    return lines;
}

} // namespace

CO_TEST("LG02: a disk that hangs holds up the listener, and not the loop that logs") {
    const auto queue = std::make_shared<LogQueue>();
    const auto disk = std::make_shared<HungDisk>();
    QueueListener listener(queue, {disk});
    listener.start();
    Logger& log = get_logger("programs.hung");
    log.set_level(INFO);
    log.set_propagate(false);
    log.add_handler(std::make_shared<QueueHandler>(queue));
    log.info("first");
    disk->wait_hung();
    auto served = asyncio::gather(serve(log, 1), serve(log, 2), serve(log, 3));
    co_await std::move(served); // though nothing is written
    CHECK_EQ(disk->written.load(), 0);
    CHECK_EQ(queue->size(), 6U);
    disk->go_on();
    listener.stop();
    CHECK_EQ(disk->written.load(), 7);
}

CO_TEST("LG01: lines of many tasks that take turns have each their own task's values") {
    const auto lines = std::make_shared<kept::Lines>();
    lines->set_formatter(std::make_shared<PatternFormatter>("%(context)s %(message)s"));
    Logger& log = get_logger("programs.tasks");
    log.set_level(INFO);
    log.set_propagate(false);
    log.add_handler(lines);
    std::vector<Coro<>> requests;
    for (int i = 0; i < 30; ++i) requests.push_back(serve(log, i));
    co_await asyncio::gather(std::move(requests));
    std::multiset<std::string> expected;
    for (int i = 0; i < 30; ++i) {
        expected.insert("request=" + std::to_string(i) + " begun");
        expected.insert("request=" + std::to_string(i) + " done");
    }
    CHECK(std::multiset<std::string>(lines->lines.begin(), lines->lines.end()) == expected);
    log.remove_handler(lines);
}

TEST("LG02: threads that log through a queue into files that are rotated lose no line") {
    const Scratch scratch;
    const auto queue = std::make_shared<LogQueue>(50, WhenFull::block);
    const auto files = std::make_shared<RotatingFileHandler>(scratch.path("app.log"), 10'000, 100);
    QueueListener listener(queue, {files});
    listener.start();
    Logger& log = get_logger("programs.crowd");
    log.set_level(INFO);
    log.set_propagate(false);
    const auto handler = std::make_shared<QueueHandler>(queue);
    log.add_handler(handler);
    std::vector<std::string> expected;
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        for (int i = 0; i < 500; ++i) {
            expected.push_back("thread " + std::to_string(thread) + " line " + std::to_string(i));
        }
        threads.emplace_back([&log, thread] {
            for (int i = 0; i < 500; ++i) log.info("thread {} line {}", thread, i);
        });
    }
    for (std::thread& thread : threads) thread.join();
    listener.stop();
    log.remove_handler(handler);
    std::sort(expected.begin(), expected.end());
    CHECK(scratch.count() > 3);
    CHECK(lines_of_all(scratch.folder()) == expected);
    CHECK_EQ(queue->dropped(), 0U);
}

TEST("LG03: what was logged to a file is there, however the program dies") {
    for (const int number : {SIGKILL, SIGTERM}) {
        const Scratch scratch;
        const auto ended = support::in_child([&] {
            basic_config(
                BasicConfig().filename(scratch.path("app.log")).format("%(message)s").force());
            for (int i = 0; i < 100; ++i) get_logger("dies").warning("line {}", i);
            std::raise(number);
        });
        CHECK(ended.killed_by(number));
        CHECK_EQ(lines_of_all(scratch.folder()).size(), 100U);
    }
}

TEST("LG03: a program that runs a loop, and forgets its listener, has all lines of its tasks") {
    const Scratch scratch;
    const auto ended = support::in_child([&] {
        const auto queue = std::make_shared<LogQueue>();
        auto* listener =
            new QueueListener(queue, {std::make_shared<FileHandler>(scratch.path("app.log"))});
        listener->start();
        get_logger().add_handler(std::make_shared<QueueHandler>(queue));
        get_logger().set_level(INFO);
        asyncio::run([]() -> Coro<> {
            std::vector<Coro<>> requests;
            for (int i = 0; i < 50; ++i) requests.push_back(serve(get_logger("loop"), i));
            co_await asyncio::gather(std::move(requests));
        }());
        std::exit(0);
    });
    CHECK(ended.exited(0));
    CHECK_EQ(lines_of_all(scratch.folder()).size(), 100U);
}

TEST("LG03: children that are forked one after the other write their lines once each") {
    support::needs_threads_after_fork();
    const Scratch scratch;
    const auto ended = support::in_child([&] {
        const auto queue = std::make_shared<LogQueue>();
        QueueListener listener(queue, {std::make_shared<FileHandler>(scratch.path("app.log"))});
        listener.start();
        for (int generation = 0; generation < 5; ++generation) {
            queue->put(kept::record(INFO, "parent " + std::to_string(generation)));
            const pid_t child = ::fork();
            if (child == 0) {
                queue->put(kept::record(INFO, "child " + std::to_string(generation)));
                listener.stop();
                ::_exit(0);
            }
            CHECK(support::wait_for_child(child).exited(0));
        }
        listener.stop();
    });
    CHECK(ended.exited(0));
    CHECK(lines_of_all(scratch.folder()) ==
          std::vector<std::string>({"child 0", "child 1", "child 2", "child 3", "child 4",
                                    "parent 0", "parent 1", "parent 2", "parent 3", "parent 4"}));
}
