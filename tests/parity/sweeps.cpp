// SPDX-License-Identifier: MIT
// One plot again and again, struck in each of its turns. The twin of sweeps.py.
#include "support/trace.h"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <ranges>

using namespace trace;

namespace {

using Text = Coro<std::string>;

/// Tasks by name, in the order of their creation.
class Cast {
public:
    template <class... More>
    Cast& start(std::string name, Text coro, More&&... more) {
        tasks_.emplace_back(std::move(name), create_task(std::move(coro)));
        if constexpr (sizeof...(more) > 0) start(std::forward<More>(more)...);
        return *this;
    }
    void add(const Cast& more) {
        tasks_.insert(tasks_.end(), more.tasks_.begin(), more.tasks_.end());
    }
    void cancel(std::string_view names) {
        for (const char name : names) (*this)[name].cancel();
    }
    const Task<std::string>& operator[](char name) const {
        return std::ranges::find(tasks_, std::string(1, name), [](auto& one) { return one.first; })
            ->second;
    }
    std::vector<Task<std::string>> all() const {
        const auto tasks = tasks_ | std::views::values;
        return {tasks.begin(), tasks.end()};
    }
    auto begin() const { return tasks_.begin(); }
    auto end() const { return tasks_.end(); }

private:
    std::vector<std::pair<std::string, Task<std::string>>> tasks_;
};

using Strike = std::function<void()>;
using Plot = std::function<Strike(Cast&)>;

/// Begins `plot` again and again; in the run with number k strikes before its k-th turn.
Coro<> sweep(int count, Plot plot) {
    for (int k = 0; k < count; ++k) {
        log("-- struck in turn " + std::to_string(k));
        count_anew();
        Cast cast;
        const Strike strike = plot(cast);
        co_await turns(k);
        strike();
        log("struck");
        co_await wait(cast.all(), WaitOptions().timeout(30s));
        for (const auto& [name, task] : cast) task.cancel("left over");
        for (const auto& [name, task] : cast) {
            co_await attempt(task);
            log_end(name, task);
        }
    }
}

/// A plot whose strike cancels some of the tasks that `begin` starts.
template <class Begin>
Plot cancelling(std::string victims, Begin begin) {
    return [victims, begin](Cast& cast) -> Strike {
        begin(cast);
        return [&cast, victims] { cast.cancel(victims); };
    };
}

std::string kind_of(const std::exception_ptr& error) {
    const std::string text = repr(error);
    return text.substr(0, text.find('('));
}

template <class T>
std::string told_text(const Outcome<T>& end) {
    if (!end.has_value()) return kind_of(end.exception());
    if constexpr (std::is_same_v<T, std::string>) {
        return end.value();
    } else {
        return text_of(end);
    }
}

/// Awaits, and says what came and when.
template <class A>
Text told(std::string name, A awaitable) {
    const auto end = co_await outcome(std::move(awaitable));
    log(name + ": " + told_text(end));
    end.value();
    co_return told_text(end);
}

} // namespace

// ---- tasks --------------------------------------------------------------------------------------

namespace {

Text none_after(Coro<> work) {
    co_await std::move(work);
    co_return "None";
}

/// Cancels `victim`; and some turns later, `then`.
template <class Then>
Strike cancelling_first(Cast& cast, std::string message, int later, Then then) {
    return [&cast, message, later, then] {
        cast['t'].cancel(message);
        cast.start("x", none_after(turns(later)));
        cast['x'].add_done_callback([&cast, then] { then(cast['t']); });
    };
}

} // namespace

SCENARIO("clean-up that awaits: cancelled in each turn, and again in each turn after that") {
    const auto inner = []() -> Coro<> {
        const auto body = []() -> Coro<> {
            co_await turns(2);
            log("inner ends");
        };
        const auto clean_up = []() -> Coro<> {
            co_await turns(2);
            log("inner cleaned up");
        };
        co_await finally_(body, clean_up);
    };
    const auto watching = [&inner]() -> Coro<> {
        const auto end = co_await outcome(inner());
        if (end.cancelled()) {
            log("outer sees it");
            co_await turns(1);
        }
        end.value();
    };
    const auto outer = [&watching]() -> Text {
        const auto tell = [] { log("outer ends, " + std::to_string(current_task().cancelling())); };
        co_await finally_(watching, tell);
        co_return "None";
    };
    const auto cancel_again = [](const Task<std::string>& task) { task.cancel("second"); };
    for (int again = 0; again < 4; ++again) {
        const Plot plot = [&, again](Cast& cast) -> Strike {
            cast.start("t", outer());
            return cancelling_first(cast, "first", again, cancel_again);
        };
        co_await sweep(6, plot);
    }
}

namespace {

template <class A>
Text chain_link(std::string name, A following, bool swallows) {
    const auto end = co_await outcome(std::move(following));
    if (end.cancelled()) {
        log(name + " cancelled, " + std::to_string(current_task().cancelling()));
        if (!swallows) end.value();
    }
    co_await turns(1);
    log(name + " ends");
    co_return "None";
}

} // namespace

SCENARIO("a chain of tasks: each link is cancelled in each turn, one swallows") {
    for (const char victim : {'a', 'b', 'c'}) {
        for (const char swallower : {'-', 'a', 'b', 'c'}) {
            log(std::string("-- ") + victim + " " + swallower);
            const Plot plot = cancelling(std::string(1, victim), [swallower](Cast& cast) {
                cast.start("c", chain_link("c", turns(3), swallower == 'c'));
                cast.start("b", chain_link("b", cast['c'], swallower == 'b'));
                cast.start("a", chain_link("a", cast['b'], swallower == 'a'));
            });
            co_await sweep(4, plot);
        }
    }
}

SCENARIO("uncancel: in each turn after a cancel (3.13)") {
    const auto body = []() -> Text {
        for (int i = 0; i < 3; ++i) {
            const auto end = co_await outcome(turns(2));
            log(std::to_string(i) +
                (end.cancelled() ? " cancelled, " + std::to_string(current_task().cancelling())
                                 : " passed"));
        }
        co_return "None";
    };
    const auto uncancel = [](const Task<std::string>& task) {
        log("uncancel: " + std::to_string(task.uncancel()));
    };
    for (int again = 0; again < 3; ++again) {
        const Plot plot = [&, again](Cast& cast) -> Strike {
            cast.start("t", body());
            return cancelling_first(cast, "", again, uncancel);
        };
        co_await sweep(4, plot);
    }
}

// ---- queues -------------------------------------------------------------------------------------

namespace {

using SharedQueue = std::shared_ptr<Queue<int>>;

Text put_all(SharedQueue queue, std::vector<int> items) {
    for (const int item : items) {
        co_await told("put " + std::to_string(item), queue->put(item));
    }
    co_return "None";
}

Text get_all(std::string name, SharedQueue queue, int count) {
    for (int i = 0; i < count; ++i) co_await told(name, queue->get());
    co_return "None";
}

Plot queue_plot(std::size_t maxsize, std::string victims) {
    return cancelling(std::move(victims), [maxsize](Cast& cast) {
        const auto queue = std::make_shared<Queue<int>>(maxsize);
        const std::vector<int> low{1, 2, 3};
        const std::vector<int> high{11, 12};
        cast.start("a", get_all("a", queue, 2), "b", get_all("b", queue, 1), //
                   "p", put_all(queue, low), "q", put_all(queue, high));
    });
}

} // namespace

SCENARIO("queue of one: a getter is cancelled in each turn") {
    co_await sweep(7, queue_plot(1, "a"));
}

SCENARIO("queue of one: a putter is cancelled in each turn") {
    co_await sweep(7, queue_plot(1, "p"));
}

SCENARIO("queue of two: each of the others is cancelled") {
    co_await sweep(5, queue_plot(2, "b"));
    co_await sweep(5, queue_plot(2, "q"));
}

SCENARIO("queue: getters are woken, overtaken and cancelled in one turn") {
    const Plot plot = [](Cast& cast) -> Strike {
        const auto queue = std::make_shared<Queue<int>>();
        for (const char* name : {"a", "b", "c"}) cast.start(name, get_all(name, queue, 1));
        return [&cast, queue] {
            queue->put_nowait(1);
            queue->put_nowait(2);
            cast.cancel("a");
            log("overtakes: " + std::to_string(queue->get_nowait()));
            queue->put_nowait(3);
            cast.cancel("b");
        };
    };
    co_await sweep(4, plot);
}

SCENARIO("queue: who joins is cancelled, beside who is done") {
    const auto work_off = [](SharedQueue queue) -> Text {
        for (int i = 0; i < 2; ++i) {
            co_await told("work", queue->get());
            co_await turns(1);
            queue->task_done();
        }
        co_return "None";
    };
    const auto join = [](std::string name, SharedQueue queue) -> Text {
        co_return co_await told(name, queue->join());
    };
    const Plot plot = cancelling("a", [&](Cast& cast) {
        const auto queue = std::make_shared<Queue<int>>();
        queue->put_nowait(1);
        queue->put_nowait(2);
        cast.start("a", join("a", queue), "b", join("b", queue), "w", work_off(queue));
    });
    co_await sweep(7, plot);
}

// ---- locks --------------------------------------------------------------------------------------

namespace {

template <class L>
Text hold(std::string name, std::shared_ptr<L> lock, int yields = 1) {
    {
        const auto guard = co_await lock->scoped();
        log(name + " has it");
        co_await turns(yields);
    }
    log(name + " has left");
    co_return "None";
}

template <class L, class... Args>
Plot holders(int yields, std::string victims, Args... args) {
    return cancelling(std::move(victims), [=](Cast& cast) {
        const auto lock = std::make_shared<L>(args...);
        for (const char* name : {"a", "b", "c", "d", "e"})
            cast.start(name, hold(name, lock, yields));
    });
}

} // namespace

SCENARIO("lock: a waiter is cancelled in each turn") { co_await sweep(7, holders<Lock>(1, "b")); }

SCENARIO("lock: the holder and the next are cancelled together") {
    co_await sweep(7, holders<Lock>(1, "ab"));
    co_await sweep(7, holders<Lock>(0, "ba"));
}

SCENARIO("semaphore of two: waiters are cancelled in each turn") {
    co_await sweep(7, holders<Semaphore>(1, "c", 2));
    co_await sweep(7, holders<Semaphore>(2, "cd", 2));
}

SCENARIO("semaphore: more permits in the turn in which the woken one is cancelled") {
    const Plot plot = [](Cast& cast) -> Strike {
        const auto semaphore = std::make_shared<Semaphore>(0);
        for (const char* name : {"a", "b", "c", "d"}) cast.start(name, hold(name, semaphore));
        return [&cast, semaphore] {
            semaphore->release();
            cast.cancel("a");
            semaphore->release();
            cast.cancel("b");
            log(text_of(semaphore->locked()));
        };
    };
    co_await sweep(4, plot);
}

SCENARIO("event: set and cleared, a waiter is cancelled in each turn") {
    const auto flash = [](std::shared_ptr<Event> event) -> Text {
        for (int i = 0; i < 3; ++i) {
            event->set();
            event->clear();
            co_await turns(1);
        }
        co_return "None";
    };
    const auto wait_twice = [](std::string name, std::shared_ptr<Event> event) -> Text {
        for (int i = 0; i < 2; ++i) {
            const auto end = co_await outcome(event->wait());
            log(name + ": " + (end.has_value() ? "True" : kind_of(end.exception())));
            end.value();
        }
        co_return "None";
    };
    const Plot plot = cancelling("a", [&](Cast& cast) {
        const auto event = std::make_shared<Event>();
        cast.start("a", wait_twice("a", event), "b", wait_twice("b", event), "f", flash(event));
    });
    co_await sweep(6, plot);
}

// ---- conditions and barriers --------------------------------------------------------------------

namespace {

using SharedCondition = std::shared_ptr<Condition>;

Text wait_notified(std::string name, SharedCondition condition) {
    const auto guard = co_await condition->scoped();
    co_await told(name, condition->wait());
    co_await turns(1);
    co_return "None";
}

Text notify(SharedCondition condition, int notified) {
    co_await turns(2);
    {
        const auto guard = co_await condition->scoped();
        condition->notify(notified);
        log("notified");
        co_await turns(1);
    }
    co_await turns(4);
    const auto guard = co_await condition->scoped();
    condition->notify_all();
    co_return "None";
}

Plot condition_plot(std::string victims, int notified) {
    return cancelling(std::move(victims), [notified](Cast& cast) {
        const auto condition = std::make_shared<Condition>();
        for (const char* name : {"a", "b", "c"}) cast.start(name, wait_notified(name, condition));
        cast.start("n", notify(condition, notified));
    });
}

} // namespace

SCENARIO("condition: one is notified, and cancelled in each turn (3.13)") {
    co_await sweep(9, condition_plot("a", 1));
}

SCENARIO("condition: two are notified, who waits and who is notified are cancelled (3.13)") {
    co_await sweep(9, condition_plot("ac", 2));
}

SCENARIO("condition: the notifier is cancelled with its lock (3.13)") {
    co_await sweep(6, condition_plot("n", 1));
}

namespace {

using SharedBarrier = std::shared_ptr<Barrier>;

Text come(std::string name, int delay, SharedBarrier barrier) {
    co_await turns(delay);
    co_return co_await told(name, barrier->wait());
}

template <class Strikes>
Plot barrier_plot(Strikes strikes) {
    return [strikes](Cast& cast) -> Strike {
        const auto barrier = std::make_shared<Barrier>(3);
        int delay = 0;
        for (const char* name : {"a", "b", "c", "d"})
            cast.start(name, come(name, delay++, barrier));
        return [&cast, barrier, strikes] {
            log(std::to_string(barrier->n_waiting()) + " " + text_of(barrier->broken()));
            strikes(barrier, cast);
        };
    };
}

} // namespace

SCENARIO("barrier: a party is cancelled in each turn") {
    const auto strike = [](const SharedBarrier&, Cast& cast) { cast.cancel("b"); };
    co_await sweep(7, barrier_plot(strike));
}

SCENARIO("barrier: reset in each turn") {
    const auto reset = [](SharedBarrier barrier) -> Text {
        co_await barrier->reset();
        co_return "None";
    };
    const auto strike = [&reset](const SharedBarrier& barrier, Cast& cast) {
        cast.start("r", reset(barrier));
    };
    co_await sweep(7, barrier_plot(strike));
}

SCENARIO("barrier: broken and reset in each turn") {
    const auto break_and_reset = [](SharedBarrier barrier) -> Text {
        co_await barrier->abort();
        log(std::to_string(barrier->n_waiting()) + " " + text_of(barrier->broken()));
        co_await turns(1);
        co_await barrier->reset();
        log(std::to_string(barrier->n_waiting()) + " " + text_of(barrier->broken()));
        co_return "None";
    };
    const auto strike = [&break_and_reset](const SharedBarrier& barrier, Cast& cast) {
        cast.start("r", break_and_reset(barrier));
    };
    co_await sweep(7, barrier_plot(strike));
}

// ---- combining ----------------------------------------------------------------------------------

namespace {

/// Some turns of work.
Text step(std::string name, int count, std::exception_ptr error = nullptr) {
    const auto end = co_await outcome(turns(count));
    if (end.cancelled()) log(name + " cancelled");
    end.value();
    log(name + " ends");
    if (error) std::rethrow_exception(error);
    co_return name;
}

template <class E>
Text step(std::string name, int count, const E& error) {
    return step(std::move(name), count, std::make_exception_ptr(error));
}

template <class T>
std::string texts(const std::vector<T>& values);
std::string text(const std::string& value) { return value; }
template <class T>
std::string text(const std::vector<T>& values) {
    return texts(values);
}
template <class T>
std::string text(const Outcome<T>& end) {
    return end.has_value() ? text(end.value()) : kind_of(end.exception());
}
template <class T>
std::string texts(const std::vector<T>& values) {
    std::string all;
    for (const T& value : values) all += (all.empty() ? "" : " ") + text(value);
    return "[" + all + "]";
}

using Texts = std::vector<Text>;

template <class... A>
Texts steps(A... coros) {
    Texts list;
    (list.push_back(std::move(coros)), ...);
    return list;
}

} // namespace

SCENARIO("gather of gathers: cancelled in each turn") {
    const auto outer = []() -> Text {
        std::vector<Future<std::vector<std::string>>> inner;
        inner.push_back(gather(steps(step("a", 1), step("b", 3))));
        inner.push_back(gather(steps(step("c", 2))));
        co_return texts(co_await gather(inner));
    };
    const Plot plot = cancelling("t", [&](Cast& cast) { cast.start("t", told("t", outer())); });
    co_await sweep(9, plot);
}

SCENARIO("gather of gathers: the inner one is cancelled in each turn") {
    using Inner = Future<std::vector<std::string>>;
    const auto outer = [](Inner inner, Task<std::string> beside) -> Text {
        const auto [first, second] = co_await gather_outcomes(inner, beside);
        co_return "[" + text(first) + " " + text(second) + "]";
    };
    const Plot plot = [&outer](Cast& cast) -> Strike {
        const Inner inner = gather(steps(step("a", 1), step("b", 2)));
        cast.start("t", told("t", outer(inner, create_task(step("c", 4)))));
        return [inner] { inner.cancel(); };
    };
    co_await sweep(8, plot);
}

SCENARIO("gather: children fail one after the other, and it is cancelled in each turn") {
    const auto children = [] {
        return steps(step("a", 1, ValueError("a")), step("b", 2, KeyError("b")), step("c", 3));
    };
    const auto first_error = [&children]() -> Text {
        co_return texts(co_await gather(children()));
    };
    const auto outcomes = [&children]() -> Text {
        co_return texts(co_await gather_outcomes(children()));
    };
    const Plot failing =
        cancelling("t", [&](Cast& cast) { cast.start("t", told("t", first_error())); });
    co_await sweep(7, failing);
    const Plot telling =
        cancelling("t", [&](Cast& cast) { cast.start("t", told("t", outcomes())); });
    co_await sweep(7, telling);
}

SCENARIO("wait: members end one after the other, who waits is cancelled in each turn") {
    const auto wait_for_members = [](std::vector<Task<std::string>> members,
                                     ReturnWhen when) -> Text {
        const auto result = co_await wait(members, when);
        std::vector<std::string> are_done;
        for (const auto& member : members) {
            const bool done = std::ranges::find(result.done, member) != result.done.end();
            are_done.push_back(text_of(done));
        }
        co_return texts(are_done);
    };
    for (const ReturnWhen when : {FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED}) {
        const Plot plot = cancelling("w", [&wait_for_members, when](Cast& cast) {
            Cast members;
            members.start("a", step("a", 1), "b", step("b", 2, ValueError("b")), "c", step("c", 3));
            cast.start("w", told("w", wait_for_members(members.all(), when)));
            cast.add(members);
        });
        co_await sweep(7, plot);
    }
}

SCENARIO("as_completed: members end in pairs, who waits is cancelled in each turn") {
    const auto collect = [](std::vector<Task<std::string>> members) -> Text {
        std::vector<std::string> ends;
        auto completed = as_completed(std::move(members));
        for (auto&& following : completed) {
            ends.push_back(co_await told("next", std::move(following)));
        }
        co_return texts(ends);
    };
    const Plot plot = cancelling("t", [&collect](Cast& cast) {
        Cast members;
        members.start("a", step("a", 2), "b", step("b", 1), "c", step("c", 2), "d", step("d", 1));
        cast.start("t", told("t", collect(members.all())));
        cast.add(members);
    });
    co_await sweep(7, plot);
}

SCENARIO("shield of a shield: the outer one is cancelled in each turn, the work goes on") {
    const auto outer = [](Task<std::string> work) -> Text {
        co_return co_await shield(shield(work));
    };
    const Plot plot = cancelling("o", [&outer](Cast& cast) {
        cast.start("w", step("w", 3));
        cast.start("o", told("o", outer(cast['w'])));
    });
    co_await sweep(8, plot);
}

SCENARIO("shield: the work is cancelled in each turn, beside who waits for it") {
    const Plot plot = cancelling("wa", [](Cast& cast) {
        cast.start("w", step("w", 3));
        for (const char* name : {"a", "b"}) cast.start(name, told(name, shield(cast['w'])));
    });
    co_await sweep(7, plot);
}

// ---- scopes -------------------------------------------------------------------------------------

namespace {

template <class A>
Text limited(std::string name, Duration limit, A body) {
    Timeout scope = timeout(limit);
    const auto end = co_await outcome(scope.with(std::move(body)));
    if (!end.has_value()) {
        log(name + ": " + kind_of(end.exception()) + ", expired: " + text_of(scope.expired()) +
            ", cancelling: " + std::to_string(current_task().cancelling()));
    }
    co_return end.value();
}

/// Swallows so many cancels.
Text stubborn(int count) {
    for (int i = 0; i < count; ++i) {
        const auto end = co_await outcome(sleep(5s));
        if (end.cancelled()) log("swallowed " + std::to_string(i));
    }
    co_await sleep(5s);
    co_return "body";
}

Text nap(Duration delay) {
    co_await sleep(delay);
    co_return "None";
}

} // namespace

SCENARIO("timeouts: three that expire together or one by one, over a body that swallows") {
    using Limits = std::array<int, 3>;
    constexpr std::array<Limits, 6> all{Limits{1, 1, 1}, Limits{2, 1, 1}, Limits{1, 1, 2},
                                        Limits{1, 2, 1}, Limits{3, 2, 1}, Limits{1, 2, 3}};
    for (const Limits& limits : all) {
        for (int count = 0; count < 3; ++count) {
            log("-- (" + std::to_string(limits[0]) + ", " + std::to_string(limits[1]) + ", " +
                std::to_string(limits[2]) + ") " + std::to_string(count));
            Text body = stubborn(count);
            for (std::size_t i = 0; i < limits.size(); ++i) {
                body = limited(std::string(1, "abc"[i]), std::chrono::seconds(limits[i]),
                               std::move(body));
            }
            log(co_await attempt(std::move(body)));
        }
    }
}

SCENARIO("timeouts: a cancel from outside at the deadline, registered in each turn") {
    const auto body = []() -> Text {
        co_await turns(2);
        co_await limited("a", 1s, limited("b", 1s, nap(2s)));
        co_return "None";
    };
    const Plot plot = [&body](Cast& cast) -> Strike {
        cast.start("t", body());
        return [&cast] { loop().call_later(1s, [&cast] { cast.cancel("t"); }); };
    };
    co_await sweep(5, plot);
}

namespace {

Text fail_at(std::string name, Duration when, std::exception_ptr error) {
    const auto end = co_await outcome(sleep(when));
    if (end.cancelled()) log(name + " cancelled");
    end.value();
    log(name + " fails");
    std::rethrow_exception(error);
}

} // namespace

SCENARIO("a group in a timeout in wait_for: all fail at one instant (3.13)") {
    using Two = std::array<int, 2>;
    const auto group_of_two = [](int first, int second) -> Text {
        const auto body = [first, second](TaskGroup& group) -> Coro<> {
            group.create_task(fail_at("a", std::chrono::seconds(first),
                                      std::make_exception_ptr(ValueError("a"))));
            group.create_task(
                fail_at("b", std::chrono::seconds(second), std::make_exception_ptr(KeyError("b"))));
            co_await sleep(5s);
        };
        co_await task_group(body);
        co_return "None";
    };
    const auto text_of_two = [](const Two& two) {
        return "(" + std::to_string(two[0]) + ", " + std::to_string(two[1]) + ")";
    };
    for (const Two& limits : {Two{1, 1}, Two{1, 2}, Two{2, 1}, Two{2, 2}}) {
        for (const Two& moments : {Two{1, 1}, Two{1, 2}, Two{2, 1}}) {
            log("-- " + text_of_two(limits) + " " + text_of_two(moments));
            Text body = limited("timeout", std::chrono::seconds(limits[0]),
                                group_of_two(moments[0], moments[1]));
            auto waits = wait_for(std::move(body), std::chrono::seconds(limits[1]));
            log(co_await attempt(std::move(waits)));
            log(std::to_string(current_task().cancelling()));
        }
    }
}

SCENARIO("groups in a group: the parent is cancelled in each turn (3.13)") {
    const auto inner = [](std::string name, std::exception_ptr error) -> Text {
        const auto body = [&](TaskGroup& group) -> Coro<> {
            group.create_task(step(name + "1", 2, error));
            group.create_task(step(name + "2", 4));
            co_return;
        };
        co_await task_group(body);
        co_return "None";
    };
    const auto outer = [&inner]() -> Text {
        const auto body = [&](TaskGroup& group) -> Coro<> {
            group.create_task(inner("a", nullptr));
            group.create_task(inner("b", std::make_exception_ptr(ValueError("b"))));
            co_await turns(1);
        };
        co_await task_group(body);
        co_return "None";
    };
    const Plot plot = cancelling("t", [&](Cast& cast) { cast.start("t", told("t", outer())); });
    co_await sweep(11, plot);
}

SCENARIO("a group: children come while others fail (3.13)") {
    const auto add = [](TaskGroup& group) -> Coro<> {
        for (int i = 0; i < 4; ++i) {
            try {
                group.create_task(step("child " + std::to_string(i), 3));
            } catch (const RuntimeError&) {
                log("no more");
                co_return;
            }
            co_await turns(1);
        }
    };
    const auto failing = [](Future<> failed) -> Coro<> { co_await failed; };
    const auto outer = [&](Future<> failed) -> Text {
        const auto body = [&](TaskGroup& group) -> Coro<> {
            group.create_task(add(group));
            group.create_task(failing(failed));
            co_return;
        };
        co_await task_group(body);
        co_return "None";
    };
    const Plot plot = [&](Cast& cast) -> Strike {
        const Future<> failed;
        cast.start("t", told("t", outer(failed)));
        return [failed] { failed.set_exception(ValueError("failed")); };
    };
    co_await sweep(8, plot);
}

int main() { return run_all(); }
