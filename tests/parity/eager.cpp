// SPDX-License-Identifier: MIT
// Eager tasks, and task factories. The twin of eager.py.
#include "support/trace.h"

using namespace trace;

namespace {

Coro<std::string> body(std::string name, bool suspend) {
    log(name + " starts");
    if (suspend) {
        co_await sleep(0s);
        log(name + " goes on");
    }
    co_return name;
}

void eagerly() { loop().set_task_factory(eager_task_factory); }

} // namespace

SCENARIO("eager: a task runs to its first suspension in create_task (3.12)") {
    eagerly();
    const auto brief = create_task(body("brief", false));
    log_end("brief", brief);
    const auto longer = create_task(body("longer", true));
    log(text_of(longer.done()));
    log(co_await longer);
    log(co_await brief);
}

namespace {

Coro<> nest(int depth) {
    log("down " + std::to_string(depth));
    if (depth > 0) {
        co_await create_task(nest(depth - 1));
    } else {
        co_await sleep(0s);
    }
    log("up " + std::to_string(depth));
}

} // namespace

SCENARIO("eager: tasks within tasks (3.12)") {
    eagerly();
    co_await create_task(nest(3));
}

SCENARIO("eager: failures, cancellations and done-callbacks (3.12)") {
    eagerly();
    const auto fail = []() -> Coro<int> {
        throw ValueError("at once");
        co_return 0;
    };
    const auto task = create_task(fail());
    task.add_done_callback([](const Task<int>& done) { log_end("callback", done); });
    log(text_of(task.done()));
    const auto suspended = create_task(body("suspended", true));
    suspended.add_done_callback([](const Task<std::string>& done) { log_end("suspended", done); });
    log(text_of(suspended.cancel("early")));
    co_await turns(3);
}

SCENARIO("factory: it makes every task") {
    loop().set_task_factory([](EventLoop&, PendingTask task, const TaskOptions& options) {
        log("factory");
        return task.start(options);
    });
    const auto task = create_task(body("task", true));
    log(co_await task);
    loop().set_task_factory(nullptr);
    log(co_await create_task(body("plain", false)));
}

int main() { return run_all(); }
