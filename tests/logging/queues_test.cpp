// SPDX-License-Identifier: MIT
// Queues and listeners: order, limits, the end of both, forks.
#include "logging/queues.h"

#include "asyncio/exceptions.h"
#include "asyncio/testing/testing.h"
#include "logging/config.h"
#include "logging/kept_records.h"
#include "support/child_process.h"
#include "support/scratch.h"
#include "support/threads.h"

#include <algorithm>
#include <atomic>
#include <thread>

using namespace logging;
using support::Scratch;

namespace {

/// Holds up the listener until it is opened; then keeps lines.
class Gated final : public Handler {
public:
    void open() { gate_.open(); }
    void wait_begun() { gate_.wait_begun(); }
    std::vector<std::string> lines;

private:
    void emit(const LogRecord& record) override {
        if (lines.empty()) gate_.pass();
        lines.push_back(record.message);
    }
    support::Gate gate_;
};

std::vector<std::string> numbers(int first, int last) {
    std::vector<std::string> all;
    for (int i = first; i < last; ++i) all.push_back(std::to_string(i));
    return all;
}

std::string lines_of(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + '\n';
    return text;
}

void log_numbers(Handler& handler, int first, int last) {
    for (const std::string& text : numbers(first, last)) handler.handle(kept::record(INFO, text));
}

} // namespace

TEST("LG02: a listener hands records on in their order, and stop() waits for all of them") {
    const auto queue = std::make_shared<LogQueue>();
    const auto lines = std::make_shared<kept::Lines>();
    QueueListener listener(queue, {lines});
    QueueHandler handler(queue);
    log_numbers(handler, 0, 10); // before it listens
    CHECK_EQ(queue->size(), 10U);
    listener.start();
    CHECK_THROWS_MSG(listener.start(), asyncio::RuntimeError, "Listener already started");
    log_numbers(handler, 10, 500);
    listener.stop();
    listener.stop();
    CHECK(lines->lines == numbers(0, 500));
    CHECK_EQ(queue->dropped(), 0U);
    listener.start(); // it may begin again
    log_numbers(handler, 500, 510);
    listener.stop();
    CHECK(lines->lines == numbers(0, 510));
}

TEST("LG02: a full queue that blocks lets the logger wait, and loses nothing") {
    const auto queue = std::make_shared<LogQueue>(4, WhenFull::block);
    const auto gated = std::make_shared<Gated>();
    QueueListener listener(queue, {gated});
    listener.start();
    QueueHandler handler(queue);
    std::atomic<bool> all_logged{false};
    std::thread logger([&] {
        log_numbers(handler, 0, 50);
        all_logged = true;
    });
    gated->wait_begun();
    while (queue->size() < 4) std::this_thread::yield();
    CHECK(!all_logged); // one is being written, four wait, and there is no room for more
    gated->open();
    logger.join();
    listener.stop();
    CHECK(gated->lines == numbers(0, 50));
    CHECK_EQ(queue->dropped(), 0U);
}

TEST("LG02: a full queue that drops loses the oldest, counts them, and never waits") {
    const auto queue = std::make_shared<LogQueue>(4, WhenFull::drop_oldest);
    const auto gated = std::make_shared<Gated>();
    QueueListener listener(queue, {gated});
    listener.start();
    QueueHandler handler(queue);
    log_numbers(handler, 0, 1);
    gated->wait_begun(); // with 0
    log_numbers(handler, 1, 50);
    CHECK_EQ(queue->size(), 4U);
    CHECK_EQ(queue->dropped(), 45U);
    gated->open();
    listener.stop();
    CHECK(gated->lines == std::vector<std::string>({"0", "46", "47", "48", "49"}));
}

TEST("LG02: without a listener, a full queue does not block for ever") {
    const auto queue = std::make_shared<LogQueue>(3, WhenFull::block);
    QueueHandler handler(queue);
    log_numbers(handler, 0, 10);
    CHECK_EQ(queue->size(), 3U);
    CHECK_EQ(queue->dropped(), 7U);
    CHECK_THROWS_AS(LogQueue(0), asyncio::ValueError);
}

TEST("LG02: who waits for room when the listener stops is not lost") {
    const auto queue = std::make_shared<LogQueue>(1, WhenFull::block);
    const auto gated = std::make_shared<Gated>();
    QueueListener listener(queue, {gated});
    listener.start();
    QueueHandler handler(queue);
    std::thread logger([&] { log_numbers(handler, 0, 3); });
    gated->wait_begun();
    while (queue->size() < 1) std::this_thread::yield();
    std::thread stopper([&] { listener.stop(); });
    gated->open();
    logger.join();
    stopper.join();
    CHECK_EQ(queue->dropped() + queue->size() + gated->lines.size(), 3U);
}

TEST("LG03: a program that ends by exit() has written every line of its queues") {
    const Scratch scratch;
    const auto ended = support::in_child([&] {
        const auto queue = std::make_shared<LogQueue>();
        auto* listener = new QueueListener(
            queue, {std::make_shared<FileHandler>(scratch.path("app.log"))}); // nobody stops it
        listener->start();
        get_logger("exit").set_level(INFO);
        get_logger("exit").add_handler(std::make_shared<QueueHandler>(queue));
        for (const std::string& text : numbers(0, 2000)) get_logger("exit").info(text);
        std::exit(0);
    });
    CHECK(ended.exited(0));
    CHECK_EQ(scratch.get("app.log"), lines_of(numbers(0, 2000)));
}

TEST("LG03: after a fork both processes log on, and each line is written once") {
    support::needs_threads_after_fork();
    const Scratch scratch;
    const auto ended = support::in_child([&] {
        const auto queue = std::make_shared<LogQueue>();
        QueueListener listener(queue, {std::make_shared<FileHandler>(scratch.path("app.log"))});
        listener.start();
        QueueHandler handler(queue);
        log_numbers(handler, 0, 300); // some are still in the queue
        const pid_t child = ::fork();
        if (child == 0) {
            log_numbers(handler, 1000, 1300);
            listener.stop();
            ::_exit(0);
        }
        log_numbers(handler, 300, 600);
        CHECK(support::wait_for_child(child).exited(0));
        listener.stop();
    });
    CHECK(ended.exited(0));
    std::vector<std::string> expected = numbers(0, 600);
    for (std::string& text : numbers(1000, 1300)) expected.push_back(std::move(text));
    std::vector<std::string> lines;
    std::istringstream file(scratch.get("app.log"));
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    std::sort(lines.begin(), lines.end());
    std::sort(expected.begin(), expected.end());
    CHECK(lines == expected);
}

TEST("LG03: a fork while other threads log leaves no lock behind in the child") {
    support::needs_threads_after_fork();
    const auto ended = support::in_child([] {
        const auto queue = std::make_shared<LogQueue>(100, WhenFull::drop_oldest);
        const auto null = std::make_shared<NullHandler>();
        QueueListener listener(queue, {null});
        listener.start();
        Logger& logger = get_logger("fork.busy");
        logger.set_level(INFO);
        logger.set_propagate(false);
        logger.add_handler(std::make_shared<QueueHandler>(queue));
        std::atomic<bool> done{false};
        std::vector<std::thread> busy;
        for (int i = 0; i < 2; ++i) {
            busy.emplace_back([&, i] {
                while (!done) get_logger("fork.busy." + std::to_string(i)).info("text");
            });
        }
        for (int i = 0; i < 50; ++i) {
            const pid_t child = ::fork();
            if (child == 0) {
                ::alarm(30);
                get_logger("fork.busy.new").info("in the child");
                listener.stop();
                ::_exit(0);
            }
            CHECK(support::wait_for_child(child).exited(0));
        }
        done = true;
        for (std::thread& thread : busy) thread.join();
    });
    CHECK(ended.exited(0));
}
