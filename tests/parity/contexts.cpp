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
