// SPDX-License-Identifier: MIT
// Scenarios on a loop whose clock jumps, and the trace that they leave: trace.py in C++.
#pragma once

#include <asyncio/asyncio.h>
#include <asyncio/testing/virtual_clock.h>

#include <cstdio>
#include <string>
#include <variant>
#include <vector>

namespace trace {

using namespace asyncio; // scenarios read like their twins
using namespace std::chrono_literals;

inline EventLoop* the_loop = nullptr; // of the scenario
inline std::uint64_t start = 0;
inline bool shows_turns = true;

inline EventLoop& loop() { return *the_loop; }

/// For this scenario: what takes another number of turns in Debian's Python than in newer ones.
inline void hide_turns() { shows_turns = false; }

/// The present turn is number 0.
inline void count_anew() { start = loop().turn_count(); }

/// Prints a line that begins with the turn, counted from the scenario's first step or the clock's
/// last jump: whether a turn before the jump had nothing but a counter to run, nobody can tell.
inline void log(const std::string& text) {
    const std::string turn = std::to_string(loop().turn_count() - start);
    std::printf("[%s] %s\n", shows_turns ? turn.c_str() : "-", text.c_str());
}

inline void log_time(const std::string& text) {
    char seconds[40];
    std::snprintf(seconds, sizeof seconds, "%g",
                  Duration(loop().time().time_since_epoch()).seconds().count());
    log(text + " at " + seconds + " s");
}

inline std::string text_of(const std::string& value) { return value; }
inline std::string text_of(int value) { return std::to_string(value); }
inline std::string text_of(bool value) { return value ? "True" : "False"; }
inline std::string text_of(std::monostate) { return "None"; }
inline std::string text_of(const std::exception_ptr& value) { return repr(value); }
template <class T>
std::string text_of(const Outcome<T>& end) {
    if (!end.has_value()) return repr(end.exception());
    if constexpr (std::is_void_v<T>) {
        return "None";
    } else {
        return text_of(end.value());
    }
}
template <class T>
std::string text_of(const std::vector<T>& values) {
    std::string text = "[";
    for (const T& value : values) text += (text.size() > 1 ? ", " : "") + text_of(value);
    return text + "]";
}

inline std::string text_of_error(const std::exception_ptr& error) {
    std::string text;
    detail::visit_exception<ExceptionGroup>(error, [&text](const ExceptionGroup& group) {
        for (const std::exception_ptr& one : group.exceptions()) {
            text += (text.empty() ? "" : ", ") + text_of_error(one);
        }
        text = group.message() + ": [" + text + "]";
    });
    return text.empty() ? repr(error) : text;
}

/// How a future that is done has ended.
template <class F>
void log_end(const std::string& name, const F& future) {
    if (future.cancelled()) {
        log(name + ": cancelled");
    } else if (future.exception() != nullptr) {
        log(name + ": " + text_of_error(future.exception()));
    } else if constexpr (std::is_void_v<typename F::value_type>) {
        log(name + ": None");
    } else {
        log(name + ": " + text_of(future.result()));
    }
}

/// What an await gives, as text: its value or its exception.
template <class A>
Coro<std::string> attempt(A awaitable) {
    const auto end = co_await outcome(std::move(awaitable));
    if (end.has_value()) co_return text_of(end);
    co_return text_of_error(end.exception());
}

/// Works for some seconds, and ends with its name or an error.
inline Coro<std::string> work(std::string name, Duration delay,
                              std::exception_ptr error = nullptr) {
    log(name + " starts");
    const auto slept = co_await outcome(sleep(delay));
    if (slept.cancelled()) log(name + " " + repr(slept.exception()));
    slept.value();
    log_time(name + " ends");
    if (error) std::rethrow_exception(error);
    co_return name;
}
template <class E>
Coro<std::string> work(std::string name, Duration delay, const E& error) {
    return work(std::move(name), delay, std::make_exception_ptr(error));
}

inline Coro<> turns(int count) {
    for (int i = 0; i < count; ++i) co_await sleep(0s);
}

inline void report(EventLoop&, const ExceptionContext& context) {
    std::string message = context.message;
    if (message.starts_with("Exception in callback")) message = "Exception in callback";
    log("handler: " + message + ": " + repr(context.exception));
}

using Body = base::Function<Coro<>()>; // awaited in the main task
using LoopBody = base::Function<void()>; // called beside the loop, which it runs

struct Scenario {
    std::string title;
    std::variant<Body, LoopBody> body;
};

inline std::vector<Scenario>& scenarios() {
    static std::vector<Scenario> all;
    return all;
}

struct Registration {
    template <class B>
    Registration(std::string title, B body) {
        scenarios().push_back({std::move(title), std::move(body)});
    }
};

inline std::unique_ptr<EventLoop> make_loop() {
    return std::make_unique<EventLoop>(
        LoopOptions().backend(testing::make_virtual_backend(5s, &count_anew)));
}

inline void enter(EventLoop& loop) {
    the_loop = &loop;
    count_anew();
    shows_turns = true;
    loop.set_exception_handler(report);
}

inline void run_scenario(const Body& body) {
    const auto main = [](const Body& of_scenario) -> Coro<> {
        enter(get_running_loop());
        co_await of_scenario();
    };
    RunOptions options;
    options.loop_factory(&make_loop);
    run(main(body), std::move(options));
}

inline void run_scenario(const LoopBody& body) {
    const auto loop = make_loop();
    enter(*loop);
    body();
}

inline int run_all() {
    for (const Scenario& scenario : scenarios()) {
        std::printf("== %s\n", scenario.title.c_str());
        std::visit([](const auto& body) { run_scenario(body); }, scenario.body);
    }
    return 0;
}

} // namespace trace

// NOLINTBEGIN(cppcoreguidelines-macro-usage): a scenario needs its title and a function.
#define TRACE_JOIN_(a, b) a##b
#define TRACE_JOIN(a, b) TRACE_JOIN_(a, b)
#define TRACE_SCENARIO(title, Result, Body)                             \
    static Result TRACE_JOIN(scenario_, __LINE__)();                    \
    static const trace::Registration TRACE_JOIN(registered_, __LINE__)( \
        title, trace::Body(&TRACE_JOIN(scenario_, __LINE__)));          \
    static Result TRACE_JOIN(scenario_, __LINE__)()
#define SCENARIO(title) TRACE_SCENARIO(title, asyncio::Coro<>, Body)
#define LOOP_SCENARIO(title) TRACE_SCENARIO(title, void, LoopBody)
// NOLINTEND(cppcoreguidelines-macro-usage)
