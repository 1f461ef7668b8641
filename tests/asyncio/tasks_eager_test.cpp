// SPDX-License-Identifier: MIT
// Eager tasks: the first step at once, inside create_task.
#include "asyncio/base_events.h"
#include "asyncio/gather.h"
#include "asyncio/taskgroups.h"
#include "asyncio/tasks.h"

#include "support/reports.h"

#include <algorithm>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

TaskOptions eagerly(bool eager = true) {
    TaskOptions options;
    options.eager_start(eager);
    return options;
}

// Every task of the running loop starts eagerly while it lives.
class EagerFactory {
public:
    EagerFactory() { testing::loop().set_task_factory(eager_task_factory); }
    EagerFactory(const EagerFactory&) = delete;
    EagerFactory& operator=(const EagerFactory&) = delete;
    ~EagerFactory() { testing::loop().set_task_factory(nullptr); }
};

Coro<int> give(int value) { co_return value; }

Coro<> note_steps(std::vector<std::string>& log) {
    log.emplace_back("before");
    co_await yield_now();
    log.emplace_back("after");
}

bool is_listed(const AnyTask& task) {
    const auto tasks = all_tasks();
    return std::find(tasks.begin(), tasks.end(), task) != tasks.end();
}

} // namespace

// ---- starting -----------------------------------------------------------------------------------

CO_TEST("SEM-EAG-01: an eager task runs to its first suspension inside create_task") {
    const EagerFactory factory;
    std::vector<std::string> log;
    const auto task = create_task(note_steps(log));
    CHECK_EQ(log, std::vector<std::string>{"before"});
    CHECK(!task.done());
    const testing::Turns turns;
    co_await task;
    CHECK_EQ(log, std::vector<std::string>{"before", "after"});
    CHECK_EQ(turns.count(), 2); // its yield, and the wake-up of who awaits it
}

CO_TEST("SEM-EAG-01: an eager task that never suspends is done when create_task returns") {
    const auto good = create_task(give(5), eagerly());
    REQUIRE(good.done());
    CHECK_EQ(good.result(), 5);

    const auto fail = []() -> Coro<> {
        throw ValueError("at once");
        co_return;
    };
    const auto bad = create_task(fail(), eagerly());
    REQUIRE(bad.done());
    CHECK_THROWS_MSG(co_await bad, ValueError, "at once");

    const auto give_up = []() -> Coro<> {
        throw CancelledError("at once");
        co_return;
    };
    const auto cancelled = create_task(give_up(), eagerly());
    CHECK(cancelled.cancelled());

    const testing::Turns turns;
    CHECK_EQ(co_await good, 5);
    CHECK_EQ(turns.count(), 0);
}

CO_TEST("SEM-EAG-01: an eager task may await what is done, deep below, and is done itself") {
    const Future<int> ready;
    ready.set_result(2);
    const auto deep = [](auto self, int depth, Future<int> future) -> Coro<int> {
        if (depth == 0) co_return co_await future;
        co_return co_await self(self, depth - 1, future);
    };
    const auto task = create_task(deep(deep, 50, ready), eagerly());
    CHECK(task.done());
    CHECK_EQ(co_await task, 2);
}

CO_TEST("SEM-EAG-02: eager_start(false) overrides an eager factory") {
    const EagerFactory factory;
    const auto task = create_task(give(1), eagerly(false));
    CHECK(!task.done());
    CHECK_EQ(co_await task, 1);
}

CO_TEST("SEM-EAG-02: eager_start(true) works without an eager factory, for that task alone") {
    const auto eager = create_task(give(1), eagerly());
    const auto plain = create_task(give(2), "plain");
    CHECK(eager.done());
    CHECK(!plain.done());
    CHECK_EQ(co_await plain, 2);
}

CO_TEST("SEM-EAG-02: a factory of one's own is asked too, and sees what the options say") {
    std::vector<std::string> asked;
    testing::loop().set_task_factory(
        [&asked](EventLoop&, PendingTask task, const TaskOptions& options) {
            const auto eager = options.eager_start();
            asked.emplace_back(!eager ? "default" : *eager ? "eager" : "not eager");
            return task.start(options);
        });
    const auto plain = create_task(give(1));
    const auto eager = create_task(give(2), eagerly());
    const auto late = create_task(give(3), eagerly(false));
    testing::loop().set_task_factory(nullptr);
    CHECK(!plain.done());
    CHECK(eager.done());
    CHECK(!late.done());
    CHECK_EQ(asked, std::vector<std::string>{"default", "eager", "not eager"});
    co_await plain;
    co_await late;
}

TEST("SEM-EAG-03: while the loop does not run, an eager task is scheduled like any other") {
    EventLoop loop;
    loop.set_task_factory(eager_task_factory);
    const auto by_factory = loop.create_task(give(1));
    const auto by_option = loop.create_task(give(2), eagerly());
    CHECK(!by_factory.done());
    CHECK(!by_option.done());
    CHECK_EQ(loop.run_until_complete(by_option), 2);
    CHECK_EQ(by_factory.result(), 1);
}

CO_TEST("SEM-EAG-03: on another loop than the running one it is scheduled, too") {
    EventLoop other;
    const auto task = other.create_task(give(1), eagerly());
    CHECK(!task.done());
    other.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
    co_return;
}

// ---- the current task, contexts, lists ----------------------------------------------------------

CO_TEST("SEM-EAG-04: current_task() is the new task in its first step, the creator's afterwards") {
    const AnyTask me = current_task();
    AnyTask seen;
    AnyTask seen_later;
    const auto body = [&]() -> Coro<> {
        seen = current_task();
        co_await yield_now();
        seen_later = current_task();
    };
    const auto task = create_task(body(), eagerly());
    CHECK(seen == AnyTask(task));
    CHECK(current_task() == me);
    co_await task;
    CHECK(seen_later == AnyTask(task));
}

CO_TEST("SEM-EAG-04: the creator is current again if the first step throws") {
    const AnyTask me = current_task();
    const auto fail = []() -> Coro<> {
        throw ValueError("at once");
        co_return;
    };
    const auto task = create_task(fail(), eagerly());
    CHECK(current_task() == me);
    CHECK_THROWS_AS(task.result(), ValueError);
    const auto exit = []() -> Coro<> {
        throw SystemExit(1);
        co_return;
    };
    CHECK_THROWS_AS(create_task(exit(), eagerly()), SystemExit);
    CHECK(current_task() == me);
    CHECK_EQ(testing::take_logs().size(), 1U); // nobody can look at that task
    co_await yield_now(); // and the creator's own awaits go on working
}

CO_TEST("SEM-EAG-04: a callback that makes an eager task has no current task before and after") {
    AnyTask before = current_task();
    AnyTask after = current_task();
    testing::loop().call_soon([&] {
        before = current_task();
        create_task(give(1), eagerly());
        after = current_task();
    });
    co_await yield_now();
    CHECK(!before);
    CHECK(!after);
}

CO_TEST("SEM-EAG-04: eager tasks within eager tasks each are current in their own step") {
    std::vector<std::string> names;
    const auto nest = [&names](auto self, int depth) -> Coro<> {
        names.push_back(current_task().get_name());
        if (depth > 0) {
            const auto child = create_task(self(self, depth - 1),
                                           eagerly().name("level " + std::to_string(depth - 1)));
            names.push_back(current_task().get_name());
            co_await child;
        }
    };
    const auto task = create_task(nest(nest, 2), eagerly().name("level 2"));
    CHECK(task.done());
    CHECK_EQ(names,
             std::vector<std::string>{"level 2", "level 1", "level 0", "level 1", "level 2"});
    co_return;
}

namespace {

ContextVar<int> number("number", 0);

} // namespace

CO_TEST("SEM-EAG-05: what the first step sets is hidden from the creator, and stays in the task") {
    number.set(1);
    int seen_first = -1;
    int seen_later = -1;
    const auto body = [&]() -> Coro<> {
        seen_first = number.get();
        number.set(2);
        co_await yield_now();
        seen_later = number.get();
    };
    const auto task = create_task(body(), eagerly());
    CHECK_EQ(seen_first, 1);
    CHECK_EQ(number.get(), 1);
    number.set(3);
    co_await task;
    CHECK_EQ(seen_later, 2);
    CHECK_EQ(number.get(), 3);
}

CO_TEST(
    "SEM-EAG-06: an eager task is in all_tasks() in its first step, and after it if suspended") {
    bool listed = false;
    const auto look = [&listed]() -> Coro<> {
        listed = is_listed(current_task());
        co_return;
    };
    const auto brief = create_task(look(), eagerly());
    CHECK(listed);
    CHECK(!is_listed(brief));
    const auto longer = create_task(sleep(1s), eagerly());
    CHECK(is_listed(longer));
    co_await longer;
    CHECK(!is_listed(longer));
}

// ---- cancelling ---------------------------------------------------------------------------------

CO_TEST("SEM-EAG-07: cancel() of an eager task that is done has no effect") {
    const auto task = create_task(give(4), eagerly());
    CHECK(!task.cancel("too late"));
    CHECK(!task.cancelled());
    CHECK_EQ(task.cancelling(), 0);
    CHECK_EQ(co_await task, 4);
}

CO_TEST("SEM-EAG-07: cancel() of an eager task that is suspended works as for any task") {
    const Future<int> future;
    const auto task = create_task(future, eagerly());
    CHECK(task.cancel("enough"));
    CHECK(future.cancelled());
    CHECK(!task.done());
    CHECK_EQ(task.cancelling(), 1);
    CHECK_THROWS_MSG(co_await task, CancelledError, "enough");
    CHECK(task.cancelled());
}

CO_TEST("SEM-EAG-07: an eager task that cancels itself sees it at its first suspension") {
    const auto body = []() -> Coro<> {
        current_task().cancel("by itself");
        co_await sleep(1h);
    };
    const auto task = create_task(body(), eagerly());
    CHECK(!task.done());
    CHECK_THROWS_MSG(co_await task, CancelledError, "by itself");
}

CO_TEST("an eager task that fails and is not looked at is reported like any task") {
    support::Reports reports;
    const auto fail = []() -> Coro<> {
        throw ValueError("unread");
        co_return;
    };
    create_task(fail(), eagerly());
    REQUIRE(reports.seen.size() == 1);
    CHECK_EQ(reports.seen[0].message, "Task exception was never retrieved");
    co_return;
}

// ---- trees of tasks -----------------------------------------------------------------------------

namespace {

constexpr int width = 5;
constexpr int depth = 4;
constexpr int tasks_in_tree = 1 + 5 + 25 + 125 + 625;

// Counts the tasks that a loop starts out of its queue, and their steps.
class CountSteps final : public detail::LoopInstruments {
public:
    CountSteps() { testing::loop().set_instruments(this); }
    CountSteps(const CountSteps&) = delete;
    CountSteps& operator=(const CountSteps&) = delete;
    ~CountSteps() { testing::loop().set_instruments(nullptr); }

    void before_step(detail::FutureState* task) override {
        ++steps;
        started += task->has(detail::FutureState::not_started) ? 1 : 0;
    }
    void after_step(detail::FutureState*) override {}

    int steps = 0;
    int started = 0;
};

Coro<> tree_of_gathers(int levels) {
    if (levels == 0) co_return;
    std::vector<Coro<>> children;
    for (int i = 0; i < width; ++i) children.push_back(tree_of_gathers(levels - 1));
    co_await gather(std::move(children));
}

Coro<> tree_of_groups(int levels) {
    if (levels == 0) co_return;
    const auto body = [levels](TaskGroup& group) -> Coro<> {
        for (int i = 0; i < width; ++i) group.create_task(tree_of_groups(levels - 1));
        co_return;
    };
    co_await task_group(body);
}

} // namespace

CO_TEST("SEM-EAG-08: a tree of gathers that never suspends schedules no step if it is eager") {
    CountSteps counter;
    {
        const EagerFactory factory;
        const auto root = create_task(tree_of_gathers(depth));
        CHECK(root.done());
        co_await root;
        CHECK_EQ(counter.steps, 0);
    }
    co_await create_task(tree_of_gathers(depth));
    CHECK_EQ(counter.started, tasks_in_tree);
}

// The groups still wait for the done-callbacks of their children (SEM-HOP-06): those are wake-ups.
CO_TEST("SEM-EAG-08: a tree of task groups that never suspends schedules no start if it is eager") {
    CountSteps counter;
    {
        const EagerFactory factory;
        co_await create_task(tree_of_groups(depth));
        CHECK_EQ(counter.started, 0);
    }
    co_await create_task(tree_of_groups(depth));
    CHECK_EQ(counter.started, tasks_in_tree);
}
