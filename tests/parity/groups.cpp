// SPDX-License-Identifier: MIT
// Task groups: ends, failures, cancellations, nesting. The twin of groups.py.
#include "support/trace.h"

using namespace trace;

namespace {

using Works = std::vector<Coro<std::string>>;

template <class... A>
Works works(A... all) {
    Works list;
    (list.push_back(std::move(all)), ...);
    return list;
}

Coro<> nothing() { co_return; }

template <class A>
Coro<> group_with(Works children, A awaited) {
    const auto body = [&](TaskGroup& group) -> Coro<> {
        for (auto& one : children) group.create_task(std::move(one));
        static_cast<void>(co_await std::move(awaited));
        log("body ends");
    };
    co_await task_group(body);
    log_time("group ends");
}

Coro<> group_of(Works children) { return group_with(std::move(children), nothing()); }

} // namespace

SCENARIO("a group ends when all its children have ended") {
    co_await group_of(works(work("a", 2s), work("b", 1s)));
}

SCENARIO("the turns of leaving: children that end in one turn, in the body's, before it") {
    co_await group_of(works(work("a", 0s), work("b", 0s)));
    co_await group_with(works(work("a", 0s)), turns(1));
    co_await group_with(works(work("a", 0s)), turns(2));
    co_await group_with(works(work("a", 0s)), turns(5));
    co_await group_of(works());
}

SCENARIO("a child fails: the other is cancelled, the errors come as a group") {
    log(co_await attempt(group_of(works(work("a", 1s, ValueError("a")), work("b", 5s)))));
    log_time("end");
}

SCENARIO("several children fail, one of them while it is cancelled") {
    const auto fail_in_clean_up = []() -> Coro<std::string> {
        static_cast<void>(co_await outcome(sleep(9s)));
        throw KeyError("in clean-up");
    };
    log(co_await attempt(group_of(works(work("a", 1s, ValueError("a")), fail_in_clean_up()))));
}

SCENARIO("the body fails: the children are cancelled") {
    log(co_await attempt(group_with(works(work("a", 5s)), work("body", 1s, ValueError("body")))));
}

SCENARIO("a child fails while the body waits: the body is cancelled") {
    log(co_await attempt(group_with(works(work("a", 1s, ValueError("a"))), work("body", 5s))));
    log(std::to_string(current_task().cancelling()));
}

SCENARIO("the group's task is cancelled while it waits for its children") {
    const auto task = create_task(group_of(works(work("a", 5s))));
    co_await sleep(1s);
    task.cancel();
    log(co_await attempt(task));
    log(text_of(task.cancelled()) + " " + std::to_string(task.cancelling()));
}

SCENARIO("the group's task is cancelled in the body") {
    const auto task = create_task(group_with(works(work("a", 5s)), work("body", 6s)));
    co_await sleep(1s);
    task.cancel();
    log(co_await attempt(task));
    log(text_of(task.cancelled()));
}

SCENARIO("a child that is cancelled alone is no error") {
    std::optional<Task<std::string>> task;
    const auto body = [&task](TaskGroup& group) -> Coro<> {
        task = group.create_task(work("a", 5s));
        group.create_task(work("b", 2s));
        co_await sleep(1s);
        task->cancel();
    };
    co_await task_group(body);
    log_time("end");
    log_end("a", *task);
}

SCENARIO("a child makes another child") {
    const auto body = [](TaskGroup& group) -> Coro<> {
        const auto parent = [](TaskGroup& of) -> Coro<> {
            log("parent");
            of.create_task(work("child", 1s));
            co_return;
        };
        group.create_task(parent(group));
        co_return;
    };
    co_await task_group(body);
    log_time("end");
}

SCENARIO("a group within a group: the inner one fails (3.13)") {
    log(co_await attempt(
        group_with(works(work("outer", 5s)),
                   group_of(works(work("inner", 1s, ValueError("inner")), work("sibling", 3s))))));
    log(std::to_string(current_task().cancelling()));
}

SCENARIO("a child that ignores its cancellation keeps the group waiting") {
    const auto stubborn = []() -> Coro<std::string> {
        const auto end = co_await outcome(sleep(9s));
        if (end.cancelled()) log("ignored");
        co_await sleep(2s);
        log_time("stubborn ends");
        co_return "";
    };
    log(co_await attempt(group_of(works(work("a", 1s, ValueError("a")), stubborn()))));
    log_time("end");
}

int main() { return run_all(); }
