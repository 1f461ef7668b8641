// SPDX-License-Identifier: MIT
// How futures, tasks and handles look in a report, and the stacks that tasks show.
#include "asyncio/format_helpers.h"
#include "asyncio/generators.h"
#include "asyncio/testing/testing.h"
#include "support/moments.h"

#include <sstream>

using namespace asyncio;
using namespace std::chrono_literals;
using support::contains;

namespace {

struct first_callback {
    template <class F>
    void operator()(const F&) const {}
};
struct second_callback {
    void operator()() const {}
};
struct third_callback {
    void operator()() const {}
};

const std::string this_file = std::source_location::current().file_name();

std::string place(unsigned line) { return this_file + ":" + std::to_string(line); }

unsigned line_here(std::source_location where = std::source_location::current()) {
    return where.line();
}

unsigned sleep_line = 0;
unsigned nap_line = 0;

Coro<> sleep_long() {
    sleep_line = line_here() + 1;
    co_await sleep(1h);
}
Coro<> nap() {
    nap_line = line_here() + 1;
    co_await sleep_long();
}
Coro<> wait_on(Future<> future) { co_await future; }
Coro<int> give(int value) { co_return value; }
Coro<> fail_below(Future<> future) {
    co_await future;
    throw ValueError("wrong");
}
unsigned fail_line = 0;
Coro<> fail_above(Future<> future) {
    fail_line = line_here() + 1;
    co_await fail_below(future);
}

// "nap:42 sleep_long:41"
std::string text_of_stack(const std::vector<StackEntry>& stack) {
    std::string text;
    for (const StackEntry& entry : stack) {
        text += (text.empty() ? "" : " ") + entry.function + ":" + std::to_string(entry.line);
        CHECK_EQ(entry.file, this_file);
    }
    return text;
}

std::string call(const char* function, unsigned line) {
    return std::string(function) + ":" + std::to_string(line);
}

template <class T>
Coro<> end_cancelled(Task<T> task) {
    task.cancel();
    const auto end = co_await outcome(task);
    CHECK(end.cancelled());
}

} // namespace

// ---- futures ------------------------------------------------------------------------------------

CO_TEST("SEM-FUT-19: the text shows the state, and the result or the exception") {
    Future<int> number, failed, cancelled;
    CHECK_EQ(to_string(number), "<Future pending>");
    number.set_result(7);
    CHECK_EQ(to_string(number), "<Future finished result=7>");
    failed.set_exception(ValueError("it's wrong"));
    CHECK_EQ(to_string(failed), "<Future finished exception=ValueError(\"it's wrong\")>");
    static_cast<void>(failed.exception());
    cancelled.cancel();
    CHECK_EQ(to_string(cancelled), "<Future cancelled>");
    Future<> nothing;
    nothing.set_result();
    CHECK_EQ(to_string(nothing), "<Future finished result=None>");
    co_return;
}

CO_TEST("SEM-FUT-19: the text shows one callback, two, or the first, how many more, and the last") {
    Future<int> future;
    const auto shown = [&] { return to_string(future); };
    future.add_done_callback(first_callback());
    CHECK_EQ(shown(), "<Future pending cb=[first_callback()]>");
    future.add_done_callback(second_callback());
    CHECK_EQ(shown(), "<Future pending cb=[first_callback(), second_callback()]>");
    future.add_done_callback(third_callback());
    CHECK_EQ(shown(), "<Future pending cb=[first_callback(), <1 more>, third_callback()]>");
    future.add_done_callback(second_callback());
    CHECK_EQ(shown(), "<Future pending cb=[first_callback(), <2 more>, second_callback()]>");
    future.set_result(1);
    CHECK_EQ(shown(), "<Future finished result=1>");
    co_return;
}

CO_TEST("SEM-FUT-19: a task that waits is among the callbacks") {
    Future<> future;
    const auto task = create_task(wait_on(future), "waiter");
    co_await yield_now();
    CHECK_EQ(to_string(future), "<Future pending cb=[wakeup of waiter]>");
    future.set_result();
    co_await task;
}

TEST("SEM-FUT-19: results are written as Python writes them") {
    using detail::value_text;
    CHECK_EQ(value_text(true), "True");
    CHECK_EQ(value_text(-3), "-3");
    CHECK_EQ(value_text(1.0), "1.0");
    CHECK_EQ(value_text(0.1), "0.1");
    CHECK_EQ(value_text(-2.5e-7), "-2.5e-07");
    CHECK_EQ(value_text(100000.0), "100000.0");
    CHECK_EQ(value_text(123456789.125), "123456789.125");
    CHECK_EQ(value_text(1e15), "1000000000000000.0");
    CHECK_EQ(value_text(1e16), "1e+16");
    CHECK_EQ(value_text(0.0001), "0.0001");
    CHECK_EQ(value_text(-std::numeric_limits<double>::infinity()), "-inf");
    CHECK_EQ(value_text(std::string("it's")), "\"it's\"");
    CHECK_EQ(value_text(std::string("a\n\\\x01")), "'a\\n\\\\\\x01'");
    CHECK_EQ(value_text(std::string(40, 'x')), "'xxxxxxxxxxxx...xxxxxxxxxxxxx'");
}

// ---- tasks --------------------------------------------------------------------------------------

CO_TEST("SEM-TASK-19: a pending task shows its name, and its coroutine with its present line") {
    const auto task = create_task(sleep_long(), "it");
    CHECK(to_string(task).starts_with("<Task pending name='it' coro=<sleep_long() running at " +
                                      this_file + ":"));
    co_await yield_now();
    CHECK_EQ(to_string(task), "<Task pending name='it' coro=<sleep_long() running at " +
                                  place(sleep_line) + "> wait_for=<sleep>>");
    co_await end_cancelled(task);
}

CO_TEST("SEM-TASK-19: wait_for= shows the future that the task waits on") {
    Future<> future;
    const auto inner = create_task(wait_on(future), "inner");
    const auto outer = create_task([](Task<> task) -> Coro<> { co_await task; }(inner), "outer");
    co_await yield_now();
    const std::string text = to_string(inner);
    CHECK(text.ends_with("> wait_for=<Future pending cb=[wakeup of inner]> cb=[wakeup of outer]>"));
    CHECK(contains(to_string(outer), " wait_for=" + text));
    future.set_result();
    co_await outer;
}

CO_TEST("SEM-TASK-19: the state word of a task goes from pending over cancelling to cancelled") {
    const auto task = create_task(sleep_long(), "it");
    co_await yield_now();
    CHECK(to_string(task).starts_with("<Task pending name='it' "));
    task.cancel();
    CHECK(to_string(task).starts_with("<Task cancelling name='it' "));
    const auto end = co_await outcome(task);
    CHECK(end.cancelled());
    CHECK_EQ(to_string(task), "<Task cancelled name='it'>");
}

CO_TEST("SEM-TASK-19: a finished task shows its result, a failed one its exception and coroutine") {
    const auto good = create_task(give(7), "good");
    CHECK_EQ(co_await good, 7);
    CHECK_EQ(to_string(good), "<Task finished name='good' result=7>");
    Future<> future;
    future.set_result();
    const auto bad = create_task(fail_above(future), "bad");
    CHECK_THROWS_AS(co_await bad, ValueError);
    CHECK_EQ(to_string(bad), "<Task finished name='bad' coro=<fail_above() done at " +
                                 place(fail_line) + "> exception=ValueError('wrong')>");
}

CO_TEST("SEM-TASK-19: a task's callbacks are shown, and a name with a quotation mark is quoted") {
    const auto task = create_task(sleep_long(), "it's");
    task.add_done_callback(first_callback());
    CHECK(to_string(task).starts_with("<Task pending name=\"it's\" coro=<"));
    CHECK(to_string(task).ends_with("> cb=[first_callback()]>"));
    co_await end_cancelled(task);
}

CO_TEST("SEM-TASK-21: the texts of tasks that wait for each other come to an end") {
    std::optional<Task<>> a, b;
    Future<> start;
    const auto wait_for = [&](std::optional<Task<>>& other) -> Coro<> {
        co_await start;
        co_await *other;
    };
    a = create_task(wait_for(b), "a");
    b = create_task(wait_for(a), "b");
    start.set_result();
    co_await yield_now();
    co_await yield_now();
    const std::string text = to_string(*a);
    CHECK(text.starts_with("<Task pending name='a' "));
    CHECK(contains(text, " wait_for=<Task pending name='b' "));
    CHECK(contains(text, " wait_for=... cb=["));
    co_await end_cancelled(*a);
    const auto end = co_await outcome(*b);
    CHECK(end.cancelled());
}

// ---- stacks -------------------------------------------------------------------------------------

CO_TEST("SEM-TASK-18: get_stack gives a suspended task's calls, outermost first") {
    const auto task = create_task(nap());
    co_await yield_now();
    CHECK_EQ(text_of_stack(task.get_stack()),
             call("nap", nap_line) + " " + call("sleep_long", sleep_line));
    co_await end_cancelled(task);
}

CO_TEST("SEM-TASK-18: a limit keeps the newest calls of a suspended task") {
    const auto task = create_task(nap());
    co_await yield_now();
    CHECK_EQ(text_of_stack(task.get_stack(1)), call("sleep_long", sleep_line));
    CHECK_EQ(task.get_stack(0).size(), 0U);
    CHECK_EQ(task.get_stack(-1).size(), 0U);
    CHECK_EQ(task.get_stack(5).size(), 2U);
    co_await end_cancelled(task);
}

CO_TEST("SEM-TASK-18: of a failed task get_stack is the way of the exception, a limit keeps the "
        "oldest") {
    Future<> future;
    const auto task = create_task(fail_above(future));
    co_await yield_now();
    const unsigned await_line = task.get_stack().back().line;
    future.set_result();
    CHECK_THROWS_AS(co_await task, ValueError);
    CHECK_EQ(text_of_stack(task.get_stack()),
             call("fail_above", fail_line) + " " + call("fail_below", await_line));
    CHECK_EQ(text_of_stack(task.get_stack(1)), call("fail_above", fail_line));
}

CO_TEST("SEM-TASK-18: an exception that was caught on the way is not in a later one's stack") {
    Future<> future;
    future.set_result();
    const auto retry = [&]() -> Coro<> {
        try {
            co_await fail_below(future);
        } catch (const ValueError&) {
        }
        throw ValueError("again");
    };
    const auto task = create_task(retry());
    CHECK_THROWS_AS(co_await task, ValueError);
    CHECK_EQ(task.get_stack().size(), 1U);
}

CO_TEST("SEM-TASK-18: a generator stands in the way of an exception") {
    const auto numbers = [](Future<> future) -> AsyncGenerator<int> {
        co_await fail_below(future);
        co_yield 1;
    };
    Future<> future;
    const auto consume = [&]() -> Coro<> {
        auto generator = numbers(future);
        co_await generator.next();
    };
    const auto task = create_task(consume());
    co_await yield_now();
    future.set_result();
    CHECK_THROWS_AS(co_await task, ValueError);
    const std::vector<StackEntry> stack = task.get_stack();
    REQUIRE(stack.size() == 3);
    CHECK_EQ(stack.back().function, "fail_below");
}

CO_TEST("SEM-TASK-18: the stack of a finished or a cancelled task is empty") {
    const auto finished = create_task(give(1));
    co_await finished;
    CHECK(finished.get_stack().empty());
    const auto cancelled = create_task(nap());
    co_await yield_now();
    co_await end_cancelled(cancelled);
    CHECK(cancelled.get_stack().empty());
}

CO_TEST("SEM-TASK-18: print_stack writes what get_stack gives") {
    Future<> future;
    const auto task = create_task(fail_above(future), "it");
    co_await yield_now();
    std::ostringstream pending;
    task.print_stack(pending);
    CHECK(pending.str().starts_with("Stack for <Task pending name='it' "));
    CHECK(contains(pending.str(), " (most recent call last):\n  File \"" + this_file + "\", line " +
                                      std::to_string(fail_line) + ", in fail_above\n"));
    future.set_result();
    CHECK_THROWS_AS(co_await task, ValueError);
    std::ostringstream failed;
    task.print_stack(failed);
    CHECK(failed.str().starts_with("Traceback for <Task finished name='it' "));
    CHECK(failed.str().ends_with(", in fail_below\nValueError: wrong\n"));
    const auto finished = create_task(give(1), "f");
    co_await finished;
    std::ostringstream none;
    finished.print_stack(none);
    CHECK_EQ(none.str(), "No stack for <Task finished name='f' result=1>\n");
}

CO_TEST("get_coro: an operation that was made a task goes by its own name") {
    const auto task = create_task(sleep(1h));
    CoroInfo coro = task.get_coro();
    CHECK_EQ(coro.function, "Sleep");
    co_await yield_now();
    coro = task.get_coro();
    CHECK_EQ(coro.function, "sleep");
    CHECK_EQ(coro.file, this_file);
    co_await end_cancelled(task);
}

CO_TEST("get_coro: a lambda that was given to create_task goes by its home") {
    const auto body = []() -> Coro<> { co_await sleep(1h); };
    const auto task = create_task(body);
    CHECK(task.get_coro().function.ends_with("<lambda>"));
    co_await yield_now();
    CHECK(contains(task.get_coro().function, "asyncio_body_"));
    CHECK(task.get_coro().function.ends_with(".<lambda>"));
    co_await end_cancelled(task);
}

// ---- handles ------------------------------------------------------------------------------------

CO_TEST("SEM-LOOP-09: the text of a handle shows its callback, and whether it is cancelled") {
    Handle handle = testing::loop().call_soon(second_callback());
    CHECK_EQ(to_string(handle), "<Handle second_callback()>");
    handle.cancel();
    CHECK_EQ(to_string(handle), "<Handle cancelled>");
    co_return;
}

CO_TEST("SEM-LOOP-09: the text of a timer shows its deadline on the loop's clock") {
    co_await sleep(1s);
    TimerHandle timer = testing::loop().call_later(1500ms, second_callback());
    CHECK_EQ(to_string(timer), "<TimerHandle when=2.5 second_callback()>");
    timer.cancel();
    CHECK_EQ(to_string(timer), "<TimerHandle cancelled when=2.5>");
}
