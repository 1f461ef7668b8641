// SPDX-License-Identifier: MIT
// Context variables: what tasks and callbacks see of each other's. The twin of contexts.py.
#include "support/trace.h"

using namespace trace;

namespace {

ContextVar<int> number("number", 0);

void show(const std::string& name) { log(name + ": " + std::to_string(number.get())); }

} // namespace

SCENARIO("tasks: a copy at creation, own changes, nothing comes back") {
    const auto child = [](std::string name, int value) -> Coro<> {
        show(name);
        co_await sleep(0s);
        number.set(value);
        co_await sleep(0s);
        show(name);
    };
    number.set(1);
    const auto first = create_task(child("first", 10));
    number.set(2);
    const auto second = create_task(child("second", 20));
    number.set(3);
    co_await first;
    co_await second;
    show("main");
}

SCENARIO("coroutines: awaited directly, they share") {
    const auto child = []() -> Coro<> {
        show("child");
        number.set(5);
        co_return;
    };
    number.set(4);
    co_await child();
    show("main");
}

SCENARIO("callbacks: the context of their registration, and a copy of nothing") {
    const Future<> future;
    const auto callback = [](const std::string& name) {
        show(name);
        number.set(number.get() + 100);
    };
    number.set(1);
    loop().call_soon(callback, "soon");
    future.add_done_callback(callback, "done");
    loop().call_later(1s, callback, "later");
    number.set(2);
    future.set_result();
    co_await turns(2);
    show("main");
    co_await sleep(2s);
    show("main");
}

SCENARIO("callbacks: two that were registered in one context see each other's changes") {
    const auto callback = [](const std::string& name) {
        show(name);
        number.set(number.get() + 1);
    };
    Context context = copy_context();
    loop().call_soon(in_context(context), callback, "first");
    loop().call_soon(in_context(context), callback, "second");
    co_await turns(1);
    show("main");
    context.run(show, "context");
}

SCENARIO("a context given to tasks: they share it") {
    const auto child = [](std::string name) -> Coro<> {
        show(name);
        number.set(number.get() + 1);
        co_return;
    };
    Context context = copy_context();
    context.run([] { number.set(40); });
    for (const char* name : {"first", "second"}) {
        co_await create_task(child(name), TaskOptions().context(context));
    }
    context.run(show, "context");
    show("main");
}

SCENARIO("through everything: gather, wait_for, timeouts, shields, callbacks of callbacks") {
    const auto child = [](std::string name) -> Coro<int> {
        show(name);
        number.set(number.get() * 10);
        co_await turns(1);
        show(name);
        co_return number.get();
    };
    number.set(1);
    const auto results = co_await gather(child("gathered"), child("beside"));
    log(std::to_string(std::get<0>(results)) + " " + std::to_string(std::get<1>(results)));
    show("after gather");
    number.set(2);
    co_await shield(child("shielded"));
    show("after shield");
    co_await timeout(5s, child("below a timeout"));
    show("after the timeout");
    const auto second = [] { show("callback of a callback"); };
    const auto first = [second] {
        number.set(number.get() + 1);
        loop().call_soon(second);
        loop().call_later(1s, show, "timer of a callback");
        number.set(number.get() + 1);
    };
    loop().call_soon(first);
    number.set(3);
    co_await sleep(2s);
    show("main");
}

SCENARIO("groups: children have copies, the body has its task's") {
    const auto child = [](std::string name) -> Coro<> {
        show(name);
        number.set(number.get() + 1);
        co_await turns(1);
        show(name);
    };
    const auto body = [&child](TaskGroup& group) -> Coro<> {
        number.set(10);
        group.create_task(child("first"));
        number.set(20);
        group.create_task(child("second"));
        co_await turns(1);
        number.set(30);
    };
    number.set(1);
    co_await task_group(body);
    show("main");
}

SCENARIO("wait_for: the coroutine runs in the caller's context (3.12)") {
    const auto child = []() -> Coro<> {
        number.set(7);
        co_return;
    };
    number.set(1);
    co_await wait_for(child(), 1s);
    show("after a coroutine");
    co_await wait_for(create_task(child()), 1s);
    number.set(2);
    co_await wait_for(create_task(child()), 1s);
    show("after a task");
}

SCENARIO("done-callbacks: each in the context of its registration, whoever completes") {
    const Future<> future;
    const auto callback = [](const std::string& name) {
        show(name);
        number.set(99);
    };
    const auto register_in = [&](std::string name, int value) -> Coro<> {
        number.set(value);
        future.add_done_callback(callback, name);
        co_return;
    };
    co_await gather(register_in("first", 5), register_in("second", 6));
    number.set(7);
    future.add_done_callback(callback, "main's");
    number.set(8);
    future.set_result();
    co_await turns(2);
    show("main");
}

SCENARIO("tokens: the value from before comes back") {
    auto token = number.set(1);
    auto inner = number.set(2);
    show("two");
    number.reset(inner);
    show("one");
    number.reset(token);
    show("none");
    try {
        number.reset(token);
    } catch (const RuntimeError&) {
        log("used");
    }
    co_return;
}

int main() { return run_all(); }
