// SPDX-License-Identifier: MIT
// Asynchronous generators: laziness, turns, closing, cancelling. The twin of generators.py.
#include "support/trace.h"

using namespace trace;

namespace {

struct CleanUp {
    explicit CleanUp(std::string of) : name(std::move(of)) {}
    CleanUp(const CleanUp&) = delete;
    CleanUp& operator=(const CleanUp&) = delete;
    ~CleanUp() { log(name + " cleans up"); }
    std::string name;
};

AsyncGenerator<int> count(std::string name, int limit, bool suspend = true) {
    log(name + " starts");
    const CleanUp clean_up(name);
    for (int i = 0; i < limit; ++i) {
        if (suspend) co_await sleep(0s);
        co_yield i;
        log(name + " after " + std::to_string(i));
    }
    log(name + " ends");
}

Coro<> read(std::string name, AsyncGenerator<int> generator) {
    while (auto value = co_await generator.next()) log(name + "got " + std::to_string(*value));
}

std::string text_of_next(const std::optional<int>& value) {
    return value ? std::to_string(*value) : "nothing";
}

} // namespace

SCENARIO("values: lazily, in turn with who reads them") {
    auto generator = count("g", 3);
    log("made");
    while (auto value = co_await generator.next()) log("got " + std::to_string(*value));
    log("end");
}

SCENARIO("values: no turn is taken where nothing suspends") {
    auto generator = count("g", 3, false);
    while (auto value = co_await generator.next()) log("got " + std::to_string(*value));
}

SCENARIO("an exception in the body ends it") {
    const auto broken = []() -> AsyncGenerator<int> {
        co_yield 1;
        co_await sleep(0s);
        throw ValueError("broken");
    };
    auto generator = broken();
    try {
        while (auto value = co_await generator.next()) log("got " + std::to_string(*value));
    } catch (const ValueError& error) {
        log(repr(error));
    }
    while (auto value = co_await generator.next()) log("never");
    log("end");
}

SCENARIO("aclose: clean-up runs, and may await") {
    const auto tidy = []() -> AsyncGenerator<int> {
        bool closing = false;
        try {
            co_yield 1;
            co_yield 2;
        } catch (const GeneratorExit&) {
            closing = true;
        }
        log("cleans up");
        co_await sleep(0s);
        log("has cleaned up");
        if (closing) throw GeneratorExit();
    };
    auto generator = tidy();
    log(text_of_next(co_await generator.next()));
    co_await generator.aclose();
    log("closed");
    co_await generator.aclose();
    log(text_of_next(co_await generator.next()));
}

SCENARIO("aclose: before the start nothing runs") {
    auto generator = count("g", 3);
    co_await generator.aclose();
    log(text_of_next(co_await generator.next()));
}

SCENARIO("two readers in two tasks, each with its own") {
    const auto first = create_task(read("a ", count("a", 2)));
    const auto second = create_task(read("b ", count("b", 2)));
    co_await first;
    co_await second;
}

SCENARIO("cancel: while the generator waits") {
    const auto slow = []() -> AsyncGenerator<int> {
        try {
            co_yield 1;
            co_await sleep(1000s);
            co_yield 2;
        } catch (const CancelledError& error) {
            log("generator " + repr(error));
            throw;
        }
    };
    const auto task = create_task(read("", slow()));
    co_await turns(2);
    task.cancel("stop");
    co_await turns(3);
    log_end("task", task);
}

int main() { return run_all(); }
