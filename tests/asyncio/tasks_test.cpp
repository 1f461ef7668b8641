// SPDX-License-Identifier: MIT
// Tasks: starting, ending, names, listing, reports of what nobody looked at.
#include "asyncio/tasks.h"

#include "support/reports.h"

#include <algorithm>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

Coro<int> give(int value) { co_return value; }

Coro<int> fail_with(std::string message) {
    co_await yield_now();
    throw ValueError(message);
}

Coro<> throw_cancelled() {
    co_await yield_now();
    throw CancelledError("of its own");
}

Coro<> exit_program(int status) {
    co_await yield_now();
    throw SystemExit(status);
}

Coro<> note(int number, std::vector<int>& order) {
    order.push_back(number);
    co_return;
}

bool holds(const std::vector<AnyTask>& tasks, const AnyTask& task) {
    return std::find(tasks.begin(), tasks.end(), task) != tasks.end();
}

} // namespace

// ---- starting -----------------------------------------------------------------------------------

CO_TEST("SEM-TASK-01: create_task runs nothing of the body, the next turn does") {
    std::vector<int> order;
    const auto task = create_task(note(1, order));
    CHECK(order.empty());
    CHECK(!task.done());
    co_await yield_now();
    CHECK_EQ(order, std::vector<int>{1});
    CHECK(task.done());
}

CO_TEST("SEM-TASK-01: a new task stands behind what is ready already") {
    std::vector<int> order;
    testing::loop().call_soon([&order] { order.push_back(1); });
    const auto task = create_task(note(2, order));
    testing::loop().call_soon([&order] { order.push_back(3); });
    co_await task;
    CHECK_EQ(order, std::vector<int>{1, 2, 3});
}

CO_TEST("SEM-TASK-02: tasks start in the order of their creation") {
    std::vector<int> order;
    std::vector<Task<>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(create_task(note(i, order)));
    for (const Task<>& task : tasks) co_await task;
    CHECK_EQ(order, std::vector<int>{0, 1, 2, 3, 4});
}

CO_TEST("create_task takes a callable with its arguments, and keeps them until it has ended") {
    std::weak_ptr<int> watch;
    Task<int> task = [&watch] {
        auto captured = std::make_shared<int>(20);
        watch = captured;
        auto body = [captured = std::move(captured)](std::string word) -> Coro<int> {
            co_await yield_now();
            co_return *captured + static_cast<int>(word.size());
        };
        return create_task(std::move(body), std::string("two"));
    }();
    CHECK_EQ(watch.use_count(), 1L);
    CHECK_EQ(co_await task, 23);
    CHECK(watch.expired());
}

CO_TEST("create_task takes any awaitable") {
    const Future<int> future;
    const auto of_future = create_task(future);
    const auto of_sleep = create_task(sleep(1s, std::string("slept")));
    future.set_result(4);
    CHECK_EQ(co_await of_future, 4);
    CHECK_EQ(co_await of_sleep, "slept");
}

TEST("create_task without a running loop throws, and destroys the coroutine with its arguments") {
    const auto argument = std::make_shared<int>(1);
    const auto body = [](std::shared_ptr<int>) -> Coro<> { co_return; };
    CHECK_THROWS_MSG(create_task(body(argument)), RuntimeError, "no running event loop");
    CHECK_EQ(argument.use_count(), 1L);
}

// ---- ending -------------------------------------------------------------------------------------

CO_TEST("SEM-TASK-03: a task is a future: results, failures, callbacks and awaits apply") {
    const auto good = create_task(give(3));
    CHECK_THROWS_AS(good.result(), InvalidStateError);
    CHECK_THROWS_AS(good.exception(), InvalidStateError);
    int seen = 0;
    good.add_done_callback([&seen](const Task<int>& done) { seen = done.result(); });
    const Future<int>& as_future = good;
    CHECK_EQ(co_await as_future, 3);
    co_await yield_now();
    CHECK_EQ(seen, 3);
    CHECK_EQ(good.result(), 3);
    CHECK(good.exception() == nullptr);
    CHECK(!good.cancelled());

    const auto bad = create_task(fail_with("broken"));
    CHECK_THROWS_MSG(co_await bad, ValueError, "broken");
    CHECK_THROWS_MSG(bad.result(), ValueError, "broken");
    CHECK_EQ(repr(bad.exception()), "ValueError('broken')");
}

namespace {

template <class F>
concept HasSetResult = requires(F f) { f.set_result(1); };
template <class F>
concept HasSetException = requires(F f) { f.set_exception(ValueError()); };

} // namespace

TEST("SEM-TASK-03: nobody can set the result or the exception of a task") {
    static_assert(HasSetResult<Future<int>> && HasSetException<Future<int>>);
    static_assert(!HasSetResult<Task<int>> && !HasSetException<Task<int>>);
}

CO_TEST("SEM-TASK-04: what the body returns is the task's result") {
    CHECK_EQ(co_await create_task(give(7)), 7);
}

CO_TEST("SEM-TASK-04: an exception that leaves the body is the task's exception") {
    const auto task = create_task(fail_with("stored"));
    co_await sleep(1s);
    REQUIRE(task.done());
    CHECK(!task.cancelled());
    CHECK_EQ(repr(task.exception()), "ValueError('stored')");
}

CO_TEST(
    "SEM-TASK-04: a CancelledError that leaves the body makes it cancelled, without a cancel()") {
    const auto task = create_task(throw_cancelled());
    CHECK_THROWS_MSG(co_await task, CancelledError, "of its own");
    CHECK(task.cancelled());
    CHECK_EQ(task.cancelling(), 0);
}

TEST("SEM-TASK-05: a SystemExit is stored in the task and leaves the loop's run") {
    EventLoop loop;
    const auto task = loop.create_task(exit_program(3));
    int status = 0;
    try {
        loop.run_forever();
    } catch (const SystemExit& exit) {
        status = exit.code;
    }
    CHECK_EQ(status, 3);
    CHECK(!loop.is_running());
    CHECK(is_exception<SystemExit>(task.exception()));
    CHECK(!task.cancelled());
    CHECK_EQ(loop.run_until_complete(give(1)), 1); // it can be run again
}

TEST("SEM-TASK-05: a KeyboardInterrupt leaves the run, after those who wait were told") {
    EventLoop loop;
    const auto task = loop.create_task([]() -> Coro<> {
        co_await yield_now();
        throw KeyboardInterrupt();
    }());
    bool told = false;
    task.add_done_callback([&told] { told = true; });
    CHECK_THROWS_AS(loop.run_forever(), KeyboardInterrupt);
    CHECK(is_exception<KeyboardInterrupt>(task.exception()));
    CHECK_EQ(loop.run_until_complete(give(1)), 1);
    CHECK(told);
}

TEST("SEM-TASK-06: a body that turns its cancellation into a SystemExit has failed with it") {
    EventLoop loop;
    const auto body = []() -> Coro<> {
        const auto end = co_await outcome(sleep(1h));
        if (end.cancelled()) throw SystemExit(4);
    };
    const auto task = loop.create_task(body());
    loop.call_soon([task] { task.cancel(); });
    CHECK_THROWS_AS(loop.run_forever(), SystemExit);
    CHECK(task.done());
    CHECK(!task.cancelled());
    CHECK(is_exception<SystemExit>(task.exception()));
}

CO_TEST("SEM-TASK-07: a task that awaits itself fails with RuntimeError") {
    std::optional<Task<>> self;
    const auto body = [&self]() -> Coro<> { co_await *self; };
    self = create_task(body());
    CHECK_THROWS_MSG(co_await *self, RuntimeError, "cannot await on itself");
    self.reset();
}

CO_TEST("a task's body is gone, with its locals and arguments, before anybody sees its result") {
    const auto argument = std::make_shared<int>(1);
    long seen_by_callback = 0;
    const auto body = [](std::shared_ptr<int> kept) -> Coro<> {
        const auto local = kept;
        co_await yield_now();
    };
    const auto task = create_task(body(argument));
    task.add_done_callback([&] { seen_by_callback = argument.use_count(); });
    co_await task;
    CHECK_EQ(argument.use_count(), 1L);
    co_await yield_now();
    CHECK_EQ(seen_by_callback, 1L);
}

CO_TEST("a destructor in the body that throws after the return makes the task fail") {
    struct Thrower {
        ~Thrower() noexcept(false) { throw ValueError("from a destructor"); }
    };
    const auto body = []() -> Coro<std::string> {
        const Thrower local;
        co_return std::string(100, 'x');
    };
    CHECK_THROWS_MSG(co_await create_task(body()), ValueError, "from a destructor");
}

// ---- names --------------------------------------------------------------------------------------

CO_TEST("SEM-TASK-08: the names that tasks get are Task-N, and N grows") {
    const auto first = create_task(give(1));
    const auto second = create_task(give(2));
    const auto number = [](const Task<int>& task) {
        const std::string name = task.get_name();
        return name.starts_with("Task-") ? std::stoi(name.substr(5)) : -1;
    };
    CHECK(number(first) > 0);
    CHECK(number(second) > number(first));
    co_await second;
}

CO_TEST("SEM-TASK-08: a name may be given, read and changed") {
    const auto short_form = create_task(give(1), "worker");
    const auto long_form = create_task(give(1), TaskOptions().name("worker two"));
    CHECK_EQ(short_form.get_name(), "worker");
    CHECK_EQ(long_form.get_name(), "worker two");
    short_form.set_name("renamed");
    CHECK_EQ(short_form.get_name(), "renamed");
    CHECK_EQ(AnyTask(short_form).get_name(), "renamed");
    co_await long_form;
    CHECK_EQ(short_form.get_name(), "renamed"); // also when it is done
}

// ---- the current task ---------------------------------------------------------------------------

CO_TEST("SEM-TASK-09: current_task() is the running task in a step, and empty in a callback") {
    const AnyTask me = current_task();
    REQUIRE(static_cast<bool>(me));
    AnyTask child_saw;
    const auto child = create_task([&child_saw]() -> Coro<> {
        child_saw = current_task();
        co_return;
    });
    AnyTask callback_saw = me;
    testing::loop().call_soon([&callback_saw] { callback_saw = current_task(); });
    co_await child;
    CHECK(child_saw == AnyTask(child));
    CHECK(!callback_saw);
    CHECK(current_task() == me);
    CHECK(current_task(testing::loop()) == me);
}

TEST("SEM-TASK-09: without a running loop current_task() throws; for a given loop it is empty") {
    EventLoop loop;
    CHECK_THROWS_MSG(current_task(), RuntimeError, "no running event loop");
    CHECK(!current_task(loop));
}

CO_TEST("SEM-TASK-09: for another loop than the running one current_task() is empty") {
    EventLoop other;
    CHECK(!current_task(other));
    co_return;
}

CO_TEST("SEM-TASK-10: current_task() stays right while tasks interleave over awaits") {
    const auto body = [](int rounds) -> Coro<bool> {
        const AnyTask me = current_task();
        bool right = true;
        for (int i = 0; i < rounds; ++i) {
            co_await sleep(i % 2 == 0 ? 0s : 1s);
            right = right && current_task() == me;
        }
        co_return right;
    };
    std::vector<Task<bool>> tasks;
    for (int i = 1; i <= 10; ++i) tasks.push_back(create_task(body(i)));
    const AnyTask me = current_task();
    for (const Task<bool>& task : tasks) {
        CHECK(co_await task);
        CHECK(current_task() == me);
    }
}

// ---- all tasks ----------------------------------------------------------------------------------

CO_TEST("SEM-TASK-11: all_tasks() holds the caller and each task that is not done, and no other") {
    const AnyTask me = current_task();
    CHECK_EQ(all_tasks().size(), 1U);
    const auto brief = create_task(give(1));
    const auto suspended = create_task(sleep(1s));
    CHECK_EQ(all_tasks().size(), 3U);
    CHECK(holds(all_tasks(), me));
    CHECK(holds(all_tasks(), brief));
    co_await brief;
    CHECK(!holds(all_tasks(), brief));
    CHECK(holds(all_tasks(testing::loop()), suspended));
    co_await suspended;
    CHECK_EQ(all_tasks().size(), 1U);
}

CO_TEST("SEM-TASK-11: a task whose handles are gone is still in all_tasks()") {
    create_task(sleep(1s));
    CHECK_EQ(all_tasks().size(), 2U);
    co_await sleep(2s);
    CHECK_EQ(all_tasks().size(), 1U);
}

TEST("SEM-TASK-11: all_tasks() without a running loop throws; of an idle loop it is empty") {
    EventLoop loop;
    CHECK_THROWS_AS(all_tasks(), RuntimeError);
    CHECK(all_tasks(loop).empty());
}

// ---- ensure_future ------------------------------------------------------------------------------

CO_TEST("SEM-TASK-13: ensure_future gives a future or task back as it is") {
    const Future<int> future;
    const auto task = create_task(give(1));
    CHECK(ensure_future(future) == future);
    CHECK(ensure_future(task) == task);
    static_assert(std::is_same_v<decltype(ensure_future(task)), Task<int>>);
    static_assert(std::is_same_v<decltype(ensure_future(future)), Future<int>>);
    co_await task;
}

CO_TEST("SEM-TASK-13: ensure_future makes a task of a coroutine and of any other awaitable") {
    const Task<int> task = ensure_future(give(2));
    const Task<std::string> of_sleep = ensure_future(sleep(1s, std::string("slept")));
    CHECK(!task.done());
    CHECK_EQ(co_await task, 2);
    CHECK_EQ(co_await of_sleep, "slept");
}

CO_TEST("SEM-TASK-13: ensure_future refuses a future of another loop, takes one of that loop") {
    EventLoop other;
    const Future<int> foreign(other);
    CHECK_THROWS_AS(ensure_future(foreign, &testing::loop()), ValueError);
    CHECK(ensure_future(foreign, &other) == foreign);
    co_return;
}

TEST("SEM-TASK-13: what is no awaitable is refused when it is compiled") {
    static_assert(!Awaitable<int> && !Awaitable<std::string>);
    static_assert(Awaitable<Coro<int>> && Awaitable<Task<int>> && Awaitable<Sleep>);
}

CO_TEST("SEM-TASK-14: a coroutine that another awaiter is suspended in cannot be awaited") {
    auto shared = fail_with("of the one run");
    const auto body = [&shared]() -> Coro<> { co_await shared; };
    const auto first = create_task(body());
    const auto second = create_task(body());
    CHECK_THROWS_MSG(co_await second, RuntimeError, "already awaited");
    CHECK_THROWS_MSG(co_await first, ValueError, "of the one run");
    CHECK_THROWS_MSG(co_await shared, RuntimeError, "already awaited");
}

// ---- reports ------------------------------------------------------------------------------------

TEST("SEM-TASK-15: a task that is pending when the loop closes is reported and taken apart") {
    const auto argument = std::make_shared<int>(1);
    const auto body = [](std::shared_ptr<int> kept) -> Coro<> {
        co_await sleep(1h);
        CHECK(kept == nullptr); // never comes here
    };
    std::vector<std::string> messages;
    std::string name;
    {
        EventLoop loop;
        loop.set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
            messages.push_back(context.message);
            name = context.task->get_name();
        });
        const auto task = loop.create_task(body(argument), "forgotten");
        loop.run_until_complete(yield_now());
        CHECK_EQ(argument.use_count(), 2L);
        loop.close();
        CHECK_EQ(argument.use_count(), 1L);
        CHECK(task.cancelled());
    }
    CHECK_EQ(messages, std::vector<std::string>{"Task was destroyed but it is pending!"});
    CHECK_EQ(name, "forgotten");
}

CO_TEST("SEM-TASK-15: dropping the handle of a pending task destroys nothing and reports nothing") {
    support::Reports reports;
    bool ended = false;
    create_task([&ended]() -> Coro<> {
        co_await sleep(1s);
        ended = true;
    });
    co_await sleep(2s);
    CHECK(ended);
    CHECK(reports.seen.empty());
}

CO_TEST("SEM-TASK-16: a failed task whose last handle goes unread is reported") {
    support::Reports reports;
    create_task(fail_with("unread"));
    co_await sleep(1s);
    REQUIRE(reports.seen.size() == 1);
    CHECK_EQ(reports.seen[0].message, "Task exception was never retrieved");
    CHECK_EQ(repr(reports.seen[0].exception), "ValueError('unread')");
    REQUIRE(reports.seen[0].future.has_value());
    CHECK(reports.seen[0].future->is_task());
}

CO_TEST("SEM-TASK-16: while a handle lives the exception may still be read, and is not reported") {
    support::Reports reports;
    {
        const auto task = create_task(fail_with("read late"));
        co_await sleep(1s);
        CHECK(reports.seen.empty());
        CHECK_THROWS_AS(task.result(), ValueError);
    }
    CHECK(reports.seen.empty());
}

CO_TEST("SEM-TASK-16: cancel() after the failure suppresses the report") {
    support::Reports reports;
    {
        const auto task = create_task(fail_with("cancelled later"));
        co_await sleep(1s);
        CHECK(!task.cancel());
    }
    CHECK(reports.seen.empty());
}

TEST("SEM-TASK-17: run_until_complete that is aborted does not report its own task as destroyed") {
    {
        EventLoop loop;
        loop.call_soon([] { throw KeyboardInterrupt(); });
        CHECK_THROWS_AS(loop.run_until_complete(sleep(1h)), KeyboardInterrupt);
    }
    CHECK(testing::take_logs().empty());
}

TEST("SEM-TASK-17: it does not report its own task's interrupt as never retrieved either") {
    {
        EventLoop loop;
        CHECK_THROWS_AS(loop.run_until_complete(exit_program(1)), SystemExit);
    }
    CHECK(testing::take_logs().empty());
}

// ---- costs --------------------------------------------------------------------------------------

CO_TEST("SEM-TASK-20: a chain of awaits that nothing suspends costs no turn") {
    const auto down = [](auto self, int depth) -> Coro<int> {
        if (depth == 0) co_return 0;
        co_return 1 + co_await self(self, depth - 1);
    };
    const testing::Turns turns;
    CHECK_EQ(co_await down(down, 1000), 1000);
    CHECK_EQ(turns.count(), 0);
}

CO_TEST("SEM-TASK-20: a wake-up costs exactly one turn, however deep the frames that wait") {
    const auto down = [](auto self, int depth, Future<int> future) -> Coro<int> {
        if (depth == 0) co_return co_await future;
        co_return co_await self(self, depth - 1, future);
    };
    const Future<int> future;
    const testing::Turns turns;
    testing::loop().call_soon([&future] { future.set_result(9); }); // in turn 1
    CHECK_EQ(co_await down(down, 100, future), 9);
    CHECK_EQ(turns.count(), 2);
}

CO_TEST("AnyTask shows a task of any type, is the same task, and can be awaited and hashed") {
    const auto task = create_task(give(1));
    const AnyTask any = task;
    CHECK(any == AnyTask(task));
    CHECK_EQ(std::hash<AnyTask>()(any), std::hash<AnyTask>()(AnyTask(task)));
    CHECK(AnyFuture(any).is_task());
    CHECK(!AnyTask());
    co_await any;
    CHECK(any.done());
}
