// SPDX-License-Identifier: MIT
// gather, wait, shield, as_completed: results, errors, turns. The twin of combining.py.
#include "support/trace.h"

using namespace trace;

namespace {

template <class... T>
std::string joined(const std::tuple<T...>& results) {
    std::string text;
    const auto add = [&text](const std::string& one) { text += (text.empty() ? "" : " ") + one; };
    std::apply([&add](const auto&... result) { (add(text_of(result)), ...); }, results);
    return text;
}

template <class A>
Coro<std::string> joined_results(A gathered) {
    const auto results = co_await std::move(gathered);
    co_return joined(results);
}

} // namespace

// ---- gather -------------------------------------------------------------------------------------

SCENARIO("gather: results in the order of the arguments, two turns after the last end") {
    const auto results = co_await gather(work("a", 2s), work("b", 1s), work("c", 0s));
    log_time(joined(results));
}

SCENARIO("gather: the first error comes at once, the others go on") {
    log(co_await attempt(
        joined_results(gather(work("a", 2s), work("b", 1s, ValueError("b")), work("c", 3s)))));
    log_time("main goes on");
    co_await sleep(5s);
}

SCENARIO("gather: a second error is not reported") {
    log(co_await attempt(
        joined_results(gather(work("a", 1s, ValueError("a")), work("b", 2s, KeyError("b"))))));
    co_await sleep(5s);
    log("end");
}

SCENARIO("gather: errors as results") {
    const auto task = create_task(work("cancelled", 9s));
    loop().call_later(1s, [&task] { task.cancel(); });
    const auto results =
        co_await gather_outcomes(work("a", 1s), work("b", 2s, ValueError("b")), task);
    log_time(joined(results));
}

SCENARIO("gather: of nothing") {
    const std::vector<std::string> none = co_await gather(std::vector<Future<std::string>>());
    log(text_of(none));
    log("end");
}

SCENARIO("gather: cancelled from outside, it cancels its children") {
    const auto outer = []() -> Coro<std::string> {
        co_return joined(co_await gather(work("a", 5s), work("b", 6s)));
    };
    const auto task = create_task(outer());
    co_await sleep(1s);
    log(text_of(task.cancel()));
    log(co_await attempt(task));
    log(text_of(task.cancelled()));
}

SCENARIO("gather: the future itself is cancelled") {
    const auto gathered = gather(work("a", 5s), work("b", 6s));
    co_await sleep(1s);
    log(text_of(gathered.cancel()));
    log(text_of(gathered.done()));
    log(co_await attempt(joined_results(gathered)));
}

SCENARIO("gather: a child that others cancel is an error like any") {
    const auto task = create_task(work("a", 5s));
    loop().call_later(1s, [&task] { task.cancel(); });
    log(co_await attempt(joined_results(gather(task, work("b", 2s)))));
    co_await sleep(5s);
}

SCENARIO("gather: one future twice, and done ones beside pending ones") {
    const Future<std::string> done;
    done.set_result("done");
    const auto task = create_task(work("a", 1s));
    log(joined(co_await gather(task, done, task)));
}

SCENARIO("gather: all are done at the call (3.12)") {
    const Future<std::string> done;
    done.set_result("done");
    log(joined(co_await gather(done, done)));
}

SCENARIO("gather: within gather") {
    const auto both = [](std::string name) -> Coro<std::string> {
        co_return joined(co_await gather(work(name + "1", 1s), work(name + "2", 2s)));
    };
    log(joined(co_await gather(both("a"), both("b"))));
}

SCENARIO("gather: cancelled in the turn in which the last child ends") {
    const Future<std::string> future;
    const auto outer = [&future]() -> Coro<std::string> {
        co_return joined(co_await gather(future));
    };
    const auto task = create_task(outer());
    co_await turns(2);
    future.set_result("kept");
    task.cancel();
    log(co_await attempt(task));
    log_end("future", future);
}

// ---- wait ---------------------------------------------------------------------------------------

namespace {

using Tasks = std::vector<Task<std::string>>;

std::string names(const Tasks& tasks) {
    std::string text;
    for (const auto& task : tasks) text += (text.empty() ? "" : " ") + task.get_name();
    return text;
}

Coro<> log_wait(Tasks tasks, WaitOptions options = WaitOptions()) {
    const auto result = co_await wait(tasks, options);
    log_time("done: " + names(result.done) + "; pending: " + names(result.pending));
}

} // namespace

SCENARIO("wait: for all") {
    const Tasks tasks{create_task(work("a", 1s), "a"),
                      create_task(work("b", 2s, ValueError("b")), "b")};
    co_await log_wait(tasks);
}

SCENARIO("wait: for the first, and the rest goes on") {
    const Tasks tasks{create_task(work("a", 2s), "a"), create_task(work("b", 1s), "b"),
                      create_task(work("c", 1s), "c")};
    co_await log_wait(tasks, WaitOptions().return_when(FIRST_COMPLETED));
    co_await log_wait(tasks);
}

SCENARIO("wait: for the first exception") {
    const Tasks tasks{create_task(work("a", 1s), "a"),
                      create_task(work("b", 2s, ValueError("b")), "b"),
                      create_task(work("c", 3s), "c")};
    co_await log_wait(tasks, WaitOptions().return_when(FIRST_EXCEPTION));
    co_await log_wait(tasks);
}

SCENARIO("wait: a cancelled member is no exception") {
    const Tasks tasks{create_task(work("a", 5s), "a"), create_task(work("b", 2s), "b")};
    loop().call_later(1s, [&tasks] { tasks[0].cancel(); });
    co_await log_wait(tasks, WaitOptions().return_when(FIRST_EXCEPTION));
}

SCENARIO("wait: a timeout cancels nobody") {
    const Tasks tasks{create_task(work("a", 1s), "a"), create_task(work("b", 3s), "b")};
    co_await log_wait(tasks, WaitOptions().timeout(2s));
    co_await log_wait(tasks, WaitOptions().timeout(0s));
    co_await log_wait(tasks);
}

SCENARIO("wait: all are done at the call") {
    const Tasks tasks{create_task(work("a", 0s), "a")};
    co_await sleep(1s);
    co_await log_wait(tasks);
}

SCENARIO("wait: cancelled, it leaves its members alone") {
    const Tasks tasks{create_task(work("a", 2s), "a")};
    const auto waiter = create_task(log_wait(tasks));
    co_await sleep(1s);
    waiter.cancel("enough");
    log(co_await attempt(waiter));
    log(co_await tasks[0]);
}

// ---- shield -------------------------------------------------------------------------------------

SCENARIO("shield: the inner work's result, two turns after its end") {
    log(co_await shield(work("inner", 1s)));
    log(co_await attempt(shield(work("inner", 1s, ValueError("inner")))));
}

SCENARIO("shield: cancelled from outside, the inner work goes on") {
    const auto inner = create_task(work("inner", 2s));
    const auto outer = [&inner]() -> Coro<std::string> { co_return co_await shield(inner); };
    const auto task = create_task(outer());
    co_await sleep(1s);
    task.cancel("outside");
    log(co_await attempt(task));
    log(co_await inner);
}

SCENARIO("shield: the inner work is cancelled") {
    const auto inner = create_task(work("inner", 2s));
    loop().call_later(1s, [&inner] { inner.cancel(); });
    log(co_await attempt(shield(inner)));
}

SCENARIO("shield: of what is done") {
    const auto inner = create_task(work("inner", 0s));
    co_await sleep(1s);
    log(co_await shield(inner));
}

// ---- as_completed -------------------------------------------------------------------------------

SCENARIO("as_completed: in the order of the ends") {
    const Tasks tasks{create_task(work("a", 3s)), create_task(work("b", 1s)),
                      create_task(work("c", 2s, ValueError("c")))};
    for (auto&& following : as_completed(tasks)) log(co_await attempt(following));
    log_time("end");
}

SCENARIO("as_completed: a timeout") {
    const Tasks tasks{create_task(work("a", 3s)), create_task(work("b", 1s))};
    for (auto&& following : as_completed(tasks, 2s)) {
        const std::string text = co_await attempt(following);
        log(text.substr(0, text.find('(')));
    }
    log_time("end");
    co_await sleep(5s);
}

SCENARIO("as_completed: several that end in one turn") {
    std::vector<Future<std::string>> futures;
    for (int i = 0; i < 3; ++i) futures.push_back(Future<std::string>());
    const auto read = [&futures]() -> Coro<> {
        for (auto&& following : as_completed(futures)) {
            const std::string text = co_await following;
            log(text);
        }
    };
    const auto task = create_task(read());
    co_await turns(1);
    for (const std::size_t i : {2U, 0U, 1U}) futures[i].set_result("future " + std::to_string(i));
    co_await task;
}

int main() { return run_all(); }
