// SPDX-License-Identifier: MIT
// timeout and wait_for: who is cancelled, by whom, and what comes of it. The twin of timeouts.py.
#include "support/trace.h"

using namespace trace;

namespace {

// `body` below a timeout; says how that ended.
template <class A>
Coro<> limited(std::optional<Duration> limit, A body) {
    Timeout scope = timeout(limit);
    const auto run = [&body]() -> Coro<> { static_cast<void>(co_await std::move(body)); };
    const auto end = co_await outcome(scope.with(run));
    if (!end.has_value()) log("limited: " + type_name(end.exception()));
    log_time("expired: " + text_of(scope.expired()) +
             ", cancelling: " + std::to_string(current_task().cancelling()));
    end.value();
}

template <class A>
Coro<> swallow(A awaitable) {
    static_cast<void>(co_await outcome(std::move(awaitable)));
}

} // namespace

SCENARIO("timeout: in time") {
    co_await limited(2s, work("body", 1s));
    co_await sleep(5s);
    log_time("end");
}

SCENARIO("timeout: too late") {
    co_await swallow(limited(1s, work("body", 2s)));
    co_await sleep(1s);
    log_time("end");
}

SCENARIO("timeout: none") { co_await limited(std::nullopt, work("body", 1s)); }

SCENARIO("timeout: zero, and less than nothing") {
    co_await swallow(limited(0s, work("body", 1s)));
    co_await swallow(limited(-1s, work("body", 1s)));
    co_await limited(0s, turns(0));
}

SCENARIO("timeout: its deadline is the body's end") {
    co_await swallow(limited(1s, work("body", 1s)));
}

SCENARIO("timeout: the body throws") {
    co_await swallow(limited(5s, work("body", 1s, ValueError("of the body"))));
    log_time("end");
}

SCENARIO("timeout: within a longer one, within a shorter one") {
    co_await swallow(limited(5s, limited(1s, work("body", 9s))));
    co_await swallow(limited(1s, limited(5s, work("body", 9s))));
}

SCENARIO("timeout: two with one deadline") {
    co_await swallow(limited(1s, limited(1s, work("body", 9s))));
}

SCENARIO("timeout: a cancel from outside before it") {
    const auto task = create_task(limited(5s, work("body", 9s)));
    loop().call_later(1s, [&task] { task.cancel("outside"); });
    log(co_await attempt(task));
    log(std::to_string(task.cancelling()));
}

SCENARIO("timeout: a cancel from outside at its deadline, registered later") {
    const auto task = create_task(limited(1s, work("body", 9s)));
    co_await turns(1);
    loop().call_later(1s, [&task] { task.cancel("outside"); });
    log(co_await attempt(task));
    log(std::to_string(task.cancelling()));
}

SCENARIO("timeout: a cancel from outside at its deadline, registered first") {
    const auto task = create_task(limited(1s, work("body", 9s)));
    loop().call_later(1s, [&task] { task.cancel("outside"); });
    log(co_await attempt(task));
    log(std::to_string(task.cancelling()));
}

namespace {

Coro<> rescheduled(Duration delay, std::optional<Duration> when) {
    Timeout scope = timeout(2s);
    const auto body = [&]() -> Coro<> {
        co_await sleep(1s);
        std::optional<TimePoint> deadline;
        if (when) deadline = loop().time() + *when;
        scope.reschedule(deadline);
        co_await sleep(delay);
        log_time("in time");
    };
    const auto end = co_await outcome(scope.with(body));
    if (end.has_exception()) log_time("too late");
    log(text_of(scope.expired()));
}

} // namespace

SCENARIO("timeout: rescheduled to later, to sooner, to never") {
    co_await rescheduled(3s, 5s);
    co_await rescheduled(9s, 0.5s);
    co_await rescheduled(9s, std::nullopt);
    co_await rescheduled(9s, -1s);
}

SCENARIO("timeout: the body swallows the cancel") {
    const auto stubborn = []() -> Coro<> {
        co_await swallow(sleep(9s));
        log("goes on");
        co_await sleep(1s);
        log_time("ends");
    };
    co_await swallow(limited(1s, stubborn()));
    log("end");
}

SCENARIO("timeout: clean-up in the body takes its time") {
    const auto tidy = []() -> Coro<> {
        const auto end = co_await outcome(sleep(9s));
        co_await sleep(3s);
        log_time("tidy");
        end.value();
    };
    co_await swallow(limited(1s, tidy()));
}

SCENARIO("wait_for: in time, too late, without a limit") {
    hide_turns();
    log(co_await wait_for(work("a", 1s), 2s));
    log(co_await attempt(wait_for(work("b", 2s), 1s)));
    log(co_await wait_for(work("c", 1s), std::nullopt));
    log_time("end");
}

SCENARIO("wait_for: of a task, which is cancelled when the time is up") {
    hide_turns();
    const auto task = create_task(work("a", 9s));
    log(co_await attempt(wait_for(task, 1s)));
    log_end("task", task);
}

SCENARIO("wait_for: it waits for clean-up, and passes on what that throws") {
    hide_turns();
    const auto tidy = [](std::exception_ptr error) -> Coro<std::string> {
        const auto end = co_await outcome(sleep(9s));
        co_await sleep(3s);
        log_time("tidy");
        if (error) std::rethrow_exception(error);
        end.value();
        co_return "never";
    };
    log(co_await attempt(wait_for(tidy(nullptr), 1s)));
    const auto error = std::make_exception_ptr(ValueError("in clean-up"));
    log(co_await attempt(wait_for(tidy(error), 1s)));
    log_time("end");
}

SCENARIO("wait_for: cancelled from outside") {
    hide_turns();
    const auto task = create_task(wait_for(work("a", 9s), 5s));
    co_await turns(2);
    task.cancel();
    log(co_await attempt(task));
}

SCENARIO("wait_for: a limit of zero") {
    hide_turns();
    const Future<std::string> done;
    done.set_result("done");
    log(co_await attempt(wait_for(done, 0s)));
    log(co_await attempt(wait_for(Future<std::string>(), 0s)));
}

SCENARIO("wait_for: of a coroutine 0 turns, of a task 1, of what is done 0 (3.12)") {
    log(co_await wait_for(work("a", 1s), 2s));
    log(co_await wait_for(create_task(work("b", 1s)), 2s));
    log("end");
}

int main() { return run_all(); }
