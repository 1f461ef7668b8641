// SPDX-License-Identifier: MIT
// Tutorial, chapter 11: logging.
#include <asyncio/asyncio.h>
#include <logging/logging.h>

#include <iostream>
#include <memory>
#include <string>

using namespace std::chrono_literals;

// [first]
void first_lines() {
    logging::basic_config(logging::BasicConfig()
                              .stream(logging::StreamHandler::Stream::out)
                              .level(logging::INFO)
                              .format("%(levelname)-8s %(name)s: %(message)s"));
    auto& log = logging::get_logger("shop.orders");
    log.info("order {} has {} items", 7, 3);
    log.debug("not wanted: nothing is formatted");
    logging::get_logger("shop").set_level(logging::ERROR); // and all below it
    log.warning("not wanted either");
}
// [/first]

// [context]
asyncio::Coro<> serve(int number) {
    logging::ContextScope scope("request", std::to_string(number)); // for all lines of this task
    auto& log = logging::get_logger("server");
    log.info("begun");
    co_await asyncio::sleep(10ms);
    log.info("done");
}

asyncio::Coro<> serve_two() {
    auto out = std::make_shared<logging::StreamHandler>(logging::StreamHandler::Stream::out);
    out->set_formatter(std::make_shared<logging::PatternFormatter>("[%(context)s] %(message)s"));
    auto& log = logging::get_logger("server");
    log.add_handler(out);
    log.set_propagate(false); // the root does not get them as well
    co_await asyncio::gather(serve(1), serve(2));
}
// [/context]

// [queue]
asyncio::Coro<> log_through_a_queue() {
    auto file =
        std::make_shared<logging::RotatingFileHandler>("/tmp/asyncio-tutorial.log", 1'000'000, 3);
    file->set_formatter(std::make_shared<logging::JsonFormatter>());

    auto queue = std::make_shared<logging::LogQueue>(10'000, logging::WhenFull::drop_oldest);
    logging::QueueListener listener(queue, {file}); // a thread that writes
    listener.start();

    auto& log = logging::get_logger("busy");
    log.set_propagate(false);
    log.add_handler(std::make_shared<logging::QueueHandler>(queue)); // waits for no disk
    for (int i = 0; i < 1000; ++i) log.warning("line {}", i);
    co_await asyncio::sleep(0s);

    listener.stop(); // all is written now
    std::cout << queue->dropped() << " lines dropped\n";
}
// [/queue]

// [errors]
void log_an_error() {
    try {
        throw asyncio::ValueError("no such order");
    } catch (const asyncio::ValueError&) {
        logging::get_logger("shop").exception("order {} failed", 7);
    }
}
// [/errors]

// [asyncio]
asyncio::Coro<> forget_a_task() {
    logging::capture_asyncio(); // its own lines: errors that nobody retrieved, slow callbacks
    auto fails = []() -> asyncio::Coro<> {
        co_await asyncio::sleep(0s);
        throw asyncio::ValueError("nobody looks");
    };
    {
        auto forgotten = asyncio::create_task(fails());
    }
    co_await asyncio::sleep(10ms);
}
// [/asyncio]

int main() {
    first_lines();
    asyncio::run(serve_two());
    asyncio::run(log_through_a_queue());
    log_an_error();
    asyncio::run(forget_a_task());
}
