// SPDX-License-Identifier: MIT
// Callbacks and timers: in which order, in which turn. The twin of callbacks.py.
#include "support/trace.h"

using namespace trace;

SCENARIO("call_soon: first come, first served; nested ones wait for the next turn") {
    const auto outer = [] {
        log("outer");
        loop().call_soon(log, "inner");
    };
    loop().call_soon(log, "a");
    loop().call_soon(outer);
    loop().call_soon(log, "b");
    log("scheduled");
    co_await turns(3);
    log("end");
}

namespace {

void again(int left) {
    log("left " + std::to_string(left));
    if (left > 0) loop().call_soon(again, left - 1);
}

} // namespace

SCENARIO("call_soon: a callback that schedules itself runs once a turn") {
    loop().call_soon(again, 3);
    loop().call_soon(log, "other");
    co_await turns(5);
}

SCENARIO("handles: a cancelled callback does not run, also if cancelled in the same turn") {
    std::optional<Handle> second;
    Handle first = loop().call_soon(log, "never");
    first.cancel();
    loop().call_soon([&second] {
        log("cancels");
        second->cancel();
    });
    second = loop().call_soon(log, "never either");
    loop().call_soon(log, "third");
    co_await turns(1);
    log(text_of(first.cancelled()) + " " + text_of(second->cancelled()));
    second->cancel();
    co_await turns(1);
}

SCENARIO("timers: deadlines in order, whatever the order of registration") {
    loop().call_later(3s, log_time, "three");
    loop().call_later(1s, log_time, "one");
    loop().call_later(2s, log_time, "two");
    co_await sleep(4s);
    log_time("end");
}

SCENARIO("timers: equal deadlines in the order of registration") {
    const TimePoint when = loop().time() + 1s;
    loop().call_at(when, log_time, "first");
    loop().call_at(when, log_time, "second");
    co_await sleep(2s);
}

SCENARIO("timers: negative delays run by deadline, after what is ready") {
    loop().call_later(-1s, log_time, "minus one");
    loop().call_later(-2s, log_time, "minus two");
    loop().call_soon(log, "soon");
    co_await turns(1);
    log("main");
    co_await turns(2);
}

SCENARIO("timers: a delay of zero runs in the next turn, after what is ready") {
    loop().call_later(0s, log_time, "zero");
    loop().call_soon(log, "soon");
    co_await turns(1);
    log("main");
    co_await turns(2);
}

SCENARIO("timers: a cancelled timer neither runs nor moves the clock") {
    TimerHandle timer = loop().call_later(5s, log_time, "never");
    timer.cancel();
    log(text_of(timer.cancelled()));
    co_await sleep(1s);
    log_time("slept");
}

SCENARIO("timers: a timer cancels another one that is due in the same turn") {
    std::optional<TimerHandle> other;
    const auto cancel_other = [&other] {
        log_time("cancels");
        other->cancel();
    };
    loop().call_later(1s, cancel_other);
    other = loop().call_later(1.5s, log_time, "never");
    co_await sleep(2s);
    const TimePoint when = loop().time() + 1s;
    loop().call_at(when, cancel_other);
    other = loop().call_at(when, log_time, "never either");
    co_await sleep(2s);
    log_time("end");
}

SCENARIO("timers: what a due timer schedules runs a turn later than the timers due with it") {
    const auto first = [] {
        log_time("first");
        loop().call_soon(log, "scheduled by the first");
    };
    const TimePoint when = loop().time() + 1s;
    loop().call_at(when, first);
    loop().call_at(when, log_time, "second");
    co_await sleep(2s);
}

SCENARIO("timers: a sleep and a timer with one deadline, in the order of registration") {
    const auto sleeper = []() -> Coro<> {
        co_await sleep(1s);
        log_time("sleeper");
    };
    const auto task = create_task(sleeper());
    co_await turns(1);
    loop().call_later(1s, log_time, "timer");
    co_await task;
    co_await sleep(1s);
}

SCENARIO("timers: one in the past is due at once") {
    co_await sleep(5s);
    loop().call_at(TimePoint(1s), log_time, "long due");
    loop().call_at(TimePoint(5s), log_time, "just due");
    loop().call_soon(log, "soon");
    co_await turns(2);
}

SCENARIO("exceptions: a callback that throws is reported, the others of its turn run") {
    const auto fail = [] { throw ValueError("in a callback"); };
    loop().call_soon(log, "before");
    loop().call_soon(fail);
    loop().call_soon(log, "after");
    loop().call_later(1s, fail);
    co_await sleep(2s);
}

SCENARIO("exceptions: call_exception_handler calls the handler at once") {
    loop().set_exception_handler([](EventLoop&, const ExceptionContext& context) {
        log("handler: " + repr(context.exception));
    });
    ExceptionContext context;
    context.message = "by hand";
    context.exception = std::make_exception_ptr(KeyError("k"));
    loop().call_exception_handler(context);
    loop().call_soon(log, "next");
    co_await turns(1);
}

SCENARIO("the turn: what is ready, then sleeps, then timers, all due in one turn") {
    const auto sleeper = [](std::string name, Duration delay) -> Coro<> {
        co_await sleep(delay);
        log_time(name);
        co_await sleep(0s);
        log_time(name + " again");
    };
    const auto a = create_task(sleeper("a", 1s));
    const auto b = create_task(sleeper("b", 1s));
    co_await turns(1);
    loop().call_later(1s, [] { loop().call_soon(log, "from a timer"); });
    co_await a;
    co_await b;
    log("main");
}

int main() { return run_all(); }
